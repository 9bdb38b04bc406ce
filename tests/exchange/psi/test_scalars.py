"""Secret scalars as files: private, durable, first one wins, wiped for good."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.psi.sides import OTHER, pair, terms_of
from seawall.exchange import psi
from seawall.model import Fault, ObservableType, Refused

NAME, ONE, TWO = "ab" * 32, b"\1" * 32, b"\2" * 32


@pytest.fixture
def scalars(tmp_path: Path) -> psi.FileScalars:
    """An empty folder of scalars."""
    return psi.FileScalars(tmp_path / "node" / psi.FOLDER)


def test_a_scalar_is_kept_in_a_private_file(scalars: psi.FileScalars, tmp_path: Path) -> None:
    """The file is its owner's alone, the folder too, and nothing else lies beside it."""
    assert scalars.get(NAME) is None
    assert scalars.put(NAME, ONE) == ONE == scalars.get(NAME)
    folder = tmp_path / "node" / psi.FOLDER
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert scalars.names() == (NAME,)


def test_the_first_scalar_stays(scalars: psi.FileScalars) -> None:
    """A second one under the same name does not replace it: an epoch has one key."""
    scalars.put(NAME, ONE)
    assert scalars.put(NAME, TWO) == ONE == scalars.get(NAME)


def test_a_wiped_scalar_is_overwritten_and_gone(scalars: psi.FileScalars, tmp_path: Path) -> None:
    """Its bytes are overwritten before the file is removed; wiping twice is no fault."""
    scalars.put(NAME, ONE)
    file = tmp_path / "node" / psi.FOLDER / NAME
    with file.open("rb", buffering=0) as still_open:
        scalars.wipe(NAME)
        assert still_open.read() == bytes(32)
    scalars.wipe(NAME)
    assert scalars.get(NAME) is None
    assert scalars.names() == ()


@pytest.mark.parametrize("damage", ["short", "long", "zero", "open"])
def test_a_damaged_or_open_file_is_not_used(scalars: psi.FileScalars, tmp_path: Path, damage: str) -> None:
    """A file of another length, of zeros, or that others may read is named in one sentence."""
    scalars.put(NAME, ONE)
    file = tmp_path / "node" / psi.FOLDER / NAME
    file.write_bytes({"short": ONE[:31], "long": ONE + b"\1", "zero": bytes(32), "open": ONE}[damage])
    if damage == "open":
        file.chmod(0o644)
    with pytest.raises(Fault, match="E-EXCHANGE-709"):
        scalars.get(NAME)


@pytest.mark.parametrize("name", ["../other", "", "AB" * 32, "ab" * 31])
def test_names_are_digests(scalars: psi.FileScalars, name: str) -> None:
    """Nothing but a digest becomes a file name."""
    with pytest.raises(ValueError, match="64 lower hex digits"):
        scalars.put(name, ONE)


def test_an_offer_is_the_same_after_a_kill(scalars: psi.FileScalars) -> None:
    """Asked again, from the same folder, a node offers the same key with the same proof."""
    terms = terms_of()
    assert psi.offer(terms, OTHER, scalars, os.urandom) == psi.offer(terms, OTHER, scalars, os.urandom)


def test_both_sides_agree_on_one_epoch() -> None:
    """Each side comes to the same id, and to another one for other terms or other keys."""
    one, other = pair()
    assert one.epoch == other.epoch
    ids = {pair(terms)[0].epoch.id for terms in (None, terms_of(number=2), terms_of(type=ObservableType.DOMAIN))}
    assert len({one.epoch.id, *ids}) == 4


def test_a_key_without_its_scalar_is_refused() -> None:
    """Our own key sent back, a stranger's key, or a key for other terms is refused: nobody knows its scalar there."""
    terms, scalars = terms_of(), psi.MemoryScalars()
    ours = psi.offer(terms, terms.nodes[0], scalars, os.urandom)
    theirs = psi.offer(terms, terms.nodes[1], psi.MemoryScalars(), os.urandom)
    other = psi.offer(terms_of(number=2), terms.nodes[1], psi.MemoryScalars(), os.urandom)
    for offered, code in (
        (ours, "E-EXCHANGE-705"),
        (psi.Commitment(other.point, theirs.proof), "E-EXCHANGE-703"),
        (other, "E-EXCHANGE-703"),
        (psi.Commitment(bytes(32), theirs.proof), "E-EXCHANGE-702"),
        (psi.Commitment(theirs.point, theirs.proof[:-1]), "E-EXCHANGE-702"),
    ):
        with pytest.raises(Refused) as refused:
            psi.agree(terms, ours, offered, terms.nodes[0])
        assert refused.value.code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": ("node--2", "node--1")},
        {"nodes": ("node--1", "node--1")},
        {"nodes": ("node--3", "node--4")},
        {"nodes": ("node--1", "node--2|x")},
        {"most_points": psi.MOST_POINTS + 1},
        {"most_points": 0},
        {"number": 0},
        {"starts": 5, "ends": 5},
        {"starts": 0, "ends": 101 * 86_400_000_000},
        {"normalisation": 2},
        {"purpose": "other"},
    ],
    ids=str,
)
def test_terms_that_cannot_be_held_are_refused(wrong: dict[str, object]) -> None:
    """Terms of other nodes, without bounds, or of another version are refused before a key is made."""
    scalars = psi.MemoryScalars()
    with pytest.raises(Refused, match="E-EXCHANGE-704"):
        psi.offer(terms_of(**wrong), "node--1", scalars, os.urandom)
