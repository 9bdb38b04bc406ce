"""misp-stix as the judge. What its own libraries warn about at import (``mixbox`` brings an old ``six``) is theirs."""

from __future__ import annotations

import copy
import warnings
from typing import Any


def to_stix(event: dict[str, Any]) -> list[bytes]:
    """The STIX objects that misp-stix makes of an event."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from misp_stix_converter import MISPtoSTIX21Parser

        parser = MISPtoSTIX21Parser()
        parser.parse_misp_event({"Event": copy.deepcopy(event)})
        return [obj.serialize().encode() for obj in parser.bundle.objects]


def to_misp(objects: list[dict[str, Any]]) -> Any:
    """The MISPEvent that misp-stix makes of somebody's STIX."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from misp_stix_converter import ExternalSTIX2toMISPParser
        from stix2 import parse

        bundle = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": objects}
        parser = ExternalSTIX2toMISPParser()
        parser.load_stix_bundle(parse(bundle, allow_custom=True))
        parser.parse_stix_bundle()
        return parser.misp_event
