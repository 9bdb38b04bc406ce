"""Two nodes that share no network and speak through a running relay, set up as their people would."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from exchange.relay.mischievous import MischievousRelay
from journey.command_line import SeawallNode
from seawall.exchange.relay import token_text


class Relayed(NamedTuple):
    """Taipei and Seoul, and the relay between them."""

    taipei: SeawallNode
    seoul: SeawallNode
    relay: MischievousRelay

    def sync(self, rounds: int = 1) -> list[dict[str, Any]]:
        """Taipei, then Seoul, as often as told; what they said."""
        said = []
        for _ in range(rounds):
            said.append(self.taipei.here("sync", "seoul"))
            said.append(self.seoul.here("sync", "taipei"))
        return said


def mailbox_for(node: SeawallNode, peer: str, relay: MischievousRelay, folder: Path) -> dict[str, Any]:
    """A mailbox that this node reads, named on its command line."""
    box = relay.mailbox()
    files = {}
    for use, token in (("read", box.read), ("write", box.write)):
        files[use] = folder / f"{node.folder.name}-{use}.token"
        files[use].write_text(token_text(token) + "\n")
    pin = () if relay.url.startswith("http:") else ("--pin", relay.furnished.pin)
    found: dict[str, Any] = node.here(
        "peers", "relay", peer, "--url", relay.url, *pin, "--mailbox", box.id,
        "--read-token", files["read"], "--write-token", files["write"],
    )  # fmt: skip
    return found


def relayed(root: Path, relay: MischievousRelay) -> Relayed:
    """Two fresh nodes that exchanged cards and invitations by hand."""
    taipei, seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
    approvers = {taipei: taipei.second_person(), seoul: seoul.second_person()}
    for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card = root / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        here.here("peers", "add", card, "--code-name", name)
        second = approvers[here]
        here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
        here.here("circles", "create", "tw-kr", "--members", name, "--tlp-ceiling", "amber", "--auto",
                  "indicator,sighting", "--approver-token", second)  # fmt: skip
        mailbox_for(here, name, relay, root)
    for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        invitation = root / f"to-{name}.invitation"
        here.here("peers", "relay-invite", name, "-o", invitation)
        there.here("peers", "relay-accept", invitation)
    return Relayed(taipei, seoul, relay)
