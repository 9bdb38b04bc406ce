"""Names of products: CPE 2.3 and 2.2 (NISTIR 7695) and package URLs (ECMA-427), read into their parts."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

MAX_NAME = 1_000  # characters; the longest of the NVD's dictionary has about 250
ANY, NOTHING = "*", "-"
_FIELD = re.compile(r"(?:\\.|[^:\\])*")
_ESCAPED = re.compile(r"\\(.)")
_PURL = re.compile(r"pkg:/*([a-z0-9.+-]{1,64})/(.+)", re.IGNORECASE | re.DOTALL)
_DASHED = re.compile(r"[-_.]+")


class Cpe(msgspec.Struct, frozen=True):
    """The parts of a CPE that comparisons use, lower case, unescaped; ``*`` any, ``-`` none."""

    part: str  # a application, o operating system, h hardware
    vendor: str
    product: str
    version: str = ANY
    update: str = ANY
    target_sw: str = ANY  # the software it runs on, such as wordpress or android

    @property
    def full_version(self) -> str:
        """Version and update as one text; empty when neither says anything."""
        if self.version in (ANY, NOTHING):
            return ""
        return self.version if self.update in (ANY, NOTHING, "") else f"{self.version}-{self.update}"


def parse_cpe(text: str) -> Cpe | None:
    """A CPE 2.3 formatted string (6.2) or a 2.2 URI (6.1); None for anything else."""
    text = text.strip()
    if len(text) > MAX_NAME:
        return None
    lowered = text.lower()
    if lowered.startswith("cpe:2.3:"):
        # a missing colon at the end only leaves parts out; those are "any"
        parts = [_ESCAPED.sub(r"\1", field) or ANY for field in _fields(lowered[len("cpe:2.3:") :])]
        parts += [ANY] * (11 - len(parts))
        if len(parts) != 11:
            return None
        found = Cpe(parts[0], parts[1], parts[2], parts[3], parts[4], parts[8])
    elif lowered.startswith("cpe:/"):
        parts = [unquote(field) or ANY for field in lowered[len("cpe:/") :].split(":")]
        parts += [ANY] * (7 - len(parts))
        found = Cpe(parts[0], parts[1], parts[2], parts[3], parts[4])
    else:
        return None
    if found.part not in ("a", "o", "h", ANY) or found.product in (ANY, NOTHING):
        return None
    return found


def _fields(text: str) -> list[str]:
    """Split at colons that no backslash stands before."""
    fields, place = [], 0
    while True:
        found = _FIELD.match(text, place)
        end = found.end() if found is not None else len(text)
        fields.append(text[place:end])
        if end >= len(text):
            return fields
        place = end + 1


class Purl(msgspec.Struct, frozen=True):
    """A package URL without qualifiers and subpath; ``version`` is empty where none stands."""

    type: str
    namespace: str
    name: str
    version: str = ""

    @property
    def package(self) -> tuple[str, str, str]:
        """What names the package, whatever its version."""
        return self.type, self.namespace, self.name


def parse_purl(text: str) -> Purl | None:
    """A package URL; None for anything else. Names are compared as their type says (pypi: PEP 503)."""
    if len(text) > MAX_NAME or (found := _PURL.fullmatch(text.strip())) is None:
        return None
    kind, rest = found[1].lower(), found[2].split("#", 1)[0].split("?", 1)[0].strip("/")
    path, _, version = rest.partition("@") if not rest.startswith("@") else ("", "", "")
    if rest.startswith("@"):  # an npm scope that somebody did not escape
        path, _, version = (f"%40{rest[1:]}").partition("@")
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts:
        return None
    name, namespace = parts[-1], "/".join(parts[:-1])
    if kind == "pypi":
        name = _DASHED.sub("-", name).lower()
    elif kind in ("github", "bitbucket", "gitlab", "composer", "deb", "rpm", "apk", "npm", "hex", "golang"):
        name, namespace = name.lower(), namespace.lower()
    return Purl(kind, namespace, name, unquote(version))
