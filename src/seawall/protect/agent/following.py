"""The order book as the node tells it, checked: changes behind where we stand, or the whole book; and the node's keys.

When what the node says is not signed by the key that we know, or its certificate is another, it may have rotated its
keys: its card is read, and followed only if its key sets lead from the one we hold (``enrolment.follow``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.model import Fault, Refused, Unavailable
from seawall.model.agent import AgentReport, NewEpoch, SignedChanges, SnapshotPage
from seawall.protect.agent.checking import SteadyClock
from seawall.protect.agent.enrolment import Enrolled, fetch_card, follow
from seawall.protect.agent.line import Line, Reply, agent_context
from seawall.protect.agent.state import AgentState

MAYBE_ROTATED = frozenset({"E-IDENTITY-012", "E-IDENTITY-021"})
OUT_OF_STEP = frozenset({"E-PROTECT-047", "E-PROTECT-131"})
SLACK_SECONDS = 20.0  # for an answer beyond the time for which we let the node wait
SNAPSHOT_SECONDS = 120.0  # between two pages
GONE = 410


class Following:
    """The questions of one thread to the node; the report thread has a ``Following`` of its own."""

    def __init__(self, folder: Path, enrolled: Enrolled, state: AgentState, clock: SteadyClock) -> None:
        """Raises Fault E-PROTECT-055 for a key that cannot be used."""
        self._folder, self._state, self._clock = folder, state, clock
        self._start(enrolled)

    def changes(self, wait: float) -> SignedChanges | None:
        """What changed since we asked last, or nothing new after ``wait`` seconds; None: take the whole book.

        Raises Refused for what does not hold, Unavailable when there is no answer.
        """
        after = self._state.sequence
        if after is None:
            return None
        with _Rotation(self):
            answer = self._line.get("/changes", wait + SLACK_SECONDS, after=after, wait=int(wait))
            if answer.status == GONE:
                return None
            try:
                return self._trust.changes(self._body(answer), after, self._clock(), self._state.fact("epoch"))
            except Refused as refused:
                if refused.code in OUT_OF_STEP:
                    self._state.remember(sequence=None, least=after)
                raise

    def book(self) -> Iterator[SnapshotPage]:
        """The whole book, page by page, each checked. Raises as ``changes``, also in the middle.

        That of a restored node is taken, older numbers and all, once two people there approved it.
        """
        least = int(self._state.fact("least") or self._state.sequence or 0)
        epoch = self._state.fact("epoch")
        page: SnapshotPage | None = None
        with _Rotation(self):
            if (approved := self._approved()) is not None and approved.epoch != epoch:
                epoch, least = approved.epoch, 0
            for line in self._line.lines("/snapshot", SNAPSHOT_SECONDS):
                page = self._trust.page(line, page, least, self._clock(), epoch)
                yield page
                if page.final:
                    if approved is not None:
                        self._state.remember(epoch_begun=approved.begun_at)
                    self._line.close()
                    return
        raise Unavailable("E-PROTECT-062", "The node broke off while it told the whole book; it is asked again.")

    def _approved(self) -> NewEpoch | None:
        """The restored book that two people of the node approved, unless we followed a later one already."""
        answer = self._line.get("/epoch", SLACK_SECONDS)
        if answer.status != 200:
            return None
        found = self._trust.epoch(answer.body, self._clock())
        return found if found.begun_at >= int(self._state.fact("epoch_begun") or 0) else None

    def report(self, report: AgentReport) -> None:
        """Bring a report. Raises Unavailable when it was not taken."""
        with _Rotation(self):
            self._body(self._line.post("/reports", msgspec.json.encode(report)))

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def interrupt(self) -> None:
        """From another thread: let a question that is held open end now."""
        self._line.interrupt()

    def turn(self) -> bool:
        """Follow the node's keys; True when they are later ones than we held. Raises nothing."""
        try:
            later = follow(self._folder, self._enrolled, fetch_card(self._enrolled.url))
        except (Fault, OSError):
            return False
        if later.card == self._enrolled.card:
            return False
        self._line.close()
        self._start(later)
        return True

    def _start(self, enrolled: Enrolled) -> None:
        card = enrolled.node
        self._enrolled, self._trust = enrolled, enrolled.trust
        self._line = Line(enrolled.url, agent_context(self._folder, card), card.certificate_sha256)

    def _body(self, answer: Reply) -> bytes:
        if answer.status == 200:
            return answer.body
        if answer.status in (401, 403, 404):
            raise Refused(
                "E-PROTECT-063",
                "The node does not know this agent any more: its point is gone, or has another agent; enrol it again.",
            )
        raise Unavailable(
            "E-PROTECT-064", "The node cannot answer now (status {status}); it is asked again.", status=answer.status
        )


class _Rotation:
    """What failed because the node's keys are not those we know is tried with the later ones the next time."""

    def __init__(self, following: Following) -> None:
        self._following = following

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Look at the card when that may help; the error goes on, and the next attempt knows more."""
        if isinstance(error, Fault):
            handshake = error.code == "E-PROTECT-054" and "SSL" in str(error.values.get("reason", "")).upper()
            if error.code in MAYBE_ROTATED or handshake:
                self._following.turn()
