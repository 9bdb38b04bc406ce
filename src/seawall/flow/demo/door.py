"""``seawall demo`` as the command line calls it: a folder, progress, the report or one JSON document, serving."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from seawall.flow.demo.lifetime import OTHER, Say
from seawall.flow.demo.report import render
from seawall.flow.demo.result import DemoResult
from seawall.flow.demo.run import DEFAULT_SCALE, DEFAULT_SEED, SLICES, demonstrate
from seawall.flow.simulator import require_feasible
from seawall.messages import translate
from seawall.model import Fault

FOLDER, MARK = "seawall-demo", ".made-by-seawall-demo"
PORTS = {"TW": (8700, 8701), "KR": (8710, 8711)}
NARROWEST = 100  # columns of the report when nobody watches it on a terminal


class Out(Protocol):
    """The command line's way of speaking."""

    json: bool
    lang: str

    def result(self, document: object) -> None:
        """One JSON document on standard output."""

    def note(self, text: str, **values: object) -> None:
        """A remark on standard error."""


def run_demo(
    out: Out,
    *,
    scale: float | None = None,
    seed: int | None = None,
    serve: bool = False,
    own_log: Path | None = None,
    quiet: bool = False,
    campaigns: bool = True,
    in_private: bool = False,
) -> DemoResult:
    """Run the demonstration in ``./seawall-demo`` (or a temporary folder) and show it.

    Raises Fault E-DEMO-001 when ``./seawall-demo`` is somebody else's, E-DEMO-002 when ``own_log`` is not there,
    E-SIM-001 for an impossible scale.
    """
    if own_log is not None and not own_log.exists():
        raise Fault("E-DEMO-002", "There is no log at {path}.", path=own_log)
    scale = DEFAULT_SCALE if scale is None else scale
    require_feasible(scale, SLICES)  # before an earlier demonstration makes room for this one
    folder = _fresh_folder(Path.cwd() / FOLDER)
    with _progress(out.lang, shown=not quiet and not out.json and sys.stderr.isatty()) as say:
        result = demonstrate(
            folder,
            scale=scale,
            seed=DEFAULT_SEED if seed is None else seed,
            lang=out.lang,
            own_log=own_log.absolute() if own_log is not None else None,
            say=say,
            campaigns=campaigns,
            in_private=in_private,
        )
    if out.json:
        out.result(result.document())
    elif not quiet:
        width = None if sys.stdout.isatty() else NARROWEST
        render(result, out.lang, Console(file=sys.stdout, width=width, highlight=False))
    if serve:
        _serve(out, folder)
    return result


def _fresh_folder(folder: Path) -> Path:
    """``folder``, emptied when an earlier demonstration made it; a temporary one where we may not write."""
    if folder.exists():
        if not (folder / MARK).is_file():
            raise Fault("E-DEMO-001", "{folder} was not made by the demonstration; move it away first.", folder=folder)
        shutil.rmtree(folder)
    if not os.access(folder.parent, os.W_OK):
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-"))
    folder.mkdir(exist_ok=True)
    (folder / MARK).touch()
    return folder


@contextmanager
def _progress(lang: str, *, shown: bool) -> Iterator[Say]:
    """A bar on standard error when a person is watching."""
    if not shown:
        yield _silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def say(step: str, done: int, of: int) -> None:
            bar.update(task, description=translate(step, lang), completed=done, total=of)

        yield say


def _silent(_step: str, _done: int, _of: int) -> None:
    """Nobody is watching."""


def _serve(out: Out, folder: Path) -> None:
    """Both nodes' pages until interrupted, each in a process of its own."""
    servers = []
    for side in OTHER:
        port, peer_port = PORTS[side]
        options = ("serve", "--port", str(port), "--peer-port", str(peer_port))
        node = str(folder / side.lower())
        servers.append(subprocess.Popen([sys.executable, "-m", "seawall", "--node", node, *options]))  # noqa: S603
        out.note("{side} is served at {url}; interrupt to end.", side=side, url=f"http://127.0.0.1:{port}")
    try:
        for server in servers:
            server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for server in servers:
            server.terminate()
            server.wait()
