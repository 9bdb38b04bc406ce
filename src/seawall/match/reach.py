"""The numbers of the candidate rule, and how wide a value reaches, from the roll-up's bit sets.

The roll-up keeps, per value and day, one bit of 62 for each sensor and each own address that met it. The number of
distinct ones behind ``p`` set bits is estimated by linear counting, ``-62 ln(1 - p/62)`` (Whang et al., 1990), within
about 10 % up to 60 and saturating at 256. Two ideas are built on it:

- **reach**: on how many of our sensors a value raised an alarm, compared with all sensors of that side;
- **quiet** meetings: sensors and own addresses that met the value and never raised an alarm about it. Hostile
  infrastructure is met by few and mostly alarms; shared infrastructure (popular sites, CDNs, NAT and VPN addresses)
  is met by many who notice nothing, and its few alarms are false.
"""

from __future__ import annotations

from seawall.model import ObservableType

BITS = 62
SATURATED = 256  # 62 ln 62: what 62 set bits stand for, at least

MASS_MIN_FLEET = 6
"""Sensors of a side below which "a large share of all sensors" says nothing; own addresses decide there."""
MASS_SENSOR_SHARE = 0.4
"""A value alarming on two fifths of a side's sensors picks no victim: scanners and worms do, campaigns do not."""
MASS_MIN_OWN = 20
MASS_OWN_SHARE = 0.5
"""In a small fleet: alarms about half of at least 20 own addresses."""
MASS_SECTOR_SHARE = 0.6
MASS_MIN_SECTORS = 5
MASS_MIN_SENSORS = 8
MASS_SPREAD = 0.6
"""Scanners seen only a few times: at least 5 sectors and 60 % of them, at 8 sensors or more, and nearly every alarm on
another sensor (60 % of what blind picking would give). Campaigns stay with a victim and with one to three sectors."""

POPULAR_MIN_QUIET_OWN = 5
POPULAR_QUIET_OWN_RATIO = 3
"""Five own addresses met it quietly, three for each that alarmed. The ordinary records that a sensor writes beside an
alert are of the same own address, so they do not count as quiet."""
POPULAR_QUIET_ALONE = 6
"""Where nobody alarmed at all, six own addresses: that many of our people use it without harm. A victim or a handful
that no signature covered stay below; what they met is judged with the other side's alarms."""
POPULAR_MIN_QUIET_SENSORS = 4
POPULAR_VOLUME_RATIO = 8
"""Four sensors look at it regularly and never alarmed, and ordinary records outnumber alarms eight to one."""
POPULAR_BUSY_RATIO = 20
POPULAR_BUSY_OWN = 20
"""Where the bit sets are full: twenty ordinary records for each alarm, and twenty own addresses or more."""
WEAK_QUIET_OWN = 1.5
"""One alarm in all on a side where two own addresses met the value quietly is not told to anybody: false alarms follow
ordinary traffic. (Estimates of one and of two lie well on either side of 1.5.)"""
SPECIFIC_URL_ALARMS = 2
"""A URL on a popular site counts when it alarmed twice: downloads often lie on shared hosting, and false alarms do not
repeat on one page. One alarm there is taken for a false one, unless other values of the attacker were met with it."""

GENERATED_BURST = 15
"""Random-looking names that one own address looked up in one day: malware tries dozens, an operator uses few."""
GENERATED_SHARE = 0.5  # of all names it looked up: a resolver or a browser also meets many that do not look random
GENERATED_MIN_LENGTH = 8  # characters of the longest label; shorter ones look random by chance

CANDIDATE_TYPES = (
    ObservableType.IPV4,
    ObservableType.IPV6,
    ObservableType.DOMAIN,
    ObservableType.URL,
    ObservableType.EMAIL,
    ObservableType.MD5,
    ObservableType.SHA1,
    ObservableType.SHA256,
    ObservableType.CERTIFICATE,
    ObservableType.JA3,
    ObservableType.JA4,
    ObservableType.HASSH,
)
"""A CVE, a file name or an AS is no infrastructure: both sides meeting one says nothing about one attacker."""


def distinct(bits: str) -> str:
    """SQL: how many distinct things set these bits, estimated."""
    return (
        f"CASE WHEN bit_count({bits}) >= {BITS} THEN {SATURATED}.0 "
        f"ELSE -{BITS} * ln(1 - bit_count({bits}) / {BITS}.0) END"
    )


MASS_TEST = (
    f"(fleet_sensors >= {MASS_MIN_FLEET} AND hostile_sensors >= {MASS_SENSOR_SHARE} * fleet_sensors)"
    f" OR (fleet_sensors < {MASS_MIN_FLEET} AND hostile_own >= {MASS_MIN_OWN}"
    f" AND hostile_own >= {MASS_OWN_SHARE} * fleet_own)"
    f" OR (sectors >= {MASS_MIN_SECTORS} AND sectors >= {MASS_SECTOR_SHARE} * fleet_sectors"
    f" AND hostile_sensors >= {MASS_MIN_SENSORS}"
    f" AND hostile_sensors >= {MASS_SPREAD} * fleet_sensors * (1 - pow(1 - 1 / fleet_sensors, hostile)))"
)
"""SQL over the judged columns (``match.judge``): the value is a mass scanner on that side."""

POPULAR_TEST = (
    f"(hostile = 0 AND quiet_own >= {POPULAR_QUIET_ALONE})"
    f" OR (hostile > 0 AND quiet_own >= {POPULAR_MIN_QUIET_OWN}"
    f" AND quiet_own >= {POPULAR_QUIET_OWN_RATIO} * hostile_own)"
    f" OR (hostile > 0 AND quiet_sensors >= {POPULAR_MIN_QUIET_SENSORS} AND benign >= {POPULAR_VOLUME_RATIO} * hostile)"
    f" OR (hostile > 0 AND benign >= {POPULAR_BUSY_RATIO} * hostile AND hostile_own + quiet_own >= {POPULAR_BUSY_OWN})"
)
"""SQL over the judged columns: the value is shared or popular on that side."""

WEAK_TEST = f"(hostile = 1 AND quiet_own >= {WEAK_QUIET_OWN})"
"""SQL over the judged columns: what this side knows is too weak to make a candidate of."""
