"""Reading the contact directory: what people write is understood or refused with its place, never guessed."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model import Fault
from seawall.reference.contacts import read_contacts, readable_phone, spoken_language

FINGERPRINT = "27F1 0AAC 7F66 6441 823F  C663 5098 4444 1A75 0CF1"


def one(**fields: object) -> bytes:
    """A directory with one entry."""
    return msgspec.json.encode([{"name": "KrCERT/CC", **fields}])


def test_csv_and_json_say_the_same() -> None:
    """Both forms give the same entry, lists separated by semicolons in the table."""
    table = (
        "name,short_name,timezone,phone_24x7,email,fingerprints,languages,deputy,deputy_phone,peer\n"
        f"KrCERT/CC,KrCERT,Asia/Seoul,+82 2 123 4567,cert@team.example,{FINGERPRINT},ko; en,Kim,"
        "+82 (0)10-1234-5678,kr\n"
    )
    listed = one(
        short_name="KrCERT", timezone="Asia/Seoul", phone_24x7="+8221234567", email="cert@team.example",
        fingerprints=[FINGERPRINT.replace(" ", "")], languages=["ko", "en"], deputy="Kim",
        deputy_phone="+821012345678", peer="kr",
    )  # fmt: skip
    assert read_contacts(table.encode()) == read_contacts(listed)
    assert spoken_language(read_contacts(listed)[0]) == "ko"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "02-123-4567"),
        ("phone_24x7", "+0123456789"),
        ("phone", "+82 21234567890123456"),
        ("deputy_phone", "+82 x"),
        ("fingerprints", ["1234"]),
        ("timezone", "../../etc/passwd"),
        ("languages", ["한국어"]),
        ("email", "nobody"),
        ("color", "red"),
        ("name", ""),
        ("name", 5),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    """Each wrong field is refused with the number of its entry and the field's name."""
    with pytest.raises(Fault) as caught:
        read_contacts(one(**{field: value}))
    assert caught.value.code == "E-CONTACT-002"
    assert "Contact number 1" in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"a,b\n1,2\n", b"name\nx,y,z\n", b"\xff\xfe\x00", b"[1]", b"[" * 5_000]
)
def test_what_is_no_directory_is_said_so(data: bytes) -> None:
    """Anything else is one sentence."""
    with pytest.raises(Fault, match="E-CONTACT-00"):
        read_contacts(data)


@pytest.mark.parametrize(
    ("number", "said"),
    [("+8221234567", "+822 123 45 67"), ("+886223456789", "+886 223 456 789"), ("+4930123", "+493 01 23")],
)
def test_a_number_is_dictated_in_groups(number: str, said: str) -> None:
    """Groups of two or three digits, none alone at the end."""
    assert readable_phone(number) == said
