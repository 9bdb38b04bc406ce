"""A tool's own counters, told as differences: what was told before is remembered, also over a restart of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.model.unreadable import UNREADABLE

MAX_KEPT = 140_000  # counters: what the small sets of both families, or HAProxy's table, hold at the most


class _Kept(msgspec.Struct, frozen=True):
    epoch: str
    told: dict[str, int]


class Counters:
    """Counts by key. ``epoch``: names the table that counts; in another one everything counts from nought."""

    def __init__(self) -> None:
        self._epoch = ""
        self._told: dict[str, int] = {}

    def new(self, counts: Mapping[str, int], epoch: str) -> dict[str, int]:
        """What came since the last call, by key; a counter that fell was set back, and all of it is new."""
        told = self._told if epoch == self._epoch else {}
        found = {}
        for key, count in counts.items():
            before = told.get(key, 0)
            if (more := count - before if count >= before else count) > 0:
                found[key] = more
        self._epoch, self._told = epoch, dict(counts)  # what is gone from the tool counts from nought when it is back
        return found

    @property
    def position(self) -> str:
        """For ``resume``."""
        told = dict(list(self._told.items())[:MAX_KEPT])
        return msgspec.json.encode(_Kept(self._epoch, told)).decode()

    def resume(self, position: str) -> None:
        """As if these counts had been told; text that is none changes nothing."""
        try:
            kept = msgspec.json.decode(position, type=_Kept)
        except UNREADABLE:
            return
        self._epoch, self._told = kept.epoch, kept.told


def boot() -> str:
    """Names this boot of the machine; empty where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
