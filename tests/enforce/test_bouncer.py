"""CrowdSec's own packet-filter bouncer pulls from us: real packets are dropped, and pass again."""

from __future__ import annotations

from pathlib import Path

import pytest

from enforce.spaces import inside

SCRIPT = """
from pathlib import Path
from enforce.crowdsec import BOUNCER
from feed_scenes import consumer, feeds_served, tell, unsay
from seawall.flow.node import Node, create_node
from seawall.flow.orders_acts import ApplyWish, apply_order
from seawall.flow.undo import undo_directive
from seawall.model.directive import Action

folder = Path(sys.argv[1])
BLOCKED, LATER, CLEAN, SLOW = "45.9.113.1", "45.9.113.2", "45.9.113.3", "45.9.113.4"
addresses(*(f"{address}/32" for address in (BLOCKED, LATER, CLEAN, SLOW)))

def when(address, passing, seconds=20):
    began = time.monotonic()
    while passes(address, 1) != passing:
        assert time.monotonic() - began < seconds, (address, passing)
    return time.monotonic() - began

create_node(folder / "node", name="Taipei", economy="TW", sector="finance", timezone="UTC", lang="en")
with Node.open(folder / "node") as node:
    tell(node, BLOCKED)
    apply_order(node, ApplyWish(value=SLOW, ours=True, action=Action.RATE_LIMIT))
    _, key = consumer(node, "gateway", format="bouncer")
    before = [passes(address, 1) for address in (BLOCKED, LATER, CLEAN)]
    with feeds_served(node) as url:
        port = url.rstrip("/").rpartition(":")[2]
        (folder / "bouncer.yaml").write_text(BOUNCER.format(port=port, key=key))
        bouncer = subprocess.Popen(["crowdsec-firewall-bouncer", "-c", str(folder / "bouncer.yaml")])
        try:
            first = when(BLOCKED, False)
            clean = [passes(address, 1) for address in (LATER, CLEAN, SLOW)]
            tell(node, LATER)
            delta = when(LATER, False)
            unsay(node, LATER)
            lifted = when(LATER, True)
            name = next(order.undo_id for order in node.store.orders.in_force() if order.value == BLOCKED)
            undo_directive(node, name, reason="our own scanner", again=False)
            undone = when(BLOCKED, True)
            still = passes(CLEAN, 1)
        finally:
            bouncer.terminate()
            bouncer.wait(20)
print(json.dumps({"before": before, "clean": clean, "still": still, "seconds": [first, delta, lifted, undone]}))
"""

pytestmark = [pytest.mark.tool("crowdsec-firewall-bouncer"), pytest.mark.tool("unshare"), pytest.mark.tool("ip")]


def test_a_real_bouncer_drops_what_is_in_force_and_nothing_else(tmp_path: Path) -> None:
    """From its start and by a delta; recall and undo let packets pass again; clean ones always passed.

    Networks are not tried: this bouncer (0.0.25, nftables) puts the first address of a network into a plain set.
    """
    seen = inside(SCRIPT, str(tmp_path))
    assert seen["before"] == [True] * 3
    assert seen["clean"] == [True] * 3  # what is to be throttled it cannot, and does not drop
    assert seen["still"]
