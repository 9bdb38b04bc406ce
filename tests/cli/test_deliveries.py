"""``seawall deliveries`` on the command line, and what doctor says of channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.scenes import Shop, furnished
from flow.deliver_scenes import datagram_collector


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A furnished node."""
    return furnished(tmp_path)


def test_a_first_day_and_a_test_through_a_channel(shop: Shop) -> None:
    """Nothing yet says so; a channel is tried, its endpoint is listed, a run tells what was found."""
    assert "Nothing was delivered yet." in shop.say("deliveries").out
    assert shop.here("run", "deliver")["result"] == "no channel is set"
    with datagram_collector() as collector:
        with (shop.folder / "seawall.toml").open("a") as file:
            file.write(
                f'[[deliver.channels]]\nname = "soc"\nkind = "syslog"\nhost = "127.0.0.1"\nport = {collector.port}\n'
            )
        assert shop.here("deliveries", "test", "soc")["sent"] is True
        assert collector.arrived.wait(10)
        assert shop.here("run", "deliver")["result"] == "1 sent"
        items = shop.here("deliveries", "list", "--state", "sent")["items"]
        assert [(item["channel"], item["state"], item["severity"]) for item in items] == [("soc", "sent", "medium")]
        report = shop.here("doctor")
    assert f"syslog+udp://127.0.0.1:{collector.port}" in report["endpoints"]
    assert {"name": "deliveries", "ok": True, "detail": "1 channels"} in report["checks"]
    assert shop.refused("deliveries", "--state", "lost").startswith("E-CLI-101")
    assert shop.refused("deliveries", "test", "nobody").startswith("E-FLOW-849")
    reader = ("--token", str(shop.token_of("reader")))
    assert shop.refused("deliveries", "test", "soc", *reader, status=3).startswith("E-FLOW-004")
