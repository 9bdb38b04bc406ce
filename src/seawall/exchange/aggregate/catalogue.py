"""The catalogue: the only questions that may be asked, their bins, bounds and noise, as versioned data.

All members work from one catalogue, known by the SHA-256 of its canonical JSON. A proposal that names another is not
joined: nobody slices the data as they like.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import msgspec

from seawall.exchange.aggregate.bounds import MAX_BINS
from seawall.exchange.aggregate.weeks import Period, week_name
from seawall.model import NotFound, Refused
from seawall.model.canonical_json import canonical_json

PACKAGED = Path(__file__).parent / "catalogue.json"


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. Epsilons in thousandths; both together are what one release costs."""

    name: str
    about: str
    unit: str  # of privacy: what one more or one less of changes at most ``bins_per_unit`` counts by one
    data_set: str  # whose yearly budget it draws on
    source: str  # rollup-hosts | incidents | baseline
    most_weeks: int
    bins: tuple[str, ...]  # of one week; the last one takes what fits no other
    aliases: dict[str, str]
    bins_per_unit: int
    cap: int  # of one member's count in one bin, by contract
    epsilon_counts: int
    epsilon_presence: int
    presence_from: int  # hosts or incidents (with noise) from which a member says that it has some in a bin
    tlp: str
    available: bool
    unavailable_because: str

    @property
    def epsilon(self) -> int:
        """What one release costs, in thousandths."""
        return self.epsilon_counts + self.epsilon_presence

    def bin_of(self, text: str) -> str | None:
        """The bin of a sector or class as people spell it; None when it is none of those named."""
        word = "-".join(text.strip().lower().replace("_", " ").split())
        word = self.aliases.get(word, word)
        return word if word in self.bins else None

    def labels(self, period: Period) -> tuple[tuple[str, str], ...]:
        """(week, bin) of each place of a vector, in order."""
        weeks = range(period.first, period.first + period.weeks)
        return tuple((week_name(week), name) for week in weeks for name in self.bins)


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All questions of one version."""

    format: str
    version: int
    valid_from: str
    valid_to: str | None
    source: str
    verified: bool  # whether somebody outside the project looked at its figures
    least_nodes: int  # that have some in a bin, or it is not published
    least_count: int  # of a bin, with its noise
    releases: int  # of one data set
    within_days: int
    queries: tuple[Query, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, lower hex: what members agree to."""
        return hashlib.sha256(canonical_json(msgspec.to_builtins(self))).hexdigest()

    def query(self, name: str) -> Query:
        """One question. Raises NotFound E-EXCHANGE-849 for an unknown one, Refused -853 for one nobody can ask yet."""
        found = next((query for query in self.queries if query.name == name), None)
        if found is None:
            raise NotFound(
                "E-EXCHANGE-849",
                "There is no query {given} in the catalogue; there are {known}.",
                given=ascii(name[:64]),
                known=", ".join(query.name for query in self.queries),
            )
        if not found.available:
            raise Refused(
                "E-EXCHANGE-853",
                "The query {query} stands in the catalogue and cannot be asked yet: {reason}.",
                query=found.name,
                reason=found.unavailable_because,
            )
        return found


def query_digest(query: Query) -> bytes:
    """SHA-256 of one question's canonical JSON; bound into every mask."""
    return hashlib.sha256(canonical_json(msgspec.to_builtins(query))).digest()


def check_period(query: Query, period: Period) -> None:
    """Raise Refused E-EXCHANGE-851 for more weeks than the catalogue lets one round cover."""
    if not 1 <= period.weeks <= query.most_weeks or period.weeks * len(query.bins) > MAX_BINS:
        raise Refused(
            "E-EXCHANGE-851",
            "A round of {query} covers 1 to {most} weeks; {given} has {weeks}.",
            query=query.name,
            most=query.most_weeks,
            given=str(period),
            weeks=period.weeks,
        )


@cache
def catalogue() -> Catalogue:
    """The version that came with the package."""
    return msgspec.json.decode(PACKAGED.read_bytes(), type=Catalogue)
