from __future__ import annotations

import random
import threading

import pytest
import sqlalchemy as sa

from seawall.model import Fault
from seawall.model.outbox import OutboxFilter, OutboxPage, OutboxRow
from seawall.store import Store
from seawall.store.database import Database
from seawall.store.outbox_query import BODY, Query, page_query
from store_scenes import EVERYTHING

FIRST, SECOND, THIRD = (f"2026-03-14T00:00:0{second}.000Z" for second in (1, 2, 3))
ALL = OutboxFilter(versions=("all",))


def row(id: str = "indicator--1", version: str = FIRST, recipients: set[str] | None = None) -> OutboxRow:
    """One row with a body that names it."""
    return OutboxRow(id, version, f"{id} {version}".encode(), None if recipients is None else frozenset(recipients))


def seen(page: OutboxPage) -> list[tuple[str, str]]:
    """Id and version of each row."""
    return [(each.object_id, each.version) for each in page.rows]


def walk(store: Store, recipient: str | None = "seoul", limit: int = 2, match: OutboxFilter = ALL) -> list[OutboxRow]:
    """All rows, page by page."""
    rows: list[OutboxRow] = []
    next: str | None = None
    while True:
        page = store.outbox.page("c", recipient, next=next, limit=limit, match=match)
        rows += page.rows
        assert page.more == (page.next is not None)
        if page.next is None:
            return rows
        next = page.next


def test_date_added_rises_while_the_clock_does_not(store: Store) -> None:
    """Dates are unique and strictly rising when the clock stands still and when it goes back."""
    assert store.outbox.add("c", [row("a--1"), row("a--2")], at=1000) == 1001
    assert store.outbox.add("c", [row("a--3")], at=1000) == 1002
    assert store.outbox.add("c", [row("a--4")], at=5) == 1003
    assert store.outbox.add("c", [row("a--5")], at=2000) == 2000
    assert store.outbox.add("c", [], at=9) == 9
    assert [each.added for each in walk(store)] == [1000, 1001, 1002, 1003, 2000]
    assert store.outbox.last_added("c") == 2000


def test_circles_are_apart(store: Store) -> None:
    """Rows of one circle are not seen in another, and each has its own dates; unknown circles are empty."""
    store.outbox.add("c", [row("a--1")], at=10)
    store.outbox.add("d", [row("a--2")], at=10)
    assert seen(store.outbox.page("d", None)) == [("a--2", FIRST)]
    assert store.outbox.page("nowhere", None) == OutboxPage((), False, None, None, None)
    assert store.outbox.last_added("nowhere") == 0


def test_added_after_is_strict(store: Store) -> None:
    """``added_after`` leaves out the row of exactly that moment."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(4)], at=10)
    page = store.outbox.page("c", None, added_after=11)
    assert (page.first_added, page.last_added, page.more, page.next) == (12, 13, False, None)
    assert store.outbox.page("c", None, added_after=13).rows == ()


def test_paging_is_exact(store: Store) -> None:
    """Every page size gives every row once, in order; a full last page does not promise more."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(6)], at=10)
    for limit in (1, 2, 3, 5, 6, 7):
        assert [each.object_id for each in walk(store, limit=limit)] == [f"a--{n}" for n in range(6)]


def test_inserts_between_pages_neither_repeat_nor_hide(store: Store) -> None:
    """Rows added during a walk come at its end."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(4)], at=10)
    page = store.outbox.page("c", None, limit=2)
    store.outbox.add("c", [row("a--9")], at=1)
    rest = store.outbox.page("c", None, limit=10, next=page.next)
    assert [each.object_id for each in rest.rows] == ["a--2", "a--3", "a--9"]


def test_next_of_another_question_is_refused(store: Store) -> None:
    """A forged, cut or borrowed ``next`` is refused; it cannot show another recipient's rows."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(4)], at=10)
    next = store.outbox.page("c", "seoul", limit=2).next
    assert next is not None
    for forged in ("", "x", next[:-3], next + "AAAA", "%00", "漁", "A" * 5000):
        with pytest.raises(Fault, match="E-STORE-070"):
            store.outbox.page("c", "seoul", next=forged)
    with pytest.raises(Fault, match="E-STORE-070"):
        store.outbox.page("c", "tokyo", next=next)
    with pytest.raises(Fault, match="E-STORE-070"):
        store.outbox.page("c", "seoul", next=next, match=ALL)


def test_recipients(store: Store) -> None:
    """A row with recipients is shown to exactly these; look-alike names see nothing; the empty set is nobody."""
    store.outbox.add(
        "c", [row("a--1", recipients={"seoul", "tokyo"}), row("a--2"), row("a--3", recipients=set())], at=10
    )
    for name, expected in {
        "seoul": ["a--1", "a--2"],
        "Seoul": ["a--2"],
        "seoul-2": ["a--2"],
        "seo": ["a--2"],
        "%": ["a--2"],
        '","': ["a--2"],
        'seoul","tokyo': ["a--2"],
    }.items():
        assert [each.object_id for each in walk(store, name)] == expected, name
    assert len(walk(store, None)) == 3
    assert store.outbox.standing("c", "seoul", ["a--1", "a--9"]) == {"a--1"}
    assert store.outbox.standing("c", "osaka", ["a--1"]) == frozenset()


def test_withdrawn_rows_are_hidden(store: Store) -> None:
    """A withdrawal hides all versions, or one; adding again shows the object anew at a later date."""
    store.outbox.add("c", [row("a--1"), row("a--1", SECOND), row("a--2")], at=10)
    assert store.outbox.withdraw("c", "a--1", at=20, version=SECOND) == 1
    assert seen(store.outbox.page("c", None)) == [("a--1", FIRST), ("a--2", FIRST)]
    assert store.outbox.withdraw("c", "a--1", at=20) == 1
    assert store.outbox.withdraw("c", "a--1", at=20) == 0
    assert store.outbox.holding("a--1") == ()
    store.outbox.add("c", [row("a--1", SECOND)], at=30)
    assert seen(store.outbox.page("c", None, added_after=12)) == [("a--1", SECOND)]
    assert store.outbox.holding("a--1") == (("c", SECOND),)


def test_same_version_again_is_shown_once_at_its_later_date(store: Store) -> None:
    """A version added again for others reaches them behind their last poll, and nobody sees it twice."""
    store.outbox.add("c", [row("a--1", recipients={"seoul"})], at=10)
    store.outbox.add("c", [row("a--1", recipients={"tokyo"})], at=20)
    store.outbox.add("c", [row("a--2")], at=30)
    for name in ("seoul", "tokyo"):
        assert [each.object_id for each in walk(store, name)] == ["a--1", "a--2"]
    assert [each.added for each in walk(store, "tokyo")] == [20, 30]
    store.outbox.add("c", [row("a--1")], at=40)
    assert [each.added for each in walk(store, "seoul")] == [30, 40]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (("last",), [("a--1", THIRD), ("a--2", FIRST)]),
        (("first",), [("a--1", FIRST), ("a--2", FIRST)]),
        (("all",), [("a--1", FIRST), ("a--1", THIRD), ("a--1", SECOND), ("a--2", FIRST)]),
        ((SECOND,), [("a--1", SECOND)]),
        (("2026-03-14T00:00:02Z",), [("a--1", SECOND)]),
        (("first", "last"), [("a--1", FIRST), ("a--1", THIRD), ("a--2", FIRST)]),
        (("first", SECOND), [("a--1", FIRST), ("a--1", SECOND), ("a--2", FIRST)]),
        (("last", "all"), [("a--1", FIRST), ("a--1", THIRD), ("a--1", SECOND), ("a--2", FIRST)]),
    ],
)
def test_version_filter(store: Store, versions: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """``match[version]`` chooses by the object's version, not by the order in which versions were added."""
    store.outbox.add("c", [row("a--1"), row("a--1", THIRD), row("a--1", SECOND), row("a--2")], at=10)
    assert seen(store.outbox.page("c", "seoul", match=OutboxFilter(versions=versions))) == expected


@pytest.mark.parametrize("seed", range(6))
def test_the_latest_is_shown_in_whatever_order_and_company_rows_came(store: Store, seed: int) -> None:
    """Versions early and late, alone and together, for one and for all: as a list of all rows would tell it."""
    chance = random.Random(seed)
    added: list[tuple[OutboxRow, int]] = []
    for at in range(100, 2_000, 100):
        rows = [
            row(
                f"a--{chance.randrange(12)}",
                chance.choice((FIRST, SECOND, THIRD)),
                chance.choice((None, {"seoul"}, {"tokyo"})),
            )
            for _ in range(chance.randrange(1, 5))
        ]
        store.outbox.add("c", rows, at=at)
        added += [(each, at + place) for place, each in enumerate(rows)]
    for name in ("seoul", "tokyo"):
        mine = [(each, at) for each, at in added if each.recipients is None or name in each.recipients]
        latest = {
            each.object_id: max((e.version, at) for e, at in mine if e.object_id == each.object_id) for each, _ in mine
        }
        expected = sorted((at, id, version) for id, (version, at) in latest.items())
        found = walk(store, name, match=OutboxFilter())
        assert [(each.added, each.object_id, each.version) for each in found] == expected


def test_rows_of_an_older_store_are_looked_at_as_before(store: Store, made_url: str) -> None:
    """A store that was upgraded knows nothing of its rows' company: the column's default has them looked at."""
    store.outbox.add("c", [row("a--1")], at=10)
    database = Database(made_url)
    with database.writing() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO outbox (circle, added, object_id, id_hash, type, version, version_at, spec_version, body) "
                "SELECT circle, 20, object_id, id_hash, type, '2026-03-14T00:00:02.000Z', version_at + 1000000, "
                "spec_version, body FROM outbox"
            )
        )
        connection.execute(sa.text("UPDATE outbox SET in_company = (1 = 1)"))
    database.close()
    assert seen(store.outbox.page("c", "seoul")) == [("a--1", SECOND)]


def test_last_version_is_the_last_this_recipient_may_see(store: Store) -> None:
    """A newer version for somebody else does not hide the older one."""
    store.outbox.add("c", [row("a--1"), row("a--1", SECOND, recipients={"tokyo"})], at=10)
    assert seen(store.outbox.page("c", "seoul")) == [("a--1", FIRST)]
    assert seen(store.outbox.page("c", "tokyo")) == [("a--1", SECOND)]


def test_other_filters(store: Store) -> None:
    """Ids, types and specification versions are each a choice of several; all must hold."""
    old = OutboxRow("note--3", FIRST, b"{}", spec_version="2.0")
    store.outbox.add("c", [row("indicator--1"), row("malware--2"), old], at=10)
    for match, expected in (
        (OutboxFilter(ids=("malware--2", "nothing--9")), ["malware--2"]),
        (OutboxFilter(types=("indicator", "note")), ["indicator--1", "note--3"]),
        (OutboxFilter(spec_versions=("2.0",)), ["note--3"]),
        (OutboxFilter(ids=("note--3",), types=("indicator",)), []),
        (OutboxFilter(ids=()), []),
    ):
        assert [each.object_id for each in store.outbox.page("c", "seoul", match=match).rows] == expected


def test_objects_without_versions(store: Store) -> None:
    """An observable without a version stands once, under any filter but a timestamp."""
    store.outbox.add("c", [OutboxRow("ipv4-addr--1", "", b"{}")], at=10)
    for versions, count in (("last", 1), ("first", 1), ("all", 1), (FIRST, 0)):
        assert len(store.outbox.page("c", "x", match=OutboxFilter(versions=(versions,))).rows) == count


def test_manifest_is_the_same_without_bodies(store: Store) -> None:
    """A manifest page has the same rows and dates as the page of objects, and empty bodies."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(3)], at=10)
    page, manifest = store.outbox.page("c", "x", limit=2), store.outbox.manifest_page("c", "x", limit=2)
    assert page.rows[0].body == f"a--0 {FIRST}".encode()
    assert {each.body for each in manifest.rows} == {b""}
    assert [each.added for each in manifest.rows] == [each.added for each in page.rows]
    assert manifest.next == page.next


def test_concurrent_writers_and_readers_miss_nothing(store: Store) -> None:
    """While four threads add rows, a poller that goes on from its last date sees every row exactly once."""
    polled: list[str] = []
    done = threading.Event()
    failures: list[BaseException] = []

    def add(thread: int) -> None:
        try:
            for n in range(15):
                store.outbox.add("c", [row(f"a--{thread}-{n}-{part}") for part in range(3)], at=1000)
        except BaseException as error:
            failures.append(error)

    def poll() -> None:
        last = 0
        while True:
            finished = done.is_set()
            page = store.outbox.page("c", "seoul", added_after=last, limit=7, match=ALL)
            polled.extend(each.object_id for each in page.rows)
            last = page.last_added or last
            if finished and not page.rows:
                return

    writers = [threading.Thread(target=add, args=(thread,)) for thread in range(4)]
    reader = threading.Thread(target=poll)
    for thread in [*writers, reader]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert failures == []
    assert len(polled) == len(set(polled)) == 180


def test_page_is_a_range_scan(made_url: str) -> None:
    """With and without a date, a page reads the index of dates and sorts nothing; ids are looked up by id."""
    with Store.open(made_url) as store:
        store.outbox.add("c", [row(f"a--{n}") for n in range(2000)], at=10)
    database = Database(made_url)
    plain, named = OutboxFilter(), OutboxFilter(ids=("a--7",))
    if not database.is_sqlite:  # it scans a table of one page whatever the indexes
        with database.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    with database.reading() as connection:
        plans = []
        for match in (plain, named):
            statement = page_query(BODY, Query("c", "seoul", 1000, match), 1, 1000).limit(11)
            text = statement.compile(connection, compile_kwargs={"literal_binds": True}).string
            explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
            plans.append(
                " | ".join(str(line) for line in connection.execute(sa.text(explain + text.replace(":", r"\:"))))
            )
    database.close()
    assert "outbox_by_added" in plans[0]
    assert "TEMP B-TREE" not in plans[0]
    assert "Sort" not in plans[0]
    assert "Seq Scan" not in plans[0]
    if database.is_sqlite:
        assert "outbox_by_object (id_hash=? AND circle=?)" in plans[1]
        assert "outbox_by_added" not in plans[1]


def test_a_listing_is_bounded(store: Store) -> None:
    """Whatever a peer asks for, a page has at least one and at most MAX_PAGE rows."""
    store.outbox.add("c", [row(f"a--{n}") for n in range(3)], at=10)
    assert len(store.outbox.page("c", "x", limit=0).rows) == 1
    assert len(store.outbox.page("c", "x", limit=-5).rows) == 1
    assert len(store.outbox.page("c", "x", limit=10**12).rows) == 3
    assert store.objects.list(EVERYTHING, limit=10**12).items == ()


def test_a_recipient_may_clear_its_own_rows(store: Store) -> None:
    """Rows for one recipient go for it alone, all versions or the asked; rows that others read too stay."""
    rows = [row("a--1", version, {name}) for version in (FIRST, SECOND, THIRD) for name in ("seoul", "busan")]
    store.outbox.add("c", [*rows, row("a--2")], at=10)
    assert store.outbox.withdraw_from("c", "seoul", "a--1", 20, ["last"]) == (("a--1", THIRD),)
    assert store.outbox.withdraw_from("c", "seoul", "a--1", 20, [FIRST]) == (("a--1", FIRST),)
    assert seen(store.outbox.page("c", "seoul", match=ALL)) == [("a--1", SECOND), ("a--2", FIRST)]
    assert store.outbox.withdraw_from("c", "seoul", "a--1", 20) == (("a--1", SECOND),)
    assert store.outbox.withdraw_from("c", "seoul", "a--1", 20) == ()
    assert store.outbox.withdraw_from("c", "seoul", "a--2", 20) == ()
    assert store.outbox.withdraw_from("d", "seoul", "a--1", 20) == ()
    assert len(walk(store, "busan")) == 4


def test_what_waits_is_counted_behind_a_date(store: Store) -> None:
    """Rows for a recipient behind a date are counted, up to a bound, with the oldest one's date."""
    store.outbox.add("c", [row(f"a--{n}", recipients={"seoul"}) for n in range(5)], at=10)
    store.outbox.add("c", [row("b--1", recipients={"busan"})], at=30)
    assert store.outbox.waiting("c", "seoul", None, 100) == (5, 10)
    assert store.outbox.waiting("c", "seoul", 11, 100) == (3, 12)
    assert store.outbox.waiting("c", "seoul", 11, 2) == (2, 12)
    assert store.outbox.waiting("c", "seoul", 14, 100) == (0, None)
    assert store.outbox.waiting("d", "seoul", None, 100) == (0, None)
