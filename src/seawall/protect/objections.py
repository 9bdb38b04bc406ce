"""Every reason why a value is not exported: a stable rule and one English sentence each."""

from __future__ import annotations

import msgspec

from seawall.messages import mark


class Objection(msgspec.Struct, frozen=True, gc=False):
    """Why a value is left out; ``detail`` fills the sentence's ``{detail}``."""

    rule: str
    reason: str
    detail: str = ""

    def about(self, detail: object) -> Objection:
        """The same objection with its detail."""
        return Objection(self.rule, self.reason, str(detail))


# The gate's (rule 5): what must not be blocked by anybody.
CHANGED = Objection("changed", mark("It changed after it was released; export again."))
UNDONE = Objection("undone", mark("A person took this back; give it free again to export it."))
EXPIRED = Objection("expired", mark("Its validity has ended."))
NOT_YET = Objection("not-yet-valid", mark("Its validity has not begun."))
OWN = Objection("own", mark("It is one of our own assets."))
OWN_RANGE = Objection("own", mark("It touches our own range or name {detail}."))
PARTNER = Objection("partner", mark("It touches a partner's range or name {detail}."))
NEVER = Objection("never-block", mark("It touches {detail} on the never-block list."))
NODE = Objection("node", mark("Seawall itself or a peer is reached by {detail}."))
DNS = Objection("dns-infrastructure", mark("It touches {detail}, on which the domain name system stands."))
GOVERNMENT = Objection("government", mark("It touches {detail}, a name of government or a public authority."))
CRITICAL = Objection("critical-service", mark("It touches {detail}, a service that many depend on."))
SHARED = Objection("cdn-cloud", mark("It touches {detail}, which serves many unrelated parties."))
UPDATES = Objection("updates-time", mark("It touches {detail}, from which machines take updates or the time."))
POPULAR = Objection("popular", mark("It touches {detail}, which very many people use."))
HUGE = Objection("huge-network", mark("The network is greater than {detail}, the greatest that may be blocked."))
BOGON = Objection("bogon", mark("It lies in {detail}, a range for local or special use."))
MAPPED = Objection("ipv4-mapped", mark("It is an IPv4 address written as IPv6; name the IPv4 address itself."))
HOST_BITS = Objection("host-bits", mark("The network has host bits set; it is {detail} or a single address."))
TOP = Objection("top-level", mark("A root or top-level name stands for everybody below it."))
SUFFIX = Objection("public-suffix", mark("Under a public suffix, unrelated people register names."))
LONG = Objection("too-long", mark("A domain name has at most {detail} characters."))
MALFORMED = Objection("malformed", mark("It is not written as its type demands."))
LISTED = Objection("warninglist", mark("Warninglist '{detail}' names it as harmless or shared."))
FULL = Objection("full", mark("The export already holds {detail} values of this type, the most it may."))
RADIUS = Objection("blast-radius", mark("The networks would cover more than {detail} addresses together."))

# The feeds': what a format cannot carry.
TYPE = Objection("type", mark("This export does not carry values of type {detail}."))
WATCH = Objection("watch-only", mark("It may only be watched; --include-watch writes it, marked so."))
ZONE_NAME = Objection("too-long", mark("With the zone's name {detail} behind it, the name is too long for DNS."))
TRIGGER = Objection("reserved", mark("The name ends in {detail}, which has another meaning in a policy zone."))
INSIDE = Objection("covered", mark("It lies inside {detail}, which this export already holds."))
FORMAT = Objection("format", mark("This format cannot carry the value safely and unchanged."))
PASSIVE = Objection("watch-only", mark("This format can only block; a watched value has no place in it."))
FORMULA = Objection("formula", mark("A spreadsheet would run it as a formula, and a look-up must hold it unchanged."))
TOO_MANY = Objection("full", mark("This format holds at most {detail} values."))
