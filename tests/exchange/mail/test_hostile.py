"""Hostile mail: whatever the bytes, a mail is believed or not believed, and nothing else happens."""

from __future__ import annotations

from email.policy import EmailPolicy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.exchange.mail import NotBelieved, Reason, extract, open_mail, outside, parse
from seawall.exchange.mail.bounds import HEADER_VALUE, HEADER_WORK, TEXT_VALUE
from seawall.exchange.mail.opening import Opened, Outside
from seawall.identity.openpgp import OpenedMail, Trust
from seawall.model import Pap, Tlp
from seawall.model.mail import Draft

GOOD = (
    b'From: a@b.example\r\nSubject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary="q"\r\n\r\n--q\r\n'
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nBlock 198.51.100[.]7\r\n--q\r\nContent-Type: text/html\r\n\r\n"
    b'<p>x</p>\r\n--q\r\nContent-Type: text/csv; name="a.csv"\r\nContent-Disposition: attachment; filename="a.csv"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\ndHlwZSx2YWx1ZQppcHY0LDE5OC41MS4xMDAuOQo=\r\n--q\r\n"
    b'Content-Type: application/json; name="b.json"\r\nContent-Disposition: attachment\r\n\r\n{"type":"bundle"}\r\n'
    b"--q--\r\n"
)
OUTER = (
    b"From: a@b.example\r\nContent-Type: text/plain\r\n\r\n"
    b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n"
)
HEADERS = [
    b"Content-Type: multipart/mixed; boundary=", b"Content-Type: text/plain; charset=no-such", b"From: a@b, c@d",
    b"Content-Transfer-Encoding: uuencode", b"Content-Transfer-Encoding: base64", b"Subject: =?no-such?b?////?=",
    b"Content-Type: text/plain; charset*0*=x'y'%ff", b"Content-Disposition: attachment; filename*=utf-8''%00%2e%2e%2f",
    b"From: \xff\xfe@\xff", b"Message-ID: <" + b"x" * 500, b"References: " + b"<a@b> " * 50,
    b"From: " + b'"' * 20_000, b'Content-Type: text/plain; x="' + b'"' * 20_000, b"Subject: " + b"=?" * 20_000,
]  # fmt: skip


def read(raw: bytes) -> Draft | None:
    """Everything that is done to a signed content; None when it is not believed."""
    try:
        opened = Opened(Outside("a@b.example"), ("[TLP:GREEN]",), raw, inline=False)
        return extract(opened, Tlp.AMBER, Pap.GREEN, lambda _: ())
    except NotBelieved:
        return None


def test_the_good_one_is_read() -> None:
    """The mail that the others are made from gives its values."""
    draft = read(GOOD)
    assert draft is not None
    assert {value.value for value in draft.values} == {"198.51.100.7", "198.51.100.9"}
    assert [one.name for one in draft.attachments] == ["a.csv", "b.json"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=3_000))
@example(b"")
@example(b"\n\n" * 400)
@example(b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\n--')
def test_any_bytes(raw: bytes) -> None:
    """Bytes of any kind are a draft or malformed, and what is claimed in them is printable and bounded."""
    read(raw)
    try:
        claims = outside(parse(raw))
    except NotBelieved:
        return
    assert all(text.isprintable() and len(text) <= 300 for text in (claims.sender, claims.subject, claims.message_id))


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_change_of_a_good_mail(data: st.DataObject) -> None:
    """Bytes cut, doubled, overwritten and strange header fields put in: a draft or malformed."""
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        how = data.draw(st.sampled_from(("cut", "double", "write", "field")))
        if how == "cut":
            del raw[at : at + data.draw(st.integers(1, 60))]
        elif how == "double":
            raw[at:at] = raw[at : at + 200]
        elif how == "write":
            raw[at : at + 3] = data.draw(st.binary(max_size=6))
        else:
            raw[0:0] = data.draw(st.sampled_from(HEADERS)) + b"\r\n"
    read(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=500), st.sampled_from(list(Trust)))
def test_only_a_good_signature_is_believed(content: bytes, trust: Trust) -> None:
    """Whatever was decrypted, a mail opens only under a good signature."""
    message = parse(OUTER)
    try:
        opened = open_mail(
            message, outside(message), lambda _: OpenedMail(content, trust), lambda *_: OpenedMail(b"", trust)
        )
    except NotBelieved:
        return
    assert trust is Trust.GOOD
    assert opened.inline


@pytest.mark.parametrize("count", [41, 300])
def test_many_boundaries_cost_nothing(count: int) -> None:
    """Multiparts within multiparts are refused before they are parsed."""
    head = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(count))
    assert read(head + b"x") is None


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(name, length) of every field that the standard library is given to parse."""
    seen: list[tuple[str, int]] = []
    parse_field = EmailPolicy.header_fetch_parse

    def counting(self: EmailPolicy, name: str, value: str) -> object:
        seen.append((name.lower(), len(value)))
        return parse_field(self, name, value)

    monkeypatch.setattr(EmailPolicy, "header_fetch_parse", counting)
    return seen


@pytest.mark.parametrize(
    "field",
    [b"From: ", b'Content-Type: text/plain; x="', b"Content-Transfer-Encoding: ", b"Subject: ", b"References: "],
)
def test_a_field_of_sixty_kilobytes_is_cut_before_it_is_parsed(handed: list[tuple[str, int]], field: bytes) -> None:
    """The parser's work grows with the square of a field: it is given a bounded piece of each, once."""
    raw = field + b'"' * 60_000 + b"\r\n\r\nx"
    for head_only in (True, False):
        handed.clear()
        message = parse(raw, head_only=head_only)
        assert outside(message).sender == ""
        assert outside(message).sender == ""
        assert all(length <= (TEXT_VALUE if name in ("subject", "references") else HEADER_VALUE)
                   for name, length in handed)  # fmt: skip
        assert len(handed) == len(set(handed))


def test_the_fields_of_parts_are_bounded_too(handed: list[tuple[str, int]]) -> None:
    """Hundreds of parts, each with a long field of its own, are malformed once their fields are too much work."""
    parts = b"".join(b'--q\r\nContent-Type: text/plain; n%d="%s\r\n\r\nx\r\n' % (n, b'"' * 60_000) for n in range(150))
    assert read(b'Content-Type: multipart/mixed; boundary="q"\r\n\r\n' + parts + b"--q--\r\n") is None
    assert max(length for _, length in handed) <= HEADER_VALUE
    assert sum(length for _, length in handed) <= HEADER_WORK


def test_a_cut_sender_is_nobody() -> None:
    """A From too long to be read whole names no sender: cut short, it could name another."""
    raw = b"From: " + b"A" * 900 + b"A <" + b"a" * 150 + b"@b.example>\r\n\r\n"
    assert outside(parse(raw)).sender == ""


def test_many_senders_are_nobody(handed: list[tuple[str, int]]) -> None:
    """Of two From fields nobody knows which one is meant; none of them is parsed."""
    raw = b"".join(b"From: %d%s\r\n" % (n, b'"' * 900) for n in range(60)) + b"\r\n"
    assert outside(parse(raw, head_only=True)).sender == ""
    assert "from" not in dict(handed)


SIGNED = (
    b'Content-Type: multipart/signed; boundary="s"\r\nSubject: {around}\r\n\r\n--s\r\n'
    b"From: {sender}\r\nSubject: {subject}\r\nContent-Type: text/plain\r\n\r\nwords\r\n--s\r\n"
    b"Content-Type: application/pgp-signature\r\n\r\nSIGNATURE\r\n--s--\r\n"
)


@pytest.mark.parametrize(("sender", "believed"), [(b"a@b.example", True), (b"else@b.example", False)])
def test_what_was_signed_before_it_was_encrypted_is_read(sender: bytes, believed: bool) -> None:
    """RFC 3156 section 6.1: sender and subject count as they stand under the signature, not around it."""
    content = SIGNED.replace(b"{sender}", sender).replace(b"{subject}", b"[TLP:RED] old").replace(b"{around}", b"new")
    message = parse(OUTER.replace(b"text/plain", b"application/octet-stream"))

    def unseal(_: bytes) -> OpenedMail:
        return OpenedMail(content, Trust.UNSIGNED)

    def verify(signed: bytes, _: bytes) -> OpenedMail:
        return OpenedMail(signed, Trust.GOOD)

    if not believed:
        with pytest.raises(NotBelieved) as caught:
            open_mail(message, outside(message), unseal, verify)
        assert caught.value.reason is Reason.OTHER_HEADERS
        return
    opened = open_mail(message, outside(message), unseal, verify)
    assert opened.subjects[-1] == "[TLP:RED] old"
    assert extract(opened, Tlp.GREEN, Pap.GREEN, lambda _: ()).tlp is Tlp.RED
