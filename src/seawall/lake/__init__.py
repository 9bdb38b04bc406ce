"""The lake: telemetry in columns, as Parquet by UTC day and side.

Comes in: Arrow tables or SQL that give observations, roll-up rows and derived data sets.
Goes out: consistent snapshots, read by SQL.
Never here: parsing of logs, network access but to the storage and the cluster that the settings name, files found by a
glob (the manifest names every file), half-written files that anyone can see, engine extensions loaded from elsewhere.

    lake = Lake.open(node / "lake", settings.lake)
    with lake.writing(on_wait=print) as writer:
        writer.append_observations(table)
    with lake.reading() as session:
        session.sql(f"SELECT side, count(*) FROM {session.observations()} GROUP BY side")
"""

from pathlib import Path
from typing import TYPE_CHECKING

from seawall.lake.interface import EngineRefusal, LakeSession, LakeWriter, OnWait
from seawall.lake.manifest import Part
from seawall.lake.storage import BUCKET_SCHEME, storage_of
from seawall.settings import LakeSettings

if TYPE_CHECKING:
    from seawall.lake.compaction import CompactReport, Size, compact
    from seawall.lake.computing import ComputingSession
    from seawall.lake.lake import Lake
    from seawall.lake.retention import RetainReport, retain

__all__ = [
    "BUCKET_SCHEME",
    "CompactReport",
    "ComputingSession",
    "EngineRefusal",
    "Lake",
    "LakeSession",
    "LakeWriter",
    "OnWait",
    "Part",
    "RetainReport",
    "Size",
    "compact",
    "generation",
    "retain",
]


def generation(folder: Path, settings: LakeSettings) -> int:
    """The number of commits of the lake that ``Lake.open`` opens (0 where there is none), without starting an engine.

    Raises what ``Lake.open`` does.
    """
    return storage_of(folder, settings).load().generation


def __getattr__(name: str) -> object:
    """``Lake`` and what maintains it on first use: they load the engine."""
    if name in ("CompactReport", "Size", "compact"):
        from seawall.lake import compaction

        return getattr(compaction, name)
    if name in ("RetainReport", "retain"):
        from seawall.lake import retention

        return getattr(retention, name)
    if name == "ComputingSession":
        from seawall.lake.computing import ComputingSession

        return ComputingSession
    if name != "Lake":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seawall.lake.lake import Lake

    return Lake
