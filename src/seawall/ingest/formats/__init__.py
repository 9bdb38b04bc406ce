"""The log formats, one per file, tried in this order when ``--format auto`` looks at the beginning of a file."""

from __future__ import annotations

from seawall.ingest.formats.cef import Cef
from seawall.ingest.formats.cowrie import Cowrie
from seawall.ingest.formats.email_message import EmailFile
from seawall.ingest.formats.idea0 import Idea0
from seawall.ingest.formats.intelmq import IntelMq
from seawall.ingest.formats.nfdump import Nfdump
from seawall.ingest.formats.nftables_log import NftablesLog
from seawall.ingest.formats.shadowserver import Shadowserver
from seawall.ingest.formats.suricata_eve import SuricataEve
from seawall.ingest.formats.web_access import WebAccess
from seawall.ingest.formats.windows_events import WindowsEvents
from seawall.ingest.formats.zeek_json import ZeekJson
from seawall.ingest.formats.zeek_tsv import ZeekTsv
from seawall.ingest.interface import Format
from seawall.ingest.mapped import shipped
from seawall.model import Fault

FORMATS: tuple[Format, ...] = (
    SuricataEve(),
    Cowrie(),
    IntelMq(),
    Idea0(),
    ZeekTsv(),
    ZeekJson(),
    Cef(),  # before formats that search in lines: its texts may quote any of them
    WindowsEvents(),
    Nfdump(),
    Shadowserver(),
    EmailFile(),
    NftablesLog(),
    WebAccess(),
    *shipped(),
)
AUTO = "auto"


def by_name(name: str) -> Format | None:
    """The format called ``name``; None for ``auto``. Raises Fault E-INGEST-002 for a name we do not know."""
    if name == AUTO:
        return None
    for format in FORMATS:
        if format.name == name:
            return format
    known = ", ".join([AUTO, *(format.name for format in FORMATS)])
    raise Fault("E-INGEST-002", "There is no log format {name}; use one of {known}.", name=repr(name[:40]), known=known)


def recognise(head: bytes) -> Format | None:
    """The first format that knows this beginning of a file."""
    return next((format for format in FORMATS if format.recognises(head)), None)


def plausible(head: bytes) -> Format | None:
    """The first format of which this could be a broken or unusual file; asked only for files that a person named."""
    return next((format for format in FORMATS if format.plausible(head)), None)
