"""A MISP over its REST API, trusted with nothing: bounded in size and time, pinned when asked, never redirected.

Reference: MISP 2.5 OpenAPI; PyMISP 2.5.34 for what the document leaves open. Only paths below the configured address
are called (rule 6).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import msgspec

from seawall.exchange.misp.documents import Doc, is_uuid, seconds
from seawall.exchange.misp.parties import Sighted
from seawall.exchange.taxii.transport import BoundedTransport, Deadline, answer_to
from seawall.ledger import LedgerEvent
from seawall.model import Fault, NotFound, Recorded, Refused, Release, Unavailable
from seawall.model.unreadable import UNREADABLE

ANSWER_BYTES = 256 << 20  # one answer: a page of the largest public events
ANSWER_SECONDS = 300.0  # a MISP lays out a large event in minutes (MISP/MISP#4424)
SILENCE_SECONDS = 120.0
INDEX_PAGE = 5_000  # events of one page of an index
MAX_EVENTS = 1_000_000  # of a whole index; the largest community servers hold a tenth
NOTHING_SIGHTED = "no valid attributes found"  # MISP 2.5 refuses a sighting of what it does not hold, in these words
TOO_LONG = "E-EXCHANGE-315"
_decode = msgspec.json.Decoder().decode


class MispClient:
    """One MISP, named ``name`` in every Fault. Not for several threads at once."""

    def __init__(
        self,
        name: str,
        url: str,
        key: str,
        *,
        context: ssl.SSLContext | None = None,
        pin: str | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        answer_bytes: int = ANSWER_BYTES,
    ) -> None:
        """``pin``: SHA-256 of the server's key, the only one that counts; without it ``context`` alone decides."""
        self.name = name
        self._url = url.rstrip("/") + "/"
        self._seconds, self._bytes = answer_seconds, answer_bytes
        self._deadline = Deadline()
        self._client = httpx.Client(
            transport=BoundedTransport(context, self._deadline, pin, by_name=True),
            timeout=min(SILENCE_SECONDS, answer_seconds),
            follow_redirects=False,
            trust_env=False,
            headers={
                "Authorization": key,
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "seawall",
            },
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def version(self) -> str:
        """The MISP's version. Raises Refused E-EXCHANGE-317 for a wrong key."""
        found = self._ask("GET", "servers/getVersion")
        version = found.get("version") if isinstance(found, dict) else None
        if not isinstance(version, str):
            raise self._unexpected("servers/getVersion")
        return version[:40]

    def index(self, since: int | None) -> dict[str, int]:
        """UUID and time of every event, or of those changed since so many seconds (inclusive).

        Raises Unavailable E-EXCHANGE-320 for more than ``MAX_EVENTS``.
        """
        found: dict[str, int] = {}
        for page in range(1, MAX_EVENTS // INDEX_PAGE + 2):
            asked: Doc = {"minimal": 1, "limit": INDEX_PAGE, "page": page}
            if since is not None:
                asked["timestamp"] = str(since - 1)  # MISP answers what is newer than the time given
            items = self._ask("POST", "events/index", asked)
            if not isinstance(items, list):
                raise self._unexpected("events/index")
            before = len(found)
            for item in items:
                event = item.get("Event", item) if isinstance(item, dict) else None
                uuid = event.get("uuid") if isinstance(event, dict) else None
                if not isinstance(event, dict) or not isinstance(uuid, str) or not is_uuid(uuid):
                    raise self._unexpected("events/index")
                found[uuid.lower()] = seconds(event.get("timestamp"), 0)
            if len(found) > MAX_EVENTS:
                break
            if len(items) < INDEX_PAGE or len(found) == before:
                return found
        raise self._fault("E-EXCHANGE-320", "The index of the MISP {misp} lists more than {most} events.",
                          most=MAX_EVENTS)  # fmt: skip

    def events(self, uuids: Sequence[str]) -> list[Doc]:
        """These events whole, soft-deleted parts and attached files included, as far as the MISP shows them.

        Of an event that is too large with its files, without them.
        """
        asked = {"returnFormat": "json", "uuid": list(uuids), "deleted": [0, 1], "limit": len(uuids), "page": 1}
        try:
            found = self._ask("POST", "events/restSearch", {**asked, "withAttachments": True})
        except Unavailable as fault:
            if fault.code != TOO_LONG:
                raise
            if len(uuids) > 1:
                return [event for uuid in uuids for event in self.events([uuid])]
            found = self._ask("POST", "events/restSearch", asked)
        if not isinstance(found, list):
            raise self._unexpected("events/restSearch")
        events = [item.get("Event") if isinstance(item, dict) else None for item in found]
        if not all(isinstance(event, dict) for event in events):
            raise self._unexpected("events/restSearch")
        return [event for event in events if event is not None]

    def add(self, recorded: Recorded[Release], event: Doc) -> Doc:
        """Add an event; answers it as kept. Raises Refused E-EXCHANGE-317 when the MISP does not take it."""
        return self._event("events/add", recorded, event)

    def edit(self, recorded: Recorded[Release], event: Doc) -> Doc:
        """Edit an event; answers it as kept. Raises NotFound E-EXCHANGE-319, Refused E-EXCHANGE-317."""
        return self._event(f"events/edit/{event['uuid']}", recorded, event)

    def delete(self, recorded: Recorded[LedgerEvent]) -> None:
        """Delete the event that was recalled. Raises NotFound E-EXCHANGE-319."""
        self._ask("POST", f"events/delete/{recorded.value.subject.removeprefix('report--')}", {})

    def sight(self, recorded: Recorded[Release], sighted: Sighted) -> bool:
        """Add a sighting to all attributes that hold one of its values; False when none does.

        Raises Refused E-EXCHANGE-317 for a key that may not add sightings.
        """
        if all(sighted.id != item.id for item in recorded.value.objects):
            raise ValueError("this release does not hold the sighting")  # rule 1
        asked = {"values": sighted.values, "type": "0", "timestamp": sighted.at, "source": sighted.source}
        try:
            self._ask("POST", "sightings/add", asked)
        except NotFound:
            return False
        except Refused as refused:
            if NOTHING_SIGHTED in str(refused.values.get("reason", "")).lower():
                return False
            raise
        return True

    def attach(self, recorded: Recorded[Release], uuid: str, tag: str) -> None:
        """Tag the event of this release, or an attribute of it."""
        self._ask("POST", "tags/attachTagToObject", _told_tag(recorded, uuid, tag))

    def remove(self, recorded: Recorded[Release], uuid: str, tag: str) -> None:
        """Take a tag away. One that is not there counts as taken away."""
        try:
            self._ask("POST", "tags/removeTagFromObject", _told_tag(recorded, uuid, tag))
        except NotFound:
            return

    def _event(self, path: str, recorded: Recorded[Release], event: Doc) -> Doc:
        if recorded.value.objects[0].id != f"report--{event['uuid']}":
            raise ValueError("this release is of another event")  # rule 1
        found = self._ask("POST", path, {"Event": event})
        kept = found.get("Event") if isinstance(found, dict) else None
        if not isinstance(kept, dict):
            raise self._unexpected(path)
        return kept

    def _ask(self, method: str, path: str, given: Doc | None = None) -> Any:
        """One call; the JSON of its answer, unwrapped from ``response``."""
        self._deadline.at = time.monotonic() + self._seconds
        body = None if given is None else msgspec.json.encode(given)
        try:
            request = self._client.build_request(method, self._url + path, content=body)
            response, raw = answer_to(self._client, request, self._deadline, self._bytes, self._too_long)
        except Unavailable:
            raise
        except Exception as error:
            raise self._translated(error) from None
        self._check(response.status_code, path, raw)
        try:
            found = _decode(raw)
        except UNREADABLE:
            raise self._unexpected(path) from None
        return found["response"] if isinstance(found, dict) and found.get("response") is not None else found

    def _too_long(self) -> Unavailable:
        return self._fault(TOO_LONG, "An answer of the MISP {misp} is longer than {most} bytes.",
                           most=self._bytes)  # fmt: skip

    def _check(self, status: int, path: str, raw: bytes) -> None:
        if 300 <= status < 400:
            raise self._fault("E-EXCHANGE-313", "The MISP {misp} tried to send us elsewhere; redirects are refused.")
        if status in (401, 403, 405):  # MISP 2.4 answers 405 for what a role may not do
            raise Refused("E-EXCHANGE-317", "The MISP {misp} refused {path}: {reason}.", misp=self.name, path=path,
                          reason=_reason(raw, status))  # fmt: skip
        if status == 404:
            raise NotFound("E-EXCHANGE-319", "The MISP {misp} does not have what {path} asks for.", misp=self.name,
                           path=path)  # fmt: skip
        if not 200 <= status < 300:
            raise self._fault("E-EXCHANGE-318", "The MISP {misp} failed at {path} (HTTP {status}); it is asked again "
                              "at the next synchronisation.", path=path, status=status)  # fmt: skip

    def _unexpected(self, path: str) -> Unavailable:
        return self._fault(
            "E-EXCHANGE-316", "The MISP {misp} answered {path} with something else than MISP's JSON.", path=path
        )

    def _fault(self, code: str, text: str, **values: object) -> Unavailable:
        return Unavailable(code, text, misp=self.name, **values)

    def _translated(self, error: Exception) -> Fault:
        match error:
            case httpcore.TimeoutException() | httpx.TimeoutException():
                return self._fault("E-EXCHANGE-311", "The MISP {misp} did not answer in time; try again later.")
            case httpcore.ConnectError() | httpx.ConnectError() if "certificate" not in str(error).lower():
                return self._fault("E-EXCHANGE-310", "The MISP {misp} cannot be reached; check address and network.")
            case httpcore.ConnectError() | httpx.ConnectError() | Refused():
                return self._fault("E-EXCHANGE-312", "The server of the MISP {misp} shows a certificate that we do "
                                   "not trust; nothing was sent to it.")  # fmt: skip
        return self._fault("E-EXCHANGE-314", "The answer of the MISP {misp} is cut off or is not HTTP.")


def _told_tag(recorded: Recorded[Release], uuid: str, tag: str) -> Doc:
    """A tag on what this release shows (rule 1)."""
    if uuid.encode() not in recorded.value.objects[0].body:
        raise ValueError("this release does not show what is to be tagged")
    return {"uuid": uuid, "tag": tag}


def _reason(raw: bytes, status: int) -> str:
    """What the MISP says about it, shortened and printable."""
    try:
        found = _decode(raw)
    except UNREADABLE:
        return f"HTTP {status}"
    said = found.get("message") or found.get("name") if isinstance(found, dict) else None
    if isinstance(found, dict) and isinstance(errors := found.get("errors"), str) and errors != said:
        said = f"{said}: {errors}"
    return "".join(letter if letter.isprintable() else " " for letter in str(said or f"HTTP {status}")[:200])
