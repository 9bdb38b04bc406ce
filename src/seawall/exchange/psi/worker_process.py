"""The program of a worker process; see ``workers``. It loads ``group.py`` by its place and nothing else of the room."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import msgspec

from seawall.model import Refused


def main() -> None:
    """Multiply until the other end of the pipe is closed."""
    group = _mathematics()
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    while length := reader.read(8):
        scalar, dst, given, keep = msgspec.msgpack.decode(reader.read(int.from_bytes(length)))
        try:
            made = group.evaluate_all(scalar, given, keep) if dst is None else group.blind_all(scalar, dst, given)
        except Refused:
            made = None
        _write(writer, msgspec.msgpack.encode(made))


def _mathematics() -> ModuleType:
    # by path: the package around it would load the whole exchange, which takes longer than many lists
    spec = importlib.util.spec_from_file_location("seawall_psi_group", Path(__file__).with_name("group.py"))
    if spec is None or spec.loader is None:
        raise ImportError("group.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(pipe: BinaryIO, data: bytes) -> None:
    pipe.write(len(data).to_bytes(8) + data)
    pipe.flush()


if __name__ == "__main__":
    main()
