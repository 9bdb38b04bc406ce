"""CSV tables that people write: strict about what they say, and clear about where they are wrong."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from seawall.model import Fault

MAX_FILE_BYTES = 64 << 20  # a million rows of sixty bytes
MAX_CELL_CHARACTERS = 256  # names of people's own sensors, organisations and sectors


def rows(path: Path, needed: Sequence[Sequence[str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and cells of each row, by column name in lower case.

    ``needed`` lists columns by their permitted spellings; cells are stripped, rows of empty cells are left out.
    Raises Fault E-REFERENCE-001 when the file cannot be read, E-REFERENCE-002 when a column is missing,
    E-REFERENCE-003 for a cell too long or a row with too many cells.
    """
    text = read_text(path)
    reader = csv.reader(text.splitlines(keepends=True))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        for spellings in needed:
            if not set(spellings) & set(header):
                raise Fault(
                    "E-REFERENCE-002", "{path} has no column {name}.", path=path.name, name=" / ".join(spellings)
                )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header) or any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
                raise _bad(path, reader.line_num)
            padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
            yield reader.line_num, dict(zip(header, padded, strict=True))
    except csv.Error:
        raise _bad(path, reader.line_num) from None


def _bad(path: Path, line: int) -> Fault:
    return Fault(
        "E-REFERENCE-003",
        "{path}, line {line}: more cells than columns, or a cell of more than {most} characters.",
        path=path.name,
        line=line,
        most=MAX_CELL_CHARACTERS,
    )


def read_text(path: Path) -> str:
    """The file as UTF-8, a byte-order mark removed. Raises Fault E-REFERENCE-001."""
    return decode(path, read_bytes(path))


def decode(path: Path, raw: bytes) -> str:
    """Bytes as UTF-8, a byte-order mark removed. Raises Fault E-REFERENCE-001."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(path, f"it is not UTF-8 text (byte {error.start})") from None


def read_bytes(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """The whole file, if it has at most ``most`` bytes. Raises Fault E-REFERENCE-001."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be opened") from None
    if len(raw) > most:
        raise unreadable(path, f"it is larger than {most} bytes")
    return raw


def write_whole(path: Path, raw: bytes) -> None:
    """Replace a file in one step: readers see the old or the new one. Raises Fault E-REFERENCE-004."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or "the disk refused"
        raise Fault("E-REFERENCE-004", "Cannot write {path}: {reason}.", path=path, reason=reason) from None


def unreadable(path: Path, reason: str) -> Fault:
    """The one sentence about a file that cannot be used."""
    return Fault("E-REFERENCE-001", "Cannot read {path}: {reason}.", path=path.name, reason=reason)
