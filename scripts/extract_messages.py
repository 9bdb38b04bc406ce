"""Collects every sentence the program can say and brings the catalogues up to date.

    python scripts/extract_messages.py            write new keys, drop obsolete ones
    python scripts/extract_messages.py --check    change nothing; exit 1 when a catalogue is not up to date
    python scripts/extract_messages.py --missing ko    print the sentences that have no translation yet

What counts as a sentence stands in ``sentences.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
from io import BytesIO
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from sentences import SOURCE, sentences

CATALOGUES = {"zh-Hant": "zh_Hant", "ko": "ko"}


def places(text: str) -> frozenset[str]:
    """The names of the ``{named}`` places of a sentence. ValueError for braces that do not match."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return SOURCE / "messages" / "locale" / f"{CATALOGUES[language]}.po"


def updated(language: str, found: dict[str, set[str]]) -> bytes:
    """The catalogue with exactly the keys of ``found``, translations kept, as it should stand on disk."""
    path = catalogue_path(language)
    with path.open("rb") as file:
        old = read_po(file, locale=CATALOGUES[language])
    new = Catalog(locale=CATALOGUES[language], project="Seawall", charset="utf-8", fuzzy=False)
    for text, files in sorted(found.items(), key=lambda item: (sorted(item[1])[0], item[0])):
        held = old.get(text)
        string = held.string if held is not None and isinstance(held.string, str) else ""
        new.add(text, string, locations=[(name, 0) for name in sorted(files)])
    out = BytesIO()
    write_po(out, new, width=0, include_lineno=False, omit_header=True)
    head = (
        'msgid ""\nmsgstr ""\n'
        '"Project-Id-Version: Seawall\\n"\n'
        f'"Language: {CATALOGUES[language]}\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n\n'
    )
    return head.encode() + out.getvalue().rstrip(b"\n") + b"\n"


def problems(language: str, found: dict[str, set[str]]) -> list[str]:
    """What is wrong with a catalogue, one sentence each: missing, obsolete, or other places than the English."""
    with catalogue_path(language).open("rb") as file:
        held = {str(m.id): str(m.string) for m in read_po(file, locale=CATALOGUES[language]) if m.id}
    wrong = [f"{language}: no translation of {text!r}" for text in sorted(found) if not held.get(text)]
    wrong += [f"{language}: obsolete {text!r}" for text in sorted(held) if text not in found]
    for text, string in sorted(held.items()):
        if string and text in found:
            try:
                if places(text) != places(string):
                    wrong.append(f"{language}: other places in {string!r} than in {text!r}")
            except ValueError:
                wrong.append(f"{language}: braces do not match in {string!r}")
    return wrong


def main() -> int:
    """Run as a program; see above."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--check", action="store_true")
    options.add_argument("--missing", choices=sorted(CATALOGUES))
    chosen = options.parse_args()
    found = sentences()
    if chosen.missing:
        with catalogue_path(chosen.missing).open("rb") as file:
            held = {str(m.id) for m in read_po(file, locale=CATALOGUES[chosen.missing]) if m.string}
        sys.stdout.write(json.dumps([text for text in found if text not in held], ensure_ascii=False, indent=0) + "\n")
        return 0
    if chosen.check:
        wrong = [line for language in CATALOGUES for line in problems(language, found)]
        sys.stdout.write("".join(line + "\n" for line in wrong))
        return 1 if wrong else 0
    for language in CATALOGUES:
        catalogue_path(language).write_bytes(updated(language, found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
