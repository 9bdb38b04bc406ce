"""STIX 2.1 JSON. Comes in: bytes or dictionaries. Goes out: structs, JSON, verdicts, rejects, loss reports.

Never here: files, the store, policy. STIX 2.0 is lifted on the way in.

>>> from seawall.codec.stix import check
>>> check({"type": "ipv4-addr", "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd", "value": "x"}).errors
("value: 'x' is not an IPv4 address or network in CIDR notation",)
"""

from __future__ import annotations

from seawall.codec.stix.check import check
from seawall.codec.stix.encode import encode, from_dict, to_dict
from seawall.codec.stix.judge import judge
from seawall.codec.stix.parse import ParsedBundle, parse_bundle
from seawall.codec.stix.verdict import Verdict

__all__ = ["ParsedBundle", "Verdict", "check", "encode", "from_dict", "judge", "parse_bundle", "to_dict"]
