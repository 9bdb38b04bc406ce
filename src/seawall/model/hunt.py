"""Hunts: "look for this at your place, please", and the answers in tiers. Times in microseconds UTC."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.marking import Pap, Tlp


class HuntSide(StrEnum):
    """Whose question it is. The spelling is stored and stable."""

    ASKED = "asked"  # by us
    RECEIVED = "received"  # from the peer


class HuntForm(StrEnum):
    """In what the question is written."""

    SIGMA = "sigma"
    QUERY = "query"  # conditions over named fields (``warn.hunts.Query``), never SQL


class HuntState(StrEnum):
    """How far a hunt has come."""

    WAITING = "waiting"  # ours: no answer yet; a peer's: nobody looked at it yet
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RUN = "run"
    ANSWERED = "answered"


class AnswerTier(StrEnum):
    """How much an answer tells. ``not_run`` tells nothing: declined, withheld and never looked at are alike."""

    NOT_RUN = "not_run"
    NO = "no"
    YES = "yes"
    COUNT = "count"
    DETAILS = "details"


class HuntRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the lake said. ``least`` and ``most`` differ where a part of the question could not be asked of the lake."""

    at: int
    by: str
    least: int  # rows that certainly meet the question
    most: int  # rows that may meet it
    first: int | None = None
    last: int | None = None
    sectors: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    sensors: int = 0
    complete: bool = True  # False: the limit of time or rows came first; then "no" is no answer
    days: int = 0  # UTC days that were searched
    losses: tuple[str, ...] = ()
    events: tuple[int, ...] = ()  # numbers of the first rows that met it; they stay here


class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """One question between us and one peer."""

    side: HuntSide
    peer: str  # code name of the other
    id: str  # STIX id under which it travels
    circle: str
    form: HuntForm
    text: str
    name: str
    since: int
    until: int
    deadline: int
    at: int  # asked, or received
    tlp: Tlp
    pap: Pap
    state: HuntState = HuntState.WAITING
    confirms: str = ""  # id of a technique match of ours that the answer confirms or refutes; it stays here
    reviewed_by: tuple[str, ...] = ()
    reviewed_at: int | None = None
    reason: str = ""  # of a refusal, for our own people
    objection: str = ""  # why it may only be answered with not_run; for our own people
    run: HuntRun | None = None


class HuntAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was told about a hunt. Bands are inclusive; None where the tier does not tell it."""

    side: HuntSide  # of the hunt: ``asked`` is the peer's answer, ``received`` is ours
    peer: str
    hunt: str
    at: int
    tier: AnswerTier
    object_id: str
    band: tuple[int, int | None] | None = None
    count: int | None = None
    noise: str = ""  # epsilon of the discrete Laplace noise over ``count``; empty: none
    first: int | None = None
    last: int | None = None
    sectors: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    by: str = ""
