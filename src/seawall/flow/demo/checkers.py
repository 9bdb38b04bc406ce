"""The exports, shown to the tools they are for, where these are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

SEARCH_PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin"
PATIENCE_SECONDS = 60
TOOLS = {"rpz": "named-checkzone", "nftables": "nft", "suricata": "suricata"}


class Checked(msgspec.Struct, frozen=True):
    """One export and its tool. ``result``: passed, failed, not installed, not permitted, or no tool."""

    side: str
    format: str
    tool: str
    result: str
    detail: str = ""


def check(side: str, kind: str, target: Path) -> Checked:
    """Let the real tool read the export at ``target``; nothing is loaded into a running system."""
    tool = TOOLS.get(kind)
    if tool is None:
        return Checked(side, kind, "-", "no tool")
    path = shutil.which(tool, path=SEARCH_PATH)
    if path is None:
        return Checked(side, kind, tool, "not installed")
    with tempfile.TemporaryDirectory(prefix="seawall-check-") as scratch:
        command = _command(kind, path, target, Path(scratch))
        try:
            done = subprocess.run(  # noqa: S603 - our own argument list, no shell
                command,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
                env={"PATH": SEARCH_PATH},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Checked(side, kind, tool, "failed", type(error).__name__)
    said = (done.stderr or done.stdout).strip()
    if done.returncode and "Operation not permitted" in said:
        return Checked(side, kind, tool, "not permitted", "needs root")
    return Checked(side, kind, tool, "failed" if done.returncode else "passed", said[-300:] if done.returncode else "")


def _command(kind: str, path: str, target: Path, scratch: Path) -> list[str]:
    if kind == "rpz":
        return [path, "-i", "local", "rpz.seawall", str(target)]
    if kind == "nftables":
        return [path, "-c", "-f", str(target)]
    return [
        *(path, "-T", "-S", str(target / "seawall.rules"), "-l", str(scratch)),
        *("--set", f"default-rule-path={target}"),
        *("--set", f"classification-file={target / 'classification.config'}"),
    ]
