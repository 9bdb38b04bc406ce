"""A node's side of a relay: bounded in size and time, pinned, and believing nothing that a relay says.

The order of each request: (1) what can be refused here is not sent, (2) the pin before a byte leaves, (3) one deadline
for the whole answer, (4) a fault is made anew from its code (``faults``), (5) ids, sizes and counts are checked.
"""

from __future__ import annotations

import math
import secrets
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import httpcore
import httpx
import msgspec

from seawall.exchange.binding import is_loopback
from seawall.exchange.relay import faults, paths
from seawall.exchange.relay.bounds import DEFAULT_BOUNDS, RelayBounds
from seawall.exchange.relay.interface import TAG_BYTES, CountAnswer, Waiting
from seawall.exchange.relay.witnessing import read_cosigned, request_bytes
from seawall.exchange.sizes import is_padded, list_class, padme
from seawall.exchange.taxii.patience import seconds_of
from seawall.exchange.taxii.transport import BoundedTransport, Deadline, answer_to
from seawall.ledger import VerifierKey
from seawall.model import Fault, Refused, Unavailable
from seawall.model.unreadable import UNREADABLE

T = TypeVar("T")

SMALL_ANSWER = 64 * 1024  # every answer but a fetch
DONE, WAITS, NOTHING_GIVEN = 200, 202, 204  # HTTP
RETRY_MOST = 3_600  # the longest "come again in" that is believed
RETRY_ELSE = 60  # when a busy relay says nothing usable


class _Told(msgspec.Struct, frozen=True):
    """An error as a relay writes it."""

    code: str
    values: dict[str, object] = {}


class _Put(msgspec.Struct, frozen=True):
    id: str


class _Deleted(msgspec.Struct, frozen=True):
    deleted: int


class RelayClient:
    """One relay, called ``name`` in every Fault; it is a ``Relay``. Not for several threads at once.

    ``pin``: SHA-256 of its key (``relay init`` prints it), the only one that counts. Without it the machine's
    authorities and the host name decide, as for a relay behind somebody's web server.
    """

    def __init__(
        self,
        url: str,
        *,
        pin: str | None = None,
        name: str = "relay",
        witness_key: VerifierKey | None = None,
        answer_seconds: float = 120.0,
        bounds: RelayBounds = DEFAULT_BOUNDS,
        outside: bool = False,
    ) -> None:
        """``outside``: it is called only where its name leads to an address of the open internet.

        Raises Refused E-EXCHANGE-788 for an address that is neither https nor on this machine.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise Refused("E-EXCHANGE-788", "The address of the relay {relay} must begin with https.", relay=name)
        self.name = name
        self._url = url.rstrip("/")
        self._bounds = bounds
        self._seconds = answer_seconds
        self._witness_key = witness_key
        self._deadline = Deadline()
        self._client = httpx.Client(
            transport=BoundedTransport(_context(pin), self._deadline, pin, by_name=pin is None, outside=outside),
            timeout=answer_seconds,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "seawall"},
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def put(self, mailbox: str, token: bytes, data: bytes, *, expires: int) -> str:
        """See ``Relay.put``."""
        if not is_padded(len(data)):
            raise faults.NO_CLASS(size=len(data), padded=padme(max(len(data), 1)))
        if len(data) > self._bounds.message_bytes:
            raise faults.TOO_LARGE(most=self._bounds.message_bytes)
        query = {"expires": str(expires // paths.SECOND)}
        body = self._ask("POST", self._mailbox(mailbox), token, data, query=query)
        found = self._json(body, _Put)
        if paths.read_id(found.id) is None:
            raise self._broken()
        return found.id

    def fetch(
        self, mailbox: str, token: bytes, after: str | None = None, limit: int = 100, *, wait: float = 0.0
    ) -> Sequence[Waiting]:
        """See ``Relay.fetch``. Raises Unavailable E-EXCHANGE-773 for more, or other, than was asked for."""
        limit = max(1, min(limit, self._bounds.page_messages))
        query = {"limit": str(limit)} | ({"after": after} if after is not None else {})
        wait = min(wait, self._bounds.wait_most)
        if wait > 0:
            query["wait"] = str(math.ceil(wait))
        most = max(self._bounds.page_bytes, self._bounds.message_bytes) + limit * paths.FRAME.size
        body = self._ask("GET", self._mailbox(mailbox), token, query=query, most=most, extra=wait)
        try:
            found = list(paths.read_frames(body))
        except ValueError:
            raise self._broken() from None
        if len(found) > limit or len({item.id for item in found}) < len(found):
            raise self._broken()
        return found

    def delete(self, mailbox: str, token: bytes, ids: Iterable[str]) -> int:
        """See ``Relay.delete``."""
        wanted = [paths.read_id(id) for id in dict.fromkeys(ids)]
        if None in wanted:
            raise faults.UNREADABLE()
        gone, step = 0, self._bounds.delete_ids
        for begin in range(0, len(wanted), step):
            data = b"".join(id for id in wanted[begin : begin + step] if id is not None)
            found = self._json(self._ask("POST", f"{self._mailbox(mailbox)}/delete", token, data), _Deleted)
            gone += min(max(found.deleted, 0), len(data) // 16)
        return gone

    def count(self, round_id: str, token: bytes, tags: Sequence[bytes]) -> CountAnswer | None:
        """See ``Relay.count``."""
        if paths.read_id(round_id) is None:
            raise faults.NOT_HERE()
        if any(len(tag) != TAG_BYTES for tag in tags) or len(set(tags)) < len(tags):
            raise faults.COUNT_FORM()
        if not self._bounds.count_least <= len(tags) <= self._bounds.count_most:
            raise faults.COUNT_SIZE(least=self._bounds.count_least, most=self._bounds.count_most, size=len(tags))
        path = paths.COUNT + round_id
        status, body = self._call("GET", path, token)
        if status == NOTHING_GIVEN:
            filling = list_class(len(tags)) - len(tags)
            given = sorted((*tags, *(secrets.token_bytes(TAG_BYTES) for _ in range(filling))))
            status, body = self._call("POST", path, token, b"".join(given))
        if status == WAITS:
            return None
        answer = self._json(body, CountAnswer)
        if answer.count < 0 or answer.left < 0 or answer.rounded_to < 1 or not 0 < answer.epsilon < 100:
            raise self._broken()
        return answer

    def witness(self, checkpoint: str) -> str:
        """See ``Relay.witness``."""
        request = request_bytes(checkpoint)
        body = self._ask("POST", paths.WITNESS, None, request, media=paths.TEXT)
        try:
            return read_cosigned(request, body, self._witness_key)
        except Fault as fault:
            if fault.code == "E-LEDGER-023":
                raise
            raise self._broken() from None

    def about(self) -> Mapping[str, object]:
        """What the relay says of itself: ``roles``, ``limits``, ``witness_key``. Unchecked."""
        return self._json(self._ask("GET", paths.ABOUT, None), dict[str, object])

    def _mailbox(self, mailbox: str) -> str:
        if paths.read_id(mailbox) is None:
            raise faults.NOT_HERE()
        return paths.MAILBOX + mailbox

    def _ask(
        self,
        method: str,
        path: str,
        token: bytes | None,
        body: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = paths.BYTES,
        most: int = SMALL_ANSWER,
        extra: float = 0.0,
    ) -> bytes:
        status, raw = self._call(method, path, token, body, query=query, media=media, most=most, extra=extra)
        if status != DONE:
            raise self._broken()
        return raw

    def _call(
        self,
        method: str,
        path: str,
        token: bytes | None,
        body: bytes | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = paths.BYTES,
        most: int = SMALL_ANSWER,
        extra: float = 0.0,
    ) -> tuple[int, bytes]:
        self._deadline.at = time.monotonic() + self._seconds + extra
        headers = {} if token is None else {"Authorization": f"Bearer {paths.token_text(token)}"}
        if body is not None:
            headers["Content-Type"] = media
        try:
            request = self._client.build_request(
                method, self._url + path, params=dict(query or {}), content=body, headers=headers
            )
            response, raw = answer_to(self._client, request, self._deadline, most, self._broken)
        except Unavailable:
            raise
        except Exception as error:
            raise self._translated(error) from None
        if response.status_code in (DONE, WAITS, NOTHING_GIVEN):
            return response.status_code, raw
        raise self._fault_in(response, raw)

    def _fault_in(self, response: httpx.Response, raw: bytes) -> Fault:
        """The fault that a relay told, made anew; what is no known code is judged by its status alone."""
        if response.headers.get("content-type") == paths.TLOG_SIZE:
            size = raw.decode("latin-1").strip()
            plausible = (
                response.status_code == faults.ELSEWHERE.status and size.isascii() and size.isdigit() and len(size) < 17
            )
            return faults.ELSEWHERE(size=int(size)) if plausible else self._broken()
        try:
            told = msgspec.json.decode(raw, type=_Told)
            kind = faults.KINDS.get(told.code)
            fault = kind.read(told.values) if kind is not None else None
            if isinstance(fault, faults.Forked):
                held = msgspec.json.decode(raw, type=dict[str, object]).get("held")
                fault.held = held if isinstance(held, str) else ""
        except UNREADABLE:
            kind, fault = None, None
        if kind in (faults.FULL, faults.BUSY) or (fault is None and response.status_code in (429, 503)):
            waits = seconds_of(response.headers.get("retry-after"), RETRY_MOST)
            return (kind or faults.BUSY)(seconds=max(1, math.ceil(RETRY_ELSE if waits is None else waits)))
        return fault or (faults.NOT_HERE() if response.status_code == 404 else self._broken())

    def _json(self, body: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except UNREADABLE:
            raise self._broken() from None

    def _broken(self) -> Unavailable:
        return Unavailable(
            "E-EXCHANGE-773", "The answer of the relay {relay} is cut off or is not one of a relay.", relay=self.name
        )

    def _translated(self, error: Exception) -> Fault:
        match error:
            case httpcore.TimeoutException() | httpx.TimeoutException():
                return Unavailable(
                    "E-EXCHANGE-771", "The relay {relay} did not answer in time; try again later.", relay=self.name
                )
            case Refused():
                return self._other_key()
            case httpcore.ConnectError() | httpx.ConnectError():
                if "certificate" in str(error).lower():
                    return self._other_key()
                return Unavailable(
                    "E-EXCHANGE-770",
                    "The relay {relay} cannot be reached; check its address and the network.",
                    relay=self.name,
                )
        return self._broken()

    def _other_key(self) -> Fault:
        return Refused(
            "E-EXCHANGE-772",
            "The relay {relay} shows another key than the pinned one; nothing was sent to it.",
            relay=self.name,
        )


def _context(pin: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context() if pin is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if pin is not None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the pin says which key it must be, before a byte is sent
    return context
