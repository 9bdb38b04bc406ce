"""SCOs of a host (part 6): files, processes, registry, software, certificates."""

from __future__ import annotations

from typing import Annotated, ClassVar

from seawall.model.stix.kinds import (
    Binary,
    Dictionary,
    Hashes,
    Hex,
    Json,
    Kind,
    Natural,
    Shape,
    Timestamp,
    Url,
)
from seawall.model.stix.nested import RegistryValue, X509Extensions
from seawall.model.stix.objects import Musts, ObservableObject

_MediaType = Annotated[str, Kind("media-type")]
_CharacterSet = Annotated[str, Kind("character-set")]
_FileRef = Annotated[str, Kind("observable-ref", targets=("file",))]
_AccountRef = Annotated[str, Kind("observable-ref", targets=("user-account",))]


class Artifact(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="artifact"):
    """6.1: bytes, or where they are."""

    mime_type: Annotated[str, Kind("strict-media-type")] | None = None
    payload_bin: Binary | None = None
    url: Url | None = None
    hashes: Hashes | None = None
    encryption_algorithm: Annotated[str, Kind("enumeration", vocabulary="encryption-algorithm-enum")] | None = None
    decryption_key: str | None = None
    id_from: ClassVar[tuple[str, ...]] = ("hashes", "payload_bin")
    musts: ClassVar[Musts] = Musts(
        exactly_one=("payload_bin", "url"),
        needs=(("url", "hashes"), ("decryption_key", "encryption_algorithm")),
    )


class Directory(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="directory"):
    """6.3."""

    path: str
    path_enc: _CharacterSet | None = None
    ctime: Timestamp | None = None
    mtime: Timestamp | None = None
    atime: Timestamp | None = None
    contains_refs: list[Annotated[str, Kind("observable-ref", targets=("file", "directory"))]] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("path",)


class File(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="file"):
    """6.7."""

    hashes: Hashes | None = None
    size: Natural | None = None
    name: str | None = None
    name_enc: _CharacterSet | None = None
    magic_number_hex: Hex | None = None
    mime_type: _MediaType | None = None
    ctime: Timestamp | None = None
    mtime: Timestamp | None = None
    atime: Timestamp | None = None
    parent_directory_ref: Annotated[str, Kind("observable-ref", targets=("directory",))] | None = None
    contains_refs: list[Annotated[str, Kind("observable-ref")]] | None = None
    content_ref: Annotated[str, Kind("observable-ref", targets=("artifact",))] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("hashes", "name", "parent_directory_ref", "extensions")
    musts: ClassVar[Musts] = Musts(any_of=("hashes", "name"))


class Mutex(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="mutex"):
    """6.11."""

    name: str
    id_from: ClassVar[tuple[str, ...]] = ("name",)


class Process(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="process"):
    """6.13: always a random id."""

    is_hidden: bool | None = None
    pid: int | None = None
    created_time: Timestamp | None = None
    cwd: str | None = None
    command_line: str | None = None
    environment_variables: Dictionary | None = None
    opened_connection_refs: list[Annotated[str, Kind("observable-ref", targets=("network-traffic",))]] | None = None
    creator_user_ref: _AccountRef | None = None
    image_ref: _FileRef | None = None
    parent_ref: Annotated[str, Kind("observable-ref", targets=("process",))] | None = None
    child_refs: list[Annotated[str, Kind("observable-ref", targets=("process",))]] | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "extensions", "is_hidden", "pid", "created_time", "cwd", "command_line", "environment_variables",
            "opened_connection_refs", "creator_user_ref", "image_ref", "parent_ref", "child_refs",
        )
    )  # fmt: skip


class Software(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="software"):
    """6.14."""

    name: str
    cpe: Annotated[str, Kind("cpe")] | None = None
    swid: str | None = None
    languages: list[Annotated[str, Kind("software-language")]] | None = None
    vendor: str | None = None
    version: str | None = None
    id_from: ClassVar[tuple[str, ...]] = ("name", "cpe", "swid", "vendor", "version")


class WindowsRegistryKey(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="windows-registry-key"):
    """6.17: hives are spelled in full."""

    key: Annotated[str, Kind("registry-key")] | None = None
    values: list[Annotated[Json, Shape(RegistryValue)]] | None = None
    modified_time: Timestamp | None = None
    creator_user_ref: _AccountRef | None = None
    number_of_subkeys: int | None = None
    id_from: ClassVar[tuple[str, ...]] = ("key", "values")
    musts: ClassVar[Musts] = Musts(any_of=("key", "values", "modified_time", "creator_user_ref", "number_of_subkeys"))


class X509Certificate(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="x509-certificate"):
    """6.18."""

    is_self_signed: bool | None = None
    hashes: Hashes | None = None
    version: str | None = None
    serial_number: str | None = None
    signature_algorithm: str | None = None
    issuer: str | None = None
    validity_not_before: Timestamp | None = None
    validity_not_after: Timestamp | None = None
    subject: str | None = None
    subject_public_key_algorithm: str | None = None
    subject_public_key_modulus: str | None = None
    subject_public_key_exponent: int | None = None
    x509_v3_extensions: Annotated[Json, Shape(X509Extensions)] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("hashes", "serial_number")
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "is_self_signed", "hashes", "version", "serial_number", "signature_algorithm", "issuer",
            "validity_not_before", "validity_not_after", "subject", "subject_public_key_algorithm",
            "subject_public_key_modulus", "subject_public_key_exponent", "x509_v3_extensions",
        )
    )  # fmt: skip
