"""Writes the reference pages that follow from the source: commands, error codes, roles, settings.

python scripts/reference_pages.py            write docs/reference/*.md
python scripts/reference_pages.py --check    change nothing; exit 1 when a page is not up to date
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import policy_pages
from sentences import ROOT, errors, parsed

import seawall.cli
import seawall.settings
from seawall.flow.authority import TASKS
from seawall.model import UserRole
from seawall.policy.visibility import visibility_table

FOLDER = ROOT / "docs" / "reference"
_GLOBAL = ("--node", "--json", "--lang", "--token", "--approver-token", "--strict")
_EMPTY_LIST = re.compile(r"\*\*Parameters\*\*:\n\n(?!\*)")
_SHARED = """
Generated from the program by `make docs`.

## What every command shares

- Results stand on standard output, progress and remarks on standard error.
- `--json` prints one JSON document; a list is `{"items": [...], "next": ...}`.
  `--limit` sets the rows of a page (1 to 10,000).
  `--after` goes on from the `next` of the page before; it is null at the end.
- Moments in JSON are RFC 3339 in UTC with six digits; in text they are in the node's zone.
- "The cost" is `seconds`, `cpu_seconds` and `peak_memory_bytes`.
- The options below work before and behind the command.
  Without `--token` the administrator's token in the node folder acts, for whoever may read it.
  [Roles](roles.md) says who may do what.

| Exit status | Meaning |
| --- | --- |
| 0 | done; what was rejected is counted |
| 1 | something was rejected, and `--strict` was given |
| 2 | wrong usage, or an input that yielded nothing |
| 3 | refused by policy, or by the role of who asks |
| 130 | interrupted |

An error is one sentence on standard error that begins with [its code](errors.md).

"""


def commands() -> str:
    """Every command with its options, as ``--help`` tells them; the global options once."""
    text = seawall.cli.every_command().generate_docs().strip()
    head, _, rest = text.partition("\n")
    top, mark, below = rest.partition("\n## seawall ")
    kept = [
        line.rstrip() for line in below.splitlines() if not line.startswith(tuple(f"* `{name}" for name in _GLOBAL))
    ]
    below = re.sub(r"\n{3,}", "\n\n", _EMPTY_LIST.sub("", "\n".join(kept) + "\n\n"))
    lines = "\n".join(line.rstrip() for line in top.splitlines()).strip()
    return f"{head}: the commands\n{_SHARED}{lines}\n{mark}{below.rstrip()}\n"


def roles() -> str:
    """Who may do what on a node, and who sees what."""
    everybody = list(UserRole)
    head = "| Task | " + " | ".join(role.value for role in everybody) + " |\n| --- |" + " --- |" * len(everybody)
    rows = (
        f"| {task} | " + " | ".join("yes" if role in allowed else "" for role in everybody) + " |"
        for task, allowed in TASKS.items()
    )
    return (
        "# Roles\n\nGenerated from the source by `make docs`.\n"
        "A command asks for one of these tasks; without it there is status 3.\n"
        "Someone of role `taxii` is a program of a third party: it reads its circles' collections over TAXII, "
        "and may do nothing else.\n\n"
        + head
        + "\n"
        + "\n".join(rows)
        + "\n\n## Who sees what\n\nWhat somebody may not see is to them as if it were not there.\n\n"
        + visibility_table()
    )


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
    table = "\n".join(_setting_rows())
    return (
        "# Settings\n\nGenerated from the source by `make docs`.\n"
        "The node's `seawall.toml` holds them in sections; an environment variable goes over the file.\n\n"
        f"| Section | Key | Default | Variable | Meaning |\n| --- | --- | --- | --- | --- |\n{table}\n"
    )


def _setting_rows() -> Iterator[str]:
    source = Path(seawall.settings.__file__).read_text("utf-8")
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    tree = seawall.settings.Settings()
    for section in tree.__struct_fields__:
        written = {
            node.target.id: node
            for node in classes[type(getattr(tree, section)).__name__].body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for key in getattr(tree, section).__struct_fields__:
            variable = f"{seawall.settings.ENVIRONMENT_PREFIX}{section}_{key}".upper()
            default = ast.get_source_segment(source, written[key].value or written[key].annotation)
            said = _cell(_remark(source, written[key]))
            yield f"| {section} | `{key}` | `{default}` | `{variable}` | {said} |"


def _remark(source: str, field: ast.AnnAssign) -> str:
    """The comment behind a field, without what it says to a linter."""
    line = source.splitlines()[(field.end_lineno or field.lineno) - 1].encode()[field.end_col_offset or 0 :].decode()
    said = line.partition("#")[2].strip()
    return said.partition(" - ")[2] if said.startswith("noqa") else said


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {
    "cli.md": commands,
    "errors.md": error_codes,
    "policy.md": policy_pages.policy,
    "roles.md": roles,
    "settings.md": settings,
    "what-leaves.md": policy_pages.what_leaves,
}


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
