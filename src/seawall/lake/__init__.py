"""The lake: telemetry in columns, as Parquet by UTC day and side.

Comes in: Arrow tables or SQL that give observations, roll-up rows and derived data sets.
Goes out: consistent snapshots, read by SQL.
Never here: parsing of logs, network access, files found by a glob (the manifest names every file), half-written
files that anyone can see, engine extensions loaded from elsewhere.

    lake = Lake.open(node / "lake", settings.lake)
    with lake.writing(on_wait=print) as writer:
        writer.append_observations(table)
    with lake.reading() as session:
        session.sql(f"SELECT side, count(*) FROM {session.observations()} GROUP BY side")
"""

from seawall.lake.interface import EngineRefusal, LakeSession, LakeWriter, OnWait
from seawall.lake.lake import Lake
from seawall.lake.manifest import Part

__all__ = ["EngineRefusal", "Lake", "LakeSession", "LakeWriter", "OnWait", "Part"]
