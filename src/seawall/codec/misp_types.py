"""MISP attribute types (MISP core format, 2.4.1) and what we make of them."""

from __future__ import annotations

from seawall.model import ObservableType

T = ObservableType

# "|" types hold two values; None marks the part that is no indicator by itself (a port, the file name beside a hash).
_ADDRESS = (T.IPV4, T.IPV6, T.CIDR)
Part = tuple[ObservableType, ...] | None
ATTRIBUTE_TYPES: dict[str, tuple[Part, ...]] = {
    "ip-src": (_ADDRESS,),
    "ip-dst": (_ADDRESS,),
    "ip-src|port": (_ADDRESS, None),
    "ip-dst|port": (_ADDRESS, None),
    "domain": ((T.DOMAIN,),),
    "hostname": ((T.DOMAIN,),),
    "hostname|port": ((T.DOMAIN,), None),
    "domain|ip": ((T.DOMAIN,), _ADDRESS),
    "url": ((T.URL,),),
    "uri": ((T.URL,),),
    "email": ((T.EMAIL,),),
    "email-src": ((T.EMAIL,),),
    "email-reply-to": ((T.EMAIL,),),
    "md5": ((T.MD5,),),
    "sha1": ((T.SHA1,),),
    "sha256": ((T.SHA256,),),
    "filename": ((T.FILE_NAME,),),
    "filename|md5": (None, (T.MD5,)),
    "filename|sha1": (None, (T.SHA1,)),
    "filename|sha256": (None, (T.SHA256,)),
    "malware-sample": (None, (T.MD5,)),
    "x509-fingerprint-md5": ((T.CERTIFICATE,),),
    "x509-fingerprint-sha1": ((T.CERTIFICATE,),),
    "x509-fingerprint-sha256": ((T.CERTIFICATE,),),
    "ja3-fingerprint-md5": ((T.JA3,),),
    "hassh-md5": ((T.HASSH,),),
    "hasshserver-md5": ((T.HASSH,),),
    "AS": ((T.AS,),),
    "vulnerability": ((T.CVE,),),
    "btc": ((T.WALLET,),),
    "xmr": ((T.WALLET,),),
    "dash": ((T.WALLET,),),
}

# MISP admiralty-scale v5 names the letters' and figures' numbers; STIX 2.1 appendix A names its own for the same words.
CREDIBILITY = {"1": 90, "2": 70, "3": 50, "4": 30, "5": 10}
