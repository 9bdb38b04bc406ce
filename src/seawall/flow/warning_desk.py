"""The desk: each warning gets a group and a severity, and each day so many groups are raised as the budget permits.

Steps: (1) warnings are drawn anew when anything has changed, (2) those that changed get their place: campaign,
severity, rank, (3) what belongs to a raised group is raised with it, (4) ``warn.budget`` picks groups among the others,
the rest waits below budget. Only what changed is looked at; one process at a time does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from seawall.flow.alone import alone
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.tables import node_sensors
from seawall.flow.warning import refresh_warnings
from seawall.model import ObservableType, Unavailable, Warning, from_microseconds, to_microseconds
from seawall.model.answer import Answer, DeskPlace, Verdict
from seawall.warn.budget import Chosen, LevelRecord, WaitingGroup, choose
from seawall.warn.severity import MANY_VALUES, Judged, Severity, SeverityFacts, judge_severity

Key = tuple[ObservableType, str]
DESK = "warning-desk"
"""Key of the note that says up to where warnings, campaigns and answers have their place."""
PAGE = 10_000
DAY = 86_400_000_000  # microseconds
MAX_SCORED = 200  # groups in question for the day's places whose scores are looked at
MAX_LABEL = 200  # characters of an indicator's own campaign: others chose it
MAX_REJUDGED = 10_000  # members of one group that are judged again when it grows
LARGE = 10  # values of a campaign from which on they count more, as in ``warn.severity``
LOCK_SECONDS = 60.0
CRITICAL = frozenset({"critical", "high", "1", "vital"})  # of the column ``criticality`` in the assets table


class Reached(msgspec.Struct, frozen=True):
    """Up to where places were given."""

    change: int = 0
    campaigns: int = -1
    answers: int = 0
    sectors: str = ""


class DeskState(msgspec.Struct, frozen=True):
    """Today's budget: its limit (0: none), how many groups were raised, how many wait, and what the answers say."""

    budget: int
    raised_today: int
    waiting: int
    held_by_bar: int
    records: dict[Severity, LevelRecord]


def refresh_desk(node: Node) -> DeskState:
    """Bring the desk up to now. Raises Unavailable E-FLOW-830 when another process does so for more than a minute."""
    refresh_warnings(node)
    return place_warnings(node)


def place_warnings(node: Node) -> DeskState:
    """Give the warnings that are held their places, without drawing them anew. Raises as ``refresh_desk``."""
    busy = Unavailable("E-FLOW-830", "Another process is sorting the warnings; try again in a moment.")
    with alone(node.folder / "store" / "desk.lock", busy, seconds=LOCK_SECONDS):
        _give_places(node)
        return _raise(node)


def day_start(node: Node, at: int) -> int:
    """The beginning of the day of ``at`` in the node's zone, microseconds UTC."""
    zone = ZoneInfo(node.settings.node.timezone)
    local = from_microseconds(at).astimezone(zone)
    return to_microseconds(datetime(local.year, local.month, local.day, tzinfo=zone))


def level_records(node: Node) -> dict[Severity, LevelRecord]:
    """What people here answered, by severity."""
    return {Severity(level): LevelRecord(*counts) for level, counts in node.store.desk.answers_by_severity().items()}


def group_of(warning: Warning, campaigns: dict[Key, str]) -> str:
    """The group of a warning: its campaign, else the campaign that its indicators name, else its own value."""
    if (found := campaigns.get((warning.type, warning.value))) is not None:
        return found
    if warning.campaigns:
        return f"label:{warning.campaigns[0][:MAX_LABEL]}"
    return f"value:{warning.type.value}:{warning.value}"


class Judge:
    """Says how severe a warning is on this node; what it needs to know is read once."""

    def __init__(self, node: Node, sizes: Counter[str]) -> None:
        self._node = node
        self._sizes = sizes
        assets = node.own_assets.assets
        known = {node.settings.node.sector, *(asset.sector for asset in assets)}
        known |= {place.sector for place in node_sensors(node) if place.side == node.side}
        self.sectors = frozenset(known - {"unknown", ""})
        self.critical = frozenset(one.sector for one in assets if one.criticality.lower() in CRITICAL) - {"unknown"}

    def facts(self, warning: Warning, group: str, answers: Sequence[Answer], placed_at: int) -> SeverityFacts:
        """What the severity of one warning rests on."""
        newest = max(warning.first_seen, warning.other_first_seen or 0)
        said = Counter(answer.verdict for answer in answers if answer.peer is not None)
        ours = tuple(sector for sector in warning.sectors if sector in self.sectors)
        return SeverityFacts(
            confidence=warning.confidence,
            met_here=warning.other_first_seen is not None or not warning.origins,
            own_sectors=ours,
            critical_sectors=tuple(sector for sector in ours if sector in self.critical),
            campaign_values=max(1, self._sizes.get(group, 1)),
            confirmed_by=said[Verdict.CONFIRMED],
            refuted_by=said[Verdict.REFUTED],
            quiet_days=max(0, (placed_at - newest) // DAY),
        )

    def judge(self, warnings: Sequence[Warning], groups: dict[Key, str], placed: dict[Key, int]) -> dict[Key, Judged]:
        """The severity of each; answers are looked up together."""
        keys = [(warning.type, warning.value) for warning in warnings]
        answers = self._node.store.answers.of(keys)
        return {
            key: judge_severity(self.facts(warning, groups[key], answers.get(key, ()), placed[key]))
            for key, warning in zip(keys, warnings, strict=True)
        }


def _give_places(node: Node) -> None:
    desk = node.store.desk
    text = node.store.notes.get(DESK)
    before = msgspec.json.decode(text, type=Reached) if text else Reached()
    now = Reached(desk.warnings_reached(), desk.regrouped(), before.answers, _sectors_mark(node))
    anew = (now.campaigns, now.sectors) != (before.campaigns, before.sectors)
    answered, last_answer = _answered_since(node, before.answers)
    now = msgspec.structs.replace(now, answers=last_answer)
    if now == before:
        return
    after = 0 if anew else before.change
    sizes, grown = _sizes(node, after)
    judge = Judge(node, sizes)
    for page in _changed(node, after):
        _place(node, judge, page)
    for keys in (_members(node, grown), answered):
        held = [node.store.warnings.get(*key, visibility=WHOLE_NODE) for key in keys]
        _place(node, judge, [warning for warning in held if warning is not None])
    desk.forget_gone()
    desk.raise_groups([], node.clock())
    node.store.notes.set(DESK, msgspec.json.encode(now).decode())


def _sizes(node: Node, after: int) -> tuple[Counter[str], set[str]]:
    """How many warnings each group will have, and which groups have just become larger by a whole class."""
    sizes = Counter(node.store.desk.sizes() if after else {})
    was = dict(sizes)
    for page in _changed(node, after):
        keys = [(warning.type, warning.value) for warning in page]
        campaigns, held = node.store.campaigns.of(keys), node.store.desk.of(keys) if after else {}
        for key, warning in zip(keys, page, strict=True):
            group = group_of(warning, campaigns)
            if not after or key not in held or held[key].group != group:
                sizes[group] += 1
    grown = {group for group, size in sizes.items() if after and _class(size) != _class(was.get(group, 0))}
    return sizes, grown


def _class(size: int) -> int:
    return (size >= MANY_VALUES) + (size >= LARGE)


def _place(node: Node, judge: Judge, warnings: Sequence[Warning]) -> None:
    if not warnings:
        return
    keys = [(warning.type, warning.value) for warning in warnings]
    campaigns, held = node.store.campaigns.of(keys), node.store.desk.of(keys)
    groups = {key: group_of(warning, campaigns) for key, warning in zip(keys, warnings, strict=True)}
    at = node.clock()
    placed = {key: held[key].placed_at if key in held else at for key in keys}
    judged = judge.judge(warnings, groups, placed)
    places = []
    for key in keys:
        before = held.get(key)
        verdict = judged[key]
        place = DeskPlace(
            type=key[0],
            value=key[1],
            group=groups[key],
            severity=int(verdict.severity),
            rank=float(verdict.points),
            placed_at=placed[key],
            raised_at=before.raised_at if before else None,
            snoozed_until=before.snoozed_until if before else None,
            snoozed_by=before.snoozed_by if before else None,
        )
        if place != before:
            places.append(place)
    node.store.desk.put(places, there=held)


def _raise(node: Node) -> DeskState:
    desk, at = node.store.desk, node.clock()
    records = level_records(node)
    today = desk.raised_since(day_start(node, at))
    budget = node.settings.warn.budget_per_day
    waiting = [
        WaitingGroup(group.id, Severity(group.severity), group.rank, group.placed_at, group.values)
        for group in desk.groups(at, raised=False, awake=True)
        if group.severity > Severity.INFO  # refuted or faded: it waits for evidence, not for room
    ]
    probes = sum(
        count for level, count in today.items() if Severity(level) in records and records[Severity(level)].is_held
    )
    raised_today = sum(today.values())
    if waiting and budget > raised_today:
        waiting = _by_score(node, waiting)
    chosen = (
        choose(waiting, budget=budget, raised_today=raised_today, records=records, probes_today=probes)
        if waiting
        else Chosen((), 0, 0)
    )
    if chosen.raised:
        desk.raise_groups(chosen.raised, at)
    return DeskState(budget, raised_today + len(chosen.raised), chosen.waiting, chosen.held_by_bar, records)


def _by_score(node: Node, waiting: list[WaitingGroup]) -> list[WaitingGroup]:
    """Among groups of equal points the score of their strongest warning decides; of the first ``MAX_SCORED``."""
    from seawall.flow.scores import scores_of  # brings the lake's screens, which a quiet desk does without

    first = waiting[:MAX_SCORED]
    top = {group.id: place for group in first for place in node.store.desk.members(group.id, limit=1)}
    scores = scores_of(node, [(place.type, place.value) for place in top.values()])
    worth = {id: scores[place.type, place.value].value for id, place in top.items()}
    refined = [msgspec.structs.replace(one, rank=one.rank + worth.get(one.id, 0.0) / 1_000) for one in first]
    return refined + waiting[MAX_SCORED:]


def _changed(node: Node, after: int) -> Iterator[tuple[Warning, ...]]:
    cursor: int | None = after
    while cursor is not None:
        page = node.store.warnings.list(WHOLE_NODE, after=cursor, limit=PAGE)
        if page.items:
            yield page.items
        cursor = page.next


def _members(node: Node, groups: Iterable[str]) -> list[Key]:
    return [
        (place.type, place.value)
        for group in sorted(groups)
        for place in node.store.desk.members(group, limit=MAX_REJUDGED)
    ]


def _answered_since(node: Node, after: int) -> tuple[list[Key], int]:
    """Values about which answers came, and how far they have been read."""
    keys: dict[Key, None] = {}
    reached = node.store.answers.reached()
    cursor: int | None = after
    while cursor is not None and reached > after:
        page = node.store.answers.list(after=cursor, limit=PAGE)
        keys |= {(answer.type, answer.value): None for answer in page.items}
        cursor = page.next
    return list(keys), max(reached, after)


def _sectors_mark(node: Node) -> str:
    judge = Judge(node, Counter())
    return f"{','.join(sorted(judge.sectors))}/{','.join(sorted(judge.critical))}"
