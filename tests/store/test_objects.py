from __future__ import annotations

import pytest

from seawall.model import NotFound, Pap, Tlp, Visibility
from seawall.model.outbox import OutboxRow
from seawall.model.stored import PutCounts
from seawall.store import Store
from store_scenes import EVERYTHING, stored

FIRST, SECOND, THIRD = (f"2026-03-14T00:00:0{second}.000Z" for second in (1, 2, 3))


def ids(store: Store, visibility: Visibility = EVERYTHING) -> list[str]:
    """All ids that may be seen, page by page."""
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = store.objects.list(visibility, after=after, limit=2)
        found += [item.id for item in page.items]
        after = page.next
    return found


def test_new_updated_unchanged(store: Store) -> None:
    """The first sight is new, the same again unchanged, another version or other content updated."""
    assert store.objects.put([stored(version=FIRST), stored(version=FIRST)]) == PutCounts(1, 0, 1)
    assert store.objects.put([stored(version=FIRST)]) == PutCounts(0, 0, 1)
    assert store.objects.put([stored(version=SECOND)]) == PutCounts(0, 1, 0)
    assert store.objects.put([stored(version=SECOND, tlp=Tlp.RED)]) == PutCounts(0, 1, 0)
    assert store.objects.versions("malware--1") == (FIRST, SECOND)
    assert store.objects.get("malware--1", visibility=EVERYTHING).tlp is Tlp.RED


def test_everything_comes_back(store: Store) -> None:
    """All fields of an object are returned as given, with the sequence that the store gave."""
    given = stored(
        created_by="identity--1",
        body=b'{"x":"\xf0\x9f\x8c\x8a"}',
        pap=Pap.RED,
        origin="seoul",
        source="KrCERT",
        stored_at=7,
        inputs=("indicator--1", "indicator--2"),
        excluded=frozenset({"b", "a"}),
    )
    store.objects.put([given])
    got = store.objects.get("malware--1", visibility=EVERYTHING)
    assert got.sequence > 0
    assert {**_fields(got), "sequence": 0} == _fields(given)


def _fields(item: object) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__struct_fields__}  # type: ignore[attr-defined]


def test_older_version_does_not_replace_the_latest(store: Store) -> None:
    """An older version that arrives late is kept, and the latest stays the latest."""
    store.objects.put([stored(version=SECOND)])
    assert store.objects.put([stored(version=FIRST)]) == PutCounts(0, 1, 0)
    assert store.objects.get("malware--1", visibility=EVERYTHING).version == SECOND
    assert store.objects.get("malware--1", FIRST, visibility=EVERYTHING).version == FIRST
    assert ids(store) == ["malware--1"]


def test_versions_are_moments_not_texts(store: Store) -> None:
    """``...01Z``, ``...01.000Z`` and an offset name one version, and ``...01.5Z`` is newer."""
    store.objects.put([stored(version="2026-03-14T00:00:01Z", body=b"{}")])
    assert store.objects.put([stored(version="2026-03-14T00:00:01.000Z", body=b"{}")]).unchanged == 1
    store.objects.put([stored(version="2026-03-14T00:00:01.5Z")])
    assert store.objects.get("malware--1", visibility=EVERYTHING).version.endswith("01.5Z")
    assert store.objects.get("malware--1", "2026-03-14T09:00:01+09:00", visibility=EVERYTHING).body == b"{}"


def test_object_without_versions_is_unchanged_later(store: Store) -> None:
    """An observable that carries the moment of its import is the same when it is imported again."""
    store.objects.put([stored("ipv4-addr--1", version=FIRST, body=b"{}")])
    assert store.objects.put([stored("ipv4-addr--1", version=SECOND, body=b"{}")]) == PutCounts(0, 0, 1)


def test_absent_and_withheld_look_alike(store: Store) -> None:
    """What the asker may not see gives the same answer as what is not there."""
    store.objects.put([stored("malware--1", tlp=Tlp.RED)])
    sentences = []
    for id in ("malware--1", "malware--2"):
        with pytest.raises(NotFound) as caught:
            store.objects.get(id, visibility=Visibility(tlp_at_most=Tlp.AMBER))
        sentences.append(str(caught.value).replace(id, ""))
    assert sentences[0] == sentences[1]


def test_raised_marking_covers_older_versions(store: Store) -> None:
    """Once the latest version is withheld, older ones are withheld by name too."""
    store.objects.put([stored(version=FIRST), stored(version=SECOND, tlp=Tlp.RED)])
    with pytest.raises(NotFound):
        store.objects.get("malware--1", FIRST, visibility=Visibility(tlp_at_most=Tlp.AMBER))
    assert ids(store, Visibility(tlp_at_most=Tlp.AMBER)) == []


def test_visibility_is_applied_before_paging(store: Store) -> None:
    """Withheld objects leave no gaps: pages are full as long as there is something to see."""
    store.objects.put([stored(f"malware--{n}", tlp=Tlp.RED if n % 2 else Tlp.GREEN) for n in range(10)])
    page = store.objects.list(Visibility(tlp_at_most=Tlp.GREEN), limit=3)
    assert [item.id for item in page.items] == ["malware--0", "malware--2", "malware--4"]
    assert ids(store, Visibility(tlp_at_most=Tlp.GREEN)) == [f"malware--{n}" for n in range(0, 10, 2)]


def test_conditions_of_a_visibility(store: Store) -> None:
    """PAP, types and excluded origins each hide what they name; an empty set of types hides all."""
    store.objects.put(
        [
            stored("malware--1", pap=Pap.RED),
            stored("indicator--2"),
            stored("malware--3", origin="seoul"),
        ]
    )
    red = Tlp.RED
    assert ids(store, Visibility(red, pap_at_most=Pap.AMBER)) == ["indicator--2", "malware--3"]
    assert ids(store, Visibility(red, types=frozenset({"indicator"}))) == ["indicator--2"]
    assert ids(store, Visibility(red, types=frozenset())) == []
    assert ids(store, Visibility(red, excluded_origins=frozenset({"seoul"}))) == ["malware--1", "indicator--2"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_derived_objects_inherit_origins(store: Store, order: tuple[int, ...]) -> None:
    """What was made of a peer's object is hidden with it, at any distance and in any order of arrival."""
    chain = [
        stored("indicator--1", origin="seoul"),
        stored("sighting--2", inputs=("indicator--1",)),
        stored("incident--3", inputs=("sighting--2",)),
    ]
    for place in order:
        store.objects.put([chain[place]])
    store.objects.put([stored("malware--4")])
    hidden = Visibility(Tlp.RED, excluded_origins=frozenset({"seoul"}))
    assert ids(store, hidden) == ["malware--4"]
    assert len(ids(store)) == 4


def test_ring_of_inputs_ends(store: Store) -> None:
    """Objects that claim to derive from each other are stored, and share their origins."""
    store.objects.put([stored("note--1", inputs=("note--2",), origin="x"), stored("note--2", inputs=("note--1",))])
    assert ids(store, Visibility(Tlp.RED, excluded_origins=frozenset({"x"}))) == []


def test_circle_shows_only_what_stands_in_its_outbox(store: Store) -> None:
    """A visibility bound to a circle shows what was released there and not withdrawn."""
    store.objects.put([stored("malware--1"), stored("malware--2")])
    store.outbox.add("harbour", [OutboxRow("malware--1", FIRST, b"{}")], at=1)
    seen = Visibility(Tlp.RED, circle="harbour")
    assert ids(store, seen) == ["malware--1"]
    store.outbox.withdraw("harbour", "malware--1", at=2)
    assert ids(store, seen) == []


def test_changed_since_tells_each_change_once(store: Store) -> None:
    """A job that keeps the last sequence sees new and changed objects, and nothing twice."""
    store.objects.put([stored("malware--1"), stored("malware--2")])
    seen = store.objects.changed_since(0)
    last = seen.items[-1].sequence
    assert [item.id for item in seen.items] == ["malware--1", "malware--2"]
    assert store.objects.changed_since(last).items == ()
    store.objects.put([stored("malware--1"), stored("malware--2", version=THIRD)])
    assert [item.id for item in store.objects.changed_since(last).items] == ["malware--2"]


def test_revoked_stays_revoked(store: Store) -> None:
    """Revoking marks the latest version, tells the jobs, and survives the same import again."""
    store.objects.put([stored()])
    last = store.objects.changed_since(0).items[-1].sequence
    store.objects.revoke("malware--1", at=9)
    assert store.objects.changed_since(last).items[0].revoked
    assert store.objects.put([stored()]).unchanged == 1
    assert store.objects.get("malware--1", visibility=EVERYTHING).revoked
    with pytest.raises(NotFound):
        store.objects.revoke("malware--none", at=9)


def test_hostile_text_is_kept_as_data(store: Store) -> None:
    """NUL, lone surrogates, quotes and format signs neither break an engine nor change a query."""
    nasty = "malware--'; DROP TABLE objects; -- {x} %s \x00 \ud800"
    store.objects.put([stored(nasty, source="%(x)s", body=b"\x00\xff")])
    page = store.objects.list(EVERYTHING)
    assert page.items[0].body == b"\x00\xff"
    assert "DROP TABLE" in page.items[0].id


def test_batches_are_exact(store: Store) -> None:
    """Counts and order hold over several batches."""
    many = [stored(f"malware--{n:04}") for n in range(1201)]
    assert store.objects.put(many) == PutCounts(1201, 0, 0)
    assert store.objects.put(reversed(many)) == PutCounts(0, 0, 1201)
    assert store.objects.list(EVERYTHING, after=0, limit=5000).next is None
