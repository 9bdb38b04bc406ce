"""Everything of ours is dead: when each resolver stops blocking, and what the how-to's guard does for Unbound."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from enforce.resolvers import Upstream, free_port, resolver, wait_for
from protect.rpz.scenes import order, put
from seawall.model.clock import system_clock
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rpz.md"
SECONDS = 20.0


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """It knows every name."""
    made = Upstream()
    yield made
    made.close()


def running(folder: Path, port: int) -> RpzPrimary:
    """A primary whose secondaries may go on for two seconds without it."""
    made = RpzPrimary(
        RpzSettings(
            folder=str(folder), port=port, secondaries=(Secondary("127.0.0.1", 0, parts=True),),
            refresh_seconds=1, retry_seconds=1, expire_seconds=2,
        )
    )  # fmt: skip
    made.start()
    return made


def guard(folder: Path) -> None:
    """The page's script, asking the Unbound of this folder."""
    (script,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    control = f"unbound-control -c {folder}/unbound.conf"
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script.replace("unbound-control", control)],
        capture_output=True, text=True, check=False, timeout=30, env={"PATH": "/usr/sbin:/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.tool("unbound")
@pytest.mark.parametrize("parts", [True])
def test_unbound_s_blocks_end_by_the_guard_and_come_back_with_us(
    tmp_path: Path, upstream: Upstream, parts: bool
) -> None:
    """It marks the zones as expired and blocks on; the guard takes such zones out, and in again when we are back."""
    port, folder = free_port(), tmp_path / "unbound"
    ours = running(tmp_path / "rpz", port)
    ours.apply(put(order("bad.example"), order("worse.example")), system_clock())
    with resolver("unbound", folder, port, upstream, parts=parts) as it:
        wait_for(lambda: it.blocks("bad.example") and it.blocks("worse.example"), SECONDS, it.said)
        guard(folder)
        assert it.blocks("bad.example")
        ours.close()

        def guarded() -> bool:
            guard(folder)
            return it.passes("bad.example") and it.passes("worse.example")

        wait_for(guarded, SECONDS, it.said)
        ours = running(tmp_path / "rpz", port)

        def guarded_again() -> bool:
            guard(folder)
            return it.blocks("bad.example") and it.blocks("worse.example")

        wait_for(guarded_again, SECONDS, it.said)
        ours.close()
