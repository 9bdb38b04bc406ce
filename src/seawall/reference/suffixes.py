"""Public suffixes: which part of a name somebody registered. The list is the one packaged with publicsuffixlist."""

from __future__ import annotations

import ipaddress
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

REMEMBERED_NAMES = 65_536  # look-ups kept: popular names repeat


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)


@lru_cache(REMEMBERED_NAMES)
def registered_domain(name: str) -> str | None:
    """The registrable part of a canonical name (``www.mof.gov.tw`` gives ``mof.gov.tw``).

    None for a public suffix, an address, or what is no name. An unknown top-level domain counts as a suffix.
    """
    if not _is_name(name):
        return None
    found: str | None = _suffixes().privatesuffix(name)
    return found


@lru_cache(REMEMBERED_NAMES)
def is_public_suffix(name: str) -> bool:
    """True when strangers register names directly below (``com.tw``, ``co.kr``, ``github.io``), or it is the root."""
    if name in ("", "."):
        return True
    return _is_name(name) and _suffixes().publicsuffix(name) == name


def _is_name(name: str) -> bool:
    if not name or name.startswith(".") or name.endswith(".") or ".." in name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False
