"""Deterministic ids against the reference implementation and the specification's examples."""

from __future__ import annotations

from typing import Any

import pytest
import stix2

from seawall.model.stix import OBJECT_TYPES, ObservableObject, derived_id, id_type, observable_id, random_id
from seawall.model.stix.ids import SEAWALL_NAMESPACE, uuid5_text

CASES: list[tuple[Any, dict[str, Any]]] = [
    (stix2.DomainName, {"value": "example.com"}),
    (stix2.IPv4Address, {"value": "198.51.100.0/24"}),
    (stix2.IPv6Address, {"value": "2001:db8::1"}),
    (stix2.URL, {"value": 'https://example.com/é?q="x"'}),
    (stix2.EmailAddress, {"value": "john@example.com", "display_name": "John"}),
    (stix2.AutonomousSystem, {"number": 15139}),
    (stix2.MACAddress, {"value": "d2:fb:49:24:37:18"}),
    (stix2.Mutex, {"name": "__CLEANSWEEP__"}),
    (stix2.Directory, {"path": "C:\\Windows\\System32"}),
    (stix2.File, {"name": "a.exe", "hashes": {"SHA-256": "a" * 64, "MD5": "b" * 32}, "size": 7}),
    (stix2.File, {"hashes": {"SHA-512": "a" * 128}}),
    (stix2.File, {"name": "秘密.doc"}),
    (stix2.Artifact, {"payload_bin": "VGhpcw==", "mime_type": "text/plain"}),
    (stix2.UserAccount, {"user_id": "1001", "account_login": "jdoe", "account_type": "unix"}),
    (stix2.Software, {"name": "Word", "vendor": "Microsoft"}),
    (stix2.WindowsRegistryKey, {"key": "HKEY_LOCAL_MACHINE\\foo", "values": [{"name": "Foo", "data": "qwerty"}]}),
    (stix2.X509Certificate, {"serial_number": "36:f7:d4", "issuer": "C=ZA"}),
    (stix2.EmailMessage, {"is_multipart": False, "subject": "Hi", "body": "there"}),
    (stix2.NetworkTraffic, {"src_ref": "ipv4-addr--4d22aae0-2bf9-5427-8819-e4f6abf20a53", "protocols": ["tcp"]}),
]


@pytest.mark.parametrize(("reference", "properties"), CASES)
def test_ids_agree_with_the_reference_library(reference: Any, properties: dict[str, Any]) -> None:
    """Everybody who sees the same value gives it the same id."""
    theirs = reference(**properties)
    kind = OBJECT_TYPES[theirs.type]
    assert issubclass(kind, ObservableObject)
    assert observable_id(theirs.type, properties, kind.id_from) == theirs.id


def test_no_contributing_property_means_no_deterministic_id() -> None:
    """A process, or a certificate with nothing but an issuer, needs a random id."""
    assert observable_id("x509-certificate", {"issuer": "C=ZA"}, ("hashes", "serial_number")) is None


def test_random_ids_are_uuid4_of_the_given_bytes() -> None:
    """Randomness is passed in, so tests can stand still."""
    assert random_id("report", bytes) == "report--00000000-0000-4000-8000-000000000000"


def test_derived_ids_are_uuid5_and_depend_on_every_part() -> None:
    """Equal parts give equal ids; where a part ends matters."""
    import uuid

    assert uuid5_text(SEAWALL_NAMESPACE, b"x") == str(uuid.uuid5(uuid.UUID(bytes=SEAWALL_NAMESPACE), "x"))
    assert derived_id("indicator", "ab", "c") != derived_id("indicator", "a", "bc")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("indicator--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", "indicator"), ("indicator--x", None), ("", None)],
)
def test_the_type_of_an_identifier(text: str, kind: str | None) -> None:
    """What stands in front of the two hyphens, when it is an identifier at all."""
    assert id_type(text) == kind
