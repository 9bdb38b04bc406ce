"""Folders of plain lists, one value a line: what several feeds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO

from seawall.model import Observable, ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import CAN, done_by
from seawall.protect.forms import token
from seawall.protect.interface import Sink
from seawall.protect.objections import Objection

Kinds = Mapping[ObservableType, str]
"""The list of each type of value."""

ADDRESSES: Kinds = {ObservableType.IPV4: "ip", ObservableType.IPV6: "ip", ObservableType.CIDR: "ip"}


def list_names(tool: str, kinds: Kinds, ending: str) -> tuple[str, ...]:
    """The files of a folder, in a stable order: ``block-ip.txt`` ... ``watch-ip.txt`` ..., one for each action that
    the tool can do."""
    can = [action for action in Action if action in CAN[tool]]
    return tuple(f"{action}-{kind}{ending}" for action in can for kind in dict.fromkeys(kinds.values()))


def verb(action: Action) -> str:
    """``block`` or ``watch``, for formats that know no more."""
    return (done_by("text", action) or Action.WATCH).value


class ListWriter:
    """A file for each verb and kind of value, all of them there even when empty, so that no old list survives."""

    def __init__(
        self,
        sink: Sink,
        tool: str,
        kinds: Kinds,
        ending: str,
        *,
        form: Callable[[Observable], str | None] = token,
        after: str = "",
    ) -> None:
        self._kinds, self._ending, self._form, self._after = kinds, ending, form, after
        self._files: dict[str, BinaryIO] = {name: sink(name) for name in list_names(tool, kinds, ending)}
        self._tool = tool

    def add(self, directive: Directive) -> Objection | None:
        """One line."""
        text, action = self._form(directive.observable), done_by(self._tool, directive.action)
        if text is None or action is None:
            return objections.FORMAT if text is None else objections.PASSIVE
        name = f"{action}-{self._kinds[directive.observable.type]}{self._ending}"
        self._files[name].write(f"{text}{self._after}\n".encode())
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last value."""
        for file in self._files.values():
            file.flush()
        return []
