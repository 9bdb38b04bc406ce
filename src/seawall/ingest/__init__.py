"""Bytes to observations: sensor logs of any known format, typed, digested, counted once, rolled up and stored.

Comes in: paths of logs (files, folders, standard input; plain, gzip, zstd), the tables that say where sensors stand
and what is ours. Goes out: rows and roll-up rows in the lake, rejected lines in quarantine, a report.
Never here: matching, network access, one Python object per ordinary event, a line lost without being counted.

    options = IngestOptions(quarantine=node / "quarantine", node_side="TW", sensors=table)
    report = ingest(["eve.json"], lake, options)
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.ingest.fingerprints import INGESTED_FILES
    from seawall.ingest.interface import IngestOptions, IngestReport
    from seawall.ingest.mapping_explain import Explanation, explain
    from seawall.ingest.naming import format_name, format_names
    from seawall.ingest.quarantine import QuarantineEntry, read_quarantine
    from seawall.ingest.relabel import RelabelReport, relabel
    from seawall.ingest.run import ingest
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "fingerprints": ("INGESTED_FILES",),
            "interface": ("IngestOptions", "IngestReport"),
            "mapping_explain": ("Explanation", "explain"),
            "naming": ("format_name", "format_names"),
            "quarantine": ("QuarantineEntry", "read_quarantine"),
            "relabel": ("RelabelReport", "relabel"),
            "run": ("ingest",),
        },
    )

__all__ = [
    "INGESTED_FILES",
    "Explanation",
    "IngestOptions",
    "IngestReport",
    "QuarantineEntry",
    "RelabelReport",
    "explain",
    "format_name",
    "format_names",
    "ingest",
    "read_quarantine",
    "relabel",
]
