"""CrowdSec's local API as a watcher speaks it (its OpenAPI document, version 1.4: ``/v1/watchers/login``, alerts)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from seawall.model import Unavailable
from seawall.model.unreadable import UNREADABLE

SECONDS = 60.0
MAX_ANSWER = 256 << 20  # bytes: about 140 are told for a decision, so more than a million
AGENT = "seawall/1.4"  # a login whose agent is not "name/version" is refused; the version is that of the API
MAX_SAID = 300  # characters of a complaint that are repeated


class Answer(msgspec.Struct, frozen=True):
    """How a question ended."""

    status: int
    document: Any  # decoded JSON; None when there was none
    said: str


class CrowdsecApi:
    """One connection, opened when first used; the token lives an hour and is renewed when it is refused."""

    def __init__(self, url: str, login: str, password_file: Path) -> None:
        self._url = url
        self._login = login
        self._password_file = password_file
        self._token = ""
        self._connection: http.client.HTTPConnection | None = None

    def log_in(self) -> None:
        """Raises Unavailable E-PROTECT-077 when it cannot be reached, -078 when it does not know us, -082."""
        try:
            password = self._password_file.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise Unavailable(
                "E-PROTECT-082", "Cannot read the password for CrowdSec in {path}: {reason}.",
                path=self._password_file, reason=error,
            ) from None  # fmt: skip
        asked = {"machine_id": self._login, "password": password, "scenarios": []}
        answer = self._said("POST", "/v1/watchers/login", asked, {})
        if answer.status != 200 or "token" not in (answer.document or {}):
            raise Unavailable(
                "E-PROTECT-078", "CrowdSec's local API {url} refused our login: {reason}.",
                url=self._url, reason=answer.said,
            )  # fmt: skip
        self._token = str(answer.document["token"])

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None) -> Answer:
        """One question; logs in first where that is needed. Raises Unavailable as ``log_in``."""
        if not self._token:
            self.log_in()
        target = f"/v1{path}?{urlencode(query)}" if query else f"/v1{path}"
        answer = self._said(method, target, body, {"Authorization": f"Bearer {self._token}"})
        if answer.status == 401:
            self.log_in()
            answer = self._said(method, target, body, {"Authorization": f"Bearer {self._token}"})
        return answer

    def close(self) -> None:
        """End the connection; the next question opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _said(self, method: str, target: str, body: object, headers: Mapping[str, str]) -> Answer:
        """The answer; a connection that the server ended in between is opened once more."""
        content = None if body is None else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                connection = self._connection = self._connection or self._opened()
                common = {"Content-Type": "application/json", "User-Agent": AGENT}
                connection.request(method, target, content, {**common, **headers})
                with connection.getresponse() as answer:
                    held = answer.read(MAX_ANSWER)
                    if answer.read(1):
                        self.close()
                    return Answer(answer.status, _document(held), _line(held))
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.close()
                if attempt == 2:
                    raise Unavailable(
                        "E-PROTECT-077", "CrowdSec's local API {url} does not answer: {reason}.",
                        url=self._url, reason=error,
                    ) from None  # fmt: skip
        raise AssertionError("unreachable")

    def _opened(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "127.0.0.1", parts.port, timeout=SECONDS)


def _document(held: bytes) -> Any:
    try:
        return msgspec.json.decode(held)
    except UNREADABLE:
        return None


def _line(held: bytes) -> str:
    return " ".join(held[:MAX_SAID].decode("utf-8", "replace").split())
