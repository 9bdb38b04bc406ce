"""Writes the reference pages that follow from the source: commands, error codes, settings.

python scripts/reference_pages.py            write docs/reference/*.md
python scripts/reference_pages.py --check    change nothing; exit 1 when a page is not up to date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from sentences import ROOT, errors, parsed

import seawall.cli
import seawall.settings

FOLDER = ROOT / "docs" / "reference"
_FIELD = re.compile(r"    (?P<key>\w+): (?P<kind>[\w.]+) = (?P<default>[^#]*?)(?:\s+# (?P<said>.*))?")
_SECTION = re.compile(r"class (?P<name>\w+)Settings\(")


def commands() -> str:
    """Every command with its options, as ``--help`` tells them."""
    text = seawall.cli.app.generate_docs().strip()
    head, _, rest = text.partition("\n")
    lines = [line.rstrip() for line in rest.splitlines()]
    return f"{head}: the commands\n\nGenerated from the program by `make docs`.\n" + "\n".join(lines) + "\n"


def error_codes() -> str:
    """Every code with its sentence, in order of the code."""
    rows = {(said.code, said.sentence, said.path.relative_to(ROOT).parts[2].removesuffix(".py"))
            for said in errors(parsed())}  # fmt: skip
    table = "\n".join(f"| `{code}` | {_cell(sentence)} | `{room}` |" for code, sentence, room in sorted(rows))
    return (
        "# Error codes\n\nGenerated from the source by `make docs`.\n"
        "A code never changes its meaning; words in braces are filled in.\n\n"
        f"| Code | Sentence | Room |\n| --- | --- | --- |\n{table}\n"
    )


def settings() -> str:
    """Every key of ``seawall.toml`` with its default and its environment variable."""
    source = Path(seawall.settings.__file__).read_text("utf-8")
    table = "\n".join(_setting_rows(source))
    return (
        "# Settings\n\nGenerated from the source by `make docs`.\n"
        "The node's `seawall.toml` holds them in sections; an environment variable goes over the file.\n\n"
        f"| Section | Key | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |\n{table}\n"
    )


def _setting_rows(source: str) -> Iterator[str]:
    section = ""
    for line in source.splitlines():
        if (opened := _SECTION.match(line)) is not None:
            section = opened["name"].lower()
        elif line and not line.startswith(" "):
            section = ""
        elif section and (field := _FIELD.fullmatch(line)) is not None:
            variable = f"{seawall.settings.ENVIRONMENT_PREFIX}{section}_{field['key']}".upper()
            said = (field["said"] or "").partition("noqa")[2].partition(" - ")[2] if "noqa" in line else field["said"]
            yield f"| {section} | `{field['key']}` | `{field['default']}` | `{variable}` | {_cell(said or '')} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"cli.md": commands, "errors.md": error_codes, "settings.md": settings}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are out of date."""
    wrong = 0
    for name, write in PAGES.items():
        path, text = FOLDER / name, write()
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            sys.stdout.write(f"{path.relative_to(ROOT)} is out of date; run 'make docs'\n")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
