"""The kernel compiled anew for a test, with its own flags."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "accelerator" / "src" / "kernel"
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")
WIDE = platform.machine() == "x86_64"
NUMBERS = {"portable": 1, "ifma": 2}


def driver(folder: Path, *flags: str) -> Path:
    """The driver with the kernel's files, compiled with these flags; no warning is let pass."""
    made = folder / "driver"
    common = ["cc", *STRICT, *flags, *(["-DSEAWALL_WITH_IFMA"] if WIDE else []), f"-I{SOURCE}"]
    objects = []
    for file in (*sorted(SOURCE.glob("*.c")), Path(__file__).with_name("driver.c")):
        objects.append(str(folder / f"{file.stem}.o"))
        wide = ("-mavx512f", "-mavx512ifma") if WIDE and file.stem == "ifma" else ()
        subprocess.run([*common, *wide, "-c", str(file), "-o", objects[-1]], check=True, timeout=240)
    subprocess.run([*common, *objects, "-o", str(made)], check=True, timeout=240)
    return made


def driven(
    program: list[str], kernel: str, half: bytes, packed: bytes, *, uniform: bool = False, keep: int = 32
) -> subprocess.CompletedProcess[bytes]:
    """What the driver answers."""
    command = [*program, str(NUMBERS[kernel]), str(int(uniform)), str(keep)]
    return subprocess.run(command, input=half + packed, capture_output=True, timeout=100)
