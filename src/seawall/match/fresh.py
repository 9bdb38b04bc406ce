"""Candidates among a few values that just alarmed: the same tests on the same numbers, without reading the whole lake.

Of the roll-up only rows about these values, and of names below their registered domains, are looked at; how many
sensors a side has is counted now and then. What cannot be answered so is left to ``candidate_table``: names that look
random (the test of generated names needs every name that their hosts met), and, while some sensor's clock is wrong,
values with a past.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

import pyarrow as pa

from seawall.match.candidates import found_candidates, pass_candidates, rollup_times
from seawall.match.clocks import sensor_offsets
from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import LABEL, RANDOM_LOOKING, fleet_table, judge
from seawall.match.reach import CANDIDATE_TYPES
from seawall.match.values import KEY, register_values, remote_values, texts, without_query
from seawall.model import ROLLUP_SCHEMA, Observable, ObservableType, Pap, Tlp
from seawall.model.finding_table import FINDING_SCHEMA

ABOUT, ASKED, BELOW = "match_about", "match_fresh", "match_below"
MOST_ROWS = 200_000  # roll-up rows about the values of one question; more is a busy name, and left to the whole run
NAMED = (ObservableType.DOMAIN, ObservableType.URL, ObservableType.EMAIL)


class Surroundings:
    """What the tests compare values with, read from the whole lake: sensors of each side, and wrong clocks."""

    def __init__(self, session: LakeSession) -> None:
        self.fleet = fleet_table(session)
        self.wrong_clocks = len(sensor_offsets(session)) > 0


def alarmed_values(session: LakeSession, rows: pa.Table) -> dict[Observable, int]:
    """The values at the remote end of alarmed rows (OBSERVATION_SCHEMA), and all texts in them, with the time of each
    one's first row, microseconds UTC."""
    session.register("match_alarmed_rows", rows)
    found = session.sql(
        f"SELECT {KEY}, min(time) AS first FROM ({remote_values('match_alarmed_rows', 'time')}) GROUP BY {KEY} "
        "ORDER BY first"
    )
    kinds, firsts = found["type"].to_pylist(), found["first"].to_pylist()
    return {
        Observable(ObservableType(kind), text): first
        for kind, text, first in zip(kinds, texts(found), firsts, strict=True)
        if text
    }


def fresh_candidates(
    session: LakeSession,
    screens: Screens,
    since: Mapping[Observable, int],
    surroundings: Surroundings,
    *,
    tlp: Tlp = Tlp.AMBER,
    pap: Pap = Pap.AMBER,
) -> pa.Table:
    """The candidates among the values of ``since`` as FINDING_SCHEMA; ``since``: when each alarmed first just now,
    microseconds UTC. Every row here is one of ``candidate_table`` on the same lake.
    """
    nothing = FINDING_SCHEMA.empty_table()
    asked = _answerable(session, [value for value in since if value.type in CANDIDATE_TYPES])
    if not asked:
        return nothing
    about = _About(session, screens, asked)
    if about.rows > MOST_ROWS:
        return nothing
    register_values(session, ASKED, [(value.type.value, value.value) for value in asked])
    judge(about, screens, asked=ASKED, fleet=surroundings.fleet)
    if not pass_candidates(about, screens):
        return nothing
    found = found_candidates(about, rollup_times(about), shared_only=False, tlp=tlp, pap=pap)
    return found.filter(pa.array(_without_a_past(found, since))) if surroundings.wrong_clocks else found


def _answerable(session: LakeSession, values: Sequence[Observable]) -> list[Observable]:
    """Without names that look random."""
    names = [value.value for value in values if value.type is ObservableType.DOMAIN]
    if not names:
        return list(values)
    session.register("match_fresh_names", pa.table({"v": pa.array(names, pa.string())}))
    random = session.sql(f"SELECT v FROM (SELECT v, {LABEL} AS label FROM match_fresh_names) WHERE {RANDOM_LOOKING}")
    doubtful = set(random["v"].to_pylist())
    return [value for value in values if value.type is not ObservableType.DOMAIN or value.value not in doubtful]


def _without_a_past(found: pa.Table, since: Mapping[Observable, int]) -> list[bool]:
    keys = zip(*(found[name].to_pylist() for name in ("type", "value", "first_seen")), strict=True)
    return [first >= since.get(Observable(ObservableType(kind), value), first) for kind, value, first in keys]


class _About:
    """A session whose roll-up holds the rows about some values, and about what lies below their registered domains."""

    def __init__(self, session: LakeSession, screens: Screens, values: Sequence[Observable]) -> None:
        self._session = session
        named = [host for value in values if value.type in NAMED and (host := _host(value)) is not None]
        below = sorted({name for host in named if (name := screens.registered_domain(host)) is not None})
        keys = [(value.type.value, value.value) for value in values] + [("domain", name) for name in below]
        register_values(session, ABOUT + "_keys", [(value.type.value, value.value) for value in values])
        session.register(BELOW, pa.table({"name": pa.array(below, pa.string())}))
        columns = ", ".join(f"r.{name}" for name in ROLLUP_SCHEMA.names)
        plain = f"CASE WHEN r.type = 'url' THEN {without_query('r.value')} ELSE coalesce(r.value, '') END"
        rows = session.rollup_about(keys, ROLLUP_SCHEMA.names)
        session.sql(
            f"CREATE OR REPLACE TEMP TABLE {ABOUT} AS SELECT {columns} FROM {rows} AS r JOIN {ABOUT}_keys k "
            f"ON k.type = r.type AND k.h = coalesce(r.high, 0) AND k.l = coalesce(r.low, 0) AND k.v = {plain}"
        )
        if below:
            session.sql(
                f"INSERT INTO {ABOUT} SELECT {columns} FROM {rows} AS r WHERE r.type = 'domain' AND (r.value IN "
                f"(SELECT name FROM {BELOW}) OR EXISTS (FROM {BELOW} b WHERE ends_with(r.value, '.' || b.name))) "
                f"AND NOT EXISTS (FROM {ABOUT}_keys k WHERE k.type = 'domain' AND k.v = r.value)"
            )
        self.rows: int = session.sql(f"SELECT count(*) AS n FROM {ABOUT}")["n"][0].as_py()

    @property
    def generation(self) -> int:
        """Of the lake."""
        return self._session.generation

    def register(self, name: str, table: pa.Table, /) -> None:
        """As the session does."""
        self._session.register(name, table)

    def sql(self, query: str, parameters: Sequence[object] = (), /) -> pa.Table:
        """As the session does."""
        return self._session.sql(query, parameters)

    def rollup(self, after: int = 0, /) -> str:
        """Only what was asked about."""
        del after
        return ABOUT

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str], /) -> str:
        """As the session does."""
        return self._session.rollup_about(keys, columns)

    def observations(self, after: int = 0, days: Collection[int] | None = None, /) -> str:
        """As the session does."""
        return self._session.observations(after, days)

    def days(self) -> frozenset[int]:
        """As the session does."""
        return self._session.days()

    def rolled_days(self) -> frozenset[int]:
        """As the session does."""
        return self._session.rolled_days()

    def derived(self, name: str, /) -> str | None:
        """As the session does."""
        return self._session.derived(name)

    def note(self, key: str, /) -> str | None:
        """As the session does."""
        return self._session.note(key)


def _host(value: Observable) -> str | None:
    """The name in a domain, an e-mail address or a URL."""
    if value.type is ObservableType.DOMAIN:
        return value.value
    if value.type is ObservableType.EMAIL:
        return value.value.rpartition("@")[2] or None
    return urlsplit(value.value).hostname
