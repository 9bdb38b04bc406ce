"""Nothing of the node is believed that is not signed, meant for us, next in order, whole, and fresh."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec.structs import replace as replaced

from protect.agent.scenes import AT, HOUR, NODE, POINT, Signer, changes, order, page
from seawall.identity import dsse
from seawall.model import Fault, Refused
from seawall.model.agent import CHANGES_TYPE, EPOCH_TYPE, SNAPSHOT_TYPE, NewEpoch
from seawall.model.canonical_json import canonical_json
from seawall.model.order import Change
from seawall.protect.agent.checking import SteadyClock, Trust

SIGNER = Signer()
TRUST = Trust(NODE, POINT, [SIGNER.signing_public])
ONE, TWO = (Change(number, "put", order(f"203.0.113.{number}")) for number in (6, 7))


def test_what_fits_is_taken_and_is_canonical_json() -> None:
    """Changes behind where we stand are taken; their bytes are RFC 8785's."""
    envelope = changes(SIGNER, 5, [ONE, TWO])
    assert TRUST.changes(envelope, 5, AT).changes == (ONE, TWO)
    payload = dsse.verify(envelope, CHANGES_TYPE, [SIGNER.signing_public])
    assert payload == canonical_json(json.loads(payload))


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        (changes(Signer(), 5, [ONE]), "E-IDENTITY-012"),  # somebody else's key
        (changes(SIGNER, 5, [ONE])[:-20], "E-IDENTITY-010"),  # cut short
        (changes(SIGNER, 5, [ONE]).replace(b"payload", b"paylaod"), "E-IDENTITY-010"),
        (page(SIGNER, 0, []), "E-IDENTITY-011"),  # something else, as signed
        (b"[" * 100_000, "E-IDENTITY-010"),
        (b"x" * (17 << 20), "E-PROTECT-045"),
        (dsse.sign(b"{}", CHANGES_TYPE, SIGNER), "E-PROTECT-045"),
        (dsse.sign(b"[" * 50_000, CHANGES_TYPE, SIGNER), "E-PROTECT-045"),
        (changes(SIGNER, 5, [ONE], node="another"), "E-PROTECT-046"),
        (changes(SIGNER, 5, [ONE], point="gw-2"), "E-PROTECT-046"),
        (changes(SIGNER, 4, [ONE]), "E-PROTECT-047"),  # told before
        (changes(SIGNER, 6, [TWO]), "E-PROTECT-047"),  # one is missing
        (changes(SIGNER, 5, [TWO, ONE], last=9), "E-PROTECT-045"),  # in another order
        (changes(SIGNER, 5, [ONE, ONE], last=9), "E-PROTECT-045"),
        (changes(SIGNER, 5, [TWO], last=6), "E-PROTECT-045"),  # behind its own end
        (changes(SIGNER, 5, [], last=3), "E-PROTECT-045"),
        (changes(SIGNER, 5, [Change(6, "grant", ONE.order)]), "E-PROTECT-045"),
        (changes(SIGNER, 5, [Change(6 + n, "put", ONE.order) for n in range(5_001)]), "E-PROTECT-045"),
        (changes(SIGNER, 5, [ONE], at=AT - HOUR), "E-PROTECT-052"),
        (changes(SIGNER, 5, [ONE], at=AT + HOUR), "E-PROTECT-051"),
        (changes(SIGNER, 5, [ONE], expires_at=AT + 100 * HOUR), "E-PROTECT-045"),  # good for ever
        (changes(SIGNER, 5, [Change(6, "put", replaced(ONE.order, reason="x" * 9_000))]), "E-PROTECT-045"),
        (changes(SIGNER, 5, [Change(6, "put", replaced(ONE.order, expires_at=1 << 63))]), "E-PROTECT-045"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_its_reason(envelope: bytes, code: str) -> None:
    """Forged, cut, huge, for others, replayed, reordered, with a gap, stale, from the future: each by its code."""
    with pytest.raises(Fault) as caught:
        TRUST.changes(envelope, 5, AT)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_a_snapshot_is_taken_only_in_its_order_and_never_older_than_what_was_known() -> None:
    """Pages follow each other within one snapshot; a book that went back is refused."""
    first = TRUST.page(page(SIGNER, 0, [ONE.order], final=False), None, 5, AT)
    assert TRUST.page(page(SIGNER, 1, [TWO.order]), first, 5, AT).final
    for wrong in (
        page(SIGNER, 0, []),  # again
        page(SIGNER, 2, []),  # one left out
        page(SIGNER, 1, [], snapshot="s2"),
        page(SIGNER, 1, [], sequence=8),
    ):
        with pytest.raises(Fault) as caught:
            TRUST.page(wrong, first, 5, AT)
        assert caught.value.code == "E-PROTECT-048"
    final = TRUST.page(page(SIGNER, 0, []), None, 7, AT)
    with pytest.raises(Fault) as caught:
        TRUST.page(page(SIGNER, 1, []), final, 7, AT)
    assert caught.value.code == "E-PROTECT-048"
    with pytest.raises(Fault) as caught:
        TRUST.page(page(SIGNER, 0, []), None, 8, AT)
    assert caught.value.code == "E-PROTECT-049"
    with pytest.raises(Fault) as caught:
        TRUST.page(dsse.sign(b'{"orders": 1}', SNAPSHOT_TYPE, SIGNER), None, 0, AT)
    assert caught.value.code == "E-PROTECT-045"


def test_the_clock_never_goes_back_behind_what_was_believed() -> None:
    """A gateway that starts in 1970 counts from the node's last word, so no time-out becomes half a century."""
    clock = SteadyClock(lambda: 0, latest=AT)
    assert clock() == AT
    clock.believe(AT + 5)
    clock.believe(AT - 5)
    assert (clock(), clock.raw) == (AT + 5, 0)
    assert SteadyClock(lambda: AT + 9, latest=AT)() == AT + 9


def test_another_book_is_refused_and_an_approval_needs_two_people() -> None:
    """Changes and pages of another epoch are none of ours; what one person approved, or for another point, is none."""
    envelope = changes(SIGNER, 5, [], epoch="b" * 16)
    assert TRUST.changes(envelope, 5, AT, "b" * 16).epoch == "b" * 16
    assert TRUST.changes(envelope, 5, AT).epoch == "b" * 16
    for known in ("a" * 16, ""):
        with pytest.raises(Refused, match="E-PROTECT-131"):
            TRUST.changes(envelope, 5, AT, known)
    with pytest.raises(Refused, match="E-PROTECT-131"):
        TRUST.page(page(SIGNER, 0, []), None, 0, AT, "a" * 16)
    said = NewEpoch(NODE, POINT, "b" * 16, AT, AT - 1, ("lin", "park"), AT, AT, AT + 300_000_000)

    def signed(value: NewEpoch) -> bytes:
        return dsse.sign(msgspec.json.encode(value, order="sorted"), EPOCH_TYPE, SIGNER)

    assert TRUST.epoch(signed(said), AT) == said
    for wrong in (
        {"approved_by": ("lin", "lin")},
        {"approved_by": ()},
        {"epoch": "x" * 65},
        {"point": "gw-2"},
        {"expires_at": AT - 600_000_000, "made_at": AT - 900_000_000},
    ):
        with pytest.raises(Refused, match=r"E-PROTECT-04[56]|E-PROTECT-052"):
            TRUST.epoch(signed(replaced(said, **wrong)), AT)
    with pytest.raises(Refused, match="E-IDENTITY"):
        TRUST.epoch(dsse.sign(msgspec.json.encode(said, order="sorted"), EPOCH_TYPE, Signer()), AT)
