"""SCOs of the network (part 6): names, addresses, mail, traffic."""

from __future__ import annotations

from typing import Annotated, ClassVar

from seawall.model.stix.kinds import Dictionary, Json, Kind, Natural, Port, Shape, Timestamp, Url
from seawall.model.stix.nested import MimePart
from seawall.model.stix.objects import Musts, ObservableObject


class AutonomousSystem(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="autonomous-system"):
    """6.2."""

    number: int
    name: str | None = None
    rir: str | None = None
    id_from: ClassVar[tuple[str, ...]] = ("number",)


class DomainName(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="domain-name"):
    """6.4."""

    value: Annotated[str, Kind("domain-name")]
    resolves_to_refs: (
        list[Annotated[str, Kind("observable-ref", targets=("ipv4-addr", "ipv6-addr", "domain-name"))]] | None
    ) = None
    id_from: ClassVar[tuple[str, ...]] = ("value",)


class EmailAddress(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="email-addr"):
    """6.5."""

    value: Annotated[str, Kind("email")]
    display_name: str | None = None
    belongs_to_ref: Annotated[str, Kind("observable-ref", targets=("user-account",))] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("value",)


_AddressRef = Annotated[str, Kind("observable-ref", targets=("email-addr",))]


class EmailMessage(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="email-message"):
    """6.6."""

    is_multipart: bool
    date: Timestamp | None = None
    content_type: str | None = None
    from_ref: _AddressRef | None = None
    sender_ref: _AddressRef | None = None
    to_refs: list[_AddressRef] | None = None
    cc_refs: list[_AddressRef] | None = None
    bcc_refs: list[_AddressRef] | None = None
    message_id: str | None = None
    subject: str | None = None
    received_lines: list[str] | None = None
    additional_header_fields: Dictionary | None = None
    body: str | None = None
    body_multipart: list[Annotated[Json, Shape(MimePart)]] | None = None
    raw_email_ref: Annotated[str, Kind("observable-ref", targets=("artifact",))] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("from_ref", "subject", "body")


class IPv4Address(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="ipv4-addr"):
    """6.8: an address or a network in CIDR notation."""

    value: Annotated[str, Kind("ipv4")]
    resolves_to_refs: list[Annotated[str, Kind("observable-ref", targets=("mac-addr",))]] | None = None
    belongs_to_refs: list[Annotated[str, Kind("observable-ref", targets=("autonomous-system",))]] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("value",)


class IPv6Address(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="ipv6-addr"):
    """6.9: an address or a network in CIDR notation."""

    value: Annotated[str, Kind("ipv6")]
    resolves_to_refs: list[Annotated[str, Kind("observable-ref", targets=("mac-addr",))]] | None = None
    belongs_to_refs: list[Annotated[str, Kind("observable-ref", targets=("autonomous-system",))]] | None = None
    id_from: ClassVar[tuple[str, ...]] = ("value",)


class MacAddress(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="mac-addr"):
    """6.10: lower case, colons, leading zeros."""

    value: Annotated[str, Kind("mac")]
    id_from: ClassVar[tuple[str, ...]] = ("value",)


_EndRef = Annotated[str, Kind("observable-ref", targets=("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"))]


class NetworkTraffic(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="network-traffic"):
    """6.12."""

    protocols: list[Annotated[str, Kind("protocol")]]
    start: Timestamp | None = None
    end: Timestamp | None = None
    is_active: bool | None = None
    src_ref: _EndRef | None = None
    dst_ref: _EndRef | None = None
    src_port: Port | None = None
    dst_port: Port | None = None
    src_byte_count: Natural | None = None
    dst_byte_count: Natural | None = None
    src_packets: Natural | None = None
    dst_packets: Natural | None = None
    ipfix: Dictionary | None = None
    src_payload_ref: Annotated[str, Kind("observable-ref", targets=("artifact",))] | None = None
    dst_payload_ref: Annotated[str, Kind("observable-ref", targets=("artifact",))] | None = None
    encapsulates_refs: list[Annotated[str, Kind("observable-ref", targets=("network-traffic",))]] | None = None
    encapsulated_by_ref: Annotated[str, Kind("observable-ref", targets=("network-traffic",))] | None = None
    id_from: ClassVar[tuple[str, ...]] = (
        "start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions",
    )  # fmt: skip
    musts: ClassVar[Musts] = Musts(any_of=("src_ref", "dst_ref"), not_earlier=(("end", "start"),))


class UniformResourceLocator(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="url"):
    """6.15."""

    value: Url
    id_from: ClassVar[tuple[str, ...]] = ("value",)


class UserAccount(ObservableObject, frozen=True, kw_only=True, omit_defaults=True, tag="user-account"):
    """6.16."""

    user_id: str | None = None
    credential: str | None = None
    account_login: str | None = None
    account_type: Annotated[str, Kind("account-type")] | None = None
    display_name: str | None = None
    is_service_account: bool | None = None
    is_privileged: bool | None = None
    can_escalate_privs: bool | None = None
    is_disabled: bool | None = None
    account_created: Timestamp | None = None
    account_expires: Timestamp | None = None
    credential_last_changed: Timestamp | None = None
    account_first_login: Timestamp | None = None
    account_last_login: Timestamp | None = None
    id_from: ClassVar[tuple[str, ...]] = ("account_type", "user_id", "account_login")
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "extensions", "user_id", "credential", "account_login", "account_type", "display_name",
            "is_service_account", "is_privileged", "can_escalate_privs", "is_disabled", "account_created",
            "account_expires", "credential_last_changed", "account_first_login", "account_last_login",
        )
    )  # fmt: skip
