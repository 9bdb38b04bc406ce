"""Predefined extensions of SCOs (part 6): the properties inside ``extensions`` that the specification itself names."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from seawall.model.stix.kinds import Dictionary, Hashes, Hex, Json, Kind, Natural, Shape
from seawall.model.stix.objects import Musts


class ArchiveFile(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.2 ``archive-ext``."""

    contains_refs: list[Annotated[str, Kind("observable-ref", targets=("file", "directory"))]]
    comment: str | None = None


class AlternateDataStream(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.3.2."""

    name: str
    hashes: Hashes | None = None
    size: Natural | None = None


class NtfsFile(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.3 ``ntfs-ext``."""

    sid: str | None = None
    alternate_data_streams: list[Annotated[Json, Shape(AlternateDataStream)]] | None = None
    musts: ClassVar[Musts] = Musts(any_of=("sid", "alternate_data_streams"))


class PdfFile(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.4 ``pdf-ext``."""

    version: str | None = None
    is_optimized: bool | None = None
    document_info_dict: Annotated[Json, Kind("text-dictionary")] | None = None
    pdfid0: str | None = None
    pdfid1: str | None = None
    musts: ClassVar[Musts] = Musts(any_of=("version", "is_optimized", "document_info_dict", "pdfid0", "pdfid1"))


class RasterImageFile(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.5 ``raster-image-ext``."""

    image_height: int | None = None
    image_width: int | None = None
    bits_per_pixel: int | None = None
    exif_tags: Annotated[Json, Kind("exif-dictionary")] | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=("image_height", "image_width", "bits_per_pixel", "image_compression_algorithm", "exif_tags")
    )


class WindowsPeOptionalHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """6.7.6.2."""

    magic_hex: Hex | None = None
    major_linker_version: int | None = None
    minor_linker_version: int | None = None
    size_of_code: Natural | None = None
    size_of_initialized_data: Natural | None = None
    size_of_uninitialized_data: Natural | None = None
    address_of_entry_point: int | None = None
    base_of_code: int | None = None
    base_of_data: int | None = None
    image_base: int | None = None
    section_alignment: int | None = None
    file_alignment: int | None = None
    major_os_version: int | None = None
    minor_os_version: int | None = None
    major_image_version: int | None = None
    minor_image_version: int | None = None
    major_subsystem_version: int | None = None
    minor_subsystem_version: int | None = None
    win32_version_value_hex: Hex | None = None
    size_of_image: Natural | None = None
    size_of_headers: Natural | None = None
    checksum_hex: Hex | None = None
    subsystem_hex: Hex | None = None
    dll_characteristics_hex: Hex | None = None
    size_of_stack_reserve: Natural | None = None
    size_of_stack_commit: Natural | None = None
    size_of_heap_reserve: Natural | None = None
    size_of_heap_commit: Natural | None = None
    loader_flags_hex: Hex | None = None
    number_of_rva_and_sizes: int | None = None
    hashes: Hashes | None = None


class WindowsPeSection(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.6.3."""

    name: str
    size: Natural | None = None
    entropy: float | None = None
    hashes: Hashes | None = None


class WindowsPeBinary(msgspec.Struct, frozen=True, kw_only=True):
    """6.7.6 ``windows-pebinary-ext``."""

    pe_type: str
    imphash: str | None = None
    machine_hex: Hex | None = None
    number_of_sections: Natural | None = None
    time_date_stamp: Annotated[str, Kind("whole-seconds")] | None = None
    pointer_to_symbol_table_hex: Hex | None = None
    number_of_symbols: Natural | None = None
    size_of_optional_header: Natural | None = None
    characteristics_hex: Hex | None = None
    file_header_hashes: Hashes | None = None
    optional_header: Annotated[Json, Shape(WindowsPeOptionalHeader)] | None = None
    sections: list[Annotated[Json, Shape(WindowsPeSection)]] | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "imphash", "machine_hex", "number_of_sections", "time_date_stamp", "pointer_to_symbol_table_hex",
            "number_of_symbols", "size_of_optional_header", "characteristics_hex", "file_header_hashes",
            "optional_header", "sections",
        )
    )  # fmt: skip


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """6.12.2 ``http-request-ext``."""

    request_method: str
    request_value: str
    request_version: str | None = None
    request_header: Annotated[Json, Kind("list-dictionary")] | None = None
    message_body_length: int | None = None
    message_body_data_ref: Annotated[str, Kind("observable-ref", targets=("artifact",))] | None = None


class Icmp(msgspec.Struct, frozen=True, kw_only=True):
    """6.12.3 ``icmp-ext``."""

    icmp_type_hex: Hex
    icmp_code_hex: Hex


class NetworkSocket(msgspec.Struct, frozen=True, kw_only=True):
    """6.12.4 ``socket-ext``."""

    address_family: Annotated[str, Kind("enumeration", vocabulary="network-socket-address-family-enum")]
    is_blocking: bool | None = None
    is_listening: bool | None = None
    options: Annotated[Json, Kind("socket-options")] | None = None
    socket_type: Annotated[str, Kind("enumeration", vocabulary="network-socket-type-enum")] | None = None
    socket_descriptor: Natural | None = None
    socket_handle: int | None = None


class Tcp(msgspec.Struct, frozen=True, kw_only=True):
    """6.12.5 ``tcp-ext``."""

    src_flags_hex: Hex | None = None
    dst_flags_hex: Hex | None = None
    musts: ClassVar[Musts] = Musts(any_of=("src_flags_hex", "dst_flags_hex"))


class WindowsProcess(msgspec.Struct, frozen=True, kw_only=True):
    """6.13.2 ``windows-process-ext``."""

    aslr_enabled: bool | None = None
    dep_enabled: bool | None = None
    priority: str | None = None
    owner_sid: str | None = None
    window_title: str | None = None
    startup_info: Dictionary | None = None
    integrity_level: Annotated[str, Kind("enumeration", vocabulary="windows-integrity-level-enum")] | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "aslr_enabled",
            "dep_enabled",
            "priority",
            "owner_sid",
            "window_title",
            "startup_info",
            "integrity_level",
        )
    )


class WindowsService(msgspec.Struct, frozen=True, kw_only=True):
    """6.13.3 ``windows-service-ext``."""

    service_name: str | None = None
    descriptions: list[str] | None = None
    display_name: str | None = None
    group_name: str | None = None
    start_type: Annotated[str, Kind("enumeration", vocabulary="windows-service-start-type-enum")] | None = None
    service_dll_refs: list[Annotated[str, Kind("observable-ref", targets=("file",))]] | None = None
    service_type: Annotated[str, Kind("enumeration", vocabulary="windows-service-type-enum")] | None = None
    service_status: Annotated[str, Kind("enumeration", vocabulary="windows-service-status-enum")] | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "service_name", "descriptions", "display_name", "group_name", "start_type", "service_dll_refs",
            "service_type", "service_status",
        )
    )  # fmt: skip


class UnixAccount(msgspec.Struct, frozen=True, kw_only=True):
    """6.16.2 ``unix-account-ext``."""

    gid: int | None = None
    groups: list[str] | None = None
    home_dir: str | None = None
    shell: str | None = None
    musts: ClassVar[Musts] = Musts(any_of=("gid", "groups", "home_dir", "shell"))


PREDEFINED_EXTENSIONS: dict[str, dict[str, type[msgspec.Struct]]] = {
    "file": {
        "archive-ext": ArchiveFile,
        "ntfs-ext": NtfsFile,
        "pdf-ext": PdfFile,
        "raster-image-ext": RasterImageFile,
        "windows-pebinary-ext": WindowsPeBinary,
    },
    "network-traffic": {
        "http-request-ext": HttpRequest,
        "icmp-ext": Icmp,
        "socket-ext": NetworkSocket,
        "tcp-ext": Tcp,
    },
    "process": {"windows-process-ext": WindowsProcess, "windows-service-ext": WindowsService},
    "user-account": {"unix-account-ext": UnixAccount},
}
