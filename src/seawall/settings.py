"""The one place that reads configuration: ``seawall.toml`` in the node folder, under ``SEAWALL_*`` variables."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from seawall.model import Fault
from seawall.model.directive import Action
from seawall.model.unreadable import UNREADABLE_TEXT

ENVIRONMENT_PREFIX = "SEAWALL_"


class NodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who this node is."""

    id: str = ""
    name: str = ""
    economy: str = ""  # ISO 3166-1 alpha-2; also the default side
    sector: str = "unknown"
    timezone: str = "UTC"
    lang: str = "en"


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where knowledge is kept; empty: SQLite in the node folder."""

    url: str = ""


class LakeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How telemetry is stored and processed."""

    store_telemetry: bool = True  # false: no lake; what the site's own systems found comes by seawall hit
    engine: str = "duckdb"  # of match: duckdb, or spark for a lake that outgrew this machine; ingest is always duckdb
    spark_master: str = ""  # spark://host:7077[,standby:7077], yarn, k8s://https://host:443
    spark_remote: str = ""  # sc://host:15002: Spark Connect, in place of spark_master
    folder: str = ""  # empty: lake/ in the node's folder; else a folder that machines share, or s3://bucket/prefix
    url: str = ""  # s3://bucket/prefix: the organisation's own copy of the lake, for 'seawall lake push' and 'pull'
    s3_endpoint: str = ""  # https://host:port of the storage; empty: Amazon's. Keys: AWS_ACCESS_KEY_ID and its like
    cache_mb: Annotated[int, msgspec.Meta(ge=0)] = 10_000  # of a lake on S3 that this machine keeps; more is read there
    threads: int = 2
    memory_limit_mb: int = 700  # DuckDB's own limit; the whole process stays under 1.5 GB
    batch_lines: int = 500_000
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 0  # days of observations; 0 keeps all
    keep_rollup_days: Annotated[int, msgspec.Meta(ge=0)] = 0  # days of the roll-up, never fewer than keep_days; 0: all


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How logs are followed."""

    commit_seconds: float = 10.0  # between commits to the lake; sightings do not wait for them
    commit_lines: int = 50_000  # or sooner, when so many lines wait
    buffer_bytes: int = 64_000_000  # of lines in memory; more wait on disk
    peers: bool = True  # wait at peers' doors for news, and let them wait at ours; false: only the schedule calls
    release_at_once: bool = True  # what changed is put before policy at once; false: only by the schedule


class WarnSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How warnings are drawn."""

    assumed_sharing_delay_seconds: float = 0.0  # one lake with two sides: nobody had to be told
    budget_per_day: Annotated[int, msgspec.Meta(ge=0)] = 20  # groups of warnings raised on one day; 0: no limit


class ChannelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to tell our own people or tools of warnings."""

    name: str
    kind: Literal["mail", "webhook", "syslog", "taxii"]
    to: tuple[str, ...] = ()  # mail: addresses of our own people
    url: str = ""  # webhook: https://host/path
    secret_file: str = ""  # webhook: the secret that signs, 16 bytes or more
    host: str = ""  # syslog
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 514  # syslog
    transport: Literal["udp", "tcp", "tls"] = "udp"  # syslog; udp loses lines without a word
    form: Literal["rfc5424", "cef"] = "rfc5424"  # syslog
    ca_file: str = ""  # webhook and tls: the authority of the certificate, when it is none of the machine's own
    circle: str = ""  # taxii: a circle whose members are TAXII users of this node, and nobody else
    lang: str = ""  # of the reader; empty: the node's
    least_severity: Literal["info", "low", "medium", "high", "critical"] = "medium"
    tlp_at_most: Literal["clear", "green", "amber", "amber+strict", "red"] = (
        "amber+strict"  # red: for named people only
    )
    after_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 0  # only what nobody answered for so long
    always: bool = False  # also in quiet hours


class DeliverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who of our own people and tools is told of warnings."""

    quiet_hours: str = ""  # 22:00-07:00 in the node's zone; critical warnings pass
    channels: tuple[ChannelSettings, ...] = ()


class ProtectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What no export ever blocks, beside own assets, peers' hosts and warninglists."""

    never_block: tuple[str, ...] = ()  # addresses, networks and names (each with everything below it)
    without: tuple[str, ...] = ()  # packaged classes that may be blocked here all the same: popular, cdn-cloud ...
    radius_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 14  # of our own sessions that blast radius looks back
    radius_least_sessions: Annotated[int, msgspec.Meta(ge=0)] = 1_000  # fewer tell nothing about what was not met
    radius_least_days: Annotated[float, msgspec.Meta(ge=0)] = 1.0  # from the first session to the last, likewise
    fast_sessions: Annotated[int, msgspec.Meta(ge=0)] = 0  # legitimate sessions that a peer's value may cut unasked
    own_sessions: Annotated[int, msgspec.Meta(ge=0)] = 0  # and a value of our own
    peer_per_hour: Annotated[int, msgspec.Meta(ge=0)] = 10_000  # values that one peer's word may block without a person
    peer_per_day: Annotated[int, msgspec.Meta(ge=0)] = 50_000  # likewise
    least_confidence: Annotated[int, msgspec.Meta(ge=0, le=100)] = 30  # of a peer's value that acts without a person
    canary_minutes: Annotated[float, msgspec.Meta(ge=0)] = 10.0  # a value is watched before it blocks
    canary_hits: Annotated[int, msgspec.Meta(ge=1)] = 20  # or so many sessions that met it, when they come sooner
    own_action: Action = Action.BLOCK  # what our own indicators do: block, sinkhole, rate-limit, alert or watch
    rate_per_second: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10  # what a rate limit in an export lets through
    rate_burst: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20  # and so many at once
    rollback: bool = True  # blocks without a person end by themselves when legitimate traffic falls after them
    agent_host: str = "0.0.0.0"  # noqa: S104 - gateways must reach it; TLS 1.3 with pinned client certificates only
    agent_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0  # of the door for agents; 0: no agents


class ResolverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resolver that may have our policy zones. Address and key must both be right."""

    address: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 53  # where it hears NOTIFY; 0: it asks by itself
    key: str = ""  # name of a key; empty: unsigned, only on this machine
    unsigned_over_the_network: bool = False  # whoever can forge that address reads what we block
    parts: bool = False  # it follows block-0.ZONE to block-f.ZONE instead of block.ZONE: for 20,000 names and more


class TsigKeySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key shared with a resolver, hmac-sha256."""

    name: str
    secret_file: str  # base64, or what BIND's tsig-keygen prints


class RpzSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Policy zones that 'seawall serve' itself hands to resolvers; where an agent stands beside them, it does."""

    point: str = ""  # the enforcement point whose orders they hold; empty: none are served
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8753
    zone: str = "rpz.seawall"  # block.ZONE, in parts block-0.ZONE to block-f.ZONE, and watch.ZONE
    secondaries: tuple[ResolverSettings, ...] = ()
    keys: tuple[TsigKeySettings, ...] = ()
    sinkhole: tuple[str, ...] = ()  # addresses, or one name, that names to sinkhole lead to; empty: blocked
    logs: tuple[str, ...] = ()  # files into which resolvers on this machine write what they rewrote
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 30
    refresh_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 30
    retry_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 10
    expire_seconds: Annotated[int, msgspec.Meta(ge=2, le=604_800)] = 21_600  # blocks end when we are gone for so long


class OverlapSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How values are compared with peers."""

    hot_per_day: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 200  # values younger than agreed that a peer may open
    band_least: Annotated[int, msgspec.Meta(ge=0)] = 0  # matches that a relay must count at least before they are found
    band_most: Annotated[int, msgspec.Meta(ge=0)] = 1_000_000_000  # and at most
    count_first: bool = False  # compare nothing that no relay counted: not without a counter, nor too short lists
    compare_met: bool = True  # also what we merely met with a candidate of a peer that does so too
    daily: tuple[str, ...] = ()  # circles whose peers are compared with once a day; the others only on demand


class HuntSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hunts that peers ask of us."""

    per_day: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20  # of one peer that are taken in
    points_per_day: Annotated[int, msgspec.Meta(ge=0)] = 40  # for answers to one peer: yes or no 1, count 4, details 8
    seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 120  # that one search of the lake may take


class ServeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two listeners."""

    host: str = "127.0.0.1"
    port: int = 8700
    peer_host: str = "0.0.0.0"  # noqa: S104 - peers must reach it; TLS 1.3 with pinned client certificates only
    peer_port: int = 8701
    tls_certificate: str = ""
    tls_key: str = ""
    names: tuple[str, ...] = ()  # further names by which the local listener is called, e.g. seawall.example


class KeySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How this node's keys are replaced."""

    overlap_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] = 72.0  # the former TLS certificate is still shown
    life_days: Annotated[int, msgspec.Meta(ge=2, le=3650)] = 730  # from a rotation to the day its key set expires


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mail to and from peers without a node: the organisation's own server and inbox, and nothing else is called."""

    from_address: str = ""  # of this node; its OpenPGP key names it
    smtp_host: str = ""  # the organisation's mail server; empty: no mail leaves
    smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"  # none: only to a server on this machine
    smtp_user: str = ""
    smtp_password_file: str = ""
    ca_file: str = ""  # the authority of both servers' certificates, when it is none of the machine's own
    inbox: str = ""  # the folder of a Maildir, or imaps://user@host:993/INBOX
    imap_password_file: str = ""
    key_password_file: str = ""  # of our OpenPGP key, when it has a password
    contact: str = ""  # our own entry in the contact directory: its telephone stands in mails and read-outs
    part_mb: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8  # a mail to a peer stays below this
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=200)] = 25  # a larger mail is not read


class AggregateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rounds of masked sums."""

    join: tuple[str, ...] = ()  # queries in which this node takes part without a click, when a verified peer asks


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree, as in ``seawall.toml``."""

    node: NodeSettings = NodeSettings()
    store: StoreSettings = StoreSettings()
    lake: LakeSettings = LakeSettings()
    live: LiveSettings = LiveSettings()
    warn: WarnSettings = WarnSettings()
    deliver: DeliverSettings = DeliverSettings()
    protect: ProtectSettings = ProtectSettings()
    rpz: RpzSettings = RpzSettings()
    overlap: OverlapSettings = OverlapSettings()
    hunts: HuntSettings = HuntSettings()
    serve: ServeSettings = ServeSettings()
    keys: KeySettings = KeySettings()
    mail: MailSettings = MailSettings()
    aggregates: AggregateSettings = AggregateSettings()


def secret_file(name: str, environ: dict[str, str] | None = None) -> Path | None:
    """The file that holds a secret: SEAWALL_<NAME>_FILE, else the systemd credential ``seawall-<name>``; or None."""
    given = environ if environ is not None else os.environ
    if named := given.get(f"{ENVIRONMENT_PREFIX}{name}_FILE".upper()):
        return Path(named)
    if folder := given.get("CREDENTIALS_DIRECTORY"):
        credential = Path(folder) / f"seawall-{name}"
        return credential if credential.exists() else None
    return None


def load_settings(folder: Path, environ: dict[str, str] | None = None) -> Settings:
    """Read ``folder/seawall.toml`` and lay ``SEAWALL_<SECTION>_<KEY>`` variables over it.

    Raises Fault E-CONF-001 when the folder is no node, E-CONF-002 when the file or a variable cannot be used.
    """
    path = folder / "seawall.toml"
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Fault("E-CONF-001", "There is no node in {folder}; run 'seawall init' first.", folder=folder) from None
    except (OSError, *UNREADABLE_TEXT) as error:
        raise Fault("E-CONF-002", "Cannot use {path}: {reason}.", path=path, reason=error) from None
    for section in Settings.__struct_fields__:
        for key in type(getattr(Settings(), section)).__struct_fields__:
            variable = f"{ENVIRONMENT_PREFIX}{section}_{key}".upper()
            if (value := (environ if environ is not None else os.environ).get(variable)) is not None:
                tree.setdefault(section, {})[key] = value
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise Fault("E-CONF-002", "Cannot use {path}: {reason}.", path=path, reason=error) from None
