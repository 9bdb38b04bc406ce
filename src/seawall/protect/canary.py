"""The canary: a value is watched first, then judged by what met it. Pure: evidence in, a sentence out.

It blocks when the time is over (or enough sessions met it) and no *legitimate* session did. Legitimate is here what at
least ``CALM_HOSTS`` own addresses began without an alarm: within minutes, a victim is alone and a service is not.
Without telemetry of that time nothing is judged, however long it takes: a blind canary never dies.
"""

from __future__ import annotations

import msgspec

from seawall.messages import mark
from seawall.protect.lanes import Trial

CALM_HOSTS = 2
"""Fewer than in a table of two weeks (``radius.MANY_HOSTS``): two of ours within ten minutes are many."""

HITS = 20
"""Sessions that met it after which nobody has to wait any longer: twenty of one host say what ten minutes would."""

LEAST_MINUTES = 1.0
"""However many hits come: a burst of one page load must not decide."""


class CanaryEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one value since it is watched."""

    watched_minutes: float
    telemetry: int  # records of any of our sensors in that time
    sessions: int  # without alarm, with the value
    calm_hosts: int  # own addresses that began one and never alarmed about it
    alarms: int = 0


class CanaryVerdict(msgspec.Struct, frozen=True):
    """How the trial stands, and why. ``text`` is an English sentence with places, key of the message catalogues."""

    trial: Trial
    text: str
    values: dict[str, str] = {}


def judge(evidence: CanaryEvidence, minutes: float, hits: int = HITS) -> CanaryVerdict:
    """How a canary of ``minutes`` or ``hits`` stands with this evidence."""
    values = {
        "minutes": f"{evidence.watched_minutes:.0f}",
        "sessions": str(evidence.sessions),
        "hosts": str(evidence.calm_hosts),
    }
    if evidence.calm_hosts >= CALM_HOSTS:  # at once: waiting cannot make it better
        text = mark("{hosts} of our hosts met it calmly while it was watched; a person has to decide.")
        return CanaryVerdict(Trial.FAILED, text, values)
    enough = evidence.sessions >= hits and evidence.watched_minutes >= LEAST_MINUTES
    if evidence.watched_minutes < minutes and not enough:
        return CanaryVerdict(Trial.WATCHING, mark("It is watched, since {minutes} minutes."), values)
    if evidence.telemetry == 0:
        text = mark("No sensor has told anything since it is watched, so nobody can say whom a block would hit.")
        return CanaryVerdict(Trial.WATCHING, text, values)
    text = mark(
        "It was watched for {minutes} minutes, and none of the {sessions} sessions that met it looks legitimate."
    )
    return CanaryVerdict(Trial.PASSED, text, values)
