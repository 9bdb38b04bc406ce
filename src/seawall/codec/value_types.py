"""The words that tables, feeds and MISP use for the types of values, and the types we know them as."""

from __future__ import annotations

from seawall.model import ObservableType

T = ObservableType

_WORDS: dict[ObservableType, str] = {
    T.IPV4: "ipv4 ip4 ipv4-addr ipv4addr",
    T.IPV6: "ipv6 ip6 ipv6-addr ipv6addr",
    T.CIDR: "cidr network net ip-range iprange netblock subnet",
    T.DOMAIN: "domain hostname host fqdn domain-name domainname dns",
    T.URL: "url uri link",
    T.EMAIL: "email e-mail mail email-addr email-src email-sender emailaddress email-address sender",
    T.MD5: "md5 filehash-md5 hash-md5 file-md5",
    T.SHA1: "sha1 sha-1 filehash-sha1 hash-sha1 file-sha1",
    T.SHA256: "sha256 sha-256 filehash-sha256 hash-sha256 file-sha256",
    T.CERTIFICATE: "certificate cert x509 x509-fingerprint-sha1 x509-fingerprint-sha256 x509-fingerprint-md5 "
    "ssl-cert-fingerprint tls-fingerprint",
    T.JA3: "ja3 ja3-fingerprint-md5",
    T.JA4: "ja4",
    T.HASSH: "hassh hassh-md5 hasshserver-md5",
    T.AS: "as asn autonomous-system",
    T.CVE: "cve vulnerability",
    T.FILE_NAME: "file_name file-name filename",
    T.WALLET: "wallet btc eth xmr bitcoin-address crypto-address cryptocurrency",
}
TYPE_WORDS: dict[str, ObservableType] = {word: kind for kind, words in _WORDS.items() for word in words.split()}

# Words that say less than we want to know: the value itself tells.
_VAGUE = (
    "ip ipaddress ip-address ip-addr ipaddr ip-dst ip-src address "
    "hash filehash file ioc indicator observable other unknown"
)
VAGUE_WORDS = frozenset(_VAGUE.split())


def word_key(text: str) -> str:
    """How a type or column is spelled is of no importance: ``Domain Name``, ``domain_name`` and ``domain-name``."""
    return text.strip().strip("\"'").lower().replace("_", "-").replace(" ", "-")


def type_of_word(text: str) -> ObservableType | None:
    """The type that a word stands for; None for vague and unknown words."""
    key = word_key(text)
    return TYPE_WORDS.get(key) or TYPE_WORDS.get(key.replace("-", ""))
