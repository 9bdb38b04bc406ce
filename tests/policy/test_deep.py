"""Objects nested deeper than anybody takes: kept from times without the bound, they stand in nobody's way."""

from __future__ import annotations

from typing import Any

import pytest

from policy.scenes import asking, body, circle, knowing, stored
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.policy import decide_page, explain

GREEN = circle(tlp_ceiling=Tlp.GREEN)


def deep(levels: int, **more: Any) -> dict[str, Any]:
    """An indicator with so many lists in each other."""
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return body(object_marking_refs=[TLP2_IDS[Tlp.GREEN]], x_deep=value, **more)


@pytest.mark.parametrize("levels", [40, 600])
@pytest.mark.parametrize("selector", [None, "description", "x_deep"])
def test_a_deep_object_is_withheld_and_its_neighbours_leave(levels: int, selector: str | None) -> None:
    """With a reason, not with an error that stops the page; with granular markings too."""
    marks = [{"marking_ref": TLP2_IDS[Tlp.AMBER], "selectors": [selector]}] if selector else []
    made = deep(levels, description="d", **({"granular_markings": marks} if marks else {}))
    good = body(object_marking_refs=[TLP2_IDS[Tlp.GREEN]])
    good["id"] = good["id"][:-1] + ("1" if good["id"][-1] != "1" else "2")
    requests = [asking(stored(made, tlp=Tlp.AMBER if marks else Tlp.GREEN)), asking(stored(good, tlp=Tlp.GREEN))]
    decision = decide_page(requests, GREEN, knowing(GREEN))
    assert [item.id for release in decision.releases for item in release.objects][-1] == good["id"]
    if selector != "x_deep":
        assert [refusal.rule for refusal in decision.withheld] in (["too-large"], ["granular-marking"])
        assert not explain(requests[0], GREEN, knowing(GREEN)).released
