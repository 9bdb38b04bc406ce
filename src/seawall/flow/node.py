"""One node, wired: its folder, settings, store, lake, ledger, keys and the people who act."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

import msgspec

from seawall.flow.authority import require
from seawall.model import Actor, Clock, Fault, Refused, Unavailable, UserRole, system_clock
from seawall.settings import Settings, load_settings

if TYPE_CHECKING:
    from seawall.identity import NodeKeys
    from seawall.identity.vault import Vault
    from seawall.lake import Lake
    from seawall.ledger import EventKind, Ledger
    from seawall.reference import Geography, OwnAssets, Warninglists
    from seawall.store import Store
    from seawall.store.radius import RadiusTable

ADMINISTRATOR = "administrator"
ADMINISTRATOR_TOKEN = "administrator.token"  # noqa: S105 - a file name
SETTINGS_FILE = "seawall.toml"
KEYS = "keys"
VAULT = "vault.json"
IN_USE = "node.lock"
MAX_NAME = 200  # characters of an organisation's name: it stands in cards and on screens
FOLDERS = ("lake", "store", "ledger", "keys", "quarantine", "reference")


class NewNode(msgspec.Struct, frozen=True):
    """What ``init`` tells: the token is shown this once."""

    node_id: str
    fingerprint: str
    token: str


class Node:
    """An open node. Parts are loaded and opened on first use; everything closes together."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        clock: Clock = system_clock,
        token: Path | None = None,
        approver_token: Path | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.clock = clock
        self._token = token
        self._approver_token = approver_token
        self._stack = ExitStack()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Clock = system_clock,
        token: Path | None = None,
        approver_token: Path | None = None,
    ) -> Self:
        """Open the node in ``folder``. Raises Fault E-CONF-001/002 when there is none or its file is unusable."""
        return cls(folder, load_settings(folder), clock=clock, token=token, approver_token=approver_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def hold(self) -> int:
        """The descriptor by which this node is held together with all others who use it, until it closes.

        Raises Unavailable E-FLOW-700 while somebody holds it alone, to encrypt or destroy it.
        """
        descriptor = in_use(self.folder)
        self._stack.callback(os.close, descriptor)
        return descriptor

    @cached_property
    def store(self) -> Store:
        """Knowledge, people, peers, circles."""
        from seawall.store import Store

        _ = self.hold
        vault = open_vault(self.folder)
        names = None if vault is None else vault.box("names")
        return self._stack.enter_context(Store.open(store_url(self.folder, self.settings), names))

    @cached_property
    def lake(self) -> Lake:
        """Telemetry."""
        from seawall.lake import Lake

        return Lake.open(lake_folder(self.folder, self.settings), self.settings.lake)

    @cached_property
    def radius_table(self) -> RadiusTable:
        """What a block of a value would have cut; built by a job from the lake (``flow/radius.py``)."""
        from seawall.store.radius import RadiusTable

        table = RadiusTable(self.folder / "radius")
        self._stack.callback(table.close)
        return table

    @cached_property
    def keys(self) -> NodeKeys:
        """This node's own keys."""
        from seawall.identity import NodeKeys

        _ = self.hold
        return NodeKeys.load(self.folder / KEYS)

    @cached_property
    def ledger(self) -> Ledger:
        """The record of what left."""
        from seawall.flow.ledger_seen import check_seen, keep_seen
        from seawall.ledger import Ledger

        _ = self.store  # opened first, so closed last
        ledger = self._stack.enter_context(Ledger.open(self.folder / "ledger", self.keys))
        check_seen(self, ledger)
        self._stack.callback(keep_seen, self, ledger)
        return ledger

    @cached_property
    def own_assets(self) -> OwnAssets:
        """Our ranges and names; private, loopback and link-local ranges always."""
        from seawall.reference import OwnAssets

        return OwnAssets.load(self.folder / "reference")

    @cached_property
    def warninglists(self) -> Warninglists:
        """The lists that ship with Seawall and those imported here."""
        from seawall.reference import Warninglists

        return Warninglists.load(self.folder / "reference")

    def forget_lists(self) -> None:
        """Read own assets and warninglists again when they are next asked for: somebody imported others."""
        self.__dict__.pop("own_assets", None)
        self.__dict__.pop("warninglists", None)

    @cached_property
    def geography(self) -> Geography:
        """Country and AS of addresses, offline."""
        from seawall.reference import Geography

        return Geography.packaged()

    @property
    def side(self) -> str:
        """The side of sensors nobody has described: the node's economy."""
        return self.settings.node.economy or "XX"

    @property
    def token(self) -> Path | None:
        """The file with the token of who acts, when one was named."""
        return self._token

    @cached_property
    def actor(self) -> Actor:
        """Who acts: by ``--token``, else by the administrator's token in the node folder. Raises Refused."""
        return self.store.users.authenticate(read_token(self._token or self.folder / ADMINISTRATOR_TOKEN))

    @cached_property
    def approver(self) -> Actor | None:
        """The second person, by ``--approver-token``; never the same person as ``actor``."""
        if self._approver_token is None:
            return None
        second = self.store.users.authenticate(read_token(self._approver_token))
        require(second, "approve")
        if second.name == self.actor.name:
            raise Refused("E-FLOW-003", "The second person must be somebody else than {name}.", name=second.name)
        return second

    def require(self, task: str) -> Actor:
        """The acting person, if their role permits ``task``. Raises Refused E-FLOW-004."""
        require(self.actor, task)
        return self.actor

    def event(self, kind: EventKind, subject: str, **details: str | int | list[str]) -> None:
        """Put an event on the record in the acting person's name; on disk when this returns."""
        from seawall.ledger import LedgerEvent

        self.ledger.record_event(LedgerEvent(kind, self.clock(), self.actor.name, subject, details))


def store_url(folder: Path, settings: Settings) -> str:
    """The SQLAlchemy URL of the node's knowledge store; with its key when the node's vault sealed the whole file.

    Raises what ``vault_of`` does.
    """
    if settings.store.url:
        return settings.store.url
    file = folder / "store" / "seawall.sqlite"
    if (vault := open_vault(folder)) is None:
        return f"sqlite:///{file}"
    from seawall.store.cipher import is_plain, sealed_address

    if is_plain(file) or (vault.names_only and not file.exists()):
        return f"sqlite:///{file}"
    return sealed_address(f"sqlite:///{file}", vault.key("store").hex())


def open_vault(folder: Path) -> Vault | None:
    """The node's vault, opened once for each process; None when it has none. Raises what ``vault_of`` does."""
    if not (folder / KEYS / VAULT).exists():
        return None
    from seawall.identity.vault_open import vault_of

    return vault_of(folder / KEYS)


def in_use(folder: Path) -> int:
    """A descriptor that holds the node's folder, together with all others who use it. Raises Unavailable E-FLOW-700."""
    descriptor = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(
            "E-FLOW-700", "This node is just being encrypted or destroyed; try again when that has ended."
        ) from None
    return descriptor


def lake_folder(folder: Path, settings: Settings) -> Path:
    """Where the node's telemetry is: below its own folder, or on a file system that several machines share.

    Of a lake on S3: where this node keeps what it wrote and read.
    """
    if settings.lake.folder.startswith("s3://"):
        return folder / "lake" / "s3"
    return folder / (settings.lake.folder or "lake")


def without_password(url: str) -> str:
    """A store's address as it may be shown."""
    return re.sub(r"(?<=:)[^:@/]+(?=@)", "***", url)


def create_node(
    folder: Path, *, name: str, economy: str, sector: str, timezone: str, lang: str, clock: Clock = system_clock
) -> NewNode:
    """Make a node in ``folder``, whole or not at all.

    Raises Fault E-FLOW-001 when the folder is already used, E-FLOW-002 when the economy is not two letters, E-FLOW-006
    for an unknown time zone, E-FLOW-007 for a name that people cannot read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Fault("E-FLOW-001", "{folder} is not empty; choose another folder for the new node.", folder=folder)
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise Fault(
            "E-FLOW-007",
            "{given} cannot be the name of a node; use 1 to {most} printable characters.",
            given=ascii(name[:MAX_NAME]),
            most=MAX_NAME,
        )
    try:
        ZoneInfo(timezone)
    except (OSError, ValueError, KeyError):  # unknown, a path, a folder
        raise Fault(
            "E-FLOW-006", "{given} is no time zone; use a name like Asia/Taipei.", given=ascii(timezone[:40])
        ) from None
    if not (len(economy) == 2 and economy.isascii() and economy.isalpha()):
        raise Fault("E-FLOW-002", "{given} is not an economy; give two letters such as TW or KR.", given=economy[:20])
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        made = _furnish(building, name, economy.upper(), sector, timezone, lang, clock)
        if folder.exists():
            folder.rmdir()
        building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return made


def _furnish(folder: Path, name: str, economy: str, sector: str, timezone: str, lang: str, clock: Clock) -> NewNode:
    from seawall.identity import NodeKeys
    from seawall.store import Store

    for part in FOLDERS:
        (folder / part).mkdir(mode=0o700)
    # certificates are judged by the machine's own clock, whatever clock the node runs on
    keys = NodeKeys.create(folder / "keys", name=name, economy=economy, at=system_clock())
    values = {
        "id": keys.node_id,
        "name": name,
        "economy": economy,
        "sector": sector,
        "timezone": timezone,
        "lang": lang,
    }
    lines = ["# Seawall reads this file and never rewrites it. SEAWALL_<SECTION>_<KEY> overrides a value.", "[node]"]
    lines += [f"{key} = {_toml_string(value)}" for key, value in values.items()]
    (folder / SETTINGS_FILE).write_text("\n".join(lines) + "\n", "utf-8")
    settings = load_settings(folder)
    if settings.store.url:  # named for this one command only; later ones must find the same store
        with (folder / SETTINGS_FILE).open("a", encoding="utf-8") as file:
            file.write(f"\n[store]\nurl = {_toml_string(settings.store.url)}\n")
    with Store.open(store_url(folder, settings)) as store:
        token = store.users.add(ADMINISTRATOR, UserRole.ADMIN, clock())
    descriptor = os.open(folder / ADMINISTRATOR_TOKEN, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return NewNode(keys.node_id, keys.fingerprint, token)


def _toml_string(value: str) -> str:
    # JSON string escapes are a subset of TOML basic-string escapes
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def read_token(path: Path) -> str:
    """The token in a file. Raises Fault E-FLOW-005."""
    try:
        vault = open_vault(path.parent) if path.name == ADMINISTRATOR_TOKEN else None
        data = path.read_bytes()
        return (data if vault is None else vault.box("files").open_or_plain(data)).decode("ascii").strip()
    except OSError as error:
        raise _no_token(path, error.strerror or error) from None
    except UnicodeDecodeError:
        raise _no_token(path, "it holds no token") from None


def _no_token(path: Path, reason: object) -> Fault:
    return Fault("E-FLOW-005", "Cannot read the token file {path}: {reason}.", path=path, reason=reason)
