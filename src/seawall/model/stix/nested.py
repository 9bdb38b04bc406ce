"""Nested types of SCOs (part 6): parts of mail, registry values, certificate extensions."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from seawall.model.stix.kinds import Kind, Timestamp
from seawall.model.stix.objects import Musts


class MimePart(msgspec.Struct, frozen=True, kw_only=True):
    """6.6.2: one part of a multipart message."""

    body: str | None = None
    body_raw_ref: Annotated[str, Kind("observable-ref", targets=("artifact", "file"))] | None = None
    content_type: str | None = None
    content_disposition: str | None = None
    musts: ClassVar[Musts] = Musts(exactly_one=("body", "body_raw_ref"))


class RegistryValue(msgspec.Struct, frozen=True, kw_only=True):
    """6.17.2."""

    name: str | None = None
    data: str | None = None
    data_type: Annotated[str, Kind("enumeration", vocabulary="windows-registry-datatype-enum")] | None = None
    musts: ClassVar[Musts] = Musts(any_of=("name", "data", "data_type"))


class X509Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """6.18.2: X.509 version 3 extensions."""

    basic_constraints: str | None = None
    name_constraints: str | None = None
    policy_constraints: str | None = None
    key_usage: str | None = None
    extended_key_usage: str | None = None
    subject_key_identifier: str | None = None
    authority_key_identifier: str | None = None
    subject_alternative_name: str | None = None
    issuer_alternative_name: str | None = None
    subject_directory_attributes: str | None = None
    crl_distribution_points: str | None = None
    inhibit_any_policy: str | None = None
    private_key_usage_period_not_before: Timestamp | None = None
    private_key_usage_period_not_after: Timestamp | None = None
    certificate_policies: str | None = None
    policy_mappings: str | None = None
    musts: ClassVar[Musts] = Musts(
        any_of=(
            "basic_constraints", "name_constraints", "policy_constraints", "key_usage", "extended_key_usage",
            "subject_key_identifier", "authority_key_identifier", "subject_alternative_name",
            "issuer_alternative_name", "subject_directory_attributes", "crl_distribution_points",
            "inhibit_any_policy", "private_key_usage_period_not_before", "private_key_usage_period_not_after",
            "certificate_policies", "policy_mappings",
        )
    )  # fmt: skip
