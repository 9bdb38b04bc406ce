"""The tools that an agent can drive, by name: options of ``agent.toml`` into a driver.

A driver that is added gets one line here. Options have the names of the driver's own arguments; a folder, a socket
and a file are paths, a command is a list of words.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from seawall.model import Fault
from seawall.protect.drivers.interface import Driver

DRIVERS: Mapping[str, str] = {
    "nftables": "seawall.protect.drivers.nftables:NftablesDriver",
    "suricata": "seawall.protect.drivers.suricata:SuricataDriver",
    "haproxy": "seawall.protect.drivers.haproxy:HaproxyDriver",
    "crowdsec": "seawall.protect.drivers.crowdsec:CrowdsecDriver",
    "squid": "seawall.protect.drivers.squid:SquidDriver",
    "rpz": "seawall.protect.drivers.rpz:RpzDriver",
}
"""Name -> ``module:class``; only what a gateway uses is imported there."""

PRIVILEGED = frozenset({"nftables"})  # need CAP_NET_ADMIN; the others are spoken to over their sockets


def make_driver(name: str, options: Mapping[str, Any]) -> Driver:
    """The driver of a tool. Raises Fault E-PROTECT-059 for an unknown name, -060 for options that it does not take."""
    if name not in DRIVERS:
        raise Fault(
            "E-PROTECT-059",
            "There is no driver for {given}; use some of {known}.",
            given=repr(name[:40]),
            known=", ".join(sorted(DRIVERS)),
        )
    module, _, made = DRIVERS[name].partition(":")
    driver = cast("Callable[..., Driver]", getattr(import_module(module), made))
    wanted = inspect.signature(driver).parameters
    needed = {key for key, one in wanted.items() if one.default is inspect.Parameter.empty}
    if wrong := sorted(options.keys() - wanted.keys()):
        reason = f"it knows no option {', '.join(wrong)}"
    elif lacking := sorted(needed - options.keys()):
        reason = f"it needs {', '.join(lacking)}"
    else:
        try:
            return driver(**{key: _value(value, str(wanted[key].annotation)) for key, value in options.items()})
        except (TypeError, ValueError) as error:
            reason = str(error)
    raise Fault("E-PROTECT-060", "The options of the tool {name} cannot be used: {reason}.", name=name, reason=reason)


def _value(value: Any, annotation: str) -> Any:
    """A string where the driver takes a path, a list where it takes words; everything else as it stands."""
    if "Path" in annotation and isinstance(value, str):
        return Path(value)
    return tuple(value) if isinstance(value, list) else value
