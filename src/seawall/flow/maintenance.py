"""The lake kept small: compaction, and the days that the settings no longer keep."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

from seawall.flow.node import Node

if TYPE_CHECKING:
    from seawall.lake import CompactReport, LakeWriter, RetainReport


def compact_lake(node: Node) -> dict[str, object]:
    """Merge small files and the roll-up's rows; what was there before and after, and what it took."""
    from seawall.lake import compact

    started = time.monotonic(), _cpu_seconds()
    return _figures(compact(node.lake), 0, *started)


def retain_lake(node: Node) -> dict[str, object]:
    """Let go of the days past ``lake.keep_days`` and ``lake.keep_rollup_days``; matches stay as history."""
    from seawall.lake import retain

    started = time.monotonic(), _cpu_seconds()
    keep = node.settings.lake
    report = retain(node.lake, node.clock(), keep.keep_days, keep.keep_rollup_days, removed=_removed)
    return _figures(report, report.days_removed, *started)


def _removed(writer: LakeWriter, rows: int) -> None:
    from seawall.ingest import INGESTED_FILES
    from seawall.match import forget_rows

    # a fingerprint says that every line of a file is in the lake
    writer.remove_derived(INGESTED_FILES)
    forget_rows(writer, rows)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _figures(report: CompactReport | RetainReport, days: int, wall: float, cpu: float) -> dict[str, object]:
    before, after = report.before, report.after
    return {
        "result": f"{before.files} files became {after.files}, {before.rows} rows {after.rows}; {days} days removed",
        "files_before": before.files,
        "files_after": after.files,
        "rows_before": before.rows,
        "rows_after": after.rows,
        "bytes_before": before.bytes,
        "bytes_after": after.bytes,
        "days_removed": days,
        "seconds": round(time.monotonic() - wall, 3),
        "cpu_seconds": round(_cpu_seconds() - cpu, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
