"""``/metrics`` (Prometheus text format 0.0.4) and ``/healthz``: figures without content."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get

from seawall.api.interface import Metric
from seawall.api.rest import caller_of, node_of

PREFIX = "seawall_"
NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
TEXT_FORMAT = "text/plain; version=0.0.4"  # the server adds the character set


def exposition(metrics: Sequence[Metric]) -> str:
    """The metrics as Prometheus reads them; help and type once a name. Raises ValueError for an unusable name."""
    lines: list[str] = []
    told: set[str] = set()
    for metric in sorted(metrics, key=lambda m: m.name):
        if not all(NAME.fullmatch(name) for name in (metric.name, *(label for label, _ in metric.labels))):
            raise ValueError(metric.name)
        name = PREFIX + metric.name
        if name not in told:
            told.add(name)
            help_text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {metric.kind}"]
        lines.append(f"{name}{_labels(metric.labels)} {_number(metric.value)}")
    return "\n".join(lines) + "\n"


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    if not labels:
        return ""
    escaped = (value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for _, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for (name, _), value in zip(labels, escaped, strict=True)) + "}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def metrics(request: Request[Any, Any, Any]) -> Response[str]:
    """Figures for Prometheus: open to this machine, with a token from elsewhere."""
    if not _from_this_machine(request):
        caller_of(request)
    return Response(content=exposition(node_of(request).metrics()), media_type=TEXT_FORMAT)


def _from_this_machine(request: Request[Any, Any, Any]) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def healthz() -> dict[str, str]:
    """The server answers."""
    return {"status": "ok"}
