"""The numbers of the simulated day, fixed before any matcher was tuned; every one with its reason.

Shares are of one side's events. ``docs/decisions/0004-simulator.md`` tells why the day looks like this and when the
numbers may change: never to please the matcher.
"""

from __future__ import annotations

import msgspec


class Parameters(msgspec.Struct, frozen=True):
    """One frozen set of proportions. The defaults are the committed ones."""

    # --- volume -------------------------------------------------------------------------------------------------
    events_tw: int = 2_400_000  # attacks a day on Taiwan's government network, 2024, as the security bureau reported
    events_kr: int = 1_620_000  # attacks a day on Korea's public sector, 2023, as the intelligence service reported
    sensors_tw: int = 120  # large enough for a mass scanner to stand out, small enough for a page
    sensors_kr: int = 80
    night_floor: float = 0.45  # traffic at 04:00 local time against the afternoon: machines do not sleep

    # --- background, shares of events ---------------------------------------------------------------------------
    internal: float = 0.18  # own host to own host: file shares, name look-ups, monitoring
    inbound: float = 0.12  # visitors of public web and mail servers
    vendor: float = 0.04  # operating systems and tools updating themselves, the same files everywhere
    mail: float = 0.015
    scanners: float = 0.05  # the internet's background noise as a perimeter sensor sees it
    nat_vpn: float = 0.02  # carrier NAT and VPN exits: thousands of people behind one address
    probes: float = 0.004  # infected home devices that knock once
    generated_names: float = 0.004  # look-ups of names that a malware's algorithm makes; almost none exists
    stats: float = 0.001  # the sensors' own counters; each line is ten times as long as others
    # the rest is own people using the web

    # --- the outside world --------------------------------------------------------------------------------------
    sites: int = 20_000  # web sites visited at scale 1; their popularity follows a power law
    site_exponent: float = 1.0  # Zipf's law as measured for web popularity, by and large
    sites_on_cdn: float = 0.40  # roughly the part of sites that stand behind a shared delivery network
    cdns: int = 12
    cdn_addresses: int = 4  # addresses of each that this day's names resolve to
    visitors: int = 60_000  # distinct inbound client addresses of each side at scale 1
    visitors_of_both: float = 0.01  # travellers, companies and services with business on both sides
    nat_vpn_addresses: int = 30
    scanners_most: int = 400  # mass scanners at large scales
    scanner_rows: int = 80  # events of each on the smaller side: "hits everyone" must be true at small scales too
    ipv6: float = 0.08  # part of sites and visitors on IPv6: less than the web's, for sensors see old networks

    # --- alerts that mean nothing -------------------------------------------------------------------------------
    false_alert: float = 0.003  # of ordinary web events: a signature trips over an innocent page
    false_alert_inbound: float = 0.001  # of visitors: an odd client
    tripping_sites: float = 0.003  # part of sites whose content trips a signature again and again, on both sides
    tripping_alert: float = 0.03  # of the visits to these
    vendor_alert: float = 0.005  # "executable downloaded": the updates themselves
    nat_vpn_alert: float = 0.02  # one of the thousands behind the address misbehaves
    scanner_alert: float = 0.35  # the rest is seen as a bare flow
    probe_alert: float = 0.60

    # --- campaigns ----------------------------------------------------------------------------------------------
    hostile_share: float = 0.001  # at most, of all events
    campaigns_most: int = 60
    campaign_rows: int = 28  # at least, on average; fewer campaigns at small scales rather than thinner ones
    one_sided: float = 0.15  # campaigns that never cross over
    second_side_reuse: float = 0.75  # an attacker keeps a value for the second side, else rents or registers anew
    on_shared_hosting: float = 0.30  # downloads from a delivery network: only URL and file are the campaign's own
    detected_both: float = 0.55  # where signatures exist: both sides; first side only; second only; nowhere
    detected_first: float = 0.22
    detected_second: float = 0.13
    visit_alert: float = 0.70  # a signature that exists sees a visit
    first_visit_alert: float = 0.85  # ... the first use of a set of values: new infrastructure, old tool
    delay_seconds_share: float = 0.10  # both sides in one automated run: 5-60 s
    delay_minutes_share: float = 0.30  # 3-30 min; the rest 1-10 h: people work through a target list

    # --- adversities that depend on campaigns (shares of their number) ------------------------------------------
    two_tenants: float = 0.05  # a rented server with one actor against each side
    recycled: float = 0.05  # an address given back in the morning, an innocent site on it in the afternoon
    recycled_visits: int = 12  # to that innocent site
    generated_list: int = 1_000  # names a day of the malware family that sits on both sides
    infected_hosts: int = 3  # on each side, for each family

    # --- sensors' clocks ----------------------------------------------------------------------------------------
    skewed_sensors: float = 0.03  # minutes to hours wrong: no time server, or local time written as UTC
    skew_seconds: tuple[int, ...] = (-2_400, -420, 185, 1_260, 3_600, 28_800)


PARAMETERS = Parameters()

SECTORS = (
    "government",
    "finance",
    "communications",
    "energy",
    "health",
    "transport",
    "semiconductors",
    "water",
    "education",
    "defence",
)

KIND_SHARES = (
    ("web-exploitation", 0.26),
    ("phishing", 0.26),
    ("c2-beacon", 0.22),
    ("brute-force", 0.14),
    ("living-off-the-land", 0.12),
)
"""Kinds of campaign: about the order in which national reports rank first access; the last leaves nothing to share."""
