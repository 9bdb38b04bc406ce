"""The MISPs that this node lives beside: which, at what address, how much each may know. Only these are called."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from seawall.exchange.listeners.local import is_loopback
from seawall.exchange.misp import Cursor, MispClient
from seawall.flow.misp_rows import UNMARKED
from seawall.flow.node import Node
from seawall.flow.standing_with import is_in_force
from seawall.identity.vault_open import read_secret, seal_secret
from seawall.model import Fault, NotFound, Refused, Tlp, rfc3339

SERVERS = "misp-servers"
CURSOR = "misp-cursor:{name}"
LAST = "misp-last:{name}"
PLAIN = "misp-plain:{name}"
OUTBOX = "misp-outbox:{name}"
REMOTE_SOURCE = "misp:{name}"  # among an indicator's sources: what the MISP brought
REFUSED = "misp-refused:{name}"
SIGHTED = "misp-sighted:{name}"
KEY_FILE = "misp-{name}.key"
MAX_KEY = 512  # characters; MISP's keys have 40
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
_PIN = re.compile(r"[0-9a-f]{64}")


class MispServer(msgspec.Struct, frozen=True):
    """One MISP. Without ``circle`` it is our own organisation's; with one it is a member like any other."""

    name: str
    url: str
    ca: str = ""  # file of its certificate authority; empty: the system's
    pin: str = ""  # SHA-256 of its TLS key, lower hex
    ceiling: Tlp = Tlp.AMBER_STRICT  # nothing stricter goes there
    unmarked: Tlp = UNMARKED  # what comes from there without a TLP tag
    circle: str = ""
    push: Literal["all", "events", "none"] = "all"  # what goes there: with or without what stands in no event


class Last(msgspec.Struct, frozen=True):
    """How the last synchronisation ended."""

    at: int  # microseconds UTC
    result: str


def servers(node: Node) -> dict[str, MispServer]:
    """All of them, by name."""
    text = node.store.notes.get(SERVERS)
    return msgspec.json.decode(text, type=dict[str, MispServer]) if text else {}


def server(node: Node, name: str) -> MispServer:
    """One. Raises NotFound E-FLOW-180."""
    found = servers(node).get(name)
    if found is None:
        raise NotFound("E-FLOW-180", "There is no MISP {name} here; see 'seawall misp list'.", name=ascii(name[:60]))
    return found


def add_server(node: Node, wanted: MispServer, key_file: Path) -> dict[str, object]:
    """Keep a MISP's address and key after asking its version with them.

    Raises Fault E-FLOW-181 for a name, E-FLOW-182 for an address, E-FLOW-183 for a key file that cannot be used,
    E-FLOW-184 for a pin, E-FLOW-186 for a circle that does not seat it, and what ``MispClient`` raises.
    """
    node.require("manage-peers")
    if not _NAME.fullmatch(wanted.name):
        raise Fault(
            "E-FLOW-181", "{given} cannot be the name of a MISP; use letters, digits, dots and dashes.",
            given=ascii(wanted.name[:60]),
        )  # fmt: skip
    wanted = msgspec.structs.replace(wanted, url=_checked(wanted.url), pin=wanted.pin.lower().replace(":", ""))
    if wanted.pin and not _PIN.fullmatch(wanted.pin):
        raise Fault("E-FLOW-184", "A pin is the SHA-256 of the server's TLS key: 64 hexadecimal digits.")
    if wanted.circle and wanted.name not in node.store.circles.get(wanted.circle).members:
        raise Fault("E-FLOW-186", "The circle {circle} has no member {name}; a MISP of others sits there by its name.",
                    circle=wanted.circle, name=wanted.name)  # fmt: skip
    key = _read_key(key_file)
    client = _client(wanted, key)
    try:
        version = client.version()
    finally:
        client.close()
    for told in (PLAIN, OUTBOX, REFUSED):  # under other terms, everything is offered anew
        node.store.notes.delete(told.format(name=wanted.name))
    cursor = msgspec.structs.replace(cursor_of(node, wanted.name), change=0)
    node.store.notes.set(CURSOR.format(name=wanted.name), msgspec.json.encode(cursor).decode())
    _write_key(node.folder / "keys" / KEY_FILE.format(name=wanted.name), key)
    _keep(node, servers(node) | {wanted.name: wanted})
    return {**described(node, wanted), "version": version}


def remove_server(node: Node, name: str) -> dict[str, object]:
    """Forget a MISP, its key, and what it held; what came from it stays here."""
    node.require("manage-peers")
    server(node, name)
    _keep(node, {key: one for key, one in servers(node).items() if key != name})
    (node.folder / "keys" / KEY_FILE.format(name=name)).unlink(missing_ok=True)
    node.store.misp.forget(name)
    for key in (CURSOR, LAST, PLAIN, OUTBOX, REFUSED, SIGHTED):
        node.store.notes.delete(key.format(name=name))
    return {"name": name, "removed": True}


def list_servers(node: Node) -> list[dict[str, object]]:
    """All of them, and how the last exchange with each ended."""
    node.require("read")
    return [described(node, one) for one in servers(node).values()]


def described(node: Node, one: MispServer) -> dict[str, object]:
    """In plain values."""
    text = node.store.notes.get(LAST.format(name=one.name))
    last = msgspec.json.decode(text, type=Last) if text else None
    return {
        "name": one.name,
        "url": one.url,
        "tlp_ceiling": one.ceiling.label,
        "tlp_unmarked": one.unmarked.label,
        "circle": one.circle or None,
        "push": one.push,
        "pinned": bool(one.pin),
        "last_sync": rfc3339(last.at) if last else None,
        "last_result": last.result if last else None,
    }


def client_of(node: Node, one: MispServer) -> MispClient:
    """A client with the key kept for it. Raises Refused E-FLOW-323 when the relation with its owner is not in force."""
    if not is_in_force(node, one.name):
        raise Refused("E-FLOW-323", "The MISP {name} belongs to a relation that was stopped.", name=one.name)
    return _client(one, _read_key(node.folder / "keys" / KEY_FILE.format(name=one.name)))


def cursor_of(node: Node, name: str) -> Cursor:
    """How far the exchange with it is."""
    text = node.store.notes.get(CURSOR.format(name=name))
    return msgspec.json.decode(text, type=Cursor) if text else Cursor()


def circle_of(node: Node, source: str) -> str:
    """The circle through which a MISP of others speaks, by its source; empty when it is none, or here no more."""
    return next((one.circle for one in servers(node).values() if REMOTE_SOURCE.format(name=one.name) == source), "")


def endpoints(node: Node) -> list[str]:
    """The addresses that this node calls for them; none while the store cannot be asked."""
    try:
        return [one.url for one in servers(node).values()]
    except Fault:
        return []


def _client(one: MispServer, key: str) -> MispClient:
    context = None
    if one.url.startswith("https://"):
        try:
            context = ssl.create_default_context(cafile=one.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise Fault("E-FLOW-185", "Cannot use the certificate authority {path}: {reason}.", path=one.ca,
                        reason=error) from None  # fmt: skip
        if one.pin and not one.ca:  # the pin alone counts: a MISP's certificate is often its own
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    return MispClient(one.name, one.url, key, context=context, pin=one.pin or None)


def _checked(url: str) -> str:
    """The address, ending in a slash: TLS, or loopback. Raises Fault E-FLOW-182."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or parts.username is not None or not url.isprintable():
        raise Fault("E-FLOW-182", "{given} is no address of a MISP; give https://host or https://host/path.",
                    given=ascii(url[:100]))  # fmt: skip
    if parts.scheme == "http" and not is_loopback(str(parts.hostname)):
        raise Fault("E-FLOW-187", "Refusing to send the key to {given} without TLS; give an https address.",
                    given=ascii(url[:100]))  # fmt: skip
    return url.rstrip("/") + "/"


def _read_key(path: Path) -> str:
    try:
        key = read_secret(path).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault("E-FLOW-183", "Cannot read the key file {path}: {reason}.", path=path,
                    reason=getattr(error, "strerror", None) or "it holds no key") from None  # fmt: skip
    if not 0 < len(key) <= MAX_KEY or not key.isprintable() or " " in key:
        raise Fault("E-FLOW-183", "Cannot read the key file {path}: {reason}.", path=path, reason="it holds no key")
    return key


def _write_key(path: Path, key: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(seal_secret(path, f"{key}\n".encode("ascii")))


def _keep(node: Node, all_of_them: dict[str, MispServer]) -> None:
    node.store.notes.set(SERVERS, msgspec.json.encode(all_of_them, order="sorted").decode())
