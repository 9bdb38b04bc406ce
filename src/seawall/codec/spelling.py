"""The canonical spelling of a value, one rule per type. ``codec.values`` says what each spelling is and why."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

import idna

from seawall.codec.wallets import canonical_wallet
from seawall.model import ObservableType

MAX_VALUE_LENGTH = 8192  # characters; longest URL that proxies and Suricata's own buffers commonly carry

_Pair = tuple[ObservableType, str]

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}", re.ASCII)
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<authority>[^/?#\\]*)(?P<rest>[^#]*)(?:#.*)?", re.S)
_PORT = re.compile(r":(\d{0,5})$")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\x80-\xa0\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEX = {length: re.compile(rf"[0-9a-f]{{{length}}}") for length in (32, 40, 64)}
_JA4 = re.compile(r"[tqd](?:\d\d|s[23]|d[123])[di]\d{4}[a-z0-9]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")
_LOCAL_PART = re.compile(r"[^\s@<>\"(),:;\[\]\x00-\x1f\x7f]{1,64}")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
_MAX_AS = 4_294_967_295  # RFC 6793: four octets


def canonical_pair(type: ObservableType, text: str) -> tuple[ObservableType, str]:
    """The pair (type, value) in canonical spelling. Raises ValueError with the bare reason."""
    if len(text) > MAX_VALUE_LENGTH:
        raise ValueError("it is longer than any real value")
    return _RULES[type](text)


# ------------------------------------------------------------------------------------------------ one rule per type


def _address_any(text: str) -> _Pair:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("it cannot be read as an IPv4 or IPv6 address") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise ValueError("an address with a zone has no meaning outside its host")
        if address.ipv4_mapped is not None:
            return ObservableType.IPV4, str(address.ipv4_mapped)
        return ObservableType.IPV6, str(address)
    return ObservableType.IPV4, str(address)


def _ipv4(text: str) -> _Pair:
    if _IPV4.fullmatch(text):
        return ObservableType.IPV4, text
    found = _cidr(text) if "/" in text else _address_any(text)
    if ":" in found[1]:
        raise ValueError("it is an IPv6 address")
    return found


def _ipv6(text: str) -> _Pair:
    found = _cidr(text) if "/" in text else _address_any(text)
    if ":" not in text:
        raise ValueError("it is an IPv4 address")
    return found


def _cidr(text: str) -> _Pair:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("it cannot be read as a network in CIDR notation") from None
    if isinstance(network, ipaddress.IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            network = ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    if network.prefixlen == network.max_prefixlen:
        return _address_any(str(network.network_address))
    return ObservableType.CIDR, str(network)


def a_labels(name: str) -> str:
    """A lower-case name with A-labels for its international ones: by UTS 46 (non-transitional) as browsers do, and what
    IDNA 2008 leaves out, such as symbols, by IDNA 2003, under which it was registered. Raises ValueError.
    """
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        try:
            return name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise ValueError("its international characters cannot be written as A-labels") from None


def _host_name(text: str) -> str:
    name = a_labels(text.lower()).removesuffix(".")
    if not _DOMAIN.fullmatch(name):
        raise ValueError("it is not a domain name")
    if name.rpartition(".")[2].isdigit():
        raise ValueError("its last label is a number")
    return name


def _domain(text: str) -> _Pair:
    return ObservableType.DOMAIN, _host_name(text.removeprefix("*.").removeprefix("."))


def _url(text: str) -> _Pair:
    if _FORBIDDEN.search(text):
        raise ValueError("it contains white space or control characters")
    if "://" not in text[:40]:
        text = f"http://{text}"
    parts = _URL.fullmatch(text)
    if parts is None:
        raise ValueError("it has no scheme and host")
    scheme = parts["scheme"].lower()
    user, at, host = parts["authority"].rpartition("@")
    port = ""
    if (found := _PORT.search(host)) is not None:
        host, port = host[: found.start()], found[1]
        port = str(int(port)) if port else ""
        if port and int(port) > 65535:
            raise ValueError("its port is greater than 65535")
    host = _bracketed(host[1:-1]) if host.startswith("[") and host.endswith("]") else _url_host(host)
    suffix = "" if port in ("", _DEFAULT_PORTS.get(scheme)) else f":{port}"
    rest = parts["rest"]
    if not rest.startswith("/"):
        rest = f"/{rest}"
    return ObservableType.URL, f"{scheme}://{user}{at}{host}{suffix}{rest}"


def _bracketed(host: str) -> str:
    kind, address = _address_any(host)
    return address if kind is ObservableType.IPV4 else f"[{address}]"  # an IPv4-mapped address is written as IPv4


def _url_host(host: str) -> str:
    return host if _IPV4.fullmatch(host) else _host_name(host)


def _email(text: str) -> _Pair:
    local, at, host = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        raise ValueError("it is not an e-mail address")
    return ObservableType.EMAIL, f"{local.lower()}@{_host_name(host)}"


def _hex(kind: ObservableType, length: int) -> Callable[[str], _Pair]:
    shape = _HEX[length]

    def rule(text: str) -> _Pair:
        lower = text.lower()
        if not shape.fullmatch(lower):
            raise ValueError(f"it is not {length} hexadecimal digits")
        return kind, lower

    return rule


def _certificate(text: str) -> _Pair:
    lower = text.lower().replace(":", "").replace(" ", "")
    if not (_HEX[40].fullmatch(lower) or _HEX[64].fullmatch(lower) or _HEX[32].fullmatch(lower)):
        raise ValueError("it is not a SHA-1 or SHA-256 fingerprint")
    return ObservableType.CERTIFICATE, lower


def _ja4(text: str) -> _Pair:
    lower = text.lower()
    if not _JA4.fullmatch(lower):
        raise ValueError("it is not a JA4 fingerprint")
    return ObservableType.JA4, lower


def _as(text: str) -> _Pair:
    digits = text.upper().removeprefix("ASN").removeprefix("AS").strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10 or int(digits) > _MAX_AS:
        raise ValueError("it is not an autonomous system number")
    return ObservableType.AS, str(int(digits))


def _cve(text: str) -> _Pair:
    upper = text.upper()
    if not _CVE.fullmatch(upper):
        raise ValueError("it does not look like CVE-2024-12345")
    return ObservableType.CVE, upper


def _file_name(text: str) -> _Pair:
    if not text.strip() or _CONTROL.search(text):
        raise ValueError("it is empty or contains control characters")
    return ObservableType.FILE_NAME, text


def _wallet(text: str) -> _Pair:
    if (wallet := canonical_wallet(text)) is None:
        raise ValueError("it does not look like a digital-currency address")
    return ObservableType.WALLET, wallet


def _pattern(text: str) -> _Pair:
    from seawall.codec.pattern.grammar import parse  # it is read through this module

    parse(text)  # raises PatternError, a ValueError
    return ObservableType.PATTERN, text.strip()


_RULES: dict[ObservableType, Callable[[str], _Pair]] = {
    ObservableType.IPV4: _ipv4,
    ObservableType.IPV6: _ipv6,
    ObservableType.CIDR: _cidr,
    ObservableType.DOMAIN: _domain,
    ObservableType.URL: _url,
    ObservableType.EMAIL: _email,
    ObservableType.MD5: _hex(ObservableType.MD5, 32),
    ObservableType.SHA1: _hex(ObservableType.SHA1, 40),
    ObservableType.SHA256: _hex(ObservableType.SHA256, 64),
    ObservableType.CERTIFICATE: _certificate,
    ObservableType.JA3: _hex(ObservableType.JA3, 32),
    ObservableType.JA4: _ja4,
    ObservableType.HASSH: _hex(ObservableType.HASSH, 32),
    ObservableType.AS: _as,
    ObservableType.CVE: _cve,
    ObservableType.FILE_NAME: _file_name,
    ObservableType.WALLET: _wallet,
    ObservableType.PATTERN: _pattern,
}
