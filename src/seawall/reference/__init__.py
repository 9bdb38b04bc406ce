"""Data we look things up in: sensors, own assets, warninglists, public suffixes, geography, incident classes.

Comes in: CSV and MISP files of the operator, and the data packaged with this version.
Goes out: answers about single values, and Arrow tables for joins over many.
Never here: a download; a decision about what an answer means.

>>> from seawall.model import Observable, ObservableType
>>> OwnAssets().is_own(Observable(ObservableType.IPV4, "192.168.7.7"))
True
>>> registered_domain("www.mof.gov.tw")
'mof.gov.tw'
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.reference.assets import Asset, OwnAssets
    from seawall.reference.geography import ATTRIBUTION, Geography
    from seawall.reference.law_grounds import LegalBasis, legal_bases
    from seawall.reference.law_kinds import SharingKind, sharing_kinds
    from seawall.reference.organisations import Names
    from seawall.reference.rsit import Rsit, RsitType, rsit
    from seawall.reference.sensors import SensorPlace, SensorTable
    from seawall.reference.suffixes import is_public_suffix, registered_domain
    from seawall.reference.warninglist_file import Warninglist
    from seawall.reference.warninglists import Warninglists

__all__ = [
    "ATTRIBUTION",
    "Asset",
    "Geography",
    "LegalBasis",
    "Names",
    "OwnAssets",
    "Rsit",
    "RsitType",
    "SensorPlace",
    "SensorTable",
    "SharingKind",
    "Warninglist",
    "Warninglists",
    "is_public_suffix",
    "legal_bases",
    "registered_domain",
    "rsit",
    "sharing_kinds",
]

_PLACES = {
    "ATTRIBUTION": "geography",
    "Asset": "assets",
    "Geography": "geography",
    "LegalBasis": "law_grounds",
    "Names": "organisations",
    "OwnAssets": "assets",
    "Rsit": "rsit",
    "RsitType": "rsit",
    "SensorPlace": "sensors",
    "SensorTable": "sensors",
    "SharingKind": "law_kinds",
    "Warninglist": "warninglist_file",
    "Warninglists": "warninglists",
    "is_public_suffix": "suffixes",
    "legal_bases": "law_grounds",
    "registered_domain": "suffixes",
    "rsit": "rsit",
    "sharing_kinds": "law_kinds",
}
"""Name -> module of this room."""


def __getattr__(name: str) -> object:
    """Each on first use: a command that looks up a word of a table does without Arrow and the large lists."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    # all of the module's names: one of them may be called like the module itself, which stands there now
    globals().update({other: getattr(module, other) for other, place in _PLACES.items() if place == _PLACES[name]})
    found: object = globals()[name]
    return found
