"""Compiles ``src/kernel`` into the wheel: a plain C library, so that one wheel serves every Python on its platform.

The compiler is ``$CC``, or ``cc``. One file is compiled for AVX-512 IFMA; the library asks the processor before it
uses that, so a wheel that was built on one machine runs on any of the same architecture.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("src/kernel")
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra")
WIDE = ("-mavx512f", "-mavx512ifma")
LIBRARY = "seawall_accelerator/kernel.so"


class KernelHook(BuildHookInterface[Any]):
    """Adds the compiled library to the wheel and names the platform in its tag."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises RuntimeError with one sentence when there is no compiler or it fails."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        library = Path(self._folder.name) / "kernel.so"
        build(Path(self.root) / SOURCE, library)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        build_data["force_include"] = {str(library): LIBRARY}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written: the library beside it is no longer needed."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()


def build(source: Path, library: Path) -> None:
    """Compile the files of ``source`` into the shared library ``library``. Raises RuntimeError."""
    compiler = os.environ.get("CC") or "cc"
    wide = platform.machine().lower() in ("x86_64", "amd64")
    objects = []
    for file in sorted(source.glob("*.c")):
        flags = [*FLAGS, *(["-DSEAWALL_WITH_IFMA"] if wide else []), *(WIDE if wide and file.stem == "ifma" else ())]
        objects.append(str(library.with_name(f"{file.stem}.o")))
        _run([compiler, *flags, "-c", str(file), "-o", objects[-1]])
    _run([compiler, "-shared", "-o", str(library), *objects])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the machine's compiler
    except OSError as error:
        raise RuntimeError(f"no C compiler: '{command[0]}' cannot be run ({error.strerror}); set CC") from None
    if done.returncode:
        raise RuntimeError(f"the C compiler refused the kernel: {done.stderr.strip() or done.stdout.strip()}")
