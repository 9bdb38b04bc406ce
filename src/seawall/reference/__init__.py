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

from seawall.reference.assets import Asset, OwnAssets
from seawall.reference.geography import ATTRIBUTION, Geography
from seawall.reference.legal_bases import LegalBasis, legal_bases
from seawall.reference.organisations import Names
from seawall.reference.rsit import Rsit, RsitType, rsit
from seawall.reference.sensors import SensorPlace, SensorTable
from seawall.reference.sharing_kinds import SharingKind, sharing_kinds
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
