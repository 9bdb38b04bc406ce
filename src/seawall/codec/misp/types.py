"""MISP attribute types (MISP core format and describeTypes of MISP 2.5) and what we make of them."""

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
    "onion-address": ((T.DOMAIN,),),
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

# Type of a value of ours -> MISP's word for it. Certificates go by the length of their fingerprint; JA4 and wallets of
# other currencies have no type of their own.
OBSERVABLE_WORDS: dict[ObservableType, str] = {
    T.IPV4: "ip-dst",
    T.IPV6: "ip-dst",
    T.CIDR: "ip-dst",
    T.DOMAIN: "domain",
    T.URL: "url",
    T.EMAIL: "email",
    T.MD5: "md5",
    T.SHA1: "sha1",
    T.SHA256: "sha256",
    T.JA3: "ja3-fingerprint-md5",
    T.JA4: "other",
    T.HASSH: "hassh-md5",
    T.AS: "AS",
    T.CVE: "vulnerability",
    T.FILE_NAME: "filename",
    T.WALLET: "btc",
    T.PATTERN: "stix2-pattern",
}
CERTIFICATE_WORDS = {32: "x509-fingerprint-md5", 40: "x509-fingerprint-sha1", 64: "x509-fingerprint-sha256"}

# MISP's name of a hash -> STIX's (hash-algorithm-ov, 10.6; the others are spelled as their tools do).
HASHES = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha224": "SHA224",
    "sha256": "SHA-256",
    "sha384": "SHA384",
    "sha512": "SHA-512",
    "sha512/224": "SHA512224",
    "sha512/256": "SHA512256",
    "sha3-224": "SHA3224",
    "sha3-256": "SHA3-256",
    "sha3-384": "SHA3384",
    "sha3-512": "SHA3-512",
    "ssdeep": "SSDEEP",
    "tlsh": "TLSH",
    "authentihash": "AUTHENTIHASH",
    "imphash": "IMPHASH",
    "impfuzzy": "IMPFUZZY",
    "pehash": "PEHASH",
    "vhash": "VHASH",
    "telfhash": "TELFHASH",
    "cdhash": "CDHASH",
}
RULES = {
    "yara": "yara",
    "sigma": "sigma",
    "snort": "snort",
    "suricata": "suricata",
    "zeek": "zeek",
    "bro": "zeek",
    "pcre": "pcre",
}
"""Types that are whole rules -> ``pattern_type`` (pattern-type-ov, 10.17)."""

_HASH_NAMES = [
    f"{head}{name}"
    for head in ("", "filename|")
    for name in HASHES
    if f"{head}{name}" not in ("filename|cdhash", "filename|telfhash")
]
_SPACED = {
    "http_method": "http-method",
    "named_pipe": "named pipe",
}
# (default category, whether to_ids is on by default): types
_WORDS: dict[tuple[str, bool], str] = {
    ("Payload delivery", True): " ".join(_HASH_NAMES) + " filename email-src email-attachment malware-sample "
    "mobile-application-id azure-application-id chrome-extension-id edge-extension-id",
    ("Artifacts dropped", False): "pdb gene kusto-query mime-type named_pipe process-state windows-scheduled-task "
    "windows-service-name windows-service-displayname",
    ("Network activity", True): "ip-src ip-dst hostname domain domain|ip eppn email-dst url ja3-fingerprint-md5 "
    "jarm-fingerprint favicon-mmh3 hassh-md5 hasshserver-md5 snort suricata bro zeek community-id dom-hash "
    "pattern-in-traffic uri x509-fingerprint-sha1 x509-fingerprint-md5 x509-fingerprint-sha256 ip-dst|port "
    "ip-src|port hostname|port onion-address",
    ("Social network", True): "email",
    ("Payload delivery", False): "email-subject email-body malware-type email-dst-display-name "
    "email-src-display-name email-header email-reply-to email-x-mailer email-mime-boundary email-thread-index "
    "email-message-id",
    ("Other", False): "float comment text hex other size-in-bytes counter integer datetime boolean uuid anonymised",
    ("Internal reference", False): "git-commit-id",
    ("Network activity", False): "http-method user-agent AS ssh-fingerprint cookie port mac-address mac-eui-64 dkim "
    "dkim-signature",
    ("Persistence mechanism", True): "regkey regkey|value",
    ("Payload installation", True): "pattern-in-file pattern-in-memory filename-pattern yara stix2-pattern sigma",
    ("Person", False): "pgp-public-key pgp-private-key identity-card-number phone-number first-name middle-name "
    "last-name full-name date-of-birth place-of-birth gender passport-number passport-country passport-expiration "
    "redress-number nationality visa-number issue-date-of-the-visa primary-residence country-of-residence "
    "special-service-request frequent-flyer-number travel-details payment-details "
    "place-port-of-original-embarkation place-port-of-clearance place-port-of-onward-foreign-destination "
    "passenger-name-record-locator-number",
    ("External analysis", False): "vulnerability cpe weakness attachment link cortex",
    ("Artifacts dropped", True): "mutex",
    ("Targeting data", False): "target-user target-email target-machine target-org target-location target-external",
    ("Financial fraud", True): "btc dash xmr iban bic bank-account-nr aba-rtn bin cc-number prtn",
    ("Attribution", False): "threat-actor campaign-name campaign-id whois-registrant-email whois-registrant-phone "
    "whois-registrant-name whois-registrant-org whois-registrar whois-creation-date dns-soa-email",
    ("Social network", False): "github-username github-repository github-organisation jabber-id twitter-id",
}
KNOWN_TYPES: dict[str, tuple[str, bool]] = {
    _SPACED.get(word, word): default for default, words in _WORDS.items() for word in words.split()
}
"""Every attribute type of MISP 2.5: its default category and whether it is for detection by default."""
CATEGORIES = frozenset(category for category, _ in KNOWN_TYPES.values()) | {
    "Antivirus detection",
    "Payload type",
    "Support Tool",
}

# MISP admiralty-scale v5 names the letters' and figures' numbers; STIX 2.1 appendix A names its own for the same words.
CREDIBILITY = {"1": 90, "2": 70, "3": 50, "4": 30, "5": 10}
