"""A hunt in the language of a site's own SIEM, by pySigma and its back-ends (extra ``[sigma]``, LGPL).

What comes out is text for a person: nothing here runs it. The rule was read within our own bounds before pySigma sees
it, and pySigma asks nothing of the network for this.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from seawall.codec.safe_yaml import load_documents
from seawall.flow.hunts import parts_of
from seawall.flow.hunts_fields import Fields
from seawall.flow.hunts_run import find_hunt
from seawall.flow.node import Node
from seawall.model import Actor, Fault, Unavailable
from seawall.model.hunt import HuntForm
from seawall.warn.hunts import MAX_TEXT, BadHunt, Op, Test, read_query

BACKENDS = {
    "splunk": ("sigma.backends.splunk", "SplunkBackend", "pySigma-backend-splunk"),
    "elasticsearch": ("sigma.backends.elasticsearch", "LuceneBackend", "pySigma-backend-elasticsearch"),
    "eql": ("sigma.backends.elasticsearch", "EqlBackend", "pySigma-backend-elasticsearch"),
    "esql": ("sigma.backends.elasticsearch", "ESQLBackend", "pySigma-backend-elasticsearch"),
    "kusto": ("sigma.backends.kusto", "KustoBackend", "pySigma-backend-kusto"),
}
"""Language -> module, class, package."""
MAX_QUERY = 1_000_000  # characters of what comes out

_NAMES = {
    "domain": ("query", "cs-host", "server_name"), "url": ("c-uri",), "uri": ("c-uri",), "path": ("c-uri-stem",),
    "src": ("src_ip",), "dst": ("dst_ip",), "ip": ("src_ip", "dst_ip"), "src_port": ("src_port",),
    "dst_port": ("dst_port",), "md5": ("md5",), "sha1": ("sha1",), "sha256": ("sha256",), "file_name": ("filename",),
    "ja3": ("ja3",), "ja4": ("ja4",), "hassh": ("hassh",), "certificate": ("tls.fingerprint",),
    "protocol": ("protocol",), "signature": ("signature",), "signature_id": ("signature_id",), "country": ("country",),
    "asn": ("asn",),
}  # fmt: skip
"""Our field -> the names of it that Sigma rules use, any of which may hold it."""


def convert(node: Node, id: str, *, to: str, actor: Actor | None = None) -> dict[str, object]:
    """The hunt's question in another language, and what was lost.

    Raises Fault E-FLOW-908 for an unknown language, Unavailable E-FLOW-909 without its package, Fault E-FLOW-880 for
    what cannot be converted.
    """
    hunt = find_hunt(node, id, actor=actor or node.require("read"))
    if to not in BACKENDS:
        raise Fault(
            "E-FLOW-908",
            "Hunts are not converted to {given}; use one of {known}.",
            given=ascii(to[:40]),
            known=", ".join(BACKENDS),
        )
    module, name, package = BACKENDS[to]
    try:
        collection: Any = import_module("sigma.collection").SigmaCollection
        trouble: Any = import_module("sigma.exceptions").SigmaError
        pipelines: Any = import_module("sigma.processing.pipeline")
        renamed: Any = import_module("sigma.processing.transformations").FieldFunctionTransformation
        backend: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise Unavailable(
            "E-FLOW-909",
            "Converting to {to} needs {package}, which is not installed; install it with 'pip install seawall[sigma]'.",
            to=to,
            package=package,
        ) from None
    try:
        parts_of(hunt)  # within our bounds, or not at all
        rule = sigma_of(hunt.text) if hunt.form is HuntForm.QUERY else load_documents(hunt.text, MAX_TEXT)[0]
        rule.setdefault("logsource", {"category": "network"})
        fields = Fields(hunt.text)
        renaming = pipelines.ProcessingItem(renamed(mapping={}, transform_func=fields.token))
        found = backend(pipelines.ProcessingPipeline(items=[renaming])).convert(collection.from_dicts([rule]))
        queries = [fields.put_back(str(one), to) for one in found]
    except (BadHunt, trouble, ValueError, RuntimeError) as error:  # back-ends say so of what they have not
        raise Fault("E-FLOW-880", "This cannot be asked: {reason}.", reason=str(error)[:300]) from None
    return {
        "id": hunt.id,
        "to": to,
        "query": "\n".join(queries)[:MAX_QUERY],
        "window": [hunt.since, hunt.until],
        "notes": _notes(hunt.form),
    }


def _notes(form: HuntForm) -> list[str]:
    notes = ["The field names are Sigma's; map them to your own index. Set the time window yourself."]
    if form is HuntForm.QUERY:
        notes.append(
            "The query counts both ends of a connection; a search of the lake counts only the end that is not ours."
        )
    return notes


def sigma_of(text: str) -> dict[str, Any]:
    """A bounded lake query as a Sigma rule. Raises BadHunt for a field that Sigma has no name for."""
    detection: dict[str, Any] = {}
    wanted: list[str] = []
    for number, test in enumerate(part for part in read_query(text).parts if isinstance(part, Test)):
        names = _NAMES.get(test.field)
        if names is None:
            raise BadHunt(f"Sigma has no name for {test.field}")
        keys = []
        for place, name in enumerate(names):
            key = f"test{number}_{place}"
            detection[key] = _selection(name, test)
            keys.append(key)
        wanted.append(keys[0] if len(keys) == 1 else f"({' or '.join(keys)})")
    return {
        "title": "Hunt of a partner",
        "logsource": {"category": "network"},
        "detection": {**detection, "condition": " and ".join(wanted)},
    }


def _selection(name: str, test: Test) -> dict[str, Any]:
    if test.op is Op.EXISTS:
        return {f"{name}|exists": True}
    values = [value if test.op is Op.MATCHES else _escaped(value) for value in test.values]
    return {name if test.op is Op.EQUALS else f"{name}|{test.op.value}": values}


def _escaped(value: str) -> str:
    """``*``, ``?`` and backslashes stand for themselves in our queries, not for anything as in Sigma's values."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
