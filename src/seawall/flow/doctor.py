"""``seawall doctor``: is this node whole, whom may it call, and is it safe to expose."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from seawall.flow.agent_reports import agents_told
from seawall.flow.at_rest import describe, verdict
from seawall.flow.consumers import consumers_told, list_consumers, list_standing, waits_told
from seawall.flow.deliver_channels import channel_endpoints
from seawall.flow.health import State, health_of
from seawall.flow.ledger_seen import check_seen
from seawall.flow.mail_watch import mail_endpoints, mail_state
from seawall.flow.misp_servers import endpoints as misp_endpoints
from seawall.flow.node import ADMINISTRATOR_TOKEN, FOLDERS, Node
from seawall.flow.outside_witnesses import witness_endpoints
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_masks import arithmetic_told
from seawall.flow.overlap_stops import overlaps_told
from seawall.flow.recall_view import overdue
from seawall.flow.relay_book import FOLDER as RELAY_FOLDER
from seawall.flow.relay_book import relay_endpoints
from seawall.flow.spool import FOLDER, Spool
from seawall.flow.witnessing import ledgers_told
from seawall.identity import check_current
from seawall.lake.engines.spark import check_reachable, cluster_endpoints
from seawall.ledger import Ledger
from seawall.model import Fault, system_clock
from seawall.model.peer import PeerRecord, PeerState
from seawall.settings import LakeSettings

LEAST_FREE_BYTES = 1 << 30  # a batch, its spill and its Parquet files fit into this


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. ``exposes``: while it fails, the node should not face a network."""

    name: str
    ok: bool
    detail: str
    exposes: bool = False


class Report(msgspec.Struct, frozen=True):
    """What doctor found."""

    checks: list[dict[str, object]]
    endpoints: list[str]
    safe: bool
    because: str
    consumers: list[dict[str, object]] = []  # of served feeds
    points: list[dict[str, object]] = []  # where agents act


def examine(folder: Path, *, token: Path | None = None) -> Report:
    """Look at everything; raises only when there is no node at all, or for a token that may not look.

    Without ``token`` whoever may read the node folder may look: a node whose store is damaged has no accounts to ask.
    """
    with Node.open(folder, token=token) as node:
        if token is not None:
            node.require("read")
        peers = _known_peers(node)
        checks = [
            _folders(node),
            _secrets(node),
            _disk(node),
            _attempt("keys", lambda: _keys(node), exposes=True),
            _attempt("store", lambda: f"{sum(node.store.indicators.count_by_type().values())} indicators"),
            _attempt("lake", lambda: _lake(node)),
            _attempt("engine", lambda: _engine(node.settings.lake)),
            _attempt("ledger", lambda: _ledger(node), exposes=True),
            _received(node),
            _listeners(node),
            _peers(node, peers),
            _agents(node),
            _looked("restored book", lambda: waits_told(node)),
            _looked("feed consumers", lambda: consumers_told(node)),
            _attempt("ledgers of others", lambda: ledgers_told(node)),
            _attempt("comparisons", lambda: overlaps_told(node)),
            _looked("arithmetic", arithmetic_told),
            _recalls(node),
            _mail(node),
            _deliveries(node),
            _attempt("at rest", lambda: verdict(describe(node.folder))),
        ]
        endpoints = [peer.url for peer in peers if peer.state is PeerState.VERIFIED and not peer.carried]
        endpoints += _relays(node, peers)
        endpoints += witness_endpoints(node)
        endpoints += cluster_endpoints(node.settings.lake)
        endpoints += mail_endpoints(node.settings.mail)
        endpoints += channel_endpoints(node.settings.deliver)
        endpoints += misp_endpoints(node)
        consumers, points = _listed(lambda: list_consumers(node)), _listed(lambda: list_standing(node))
        lake = node.settings.lake
        on_s3 = [address for address in (lake.url, lake.folder) if address.startswith("s3://")]
        endpoints += dict.fromkeys(lake.s3_endpoint or address for address in on_s3)
    bad = [check for check in checks if not check.ok and check.exposes]
    because = f"{bad[0].name}: {bad[0].detail}" if bad else "keys, ledger, secrets and listeners are in order"
    rows: list[dict[str, object]] = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    return Report(rows, endpoints, not bad, because, consumers, points)


def _listed(look: Callable[[], list[dict[str, object]]]) -> list[dict[str, object]]:
    """Nothing where the store cannot be read: its own check says so."""
    try:
        return look()
    except Fault:
        return []


def _looked(name: str, look: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, detail = look()
    except Fault as fault:
        return Check(name, ok=False, detail=str(fault))
    return Check(name, ok=ok, detail=detail)


def _attempt(name: str, look: Callable[[], str], *, exposes: bool = False) -> Check:
    try:
        return Check(name, ok=True, detail=look(), exposes=exposes)
    except Fault as fault:
        return Check(name, ok=False, detail=str(fault), exposes=exposes)


def _keys(node: Node) -> str:
    keys = check_current(node.keys.key_set, system_clock())
    return f"fingerprint {node.keys.fingerprint}, version {keys.version}, expires {keys.expires[:10]}"


def _ledger(node: Node) -> str:
    """Its files are looked at on their own; only whether they went back in time is the store's to say."""
    with Ledger.open(node.folder / "ledger", node.keys) as ledger:
        size = ledger.verify().size
        try:
            check_seen(node, ledger)
        except Fault as fault:
            if not fault.code.startswith("E-STORE-"):
                raise
            return f"{size} leaves, all verified; whether there were more is not known without the store"
    return f"{size} leaves, all verified"


def _lake(node: Node) -> str:
    with node.lake.reading() as session:
        rows = session.sql(f"SELECT count(*) AS n FROM {session.observations()} AS o")["n"][0].as_py()
        return f"{rows} observations in {len(session.parts())} files, generation {session.generation}"


def _engine(settings: LakeSettings) -> str:
    if settings.engine != "spark":
        return f"{settings.engine} in this process, {settings.threads} threads"
    return f"spark: {check_reachable(settings)}"


def _folders(node: Node) -> Check:
    missing = [part for part in FOLDERS if not (node.folder / part).is_dir()]
    return Check("folders", not missing, f"missing: {', '.join(missing)}" if missing else "all there")


def _secrets(node: Node) -> Check:
    files = [
        node.folder / ADMINISTRATOR_TOKEN,
        *sorted((node.folder / "keys").rglob("*.key")),
        *sorted((node.folder / RELAY_FOLDER).glob("*.token")),
    ]
    open_to_others = [
        path.name for path in files if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    detail = f"others may read {', '.join(open_to_others)}; run chmod 600" if open_to_others else "readable by us only"
    return Check("secrets", not open_to_others, detail, exposes=True)


def _disk(node: Node) -> Check:
    free = shutil.disk_usage(node.folder).free
    return Check("disk", free >= LEAST_FREE_BYTES, f"{free / (1 << 30):.1f} GiB free")


def _received(node: Node) -> Check:
    """What shippers sent: how much waits, and whether any of it needs a person."""
    spool = Spool(node.folder / FOLDER)
    waiting, aside = spool.count(), spool.set_aside_count()
    if aside:
        return Check("received", False, f"{aside} deliveries cannot be taken in; see 'seawall quarantine --deliveries'")
    return Check("received", True, f"{waiting} deliveries wait" if waiting else "nothing waits")


def _listeners(node: Node) -> Check:
    serve = node.settings.serve
    local = serve.host in ("127.0.0.1", "::1", "localhost")
    safe = local or bool(serve.tls_certificate)
    detail = f"{serve.host}:{serve.port} {'with TLS' if serve.tls_certificate else 'without TLS'}"
    if node.settings.protect.agent_port:
        detail += f"; agents {node.settings.protect.agent_host}:{node.settings.protect.agent_port} with TLS"
    if node.settings.rpz.point:
        rpz = node.settings.rpz
        parts = sum(one.parts for one in rpz.secondaries)
        detail += f"; policy zones {rpz.host}:{rpz.port} for {len(rpz.secondaries)} resolvers, {parts} of them in parts"
    return Check("listeners", safe, detail, exposes=True)


def _deliveries(node: Node) -> Check:
    """Whether our own people and tools can be told of warnings."""
    if not node.settings.deliver.channels:
        return Check("deliveries", ok=True, detail="no channel is set")
    from seawall.flow.deliver import deliveries_told  # brings a mail client, which most nodes never use

    try:
        ok, detail = deliveries_told(node)
    except Fault as fault:
        return Check("deliveries", ok=False, detail=str(fault))
    return Check("deliveries", ok=ok, detail=detail)


def _relays(node: Node, peers: tuple[PeerRecord, ...]) -> list[str]:
    counters = (counter_of(node, peer.code_name) for peer in peers if peer.state is PeerState.VERIFIED)
    return (
        [*relay_endpoints(node), *dict.fromkeys(place.url for place in counters if place is not None)] if peers else []
    )


def _known_peers(node: Node) -> tuple[PeerRecord, ...]:
    try:
        return tuple(node.store.peers.list())
    except Fault:
        return ()  # the check "store" says why


def _peers(node: Node, peers: tuple[PeerRecord, ...]) -> Check:
    """Who needs a person: a quarantined or failing peer with the reason, and who waits to be verified."""
    told: list[str] = []
    bad = False
    for peer in peers:
        health = health_of(node, peer)
        if health.state in (State.QUARANTINED, State.FAILING, State.THROTTLED):
            bad = True
            told.append(f"{peer.code_name} is {health.state.value}: {health.reason}")
        elif health.state is State.PENDING:
            told.append(f"waiting for two people: {peer.code_name}")
    return Check("peers", not bad, "; ".join(told) or "none waits")


def _agents(node: Node) -> Check:
    """Whether each gateway's agent is heard of, and reaches its tools."""
    return _looked("agents", lambda: agents_told(node))


def _recalls(node: Node) -> Check:
    """Who has not confirmed within a day what we took back."""
    try:
        late = overdue(node)
    except Fault as fault:
        return Check("recalls", ok=False, detail=str(fault))
    told = ", ".join(f"{name} {count}" for name, count in late.items())
    detail = f"not confirmed within a day: {told}; see 'seawall recalls --unconfirmed'" if late else "none is overdue"
    return Check("recalls", ok=not late, detail=detail)


def _mail(node: Node) -> Check:
    try:
        fine, detail = mail_state(node)
    except Fault as fault:
        fine, detail = False, str(fault)
    return Check("mail", fine, detail)
