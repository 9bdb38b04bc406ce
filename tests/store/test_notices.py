"""The book of notices: numbered, settled once, bounded."""

from __future__ import annotations

from seawall.model.notice import KeptNotice, NoticeKind, NoticeState
from seawall.store import Store


def ours(number: int, peer: str = "seoul", state: NoticeState = NoticeState.WAITING) -> KeptNotice:
    """One of our notices."""
    return KeptNotice(peer, True, number, NoticeKind.TERMS, 1_000 + number, f"{number:064x}", b"{}", state)


def test_a_notice_waits_until_its_peer_took_it(store: Store) -> None:
    """What waits is given in order; what the peer took, it took with all before it."""
    for number in (1, 2, 3):
        store.notices.add(ours(number))
    store.notices.add(ours(1, "tokyo"))
    assert [item.number for item in store.notices.waiting("seoul")] == [1, 2, 3]
    assert store.notices.taken("seoul", 2, 9) == (1, 2)
    assert store.notices.taken("seoul", 2, 9) == ()
    assert [item.number for item in store.notices.waiting("seoul")] == [3]
    assert (store.notices.count_waiting("seoul"), store.notices.count_waiting("tokyo")) == (1, 1)
    assert store.notices.last("seoul", ours=True) == 3
    assert store.notices.last("seoul", ours=False) == 0


def test_a_rejected_notice_keeps_the_reason(store: Store) -> None:
    """What the peer rejected stays with its sentence; a number that was never sent is nobody's."""
    store.notices.add(ours(1))
    assert store.notices.refused("seoul", 1, "No such circle.\x00", 5)
    assert not store.notices.refused("seoul", 2, "No such circle.", 5)
    kept = store.notices.get("seoul", 1, ours=True)
    assert kept is not None
    assert (kept.state, kept.settled_at) == (NoticeState.REJECTED, 5)
    assert kept.reason is not None and kept.reason.startswith("No such circle.")


def test_old_notices_give_way_and_waiting_ones_do_not(store: Store) -> None:
    """Of settled notices the last few numbers stay; one that still waits is never dropped by newer ones."""
    store.notices.add(ours(1))
    for number in range(2, 8):
        store.notices.add(ours(number, state=NoticeState.TAKEN), keep=3)
    assert [item.number for item in store.notices.list("seoul")] == [7, 6, 5, 1]
    assert store.notices.forget_waiting("seoul") == 1
    assert store.notices.waiting("seoul") == ()
