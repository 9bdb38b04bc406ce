"""Subjects and defanged values: what is written can be read, and what attackers write changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.refang import refang
from seawall.exchange.mail import defang, message_id, read_subject, subject_line, ticket_name
from seawall.model import ObservableType, Pap, Tlp


@given(st.sampled_from(list(Tlp)), st.sampled_from(list(Pap)), st.integers(1, 10**6), st.integers(1, 9))
def test_what_we_write_we_read(tlp: Tlp, pap: Pap, number: int, parts: int) -> None:
    """Marking and tickets come back from a subject, also behind the Re: of an answer."""
    ticket = ticket_name(2026, number)
    text = subject_line(
        tlp=tlp, pap=pap, ticket=ticket, text="news", part=1, parts=parts, foreign=("KrCERT#2026-7", "INC 12")
    )
    said = read_subject(f"RE: Fwd: {text}")
    assert (said.tlp, said.pap, said.ticket, said.foreign) == (tlp, pap, ticket, ("KrCERT#2026-7", "INC 12"))
    assert text.startswith(f"[TLP:{tlp.label.upper()}]")


@pytest.mark.parametrize(
    ("text", "tlp"),
    [
        ("TLP:WHITE", Tlp.CLEAR),
        ("tlp : amber + strict", Tlp.AMBER_STRICT),
        ("[TLP:AMBER-STRICT]", Tlp.AMBER_STRICT),
        ("TLP:AMBER STRICT", Tlp.AMBER_STRICT),
        ("[TLP:CLEAR] [TLP:RED]", Tlp.RED),
        ("ＴＬＰ：ＲＥＤ", Tlp.RED),
        ("TLP:REDDISH", None),
        ("nothing", None),
        ("TLP:AMBERGRIS", None),
    ],
)
def test_markings_in_every_spelling(text: str, tlp: Tlp | None) -> None:
    """Old, spaced, full-width and repeated markings: the strictest counts, and words that only begin alike do not."""
    assert read_subject(text).tlp is tlp


@given(st.text(max_size=400))
def test_any_subject_can_be_read(text: str) -> None:
    """No subject raises, and tickets are of our own shape only."""
    said = read_subject(text)
    assert said.ticket is None or said.ticket.startswith("SW-")
    assert len(said.foreign) <= 3


@pytest.mark.parametrize(
    ("type", "value", "written"),
    [
        (ObservableType.DOMAIN, "evil.example", "evil[.]example"),
        (ObservableType.IPV4, "198.51.100.7", "198[.]51[.]100[.]7"),
        (ObservableType.URL, "https://evil.example/a.php?b=c.d", "hxxps://evil[.]example/a.php?b=c.d"),
        (ObservableType.EMAIL, "a@evil.example", "a[@]evil[.]example"),
        (ObservableType.SHA256, "a" * 64, "a" * 64),
    ],
)
def test_defanged_values_come_back(type: ObservableType, value: str, written: str) -> None:
    """Nobody opens them by mistake, and the reader's tools undo it."""
    assert defang(type, value) == written
    assert refang(written) == value


def test_the_same_mail_has_the_same_name() -> None:
    """A Message-ID follows from what the mail carries, and differs when that does."""
    one = message_id("node.example", "SW-2026-0001", "node", "out:a:b:0:5")
    assert one == message_id("node.example", "SW-2026-0001", "node", "out:a:b:0:5")
    assert one != message_id("node.example", "SW-2026-0001", "node", "out:a:b:0:6")
