"""Data we look things up in: sensors, own assets, warninglists, public suffixes, geography, incident classes.

Comes in: CSV and MISP files of the operator, and the data packaged with this version.
Goes out: answers about single values, and Arrow tables for joins over many.
Never here: a download; a decision about what an answer means.

>>> from seawall.model import Observable, ObservableType
>>> from seawall.reference import OwnAssets, registered_domain
>>> OwnAssets().is_own(Observable(ObservableType.IPV4, "192.168.7.7"))
True
>>> registered_domain("www.mof.gov.tw")
'mof.gov.tw'
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.reference.assets import Asset, OwnAssets
    from seawall.reference.geography import ATTRIBUTION, Geography
    from seawall.reference.half_lives import HalfLife, half_life_of, half_lives
    from seawall.reference.law_grounds import LegalBasis, legal_bases
    from seawall.reference.law_kinds import SharingKind, sharing_kinds
    from seawall.reference.organisations import Names
    from seawall.reference.rsit import Rsit, RsitType, rsit
    from seawall.reference.sensors import SensorPlace, SensorTable
    from seawall.reference.suffixes import is_public_suffix, registered_domain
    from seawall.reference.warninglist_file import Warninglist
    from seawall.reference.warninglists import Warninglists
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "assets": ("Asset", "OwnAssets"),
            "geography": ("ATTRIBUTION", "Geography"),
            "half_lives": ("HalfLife", "half_life_of", "half_lives"),
            "law_grounds": ("LegalBasis", "legal_bases"),
            "law_kinds": ("SharingKind", "sharing_kinds"),
            "organisations": ("Names",),
            "rsit": ("Rsit", "RsitType", "rsit"),
            "sensors": ("SensorPlace", "SensorTable"),
            "suffixes": ("is_public_suffix", "registered_domain"),
            "warninglist_file": ("Warninglist",),
            "warninglists": ("Warninglists",),
        },
    )

__all__ = [
    "ATTRIBUTION",
    "Asset",
    "Geography",
    "HalfLife",
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
    "half_life_of",
    "half_lives",
    "is_public_suffix",
    "legal_bases",
    "registered_domain",
    "rsit",
    "sharing_kinds",
]
