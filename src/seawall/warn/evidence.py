"""The rule of confidence: what speaks for a warning and what against it, each with its points and its reason.

A warning starts from the kind of meeting, then reasons add or take points; below ``RAISE_AT`` it is not raised. The
reasons are English sentences and the keys of the message catalogues.
"""

from __future__ import annotations

RAISE_AT = 40
"""Weakest warning that a duty analyst gets: a meeting without any doubt, or one doubt outweighed by support."""

BOTH_ALARMED = (70, "Sensors of both sides raised alarms about it.")
VOUCHED = (55, "An indicator names it, and both sides met it.")
ONE_ALARMED = (45, "One side raised alarms about it; the other met it without any alarm.")
ONE_SIDED = (25, "The other side raised alarms about it; it has not been met here yet.")
UNALARMED = (0, "Neither side raised an alarm about it.")
STARTS = (BOTH_ALARMED, VOUCHED, ONE_ALARMED, ONE_SIDED, UNALARMED)

INDICATOR = (15, "An indicator names it.")
REPEATED = (10, "More than one alarm was raised about it.")
MET_WITH = (20, "The same machine met other values of the same attacker at that time.")
SECTORS = (5, "It was seen in more than one sector.")
STRONG_BASIS = (10, "A honeypot, a block or an analyst named it.")
SPECIFIC = (5, "A file or a full web address is hardly ever shared by chance.")

SINGLE_ALARM = (-25, "One alarm alone may be false, and nothing else supports it.")
QUIETLY_KNOWN = (-40, "Machines that met it mostly noticed nothing, so the alarms may be false.")
STRANGER = (-10, "The address serves other names here than there, so it may have two tenants.")
TOOL = (-20, "A fingerprint names a tool that several attackers may use.")
DOUBTED = (-40, "Only one peer raised alarms about it, and most of what that peer told was no attack.")

REASONS = (
    *STARTS,
    *(INDICATOR, REPEATED, MET_WITH, SECTORS, STRONG_BASIS, SPECIFIC),
    *(SINGLE_ALARM, QUIETLY_KNOWN, STRANGER, TOOL, DOUBTED),
)
"""All of them, in the order in which a warning lists its reasons."""

QUIET_OWN = 4
QUIET_RATIO = 2
"""Quietly known: at least four own addresses of both sides met it without an alarm, two for each alarm."""

RARE_ALARMED, RARE_CALM = 1, 2
_RARE = f"(type IN ('ipv4', 'ipv6', 'domain') AND quiet_alarmed <= {RARE_ALARMED} AND quiet_calm <= {RARE_CALM})"
"""False alarms follow ordinary traffic: on a server that hardly anybody meets, one alarm is rarely false. Quietly met
by at most one own address where it alarmed (a peer tells only such, see the candidate rule), by two on the other side.
Files and web addresses are nearly all rare, so rarity says nothing about them."""

_START = (
    "CASE WHEN other_seen IS NULL THEN {one_sided} WHEN alarmed_sides >= 2 THEN {both} "
    "WHEN alarmed_sides = 1 THEN {one} WHEN vouched THEN {vouched} ELSE {unalarmed} END"
)
_TESTS = (
    (INDICATOR, "vouched AND alarmed_sides > 0"),
    (REPEATED, "alarms >= 2 AND alarmed_sides < 2"),
    (MET_WITH, "met_with >= 1"),
    (SECTORS, "len(sectors) >= 2"),
    (STRONG_BASIS, "strong_basis"),
    (SPECIFIC, "type IN ('url', 'md5', 'sha1', 'sha256')"),
    (
        SINGLE_ALARM,
        f"other_seen IS NOT NULL AND alarms = 1 AND met_with = 0 AND NOT vouched AND NOT {_RARE}",
    ),
    (QUIETLY_KNOWN, f"quiet >= {QUIET_OWN} AND quiet >= {QUIET_RATIO} * alarms AND met_with = 0"),
    (STRANGER, "stranger AND met_with = 0"),
    (TOOL, "type IN ('ja3', 'ja4', 'hassh')"),
    (DOUBTED, "doubted"),
)
"""Reason and the SQL condition under which it counts, over the columns of ``warn_values``."""

CONFIDENCE = (
    "greatest(0, least(100, "
    + _START.format(
        one_sided=ONE_SIDED[0], both=BOTH_ALARMED[0], one=ONE_ALARMED[0], vouched=VOUCHED[0], unalarmed=UNALARMED[0]
    )
    + "".join(f" + CASE WHEN {test} THEN {points} ELSE 0 END" for (points, _), test in _TESTS)
    + "))::INTEGER"
)
"""SQL: the confidence, 0 to 100."""

_Q = "'{}'"
REASON_LIST = (
    "list_filter(["
    + _START.format(
        one_sided=_Q.format(ONE_SIDED[1]), both=_Q.format(BOTH_ALARMED[1]),
        one=_Q.format(ONE_ALARMED[1]), vouched=_Q.format(VOUCHED[1]),
        unalarmed=_Q.format(UNALARMED[1]),
    )
    + "".join(f", CASE WHEN {test} THEN '{text}' END" for (_, text), test in _TESTS)
    + "], lambda r: r IS NOT NULL)"
)  # fmt: skip
"""SQL: the reasons, in the order of ``REASONS``."""
