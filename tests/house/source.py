"""The project's own files, as the house tests read them."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "seawall"
_UNTRACKED = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "node_modules", "dist"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file; in a source archive without git, every file outside caches."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
        paths = (ROOT / name for name in listed.decode().split("\0") if name)
        return tuple(sorted(path for path in paths if path.is_file()))
    return tuple(
        sorted(
            path
            for path in ROOT.rglob("*")
            if path.is_file() and not _UNTRACKED & set(path.relative_to(ROOT).parts) and "__pycache__" not in path.parts
        )
    )


def python_files(*folders: str) -> list[Path]:
    """Tracked Python files below these top folders."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def named(path: Path) -> str:
    """The file's name for a message: its path in the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def script(name: str) -> ModuleType:
    """``scripts/<name>.py`` as a module."""
    folder = str(ROOT / "scripts")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)
