"""May this leave, be seen, come in, be acted on, and why. Comes in: frozen values. Goes out: ``Release``, ``Withheld``.

Never here: I/O, clocks, the store, recording (ledger). Deny by default; ``decide.py`` alone constructs the answers.

The order of the tests is the order of ``Rule``; ``explain`` tries them all, ``truth_table`` shows what follows.

>>> from seawall.model import Tlp
>>> strictest([Markings(tlp=Tlp.GREEN), Markings(tlp=Tlp.AMBER)]).tlp.label
'amber'
"""

from seawall.policy.decide import (
    Decision,
    Enforcement,
    OwnUseItem,
    decide,
    decide_page,
    enforcement,
    hand_out,
    may_enforce,
    own_use,
    page_release,
)
from seawall.policy.enforcement import PAP_BY_PLACE, TLP_BY_PLACE, Standpoint, enforcement_tests
from seawall.policy.explain import Explanation, enforcement_table, explain, rule_table, truth_table
from seawall.policy.granular import said_as_a_whole
from seawall.policy.inbound import Admitted, Declined, Held, InboundContext, InboundRule, inbound
from seawall.policy.markings import (
    WELL_KNOWN,
    Definitions,
    Markings,
    Origin,
    markings_of,
    needed_definitions,
    read_markings,
    said_by,
    strictest,
)
from seawall.policy.preview import Change, changes
from seawall.policy.private import redact
from seawall.policy.request import Evidence, PrivateValues, ReleaseContext, ReleaseRequest, StandingUse
from seawall.policy.rules import MEANING, POLICY_VERSION, Rule, Test, meaning, policy_version
from seawall.policy.seating import kinds_in
from seawall.policy.statements import OWN_IDS, Bound, marking_objects
from seawall.policy.visibility import visibility, visibility_table

__all__ = [
    "MEANING",
    "OWN_IDS",
    "PAP_BY_PLACE",
    "POLICY_VERSION",
    "TLP_BY_PLACE",
    "WELL_KNOWN",
    "Admitted",
    "Bound",
    "Change",
    "Decision",
    "Declined",
    "Definitions",
    "Enforcement",
    "Evidence",
    "Explanation",
    "Held",
    "InboundContext",
    "InboundRule",
    "Markings",
    "Origin",
    "OwnUseItem",
    "PrivateValues",
    "ReleaseContext",
    "ReleaseRequest",
    "Rule",
    "StandingUse",
    "Standpoint",
    "Test",
    "changes",
    "decide",
    "decide_page",
    "enforcement",
    "enforcement_table",
    "enforcement_tests",
    "explain",
    "hand_out",
    "inbound",
    "kinds_in",
    "marking_objects",
    "markings_of",
    "may_enforce",
    "meaning",
    "needed_definitions",
    "own_use",
    "page_release",
    "policy_version",
    "read_markings",
    "redact",
    "rule_table",
    "said_as_a_whole",
    "said_by",
    "strictest",
    "truth_table",
    "visibility",
    "visibility_table",
]
