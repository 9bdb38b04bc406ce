"""The kill drill: commands of two serving nodes die by ``kill -9`` at random moments, and nothing is lost or doubled.

Taipei takes in logs (two ingests at once), imports indicators, matches and sends; Seoul receives. Each attempt gives
the command that it will kill something to do. ``finish`` runs the same commands to their ends; ``undisturbed`` is a
node that takes the same input in peace, to compare with.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from journey.command_line import SeawallNode, environment, eve, free_port
from journey.command_line import here as command_here
from seawall.codec.sharing import read_sighting
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_findings
from seawall.ingest import read_quarantine
from seawall.lake import Lake
from seawall.model.stored import StoredObject

SENSORS = "sensor,side,sector\ntpe-1,TW,water\ntpe-2,TW,health\nsel-1,KR,energy\n"
HOSTS = ("tpe-1", "tpe-2", "sel-1")
BROKEN = ('{"timestamp": "2026-03-1', "not json at all", '{"event_type": "flow"}')
EARLIEST_PART = 0.35  # of a command's usual time: before that Python itself is starting


class Kill(NamedTuple):
    """One attempt: ``hit`` is False when the command had ended before the signal came."""

    number: int
    command: str
    after_seconds: float
    hit: bool
    rows: int
    generation: int


class Drill:
    """Two nodes, the input they have been given so far, and the dice."""

    def __init__(self, root: Path, *, seed: int, lines: int, indicators: int) -> None:
        self.root = root
        self.dice = random.Random(seed)
        self.lines, self.indicators = lines, indicators
        self.taipei, self.seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
        self._ports = {node: (free_port(), free_port()) for node in (self.taipei, self.seoul)}
        self.kills: list[Kill] = []
        self.usual: dict[str, float] = {}
        self.files: dict[str, list[bytes]] = {}
        self.amber: set[str] = set()
        self.red: set[str] = set()
        self._made = 0
        self._rows = 0
        self._serving = ExitStack()
        self._prepare()

    # --- the scene -------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        for name in ("logs/a", "logs/b", "logs/both", "feeds/amber", "feeds/red"):
            (self.root / name).mkdir(parents=True)
        describe(self.taipei, self.root)
        for here, there, name in ((self.taipei, self.seoul, "seoul"), (self.seoul, self.taipei, "taipei")):
            card = self.root / f"{name}.card"
            card.write_text(command_here("--node", there.folder, "peers", "card").out)
            second = here.second_person()
            address = f"https://127.0.0.1:{self._ports[there][1]}"
            here.here("peers", "add", card, "--url", address, "--code-name", name)
            here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
            terms = ("--members", name, "--tlp-ceiling", "amber", "--auto", "indicator,sighting")
            here.here("circles", "create", "tw-kr", *terms, "--approver-token", second)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Both nodes serve, except for the moment after a killed ``serve``."""
        with ExitStack() as both, self._serving:
            both.enter_context(self.taipei.serving(*self._ports[self.taipei]))
            self._restart_seoul()
            yield

    def _restart_seoul(self) -> None:
        self._serving.close()
        self._server = self._serving.enter_context(self.seoul.serving(*self._ports[self.seoul]))

    def write_logs(self) -> None:
        """Three fresh files: one for each ingest and one that both read; lines repeat within and between them."""
        shared = [self._line() for _ in range(self.lines // 4)]
        for place in ("a", "b", "both"):
            own = [self._line() for _ in range(self.lines)]
            lines = [*own, *shared, *self.dice.sample(own, self.lines // 10), *(text.encode() for text in BROKEN)]
            self.dice.shuffle(lines)
            self._made += 1
            name = f"logs/{place}/{self._made:03}.json"
            (self.root / name).write_bytes(b"\n".join(lines) + b"\n")
            self.files[name] = lines

    def _line(self) -> bytes:
        second, fraction = self.dice.randrange(86_400), self.dice.randrange(1_000_000)
        moment = f"2026-03-14T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{fraction:06}+0000"
        kind = self.dice.choice(("alert", "flow", "flow", "flow"))
        source = f"203.0.113.{self.dice.randrange(250)}"
        return eve(
            moment, source, f"10.1.0.{self.dice.randrange(1, 250)}", sensor=self.dice.choice(HOSTS), kind=kind
        ).encode()

    def write_feeds(self) -> None:
        """Fresh indicators, some of which the logs show: AMBER ones that may leave, RED ones that may not."""
        for name, values in (("amber", self.amber), ("red", self.red)):
            third = self._made % 200 + (0 if name == "amber" else 1)
            fresh = {f"198.{18 + self._made % 2}.{third}.{self.dice.randrange(256)}" for _ in range(self.indicators)}
            fresh |= {f"203.0.113.{self.dice.randrange(0, 250, 2) + (name == 'red')}"}
            fresh -= self.amber | self.red
            values |= fresh
            self._made += 1
            rows = "".join(f"ipv4,{value},c{int(value[-1]) % 3}\n" for value in sorted(fresh))
            (self.root / f"feeds/{name}/{self._made:03}.csv").write_text("type,value,campaign\n" + rows)

    # --- the commands ----------------------------------------------------------------------------------------------

    def ingests(self) -> tuple[list[str], list[str]]:
        """The two ingests that run at once; one folder is read by both."""
        both = self.root / "logs/both"
        return (
            self.taipei.command("ingest", self.root / "logs/a", both, "--json"),
            self.taipei.command("ingest", self.root / "logs/b", both, "--json"),
        )

    def import_feeds(self, run: Callable[..., object]) -> None:
        """Both feeds, whole; ``run`` is a node's ``run`` or ``here``."""
        for name in ("amber", "red"):
            run("intel", "import", self.root / "feeds" / name, "--tlp", name, "--source", name)

    def prime(self) -> None:
        """Let each command run once in peace, to know how long it takes and to have something to lose."""
        self.write_logs()
        self.write_feeds()
        feed = self.root / "feeds/amber"
        commands = {
            "ingest": self.ingests(),
            "import": (self.taipei.command("intel", "import", feed, "--tlp", "amber", "--source", "amber"),),
            "match": (self.taipei.command("match"),),
            "sync": (self.taipei.command("sync", "seoul"),),
            "fetch": (self.seoul.command("sync", "taipei"),),
        }
        for name, several in commands.items():
            started = time.monotonic()
            _end_well([_start(command) for command in several])
            self.usual[name] = time.monotonic() - started

    def kill_one(self, command: str) -> bool:
        """Give ``command`` something to do, start it and kill it; False when it had ended before."""
        act: dict[str, Callable[[], bool]] = {
            "ingest": self._kill_ingest,
            "import": self._kill_import,
            "match": lambda: self._die("match", self.taipei.command("match")),
            "sync": lambda: self._die("sync", self.taipei.command("sync", "seoul")),
            "fetch": lambda: self._die("fetch", self.seoul.command("sync", "taipei")),
            "serve": self._kill_server,
        }
        if command in ("match", "sync", "fetch", "serve"):
            self.write_feeds()
            self.import_feeds(self.taipei.here)
        return act[command]()

    def _kill_ingest(self) -> bool:
        self.write_logs()
        victims = self.dice.choice(([0], [1], [0, 1]))
        running = [_start(command) for command in self.ingests()]
        moment = self._moment("ingest")
        time.sleep(moment)
        hit = [running[index].poll() is None for index in victims]
        for index in victims:
            running[index].send_signal(signal.SIGKILL)
        for index, process in enumerate(running):
            _, errors = process.communicate(timeout=120)
            if index not in victims and process.returncode:
                raise AssertionError(f"the other ingest ended with {process.returncode}: {errors.decode()}")
        return self._note("ingest", moment, any(hit))

    def _kill_import(self) -> bool:
        self.write_feeds()
        feed = self.root / "feeds/amber"
        return self._die("import", self.taipei.command("intel", "import", feed, "--tlp", "amber", "--source", "amber"))

    def _kill_server(self) -> bool:
        """Seoul's server dies while Taipei sends to it: Taipei ends by itself with one sentence, or was done."""
        sender = _start(self.taipei.command("sync", "seoul"))
        moment = self._moment("sync")
        time.sleep(moment)
        hit = sender.poll() is None
        self._server.kill()
        _, errors = sender.communicate(timeout=120)
        sentence = errors.decode().strip().splitlines()
        if sender.returncode not in (0, 2) or len(sentence) > 1:
            raise AssertionError(f"sync ended with {sender.returncode}: {errors.decode()}")
        self._restart_seoul()
        return self._note("serve", moment, hit)

    def _die(self, name: str, command: list[str]) -> bool:
        process = _start(command)
        moment = self._moment(name)
        time.sleep(moment)
        hit = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        return self._note(name, moment, hit)

    def _moment(self, command: str) -> float:
        usual = self.usual.get(command, 1.0)
        return self.dice.uniform(EARLIEST_PART * usual, usual)

    def _note(self, command: str, moment: float, hit: bool) -> bool:
        usual = self.usual.get(command, 1.0)
        self.usual[command] = usual * 1.1 if hit else max(moment * 0.95, 0.3)  # late: next time within what it took
        rows, generation = whole_lake(self.taipei)
        if rows < self._rows:
            raise AssertionError(f"{self._rows} rows were visible before, {rows} are now")
        self._rows = rows
        self.kills.append(Kill(len(self.kills) + 1, command, moment, hit, rows, generation))
        return hit

    def finish(self) -> dict[str, object]:
        """The same commands again, to their ends: both ingests at once, the feeds, match, and syncs from both sides."""
        _end_well([_start(command) for command in self.ingests()])
        self.import_feeds(self.taipei.run)
        matched: dict[str, object] = self.taipei.run("match")
        self.taipei.run("sync", "seoul")
        self.seoul.run("sync", "taipei")
        return matched

    # --- what is right ---------------------------------------------------------------------------------------------

    def distinct_lines(self) -> int:
        """Equal lines of one file are all kept; a line that several files hold, as often as in the one with most."""
        wanted: Counter[bytes] = Counter()
        for lines in self.files.values():
            wanted |= Counter(line for line in lines if line.decode() not in BROKEN)
        return sum(wanted.values())

    @staticmethod
    def is_seen(value: str) -> bool:
        """Whether our own sensors may know this value, whoever else names it."""
        return value.startswith("203.0.113.")

    def broken_lines(self) -> Counter[tuple[str, int]]:
        """Which line of which file belongs into quarantine, once."""
        return Counter(
            (str(self.root / name), number)
            for name, lines in self.files.items()
            for number, line in enumerate(lines, start=1)
            if line.decode() in BROKEN
        )

    def undisturbed(self) -> tuple[SeawallNode, dict[str, object]]:
        """A node of its own that takes the same input without any kill, and what its match says."""
        node = SeawallNode(self.root / "undisturbed", "TW")
        describe(node, self.root)
        node.here("ingest", self.root / "logs")
        self.import_feeds(node.here)
        matched: dict[str, object] = node.here("match")
        return node, matched


def describe(node: SeawallNode, root: Path) -> None:
    """Sensors, and a lake that commits often."""
    (root / "sensors.csv").write_text(SENSORS)
    node.here("sensors", "import", root / "sensors.csv")
    with (node.folder / "seawall.toml").open("a") as settings:
        settings.write("\n[lake]\nbatch_lines = 1000\n")


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())


def _end_well(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        _, errors = process.communicate(timeout=600)
        if process.returncode:
            raise AssertionError(f"{process.args!r} ended with {process.returncode}: {errors.decode()}")


def whole_lake(node: SeawallNode) -> tuple[int, int]:
    """Rows and generation of what a reader sees now; every file of it is read, and no row is there twice."""
    with Lake.open(node.folder / "lake").reading() as session:
        for part in session.parts():
            if pq.read_table(node.folder / "lake" / part.path).num_rows != part.rows:
                raise AssertionError(f"{part.path} does not hold the {part.rows} rows that the manifest says")
        identity = "(digest_high, digest_low, sensor, occurrence)"
        query = f"SELECT count(*), count(DISTINCT {identity}) FROM {session.observations()}"
        rows, distinct = (int(column[0].as_py()) for column in session.sql(query).columns)
        if rows != distinct:
            raise AssertionError(f"{rows} rows are visible, {distinct} of them distinct")
        return rows, session.generation


def quarantined(node: SeawallNode) -> Counter[tuple[str, int]]:
    """What lies in quarantine: file and line."""
    return Counter((entry.file, entry.line) for entry in read_quarantine(node.folder / "quarantine"))


class Told(NamedTuple):
    """What a sighting object says, apart from the identities of who says it."""

    pattern: str
    sectors: tuple[str, ...]
    first_seen: int
    tlp: str


def findings(node: SeawallNode) -> set[Told]:
    """The sightings that a node holds as objects, its own and received ones."""
    with Node.open(node.folder) as opened:
        refresh_findings(opened)
        held = {item.id: item for item in _objects(opened)}
        patterns = {id: json.loads(item.body)["pattern"] for id, item in held.items() if item.type == "indicator"}
        told = set()
        for item in (item for item in held.values() if item.type == "sighting"):
            sighting = read_sighting(item.body)
            target = sighting.sighting_of_ref
            if target not in patterns:
                patterns[target] = json.loads(opened.store.indicators.by_id(target)[0].body)["pattern"]
            moment, sectors, _ = sighting.evidence()
            told.add(Told(patterns[target], tuple(sorted(sectors)), moment or 0, item.tlp.label))
        return told


def _objects(node: Node) -> Iterator[StoredObject]:
    after: int | None = 0
    while after is not None:
        page = node.store.objects.list(WHOLE_NODE, after=after, limit=1000)
        yield from page.items
        after = page.next


def outbox(node: SeawallNode, circle: str, recipient: str) -> list[tuple[str, str]]:
    """What a recipient may read in a circle: id and version, in order."""
    found: list[tuple[str, str]] = []
    following: str | None = None
    with Node.open(node.folder) as opened:
        while True:
            page = opened.store.outbox.manifest_page(circle, recipient, next=following, limit=1000)
            found += [(row.object_id, row.version) for row in page.rows]
            if not page.more:
                return found
            following = page.next
