from __future__ import annotations

import doctest

import seawall.store
from seawall.model import Tlp, UserRole, Visibility
from seawall.store import Store


def test_the_example_runs() -> None:
    """The example at the head of the room does what it says."""
    assert doctest.testmod(seawall.store).failed == 0


def test_an_in_memory_store_is_whole() -> None:
    """``sqlite://`` gives a store that lives as long as it is open, for tests and trials."""
    with Store.open("sqlite://") as store:
        store.users.add("mina", UserRole.ADMIN, at=1)
        assert store.objects.list(Visibility(Tlp.RED)).items == ()
        assert len(store.users.list()) == 1
    with Store.open("sqlite://") as store:
        assert store.users.list() == ()
