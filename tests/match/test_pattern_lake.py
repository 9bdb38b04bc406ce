"""STIX patterns over the lake: the same answers as over the same observations written as observed-data."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from match.fake_lake import FakeLake, row
from seawall.codec.values import halves_address
from seawall.match import FoundInLake, match_lake, match_pattern, read_observed
from seawall.match.pattern_sql import known_paths
from seawall.model import OBSERVATION_SCHEMA, Fault
from seawall.model.stix.versioning import timestamp

SECOND = 1_000_000
BASE = 1_772_323_200 * SECOND
Row = dict[str, object]


def as_observed_data(rows: Sequence[Row]) -> list[object]:
    """Each row as a bundle of one observed-data object and the observables in it."""
    return [_bundle(found) for found in rows]


def _bundle(written: Row) -> dict[str, object]:
    found = {**dict.fromkeys(OBSERVATION_SCHEMA.names), **written}
    objects: dict[str, dict[str, object]] = {}
    for end in ("src", "dst"):
        if found[f"{end}_high"] is not None:
            text = halves_address(int(str(found[f"{end}_high"])), int(str(found[f"{end}_low"])))
            objects[end] = {"type": "ipv6-addr" if ":" in text else "ipv4-addr", "value": text}
    if objects:
        traffic: dict[str, object] = {"type": "network-traffic", **{f"{end}_ref": end for end in objects}}
        for name in ("src_port", "dst_port"):
            traffic |= {name: found[name]} if found[name] is not None else {}
        traffic |= {"protocols": [found["protocol"]]} if found["protocol"] is not None else {}
        traffic |= {f"x_seawall_{name}": found[name] for name in ("ja3", "ja4", "hassh") if found[name] is not None}
        objects["traffic"] = traffic
    for kind, column, name in (
        ("domain-name", "domain", "value"), ("url", "url", "value"), ("email-addr", "email", "value"),
        ("user-account", "username", "account_login"), ("process", "command", "command_line"),
        ("autonomous-system", "asn", "number"),
    ):  # fmt: skip
        if found[column] is not None:
            objects[column] = {"type": kind, name: found[column]}
    names = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}
    hashes = {stix: found[column] for column, stix in names.items() if found[column] is not None}
    if hashes or found["file_name"] is not None:
        named = {} if found["file_name"] is None else {"name": found["file_name"]}
        objects["file"] = {"type": "file", **({"hashes": hashes} if hashes else {}), **named}
    if found["certificate"] is not None:
        algorithm = "SHA-1" if len(str(found["certificate"])) == 40 else "SHA-256"
        objects["certificate"] = {"type": "x509-certificate", "hashes": {algorithm: found["certificate"]}}
    for place, cve in enumerate(str(found["cve"]).split(",") if found["cve"] is not None else ()):
        objects[f"cve{place}"] = {"type": "x-seawall-cve", "value": cve}
    moment = timestamp(int(str(found["time"])))
    observed = {
        "type": "observed-data", "id": str(found["event"]), "number_observed": 1, "objects": objects,
        "first_observed": moment, "last_observed": moment,
    }  # fmt: skip
    return {"type": "bundle", "objects": [observed]}


def ask(rows: Sequence[Row], pattern: str, **options: int) -> FoundInLake:
    """The lake's answer."""
    lake = FakeLake()
    lake.add(rows)
    with lake.reading() as session:
        return match_lake(session, pattern, **options)


DOMAINS = ["a.example", "b.example", "ä.example", "xa.example", None]
SOURCES = ["10.0.0.1", "198.51.100.7", "2001:db8::9", "2001:db8:1::a", None]


def some_rows(chance: random.Random, count: int) -> list[Row]:
    """Rows of few values, so that they meet."""
    return [
        row(
            number,
            src=chance.choice(SOURCES),
            dst=chance.choice(["198.51.100.7", "198.51.100.9", "203.0.113.1", None]),
            time=BASE + chance.randrange(12) * SECOND,
            domain=chance.choice(DOMAINS),
            url=chance.choice(["http://a.example/x?y=1", None]),
            md5=chance.choice(["0" * 32, None, None]),
            file_name=chance.choice(["evil.exe", "EVIL.dll", None]),
            protocol=chance.choice(["tcp", "udp", None]),
            dst_port=chance.choice([22, 443, None]),
            username=chance.choice(["root", None]),
            command=chance.choice(["wget http://a.example\nsh", None]),
            certificate=chance.choice(["a" * 40, "b" * 64, None]),
            cve=chance.choice(["CVE-2026-0001,CVE-2026-0002", "CVE-2026-0003", None]),
            asn=chance.choice([64500, 64501, None]),
        )
        for number in range(1, count + 1)
    ]


def some_test(chance: random.Random, depth: int = 2) -> str:
    """What stands in brackets."""
    if depth and chance.random() < 0.5:
        sides = [some_test(chance, depth - 1) for _ in range(2)]
        return f"({sides[0]} {chance.choice(['AND', 'OR'])} {sides[1]})"
    address = chance.choice(["ipv4-addr:value", "ipv6-addr:value", "network-traffic:src_ref.value",
                             "network-traffic:dst_ref.value"])  # fmt: skip
    no = chance.choice(["", "", "NOT "])
    return chance.choice(
        (
            f"{address} {no}= '{chance.choice(SOURCES[:4])}'",
            f"{address} {no}IN ('198.51.100.9', '2001:db8::9')",
            f"{address} {no}ISSUBSET '{chance.choice(['198.51.100.0/24', '2001:db8::/47', '0.0.0.0/0', '::/0', 'x'])}'",
            f"{address} ISSUPERSET '198.51.100.{chance.choice(['7', '7/32', '0/24'])}'",
            f"{address} {no}LIKE '{chance.choice(['198%', '2001%', '%::9', '_0.%'])}'",
            f"{address} {no}MATCHES '{chance.choice(['^198', '7$', ':a$', '[0-9]{4}'])}'",
            f"{address} {chance.choice(['<', '>', '<=', '>=', '!='])} '198.51.100.8'",
            f"domain-name:value {no}LIKE '{chance.choice(['_.example', '%.example', 'a.ex%', 'ä%'])}'",
            f"domain-name:value {chance.choice(['=', '!=', '>', '<='])} 'b.example'",
            f"url:value {no}MATCHES 'x.y=[0-9]'",
            f"file:hashes.MD5 {no}= '{'0' * 32}'",
            f"file:name {no}= 'evil.exe'",
            f"{chance.choice(['', 'NOT '])}EXISTS file:name",
            f"EXISTS {chance.choice(known_paths())}",
            f"network-traffic:dst_port {chance.choice(['=', '!=', '<', '>='])} {chance.choice([22, 443, 22.5])}",
            f"network-traffic:dst_port {no}IN (22, 80)",
            f"network-traffic:protocols[*] {no}= 'tcp'",
            f"network-traffic:protocols[0] = {chance.choice(['true', '5'])}",
            f"user-account:account_login {no}= 'root'",
            f"process:command_line {no}MATCHES 'wget.*sh'",
            f"x509-certificate:hashes.'SHA-1' {no}= '{'a' * 40}'",
            f"x-seawall-cve:value {no}= 'CVE-2026-000{chance.randrange(1, 4)}'",
            f"autonomous-system:number {chance.choice(['=', '>'])} 64500",
        )
    )


def some_pattern(chance: random.Random, depth: int = 2) -> str:
    """Observations joined and qualified."""
    if depth == 0 or chance.random() < 0.3:
        text = f"[{some_test(chance)}]"
    else:
        word = chance.choice(["AND", "OR", "FOLLOWEDBY"])
        text = f"({some_pattern(chance, depth - 1)} {word} {some_pattern(chance, depth - 1)})"
    start = chance.randrange(12)
    return text + chance.choice(
        ("", "", "", f" WITHIN {chance.randrange(1, 8)} SECONDS", f" REPEATS {chance.randrange(1, 4)} TIMES",
         f" START t'{timestamp(BASE + start * SECOND)}' STOP t'{timestamp(BASE + (start + 4) * SECOND)}'")
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_the_lake_answers_as_the_matcher_in_memory(seed: int) -> None:
    """Random rows, random patterns: yes, no, or too costly, alike."""
    chance = random.Random(seed)
    rows = some_rows(chance, chance.randrange(1, 14))
    lake = FakeLake()
    lake.add(rows)
    observed = read_observed(as_observed_data(rows))
    with lake.reading() as session:
        for _ in range(25):
            pattern = some_pattern(chance)
            try:
                wanted = match_pattern(pattern, observed).matches
            except Fault as fault:
                assert fault.code == "E-MATCH-016"
                continue
            found = match_lake(session, pattern)
            assert found.matches is wanted, pattern
            assert found.matches is bool(found.events)


def crowd(count: int, step: int = SECOND, **columns: object) -> list[Row]:
    """Rows one after the other."""
    return [row(n, time=BASE + n * step, **columns) for n in range(1, count + 1)]


def test_what_passes_and_one_choice_are_told() -> None:
    """Event numbers in order of time, and a count for each pair of brackets."""
    rows = [*crowd(3, domain="a.example"), row(9, time=BASE + 2 * SECOND, src="198.51.100.7")]
    found = ask(rows, "[domain-name:value = 'A.example'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.7']")
    assert (found.matches, found.passing) == (True, (3, 1))
    assert found.events == (1, 9)
    assert ask(rows, "[domain-name:value = 'a.example']", since=BASE + 3 * SECOND).passing == (1,)
    assert ask(rows, "[ipv6-addr:value = '2001:DB8::1']").passing == (0,)


def test_a_crowd_is_answered() -> None:
    """A hundred thousand rows: repetition, order, windows and their absence, within the time of a test."""
    rows = crowd(100_000, domain="a.example", dst_port=443)
    rows[70_000]["domain"] = "b.example"
    lake = FakeLake()
    lake.add(rows)
    a, b = "[domain-name:value = 'a.example']", "[domain-name:value = 'b.example']"
    with lake.reading() as session:
        for pattern, answer in (
            (f"{a} FOLLOWEDBY {b} FOLLOWEDBY {a}", True),
            (f"{b} FOLLOWEDBY {b}", False),
            (f"{a} REPEATS 1000 TIMES", True),
            (f"({a} REPEATS 50 TIMES) WITHIN 49 SECONDS", True),
            (f"({a} REPEATS 50 TIMES) WITHIN 48 SECONDS", False),
            (f"({a} FOLLOWEDBY {b} FOLLOWEDBY {a}) WITHIN 2 SECONDS", True),
            (f"({a} FOLLOWEDBY {b} FOLLOWEDBY {a}) WITHIN 1 SECONDS", False),
            (f"{b} START t'2026-03-01T00:00:00Z' STOP t'2026-03-01T00:01:00Z'", False),
            (f"{a} START t'2026-03-01T00:00:00Z' STOP t'2026-03-01T00:01:00Z'", True),
            (f"{b} OR [domain-name:value = 'c.example']", True),
        ):
            assert match_lake(session, pattern).matches is answer, pattern


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("[file:size > 5]", "E-MATCH-017"),
        ("[domain-name:value = 'a' AND x-y:z = 1]", "E-MATCH-017"),
        ("[network-traffic:protocols = 'tcp']", "E-MATCH-017"),
        ("[domain-name:value = ", "E-MATCH-015"),
        ("[domain-name:value MATCHES '(?=a)']", "E-MATCH-013"),
        (f"[domain-name:value MATCHES '{'(' * 30_000}']", "E-MATCH-013"),
        ("[domain-name:value MATCHES '((a{1,1000}){1,1000}){1,1000}']", "E-MATCH-013"),
        ("[domain-name:value IN ('a', 1)]", "E-MATCH-014"),
        ("[domain-name:value = t'2026-03-14T00:00:00Z']", "E-MATCH-012"),
        (" AND ".join(f"[domain-name:value = 'd{n}']" for n in range(61)), "E-MATCH-016"),
        (
            "([domain-name:value = 'a.example'] AND [domain-name:value != 'c']) WITHIN 1 SECONDS FOLLOWEDBY "
            "([domain-name:value = 'a.example' AND domain-name:value = 'b.example']) WITHIN 1 SECONDS",
            None,
        ),
    ],
)
def test_what_the_lake_cannot_answer_is_told(pattern: str, code: str | None) -> None:
    """One sentence with a code; a test that nothing passes is a plain no."""
    rows = crowd(3_000, domain="a.example")
    if code is None:
        assert ask(rows, pattern).matches is False
        return
    with pytest.raises(Fault, match=code):
        ask(rows, pattern)


@pytest.mark.parametrize(
    ("test", "matches"),
    [
        ("= {}", False), ("!= {}", True), ("< {}", True), ("<= {}", True), ("> {}", False), (">= {}", False),
        ("< -{}", False), (">= -{}", True), ("IN (64500, {})", True), ("NOT IN ({}, -{})", True), ("NOT < {}", False),
    ],
)  # fmt: skip
def test_numbers_beyond_every_column_compare_as_numbers(test: str, matches: bool) -> None:
    """Beyond 64 bits, and beyond 128."""
    for huge in ("9" * 19, "9" * 20, "9" * 40, "9" * 299):
        assert ask([row(1, asn=64500)], f"[autonomous-system:number {test.replace('{}', huge)}]").matches is matches


def test_huge_windows_and_repetitions_get_an_answer() -> None:
    """Windows longer than time, and more repetitions than rows."""
    both = [row(1, domain="a.example"), row(2, domain="b.example")]
    one, other = "[domain-name:value = 'a.example']", "[domain-name:value = 'b.example']"
    assert ask(both, f"({one} AND {other}) WITHIN {'9' * 300} SECONDS").matches
    assert not ask(both, f"({one} OR {other}) REPEATS 1{'0' * 30} TIMES").matches
    assert not ask(both, f"{one} REPEATS 1{'0' * 30} TIMES").matches


def test_hostile_texts_are_data() -> None:
    """Quotes, bytes and bombs in patterns and in rows: neither SQL nor a hang."""
    rows = [row(1, file_name="'); DROP TABLE x; --", command="a" * 200_000 + "!"), row(2, domain="\x00\ud7ff%_")]
    assert ask(rows, r"[file:name = '\'); DROP TABLE x; --']").passing == (1,)
    assert ask(rows, "[process:command_line MATCHES '^(a+)+$']").passing == (0,)
    assert ask(rows, "[process:command_line MATCHES '(a|aa)*b']").passing == (0,)
    assert ask(rows, "[process:command_line LIKE '%a%a%a%a%a%a%a%b']").passing == (0,)
    assert ask(rows, "[domain-name:value LIKE '_\ud7ff%']").passing == (1,)
