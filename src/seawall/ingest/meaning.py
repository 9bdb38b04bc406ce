"""What an intrusion detection record says: is it hostile, of which RSIT class, which CVEs and techniques it names.

``basis`` is evidence, so it is given sparingly:

- ``blocked``: the sensor dropped the traffic (event type ``drop``, or ``alert.action`` ``blocked``), unless the rule
  that did so is itself one of the following, or no rule did but a limit or an error inside the sensor (ENGINE_DROPS).
- ``none`` for the detection engine's own remarks (signature ids 2,200,000 to 2,299,999 and names beginning
  ``SURICATA``: broken packets, lost segments, protocol oddities), for signatures that their authors class as
  information, policy, games, chat or file sharing, and for categories that describe ordinary or unwanted but not
  hostile traffic (QUIET_CATEGORIES).
- ``alert`` otherwise, also without a category or with one we do not know: whoever wrote a rule without a class still
  meant it.

Categories: ``classification.config`` of Suricata 7.0 with the Emerging Threats additions. RSIT: Reference Security
Incident Taxonomy, MISP machine tags version 1003.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from seawall.model import Basis

ENGINE_SIGNATURES = range(2_200_000, 2_300_000)
QUIET_TOPICS = ("INFO", "POLICY", "GAMES", "CHAT", "P2P", "ICMP_INFO", "INAPPROPRIATE")
QUIET_PREFIXES = (
    "SURICATA ",
    *(f"{source} {topic} " for source in ("ET", "ETPRO", "GPL") for topic in QUIET_TOPICS),
)
ENGINE_DROPS = frozenset(  # reasons of a drop that no rule asked for (Suricata 7 "exception policies" and limits)
    {
        "decode error",
        "defrag error",
        "defrag memcap",
        "flow memcap",
        "stream error",
        "stream memcap",
        "stream midstream",
        "stream reassembly",
        "applayer error",
        "nfq error",
        "tunnel packet drop",
        "default packet policy",
        "default app policy",
    }
)
QUIET_CATEGORIES = frozenset(
    {
        "not suspicious traffic",
        "unknown traffic",
        "decode of an rpc query",
        "a tcp connection was detected",
        "a system call was detected",
        "a client was using an unusual port",
        "detection of a non-standard protocol or event",
        "generic protocol command decode",
        "generic icmp event",
        "misc activity",
        "inappropriate content was detected",
        "potential corporate privacy violation",
        "device retrieving external ip address detected",
        "possibly unwanted program detected",
    }
)
RSIT = {
    "attempted information leak": "information-gathering:scanner",
    "information leak": "information-content-security:unauthorised-information-access",
    "large scale information leak": "information-content-security:unauthorised-information-access",
    "detection of a network scan": "information-gathering:scanner",
    "attempted denial of service": "availability:dos",
    "denial of service": "availability:dos",
    "detection of a denial of service attack": "availability:dos",
    "attempted user privilege gain": "intrusion-attempts:exploit",
    "unsuccessful user privilege gain": "intrusion-attempts:exploit",
    "successful user privilege gain": "intrusions:unprivileged-account-compromise",
    "attempted administrator privilege gain": "intrusion-attempts:exploit",
    "successful administrator privilege gain": "intrusions:privileged-account-compromise",
    "executable code was detected": "intrusion-attempts:exploit",
    "a suspicious filename was detected": "malicious-code:malware-distribution",
    "an attempted login using a suspicious username was detected": "intrusion-attempts:brute-force",
    "attempt to login by a default username and password": "intrusion-attempts:brute-force",
    "a network trojan was detected": "malicious-code:infected-system",
    "web application attack": "intrusion-attempts:exploit",
    "access to a potentially vulnerable web application": "intrusion-attempts:ids-alert",
    "potentially bad traffic": "intrusion-attempts:ids-alert",
    "misc attack": "intrusion-attempts:ids-alert",
    "targeted malicious activity was detected": "intrusion-attempts:exploit",
    "exploit kit activity detected": "intrusion-attempts:exploit",
    "domain observed used for c2 detected": "malicious-code:c2-server",
    "malware command and control activity detected": "malicious-code:c2-server",
    "successful credential theft detected": "fraud:phishing",
    "possible social engineering attempted": "information-gathering:social-engineering",
    "crypto currency mining activity detected": "fraud:unauthorised-use-of-resources",
}
OTHER_ALERT = "intrusion-attempts:ids-alert"
CVES_NAMED = 16  # of one signature; more is a list, not a name
_CVE = re.compile(r"(?:CVE[-_ :]{1,2})(\d{4})[-_](\d{4,7})(?!\d)", re.ASCII | re.IGNORECASE)
_BARE_CVE = re.compile(r"(?<![\d-])((?:19|20)\d\d)[-_](\d{4,7})(?!\d)", re.ASCII)
_TECHNIQUE = re.compile(r"(?<![A-Za-z0-9])T\d{4}(?:\.\d{3})?(?![0-9])", re.ASCII)


class Meaning(msgspec.Struct, frozen=True):
    """What one kind of record says; ``cve`` and ``technique`` are comma-separated."""

    basis: Basis
    rsit: str | None
    cve: str | None
    technique: str | None


SILENT = Meaning(Basis.NONE, None, None, None)


@lru_cache(maxsize=65_536)
def meaning(
    kind: str | None,
    action: str | None,
    category: str | None,
    signature: str | None,
    cve_text: str | None,
    technique_text: str | None,
    basis_given: str | None,
    rsit_given: str | None,
    engine_signature: bool,
) -> Meaning:
    """What records with these values say.

    ``action`` is that of the alert or else the reason of the drop; ``basis_given`` and ``rsit_given``: the format knows
    by itself, as honeypots do; ``engine_signature``: the id is one of ENGINE_SIGNATURES.
    """
    cves = {f"CVE-{year}-{number}" for year, number in _CVE.findall(f"{signature or ''} {cve_text or ''}")}
    cves |= {f"CVE-{year}-{number}" for year, number in _BARE_CVE.findall(cve_text or "")}
    techniques = set(_TECHNIQUE.findall(technique_text or ""))
    if basis_given is not None or rsit_given is not None:
        return Meaning(Basis(basis_given or Basis.NONE), rsit_given, _joined(cves), _joined(techniques))
    is_alert = kind == "alert" or (action is not None and kind != "drop")
    if not is_alert and kind != "drop":
        return SILENT
    group = (category or "").strip().lower()
    quiet = engine_signature or group in QUIET_CATEGORIES or (signature or "").startswith(QUIET_PREFIXES)
    quiet = quiet or (kind == "drop" and action in ENGINE_DROPS)
    blocked = kind == "drop" or action == "blocked"
    basis = Basis.NONE if quiet else Basis.BLOCKED if blocked else Basis.ALERT
    rsit = RSIT.get(group, OTHER_ALERT) if basis is not Basis.NONE else None
    return Meaning(basis, rsit, _joined(cves), _joined(techniques))


def _joined(names: set[str]) -> str | None:
    return ",".join(sorted(names)[:CVES_NAMED]) or None
