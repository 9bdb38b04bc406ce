"""The driver of Squid: names and addresses are refused after a reconfiguration and pass again; nothing half is read."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from enforce.orders import now, order, put, remove
from enforce.proxies import free_port, origin, squid, status, until
from seawall.model import Fault, Unavailable
from seawall.model.order import OrderState
from seawall.protect.drivers.squid import SquidDriver

pytestmark = pytest.mark.tool("squid")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Squid's own user can write in."""
    with tempfile.TemporaryDirectory(prefix="seawall-squid-") as made:
        Path(made).chmod(0o777)
        yield Path(made)


def ready(folder: Path) -> int:
    """How often Squid has finished reading its configuration."""
    return (folder / "cache.log").read_text().count("Accepting HTTP Socket connections")


def test_requests_are_refused_and_pass_again(folder: Path) -> None:
    """Name, names below it, source and target are refused; a watched name passes and is told; the clock frees."""
    port = free_port()
    driver = SquidDriver(folder, folder / "squid.conf")
    driver.prepare()
    with origin() as web, squid(folder, folder, port):

        def look(target: str, source: str = "127.0.0.1") -> int:
            return status(port, f"{target}:{web}", source, f"http://{target}:{web}/")

        assert [look("127.0.0.1"), look("127.0.0.1", "127.0.0.7")] == [200, 200]
        listed = [order("bad.localhost"), order("www.bad.localhost"), order("127.0.0.7"), order("127.0.1.0/30", 2)]
        met = order("127.0.0.1", state=OrderState.WATCH)
        assert [one.problem for one in driver.apply(put(*listed, met), now())] == [""] * 5
        until(lambda: look("127.0.0.1", "127.0.0.7") == 403)
        assert [look("bad.localhost"), look("x.www.bad.localhost"), look("127.0.1.2"), look("127.0.0.1")] == [
            403, 403, 403, 200,
        ]  # fmt: skip
        until(lambda: (folder / "seawall-met.log").read_text().count("\n") >= 5)
        hits = {hit.value: hit.undo_id for hit in driver.hits()}
        assert hits["bad.localhost"] == listed[0].undo_id
        assert {"127.0.0.7", "127.0.1.0/30", "127.0.0.1", "www.bad.localhost"} <= set(hits)
        time.sleep(2.0)
        assert driver.expire(now()) == 1
        driver.apply(remove(listed[2]), now())
        until(lambda: look("127.0.0.1", "127.0.0.7") == 200)


def test_files_that_others_changed_are_put_right_and_a_broken_configuration_changes_nothing(folder: Path) -> None:
    """Strange lines go, lost ones come back; with a configuration that Squid cannot read everything stays as it was."""
    port = free_port()
    driver = SquidDriver(folder, folder / "squid.conf")
    driver.prepare()
    with origin() as web, squid(folder, folder, port) as config:

        def look() -> int:
            return status(port, "bad.localhost", path=f"http://bad.localhost:{web}/")

        drift = driver.reconcile([order("bad.localhost")], now())
        assert (drift.missing, drift.unexpected, drift.held) == (1, 0, 1)
        until(lambda: look() == 403)
        (folder / "block-names").write_text(".strange.example\n")
        before = ready(folder)
        drift = driver.reconcile([order("bad.localhost")], now())
        assert (drift.missing, drift.unexpected) == (1, 1)
        until(lambda: ready(folder) > before)  # the broken configuration below is not for a reading that is under way
        text = config.read_text()
        config.write_text(text + "acl x no-such-type y\n")
        with pytest.raises(Unavailable, match="nothing was changed"):
            driver.apply(put(order("second.localhost")), now())
        assert (folder / "block-names").read_text() == ".bad.localhost\n"
        assert look() == 403
        config.write_text(text)
        driver.clear()
        until(lambda: look() != 403)
    with pytest.raises(Unavailable):
        driver.reconcile([order("bad.localhost")], now())
    with pytest.raises(Fault, match="absolute path"):
        SquidDriver(folder, Path("squid.conf"))


def test_with_everything_of_ours_dead_the_lists_end_by_themselves(folder: Path) -> None:
    """Nobody calls it: after its lease nothing is refused; a sign of life, and it is again; nonsense ends it."""
    port = free_port()
    driver = SquidDriver(folder, folder / "squid.conf", lease_seconds=4)
    driver.prepare()
    with origin() as web, squid(folder, folder, port):

        def look() -> int:
            return status(port, "bad.localhost", path=f"http://bad.localhost:{web}/")

        listed = order("bad.localhost", seconds=3600)
        driver.apply(put(listed), now())
        until(lambda: look() == 403)
        assert int((folder / "seawall-until").read_text()) - now() // 1_000_000 <= 4
        until(lambda: look() != 403, 12)
        assert (folder / "block-names").read_text() == ".bad.localhost\n"
        driver.expire(now())
        until(lambda: look() == 403)
        (folder / "seawall-until").write_text("nonsense\n")
        until(lambda: look() != 403)
    with pytest.raises(Fault, match="E-PROTECT-115"):
        SquidDriver(folder, folder / "squid.conf", lease_seconds=0)


def test_the_lists_end_with_their_last_entry_and_are_renewed_seldom(folder: Path) -> None:
    """The moment is never later than the last end; it is moved on once in a sixtieth of the lease, not each second."""
    driver = SquidDriver(folder, folder / "squid.conf", command=("true",), lease_seconds=6_000)
    driver.prepare()
    at = 1_773_446_400_000_000
    file = folder / "seawall-until"
    driver.apply(put(msgspec.structs.replace(order("bad.example"), expires_at=at + 100_000_000)), at)
    assert int(file.read_text()) == at // 1_000_000 + 100
    driver.apply(put(msgspec.structs.replace(order("worse.example"), expires_at=at + 10**11)), at)
    assert int(file.read_text()) == at // 1_000_000 + 6_000
    driver.expire(at + 30_000_000)
    assert int(file.read_text()) == at // 1_000_000 + 6_000
    driver.expire(at + 61_000_000)
    assert int(file.read_text()) == at // 1_000_000 + 6_061
    driver.clear()
    assert int(file.read_text()) == 0
