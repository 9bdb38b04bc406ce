"""The safety gate: what passes becomes a directive with expiry and undo; what does not is left out with its reason.

The order of the checks, each one a function below:

1. the ledger entry permits it: purpose ``enforce``, a rule of policy that blocks or watches, this very indicator;
2. a person has not undone it;
3. it still stands at this moment (``valid_from``, ``valid_until``), and gets an expiry;
4. it is written as its type demands: no host bits, no IPv4 in IPv6 clothes, no name of 300 characters;
5. its reach is bounded: no huge network, no bogon, no root, top-level name or public suffix;
6. it is neither ours, nor a partner's, nor what the node or a peer is reached by, nor on the operator's never-block
   list, nor in a protected class (``protected``: government, the domain name system, shared clouds ...);
   then no warninglist names it;
7. the export is not full.

Rule 5: nothing is blocked without expiry, undo and this gate. Watch entries pass the same gate, because a watch list
that names our own mail server is as useless as a block list that does.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import msgspec

from seawall.model import Fault, Observable, ObservableType, Recorded, Refused, Release
from seawall.model.directive import Action, Directive, LeftOut
from seawall.model.indicator import IndicatorEntry
from seawall.protect import bounds, objections
from seawall.protect.names import ProtectedNames, is_name, look_alike
from seawall.protect.networks import BOGON_SPANS, Span, Spans, address_number, is_mapped, network_span
from seawall.protect.objections import Objection
from seawall.protect.protected import Protected

_ACTION_OF_RULE = {f"enforce:{action}": action for action in Action}
_PAGE = re.compile(r"://[^/?#\\]*[/?#\\]+[^/?#\\]")
_NETWORK = re.compile(rb"'([0-9A-Fa-f:.]{2,45}/[0-9]{1,3})'")
MAX_PATTERN_READ = 65_536
"""Bytes of an indicator in which networks are looked for: more than a thousand of them are judged by these."""
MEMORY = 16_384
"""Values whose answer from the lists is remembered: those of a page of the book are asked about three times over."""
_HOST_END = re.compile(r"[/?#\\]")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?")
"""A host that browsers read as an IPv4 address, however it is written (URL Standard, section "Host parsing")."""
_SINGLE = frozenset({ObservableType.IPV4, ObservableType.IPV6})


class Page(msgspec.Struct, frozen=True):
    """One recorded permission and the store's entries that it covers, unique by (type, value) within one export.

    The release's rule says what may be done with them: ``enforce:block``, ``enforce:sinkhole`` ... (policy's words).
    """

    recorded: Recorded[Release]
    entries: tuple[IndicatorEntry, ...]


class NeverBlock(msgspec.Struct, frozen=True):
    """What the operator and the partners protect: networks or addresses, and names with everything below them."""

    networks: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Callbacks(msgspec.Struct, frozen=True):
    """The questions that reference data answers for the gate."""

    is_own: Callable[[Observable], bool]
    warninglist: Callable[[Observable], str | None]  # the list's name
    is_public_suffix: Callable[[str], bool]
    is_undone: Callable[[str], bool] = lambda _undo_id: False
    has_undone: Callable[[], bool] = lambda: True  # whether anything is taken back at all


class _OfValue(msgspec.Struct, frozen=True, gc=False):
    """What a gate's lists say of one value; ``malformed``: before any list of whose it is was asked."""

    problem: Objection | None
    malformed: bool
    flags: tuple[str, ...]
    addresses: int


class Gate:
    """Holds the protected lists; ``admit`` turns pages into directives and refusals, in a stream."""

    def __init__(
        self,
        callbacks: Callbacks,
        own: NeverBlock,
        partners: NeverBlock,
        never: NeverBlock,
        *,
        node: NeverBlock | None = None,
        protected: Protected | None = None,
    ) -> None:
        """``node``: by what this node and its peers are reached; ``protected``: the packaged classes.

        Raises Fault E-PROTECT-002 when a protected network cannot be read: a typo must not open the gate.
        """
        self._ask = callbacks
        lists = _ruled(own, partners, node or NeverBlock(), never)
        self._networks = [(rule, _spans(given)) for rule, given in lists if given.networks]
        self._names = [(rule, ProtectedNames(given.names)) for rule, given in lists if given.names]
        self._protected = protected or Protected(())
        self._known: dict[Observable, _OfValue] = {}

    def admit(self, pages: Iterable[Page], at: int) -> Iterator[Directive | LeftOut]:
        """Directives and refusals in the order of the entries; ``at`` is microseconds UTC.

        What is only watched is counted by itself: it takes no place from what acts.

        Raises Refused E-PROTECT-001 when a page's permission is not for enforcement or does not cover an entry.
        """
        counts: Counter[tuple[ObservableType, bool]] = Counter()
        covered: Counter[bool] = Counter()
        for page in pages:
            action, bodies, release = _permitted(page.recorded)
            for entry in page.entries:
                if (body := bodies.get(entry.indicator_id)) is None:
                    raise _not_permitted(page.recorded)
                observable = Observable(entry.type, entry.value)
                undo_id = undo_name(action, observable)
                refusal, flags, addresses = self._refusal(observable, entry, undo_id, at)
                if body != entry.body:
                    refusal = objections.CHANGED
                watched = action is Action.WATCH
                kind = entry.type, watched
                if refusal is None and counts[kind] >= bounds.most(entry.type):
                    refusal = objections.FULL.about(str(bounds.most(entry.type)))
                if refusal is None and covered[watched] + addresses > bounds.MAX_IPV4_ADDRESSES_COVERED:
                    refusal = objections.RADIUS.about(str(bounds.MAX_IPV4_ADDRESSES_COVERED))
                if refusal is not None:
                    yield left_out(observable, refusal, entry.indicator_id)
                    continue
                counts[kind] += 1
                covered[watched] += addresses
                yield Directive(
                    action=action,
                    observable=observable,
                    expires_at=expiry(entry.type, entry.valid_until, at),
                    reason=(entry.campaign or entry.description or "")[: bounds.MAX_REASON_LENGTH],
                    release=release,
                    undo_id=undo_id,
                    source=entry.sources[0] if entry.sources else (entry.origin or ""),
                    indicator_id=entry.indicator_id,
                    flags=flags,
                )

    def check(self, entry: IndicatorEntry, undo_id: str, at: int) -> tuple[Objection | None, tuple[str, ...]]:
        """What ``admit`` would object to an entry by itself, and its flags, before anything is recorded of it."""
        refusal, flags, _ = self._refusal(Observable(entry.type, entry.value), entry, undo_id, at)
        return refusal, flags

    def _undone(self, observable: Observable, undo_id: str) -> str | None:
        """The directive that a person took back. A value that was freed of a block does not come back as a sinkhole
        because a setting changed: who took back what hinders it took back all that does."""
        if not self._ask.has_undone():
            return None
        names = undo_names(observable)
        hindering = {name for action, name in names.items() if action.hinders}
        asked = hindering if undo_id in hindering else {undo_id}
        return next((name for name in sorted(asked) if self._ask.is_undone(name)), None)

    def _refusal(
        self, observable: Observable, entry: IndicatorEntry, undo_id: str, at: int
    ) -> tuple[Objection | None, tuple[str, ...], int]:
        """The objection or None; flags; how many IPv4 addresses a network covers."""
        if (undone := self._undone(observable, undo_id)) is not None:
            return objections.UNDONE.about(undone), (), 0
        if entry.valid_until is not None and entry.valid_until <= at:
            return objections.EXPIRED, (), 0
        if entry.valid_from is not None and entry.valid_from > at:
            return objections.NOT_YET, (), 0
        known = self._known.get(observable)
        if known is None:
            if len(self._known) >= MEMORY:
                self._known.clear()
            known = self._known[observable] = self._of_value(observable)
        problem = known.problem
        if not known.malformed and observable.type is ObservableType.CIDR and host_bits(entry):
            problem = objections.HOST_BITS.about(observable.value)
        return problem, known.flags, known.addresses

    def _of_value(self, observable: Observable) -> _OfValue:
        """What the lists say: they stay the same for the life of a gate, whoever names the value."""
        flags: tuple[str, ...] = ()
        addresses = 0
        problem: Objection | None = None
        if observable.type in _SINGLE or observable.type is ObservableType.CIDR:
            problem, addresses = self._address_problem(observable)
        elif observable.type is ObservableType.DOMAIN:
            problem = self._name_problem(observable.value)
            flags = ("idn-look-alike",) if look_alike(observable.value) else ()
        elif observable.type is ObservableType.URL:
            problem = self._host_problem(observable.value)
        malformed = problem is not None
        if problem is None and self._ask.is_own(observable):
            problem = objections.OWN
        if problem is None and (name := self._ask.warninglist(observable)) is not None:
            problem = objections.LISTED.about(name)
        return _OfValue(problem, malformed, flags, addresses)

    def _address_problem(self, observable: Observable) -> tuple[Objection | None, int]:
        try:
            if observable.type is ObservableType.CIDR:
                first, last = network_span(observable.value)
            else:
                first = last = address_number(observable.value)
        except (ValueError, OSError):
            return objections.MALFORMED, 0
        if observable.type is ObservableType.CIDR and (huge := _huge(observable.value)):
            return objections.HUGE.about(huge), 0
        if is_mapped(observable.value, first, last):
            return objections.MAPPED, 0
        if observable.type is ObservableType.CIDR and address_number(observable.value.partition("/")[0]) != first:
            return objections.HOST_BITS.about(_without_host_bits(observable.value)), 0
        if (bogon := BOGON_SPANS.touching(first, last)) is not None:
            return objections.BOGON.about(bogon), 0
        for objection, spans in self._networks:
            if (touched := spans.touching(first, last)) is not None:
                return objection.about(touched), 0
        if (problem := self._protected.span(first, last)) is not None:
            return problem, 0
        is_ipv4_network = observable.type is ObservableType.CIDR and ":" not in observable.value
        return None, last - first + 1 if is_ipv4_network else 0

    def _name_problem(self, name: str) -> Objection | None:
        if len(name) > bounds.MAX_DOMAIN_LENGTH:
            return objections.LONG.about(str(bounds.MAX_DOMAIN_LENGTH))
        if not is_name(name):
            return objections.MALFORMED
        if "." not in name:
            return objections.TOP
        if self._ask.is_public_suffix(name):
            return objections.SUFFIX
        return self._listed_name(name) or self._protected.name(name)

    def _listed_name(self, name: str) -> Objection | None:
        for objection, names in self._names:
            if (touched := names.touching(name)) is not None:
                return objection.about(touched)
        return None

    def _host_problem(self, url: str) -> Objection | None:
        """A URL is judged by its host too: a block of ``https://our-portal/x`` is a block of our portal."""
        host = _HOST_END.split(url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
        if not name:
            return objections.MALFORMED
        kind = ObservableType.IPV6 if ":" in name else ObservableType.IPV4
        try:
            address_number(name)
        except (ValueError, OSError):
            if _ENDS_IN_NUMBER.fullmatch(name):  # 0x2d3e0305 is somebody's address, in a spelling that no list has
                return objections.MALFORMED
            if (problem := self._listed_name(name)) is not None:
                return problem
            if self._ask.is_own(Observable(ObservableType.DOMAIN, name)):
                return objections.OWN
            return self._protected.url(name.lower().rstrip("."), whole_site=not _PAGE.search(url))
        return self._address_problem(Observable(kind, name))[0]


def host_bits(entry: IndicatorEntry) -> bool:
    """Whether its source wrote a network with host bits: we cleared them, and nobody knows which one it means."""
    first, last = network_span(entry.value)
    for found in _NETWORK.findall(entry.body[:MAX_PATTERN_READ]):
        text = found.decode("ascii")
        try:
            if network_span(text) == (first, last) and address_number(text.partition("/")[0]) != first:
                return True
        except (ValueError, OSError):
            continue
    return False


def left_out(observable: Observable, objection: Objection, indicator_id: str) -> LeftOut:
    """The refusal as a value."""
    return LeftOut(observable, objection.rule, objection.reason, objection.detail, indicator_id)


@lru_cache(maxsize=MEMORY)
def undo_name(action: Action, observable: Observable) -> str:
    """The stable name by which a person takes one directive back: 16 hex digits of SHA-256."""
    text = f"{action.value}|{observable.type.value}|{observable.value}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def undo_names(observable: Observable) -> dict[Action, str]:
    """The name of each directive that there can be on a value, the strictest first."""
    return {action: undo_name(action, observable) for action in Action}


def expiry(kind: ObservableType, valid_until: int | None, at: int) -> int:
    """When a directive made at ``at`` ends: its source's word, else the type's default; never past the longest life."""
    life = bounds.life(kind)
    return min(valid_until if valid_until is not None else at + life.default, at + life.longest)


def _permitted(recorded: Recorded[Release]) -> tuple[Action, dict[str, bytes], str]:
    """What may be done, with which objects as they were released, and the ledger entry that says so."""
    release = recorded.value
    action = _ACTION_OF_RULE.get(release.rule)
    if release.purpose != "enforce" or action is None:
        raise _not_permitted(recorded)
    bodies = {item.id: item.body for item in release.objects}
    return action, bodies, f"{recorded.leaf_index}:{recorded.leaf_hash}"


def _not_permitted(recorded: Recorded[Release]) -> Refused:
    return Refused(
        "E-PROTECT-001",
        "Ledger entry {leaf} does not permit this enforcement; make a release with purpose 'enforce' that names it.",
        leaf=recorded.leaf_index,
    )


def _ruled(
    own: NeverBlock, partners: NeverBlock, node: NeverBlock, never: NeverBlock
) -> list[tuple[Objection, NeverBlock]]:
    return [
        (objections.OWN_RANGE, own),
        (objections.PARTNER, partners),
        (objections.NODE, node),
        (objections.NEVER, never),
    ]


def _spans(given: NeverBlock) -> Spans:
    named: list[tuple[str, Span]] = []
    for text in given.networks:
        try:
            named.append((text, network_span(text) if "/" in text else (address_number(text), address_number(text))))
        except (ValueError, OSError):
            raise Fault(
                "E-PROTECT-002",
                "{network} on the never-block list is neither an address nor a network; correct it before exporting.",
                network=repr(text[:60]),
            ) from None
    return Spans(named)


def _without_host_bits(network: str) -> str:
    return str(ipaddress.ip_network(network, strict=False))


def _huge(network: str) -> str | None:
    bound = bounds.SHORTEST_IPV6_PREFIX if ":" in network else bounds.SHORTEST_IPV4_PREFIX
    return f"/{bound}" if int(network.rpartition("/")[2]) < bound else None
