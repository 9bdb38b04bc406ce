"""The detection rules that the simulated sensors run: our own texts, in the local range of signature ids."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from seawall.flow.simulator.rows import Integers

FIRST_ID = 1_000_001  # 1000000-1999999 are reserved for local rules


@dataclass(frozen=True)
class Signature:
    """One rule. ``use`` is what makes it fire here."""

    use: str
    message: str
    category: str
    severity: int
    technique: str = ""


# Suricata's own classification texts (classification.config)
WEB_ATTACK = "Web Application Attack"
ADMINISTRATOR = "Attempted Administrator Privilege Gain"
TROJAN = "A Network Trojan was detected"
THEFT = "Successful Credential Theft Detected"
CONTROL = "Malware Command and Control Activity Detected"
BAD_TRAFFIC = "Potentially Bad Traffic"
LEAK = "Attempted Information Leak"
MISC = "Misc Attack"
USER = "Attempted User Privilege Gain"
PRIVACY = "Potential Corporate Privacy Violation"

SIGNATURES = (
    Signature("exploit", "LOCAL EXPLOIT Log4j lookup in request (CVE-2021-44228)", WEB_ATTACK, 1, "T1190"),
    Signature("exploit", "LOCAL EXPLOIT File transfer SQL injection (CVE-2023-34362)", WEB_ATTACK, 1, "T1190"),
    Signature("exploit", "LOCAL EXPLOIT VPN gateway command injection (CVE-2024-3400)", ADMINISTRATOR, 1, "T1190"),
    Signature("exploit", "LOCAL WEB_SERVER Web shell command in upload", WEB_ATTACK, 1, "T1505.003"),
    Signature("payload", "LOCAL MALWARE Loader download by server process", TROJAN, 1, "T1105"),
    Signature("payload", "LOCAL MALWARE Script dropper in archive", TROJAN, 1, "T1204.002"),
    Signature("phish", "LOCAL PHISHING Credential page after mail link", THEFT, 1, "T1566.002"),
    Signature("phish", "LOCAL PHISHING Mail with macro attachment (CVE-2017-11882)", TROJAN, 1, "T1566.001"),
    Signature("beacon", "LOCAL MALWARE Command and control check-in", CONTROL, 1, "T1071.001"),
    Signature("beacon", "LOCAL MALWARE Encrypted beacon, fixed interval", CONTROL, 1, "T1573"),
    Signature("brute", "LOCAL SCAN SSH password guessing", ADMINISTRATOR, 2, "T1110.001"),
    Signature("inside", "LOCAL POLICY Remote service creation", BAD_TRAFFIC, 2, "T1569.002"),
    Signature("generated", "LOCAL MALWARE Generated name does not exist", TROJAN, 1, "T1568.002"),
    Signature("scan", "LOCAL SCAN Port sweep", LEAK, 2, "T1595.001"),
    Signature("scan", "LOCAL SCAN Web vulnerability scanner", LEAK, 2, "T1595.002"),
    Signature("scan", "LOCAL SCAN Remote desktop probe", MISC, 2, "T1595.001"),
    Signature("probe", "LOCAL EXPLOIT Home router command injection (CVE-2017-17215)", ADMINISTRATOR, 1),
    Signature("probe", "LOCAL SCAN Telnet default password", MISC, 2),
    Signature("innocent", "LOCAL EXPLOIT_KIT Suspicious script obfuscation", BAD_TRAFFIC, 2),
    Signature("innocent", "LOCAL WEB_CLIENT Possible heap spray", USER, 1),
    Signature("innocent", "LOCAL POLICY Unusual user agent", BAD_TRAFFIC, 2),
    Signature("update", "LOCAL POLICY Executable download", PRIVACY, 1),
)


def rendered() -> list[str]:
    """Each rule's ``alert`` object as EVE writes it."""
    texts = []
    for number, rule in enumerate(SIGNATURES):
        metadata = {"created_at": ["2025_11_03"], "updated_at": ["2026_02_17"]}
        if rule.technique:
            metadata["mitre_technique_id"] = [rule.technique]
        alert = {
            "action": "allowed",
            "gid": 1,
            "signature_id": FIRST_ID + number,
            "rev": 1 + number % 4,
            "signature": rule.message,
            "category": rule.category,
            "severity": rule.severity,
            "metadata": metadata,
        }
        texts.append(json.dumps(alert, separators=(",", ":")))
    return texts


def choose(rng: np.random.Generator, use: str, count: int) -> Integers:
    """``count`` rule numbers of ``use``."""
    numbers = [number for number, rule in enumerate(SIGNATURES) if rule.use == use]
    return np.asarray(numbers, dtype=np.int64)[rng.integers(0, len(numbers), count)]
