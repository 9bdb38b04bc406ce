"""A MISP event parted into what an editor sees and what he does not, and put together again behind his edit.

Whoever edits an event compares and changes only what he sees: an answer that differed by what he does not see would
tell him of it (rule 12). What he gives under a UUID that he does not know to be taken gets one of its own.
"""

from __future__ import annotations

from seawall.exchange.misp import Doc
from seawall.exchange.misp.documents import NewUuid
from seawall.flow.misp_rows import to_doc
from seawall.model import Visibility
from seawall.model.misp import MispEvent


class Parted:
    """One event; ``doc`` is what the editor sees of it, to be edited in place."""

    def __init__(self, held: MispEvent, seen: Visibility) -> None:
        self._full = to_doc(held)
        self._hidden = {one.uuid for one in held.attributes if one.tlp > seen.tlp_at_most or one.pap > seen.pap_at_most}
        self._objects = {
            obj["uuid"] for obj in self._full["Object"] if obj["Attribute"] and not self._seen(obj["Attribute"])
        }
        self.doc: Doc = {**self._full, "Attribute": self._seen(self._full["Attribute"])}
        self.doc["Object"] = [
            {**obj, "Attribute": self._seen(obj["Attribute"])}
            for obj in self._full["Object"]
            if obj["uuid"] not in self._objects
        ]

    def _seen(self, attributes: list[Doc]) -> list[Doc]:
        return [one for one in attributes if one["uuid"] not in self._hidden]

    def whole(self, new_uuid: NewUuid) -> Doc:
        """The edited event with the parts that were not seen, each where it stood."""
        if not self._hidden:
            return self.doc
        taken = self._hidden | self._objects
        for part in (self.doc, *self.doc["Object"]):
            for one in part["Attribute"]:
                if one["uuid"] in taken:
                    one["uuid"] = new_uuid()
        edited = {}
        for obj in self.doc["Object"]:
            if obj["uuid"] in taken:
                obj["uuid"] = new_uuid()
            edited[obj["uuid"]] = obj
        full = {**self.doc, "Attribute": self._joined(self._full["Attribute"], self.doc["Attribute"]), "Object": []}
        for obj in self._full["Object"]:
            mine = edited.pop(obj["uuid"], None)
            full["Object"].append(self._object(obj, mine) if mine is not None else obj)
        full["Object"] += edited.values()
        return full

    def _object(self, before: Doc, edited: Doc) -> Doc:
        """An object that was deleted stays for the sake of attributes in it that were not seen."""
        inside = self._joined(before["Attribute"], edited["Attribute"])
        kept = any(one["uuid"] in self._hidden and not one["deleted"] for one in inside)
        return {**edited, "Attribute": inside, "deleted": edited["deleted"] and (before["deleted"] or not kept)}

    def _joined(self, before: list[Doc], edited: list[Doc]) -> list[Doc]:
        """In the order in which they stood, what is new behind."""
        fresh = {one["uuid"]: one for one in edited}
        joined = [one if one["uuid"] in self._hidden else fresh.pop(one["uuid"], one) for one in before]
        return [*joined, *fresh.values()]
