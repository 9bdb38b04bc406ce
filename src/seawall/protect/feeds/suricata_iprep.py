"""IP reputation for Suricata: a list that Suricata itself reads anew on a rule reload, and two rules that ask it.

    reputation-categories-file: FOLDER/categories.txt
    default-reputation-path: FOLDER
    reputation-files: [reputation.list]

Category 1 is to block, category 2 to watch; every value scores 127, the most. Networks stand beside addresses, which
the datasets of feed ``suricata`` cannot hold. The list carries no expiry: write it anew before the earliest one.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.forms import token
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.lists import verb
from seawall.protect.objections import Objection

NAME = "suricata-iprep"
TYPES = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})
RULES, CATEGORIES, LIST, CLASSES = "seawall-iprep.rules", "categories.txt", "reputation.list", "classification.config"
FILES = (RULES, CLASSES, CATEGORIES, LIST)

FIRST_SID = 1_779_000  # above those of feed ``suricata``; each rule keeps its number for ever
SCORE = 127  # the most that a reputation may be
_CATEGORIES = {"block": (1, "SeawallBlock"), "watch": (2, "SeawallWatch")}


class IprepWriter:
    """Rules, categories and the list of one folder."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        del heading  # Suricata reads no comments in these lists
        files = {name: sink(name) for name in FILES}
        self._files, self._list = files, files[LIST]
        for name, (number, short) in _CATEGORIES.items():
            files[CATEGORIES].write(f"{number},{short},Seawall {name}\n".encode("ascii"))
            action = "drop" if name == "block" else "alert"
            files[RULES].write(
                f'{action} ip any any -> any any (msg:"SEAWALL {name} address by reputation"; '
                f"iprep:any,{short},>,0; classtype:seawall-{name}; sid:{FIRST_SID + number}; rev:1;)\n".encode("ascii")
            )
            files[CLASSES].write(
                f"config classification: seawall-{name},Seawall directive to {name},{number}\n".encode("ascii")
            )

    def add(self, directive: Directive) -> Objection | None:
        """One value with its category and score."""
        text = token(directive.observable)
        if text is None:
            return objections.FORMAT
        number, _ = _CATEGORIES[verb(directive.action)]
        self._list.write(f"{text},{number},{SCORE}\n".encode("ascii"))
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last value."""
        for file in self._files.values():
            file.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=True, open=IprepWriter)
