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


def test_every_group_is_made_on_first_use_and_once() -> None:
    """A store has each group that it names, the same one whenever it is asked for, and no other."""
    with Store.open("sqlite://") as store:
        for name, group in Store.__annotations__.items():
            made = getattr(store, name)
            assert type(made).__name__ == group
            assert getattr(store, name) is made
        assert not hasattr(store, "wishes")
