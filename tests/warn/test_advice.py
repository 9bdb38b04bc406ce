"""What is proposed, and hunts that are valid Sigma and SQL."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.safe_yaml import load_documents
from seawall.codec.sigma import read_sigma
from seawall.codec.values import address_halves
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.directive import Action
from seawall.warn.advice import ProposalFacts, playbook_for, propose
from seawall.warn.hunting import lake_query, observation_commands, sigma_rule
from seawall.warn.severity import Severity

FACTS = ProposalFacts(
    type=ObservableType.IPV4, at=1_000_000, confidence=90, pap=Pap.GREEN, is_own=False, listed=None, indicator=True,
    of_peer=False, may_block=True,
)  # fmt: skip
EXAMPLES = {
    ObservableType.IPV4: "203.0.113.5", ObservableType.IPV6: "2001:db8::5", ObservableType.CIDR: "203.0.113.0/24",
    ObservableType.DOMAIN: "evil.example", ObservableType.URL: "http://evil.example/a?b=*'\"",
    ObservableType.EMAIL: "a@evil.example", ObservableType.MD5: "d" * 32, ObservableType.SHA1: "d" * 40,
    ObservableType.SHA256: "d" * 64, ObservableType.CERTIFICATE: "d" * 40, ObservableType.JA3: "d" * 32,
    ObservableType.JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1", ObservableType.HASSH: "d" * 32,
    ObservableType.AS: "AS64496", ObservableType.CVE: "CVE-2026-1234", ObservableType.FILE_NAME: "a\\b c.exe",
    ObservableType.WALLET: "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    ObservableType.PATTERN: "[file:name = 'x']",
}  # fmt: skip
COLUMNS = (
    "time BIGINT, src_high BIGINT, src_low BIGINT, dst_high BIGINT, dst_low BIGINT, domain VARCHAR, url VARCHAR, "
    "email VARCHAR, md5 VARCHAR, sha1 VARCHAR, sha256 VARCHAR, file_name VARCHAR, ja3 VARCHAR, ja4 VARCHAR, "
    "hassh VARCHAR, certificate VARCHAR, cve VARCHAR, asn BIGINT"
)


def _but(**changes: object) -> ProposalFacts:
    import msgspec

    return msgspec.structs.replace(FACTS, **changes)


def test_blocking_needs_evidence_marking_and_policy() -> None:
    """Everything speaks for it: block, until then. One thing against it: watch, and it says what."""
    plain = propose(FACTS)
    assert plain.action is Action.BLOCK
    assert plain.expires_at == 1_000_000 + 7 * 86_400 * 1_000_000
    for changes in ({"confidence": 69}, {"pap": Pap.AMBER}, {"of_peer": True, "may_block": False}):
        found = propose(_but(**changes))
        assert (found.action, len(found.because)) == (Action.WATCH, 1)
        assert "--include-watch" in str(found.command)


@pytest.mark.parametrize("changes", [{"is_own": True}, {"listed": "public DNS"}, {"type": ObservableType.JA3}])
def test_what_must_not_be_blocked_is_not_proposed(changes: dict[str, object]) -> None:
    """Own assets, what a warninglist names, and what no tool enforces."""
    found = propose(_but(**changes))
    assert (found.action, found.expires_at, found.command) == (None, None, None)
    assert found.because


@pytest.mark.parametrize("type", list(ObservableType))
def test_every_type_has_a_hunt_that_parses(type: ObservableType) -> None:
    """The Sigma rule is read as one, the statement for people runs, and so does the bound one; or there is none."""
    observable = Observable(type, EXAMPLES[type])
    rule = sigma_rule(observable, severity=Severity.HIGH, tlp=Tlp.AMBER, day="2026-11-22", title='a "title": x')
    assert playbook_for(type).steps
    if rule is not None:
        assert not read_sigma(rule.encode()).rejected
        assert load_documents(rule, 100_000)[0]["title"] == 'a "title": x'
    query = lake_query(observable)
    if query is not None:
        with duckdb.connect() as engine:
            engine.execute(f"CREATE TABLE observations ({COLUMNS})")
            engine.execute(query.text())
            engine.execute(f"SELECT * FROM observations WHERE {query.condition}", list(query.values))
    for command in observation_commands(observable):
        assert shlex.split(command)[:3] == ["seawall", "observations", "--where"]
    assert (query is None) == (type in (ObservableType.WALLET, ObservableType.PATTERN))


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """One engine for all examples: opening it takes longer than asking."""
    with duckdb.connect() as opened:
        yield opened


@given(st.integers(0, 2**128 - 1), st.integers(1, 128), st.integers(0, 2**128 - 1))
def test_a_network_finds_exactly_its_addresses(
    engine: duckdb.DuckDBPyConnection, base: int, prefix: int, other: int
) -> None:
    """Signed halves do not turn the order of addresses around."""
    network = ipaddress.ip_network((base, prefix), strict=False)
    query = lake_query(Observable(ObservableType.CIDR, str(network)))
    assert query is not None
    for number in (int(network[0]), int(network[-1]), other):
        high, low = address_halves(str(ipaddress.IPv6Address(number)))
        source = f"CAST('{high}' AS BIGINT) AS src_high, CAST('{low}' AS BIGINT) AS src_low"
        row = f"SELECT {source}, 1 AS dst_high, 1 AS dst_low"
        values = list(query.values)
        found = engine.execute(
            f"SELECT count(*) FROM ({row}) WHERE {query.condition.partition(' OR ')[0]}", values[: len(values) // 2]
        ).fetchone()
        assert found == (int(ipaddress.IPv6Address(number) in network),)
