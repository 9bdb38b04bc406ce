"""Telling the type of a value that somebody typed, pasted or published, defanged or not."""

from __future__ import annotations

import re
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from seawall.codec.refang import refang
from seawall.codec.spelling import MAX_VALUE_LENGTH, canonical_pair
from seawall.codec.wallets import looks_like_wallet
from seawall.model import Observable, ObservableType

_QUOTES = "\"'`<>,;\u201c\u201d\u2018\u2019\u300c\u300d"
_HASH = {32: ObservableType.MD5, 40: ObservableType.SHA1, 64: ObservableType.SHA256}
_HEX = re.compile(r"[0-9a-fA-F]+")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+(?:/\d{1,3})?")
_IPV4_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
_AS = re.compile(r"ASN?\s?\d{1,10}", re.IGNORECASE)
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.IGNORECASE)
_JA4 = re.compile(r"[tqd][0-9sd]{2}[di]\d{4}[a-z0-9]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)
_DOMAIN_PORT = re.compile(r"([^\s:/@]+):\d{1,5}")
_FILE_NAME = re.compile(r"[^\\/:*?\"<>|\x00-\x1f]{1,200}\.([A-Za-z0-9]{1,10})")

# Endings that are file types far more often than registered names (Paraguay, Saint Helena, Somalia ... lose here).
FILE_LIKE_TLDS = frozenset({"py", "sh", "zip", "mov", "md", "so", "ps"})
_ENDINGS = (
    "7z apk asp aspx bat bin bmp cab chm class cmd cpl dat db dll dmg doc docm docx dotm elf exe gif gz hta htm html "
    "ico img inf ini iso jar jpeg jpg js jse jsp json lnk log mp4 msc msi msp ocx odt pdf php pif pkg pl png ppt pptm "
    "pptx ps1 psm1 rar reg rtf scr sct sys tar tgz tmp txt url vbe vbs vhd war wsf xls xlsb xlsm xlsx xml xsl"
)
FILE_ENDINGS = FILE_LIKE_TLDS | frozenset(_ENDINGS.split())
EXTRA_TLDS = frozenset({"onion", "i2p", "bit", "eth"})  # names outside the root zone that attackers use


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


@lru_cache(maxsize=4096)
def known_tld(label: str) -> bool:
    """True when names really end in ``label``: the root zone's, or one that attackers use outside it."""
    return label in EXTRA_TLDS or _suffixes().publicsuffix(f"a.{label}") is not None


def detect(text: str) -> Observable | None:
    """Refang one cell or word and tell its type; None when it is no value.

    32 hexadecimal digits are taken for an MD5, ``address:port`` for the address, ``host/path`` for a URL.
    """
    stripped = text.strip().strip(_QUOTES).strip()
    whole = refang(stripped)
    if not whole or len(whole) > MAX_VALUE_LENGTH or "\n" in whole:
        return None
    try:
        return _by_shape(whole, was_defanged=whole != stripped)
    except ValueError:
        return None


def _by_shape(text: str, *, was_defanged: bool) -> Observable | None:
    if len(text) in _HASH and _HEX.fullmatch(text):
        return Observable(_HASH[len(text)], text.lower())
    if _ADDRESS.fullmatch(text) and ("." in text or ":" in text):
        return _address(text)
    for shape, kind in ((_CVE, ObservableType.CVE), (_AS, ObservableType.AS), (_JA4, ObservableType.JA4)):
        if shape.fullmatch(text):
            return _make(kind, text)
    if _URL.fullmatch(text):
        return _make(ObservableType.URL, text)
    if looks_like_wallet(text):
        return _make(ObservableType.WALLET, text)
    if "/" in text:
        return _url_without_scheme(text)
    if "@" in text:
        return _make(ObservableType.EMAIL, text)
    return _name(text, was_defanged=was_defanged)


def _make(kind: ObservableType, text: str) -> Observable:
    return Observable(*canonical_pair(kind, text))


def _address(text: str) -> Observable | None:
    if (with_port := _IPV4_PORT.fullmatch(text)) is not None:
        text = with_port[1]
    kind = ObservableType.CIDR if "/" in text else ObservableType.IPV6 if ":" in text else ObservableType.IPV4
    return _make(kind, text)


def _url_without_scheme(text: str) -> Observable | None:
    host = text.partition("/")[0].partition(":")[0]
    if " " in text or "." not in host:
        return None
    tld = host.rpartition(".")[2].lower()
    return _make(ObservableType.URL, text) if tld.isdigit() or known_tld(tld) else None


def _name(text: str, *, was_defanged: bool) -> Observable | None:
    """A domain, or else a file name. What was defanged is never a file name."""
    if (with_port := _DOMAIN_PORT.fullmatch(text)) is not None:
        text = with_port[1]
    tld = text.rstrip(".").rpartition(".")[2].lower()
    labels = text.count(".")
    if labels and " " not in text and known_tld(tld) and (was_defanged or labels > 1 or tld not in FILE_LIKE_TLDS):
        return _make(ObservableType.DOMAIN, text)
    ending = _FILE_NAME.fullmatch(text)
    if ending is not None and ending[1].lower() in FILE_ENDINGS:
        return _make(ObservableType.FILE_NAME, text)
    return None
