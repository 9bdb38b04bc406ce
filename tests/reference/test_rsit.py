from __future__ import annotations

import json

from realdata import folder
from seawall.reference import rsit


def test_same_classes_and_types_as_the_published_taxonomy() -> None:
    """The packaged taxonomy has exactly the published classes, types and labels of its version."""
    published = json.loads((folder("misp-taxonomies") / "rsit.json").read_bytes())
    labels = {
        f"{each['predicate']}:{type['value']}": type["expanded"]
        for each in published["values"]
        for type in each["entry"]
    }
    assert rsit().version == published["version"]
    assert {type.code: type.label for type in rsit().types} == labels


def test_look_up() -> None:
    """A code gives its class and label; an unknown one nothing."""
    found = rsit().get("malicious-code:c2-server")
    assert found is not None
    assert found.class_label == "Malicious Code"
    assert rsit().get("malicious-code:nothing") is None
