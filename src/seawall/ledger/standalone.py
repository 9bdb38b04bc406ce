#!/usr/bin/env python3
"""Verify a Seawall ledger, or a proof taken from one, without Seawall: standard library and ``cryptography`` only.

    python3 -I verify.py ledger FOLDER --key KEY [--witness KEY] [--against CHECKPOINT] [--named TEXT]
    python3 -I verify.py proof FILE    --key KEY [--witness KEY] [--against CHECKPOINT]

KEY is a verifier key NAME+8 HEX DIGITS+BASE64 that somebody gave you by another way than the files; --key may be given
again for keys that were replaced. CHECKPOINT is a checkpoint of this ledger that you kept from earlier. Status 0: it
holds. 1: it does not, and the first thing wrong is said. Formats: RFC 6962, c2sp.org/signed-note, tlog-cosignature.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECORD, EMPTY = 160, hashlib.sha256(b"").digest()
SEALED = b"\x93SEALED1\n"  # contents that only the node's vault opens begin so
Tell = Callable[[str], None]


class Wrong(Exception):
    """What does not hold."""


def need(true: object, sentence: str) -> None:
    """Pass, or stop with this sentence."""
    if not true:
        raise Wrong(sentence)


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of a leaf."""
    return sha(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of an inner node."""
    return sha(b"\x01" + left + right)


class Key:
    """NAME+ID+BASE64; type 1 signs checkpoints, type 4 cosigns them."""

    def __init__(self, text: str) -> None:
        self.name, key_id, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        self.kind, self.public = raw[:1], raw[1:]
        self.id = sha(self.name.encode() + b"\n" + raw)[:4]
        need(self.id.hex() == key_id and self.kind in b"\x01\x04" and len(raw) == 33, "a key given by hand is misspelt")

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def signed(self, note: Note) -> int | None:
        """None, or the seconds at which a witness signed (0 for the ledger's own key)."""
        for name, raw in note.signatures:
            if name == self.name and raw[:4] == self.id:
                if self.kind == b"\x01" and self.holds(raw[4:], note.text):
                    return 0
                head = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", raw[4:12])[0]
                if self.kind == b"\x04" and self.holds(raw[12:], head + note.text):
                    return int(struct.unpack(">Q", raw[4:12])[0])
        return None


class Note:
    """A checkpoint: origin, size, root, and who signed it."""

    def __init__(self, text: str) -> None:
        body, _, lines = text.rstrip("\n").partition("\n\n")
        self.text = body.encode() + b"\n"
        self.origin, size, root = body.split("\n")[:3]
        self.size, self.root = int(size), base64.b64decode(root, validate=True)
        rows = [line.split(" ") for line in lines.split("\n") if line.startswith("\u2014 ")]
        self.signatures = [(row[1], base64.b64decode(row[2])) for row in rows]


def checkpoint(text: str, keys: list[Key], what: str) -> Note:
    """The checkpoint in a note, once one of the keys signed it."""
    note = Note(text)
    need(
        any(key.name == note.origin and key.signed(note) == 0 for key in keys),
        f"{what} is not signed by a key you gave",
    )
    return note


class Tree:
    """RFC 6962: roots of the complete subtrees at the right edge."""

    def __init__(self) -> None:
        self.size = 0
        self.nodes: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf."""
        rest, self.size = self.size, self.size + 1
        while rest & 1:
            leaf, rest = node_hash(self.nodes.pop(), leaf), rest >> 1
        self.nodes.append(leaf)

    def root(self) -> bytes:
        """The root of all leaves so far."""
        whole = self.nodes[-1] if self.nodes else EMPTY
        for left in reversed(self.nodes[:-1]):
            whole = node_hash(left, whole)
        return whole


def climb(path: list[bytes], node: int, last: int, first: bytes, second: bytes) -> tuple[bytes, bytes] | None:
    """RFC 9162 sections 2.1.3.2 and 2.1.4.2: both hashes after the whole path; None when it does not fit."""
    for other in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, other)
        node, last = node >> 1, last >> 1
    return (first, second) if last == 0 else None


def continues(old: Note, new: Note, path: list[bytes]) -> bool:
    """Whether the newer tree begins with the older one."""
    if old.size in (0, new.size):
        return old.root == (new.root if old.size else EMPTY)
    path = path if old.size & (old.size - 1) else [old.root, *path]
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    return bool(path) and climb(path[1:], node, last, path[0], path[0]) == (old.root, new.root)


def included(leaf: bytes, index: int, new: Note, path: list[bytes]) -> bool:
    """Whether the leaf stands at its place under the checkpoint."""
    found = climb(path, index, new.size - 1, leaf, leaf) if 0 <= index < new.size else None
    return found is not None and found[1] == new.root


def names(value: object, text: str) -> bool:
    """Whether an event says this text anywhere, as a whole."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == text or any(names(part, text) for part in parts)


def witnesses(notes: list[Note], arguments: argparse.Namespace, tell: Tell) -> None:
    """How far each witness vouches."""
    for key in arguments.witness:
        signed = [(note.size, key.signed(note)) for note in notes if key.signed(note)]
        need(signed, f"no checkpoint here is cosigned by {key.name}")
        size, moment = max(signed)
        tell(
            f"cosigned by {key.name} up to {size} leaves at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(moment))}"
        )


def verify_ledger(arguments: argparse.Namespace, tell: Tell) -> None:
    """Every leaf, in order; then the checkpoint; then what others hold."""
    folder, keys = arguments.path, arguments.key
    head = checkpoint((folder / "checkpoint").read_text(), keys, "the checkpoint")
    notes = [path for path in sorted(folder.glob("witnessed/*.note")) if not path.read_bytes().startswith(SEALED)]
    kept = [checkpoint(path.read_text(), keys, path.name) for path in notes]
    held = [checkpoint(path.read_text(), keys, path.name) for path in arguments.against]
    wanted, roots, tree, end = {note.size for note in [*kept, *held, head]}, {0: EMPTY}, Tree(), 0
    sealed = 0
    erased: set[int] = set()
    confessed: set[int] = set()
    naming: dict[str, list[int]] = {}
    need(all(note.size <= head.size for note in kept + held), "the ledger was rolled back: a later checkpoint is known")
    with (folder / "leaves").open("rb") as leaves, (folder / "payloads").open("rb") as payloads:
        for index in range(head.size):
            record = leaves.read(RECORD)
            need(len(record) == RECORD, f"the ledger was cut: leaf {index} of {head.size} is missing")
            crc, flags, number, offset, length, _, commitment, root = struct.unpack(">IIQQII32s32s", record[:96])
            in_place = crc == zlib.crc32(record[4:]) and (number, offset) == (index, end)
            need(in_place, f"leaf {index} is damaged or not in its place")
            end, line = offset + length, payloads.read(length)
            need(len(line) == length >= 66, f"the contents of leaf {index} are missing")
            if line == b"0" * 64 + b" " * (length - 65) + b"\n":
                erased.add(index)
            elif line.startswith(SEALED):
                sealed += 1
            else:
                need(line[64:65] == b" " and line[-1:] == b"\n", f"the contents of leaf {index} were altered")
                salt = bytes.fromhex(line[:64].decode("ascii"))
                good = salt.hex().encode() == line[:64] and sha(salt + line[65:-1]) == commitment
                need(good, f"the contents of leaf {index} were altered")
                event = json.loads(line[65:-1])
                if event["kind"] == "payload-erased":
                    confessed.add(event["details"]["leaf"])
                if arguments.named and names(event, arguments.named):
                    naming.setdefault(event["kind"], []).append(index)
            tree.add(leaf_hash(commitment))
            need(not flags & 1 or root == tree.root(), f"the leaves up to {index} were altered, reordered or deleted")
            if tree.size in wanted:
                roots[tree.size] = tree.root()
    need(sealed or erased <= confessed, "contents were erased without a leaf that says so")
    need(roots.get(head.size) == head.root, "the leaves are not those of the signed checkpoint")
    for note in kept + held:
        need(
            roots[note.size] == note.root, f"the ledger was forked: a checkpoint of {note.size} leaves has another root"
        )
    tell(f"the ledger holds: {head.size} leaves, root {head.root.hex()}, {len(erased)} erased, {len(held)} checkpoints")
    if sealed:
        tell(f"{sealed} leaves are sealed: their place and order were checked, not what they say, nor who erased what")
    witnesses([*kept, head], arguments, tell)
    if arguments.named:
        tell(f"leaves that name it: {json.dumps(naming)}; of {len(erased)} erased leaves nobody can say")


def verify_proof(arguments: argparse.Namespace, tell: Tell) -> None:
    """Each leaf's contents and way; each earlier checkpoint's continuation; the statement's signature."""
    proof = json.loads(arguments.path.read_text())
    need(proof.get("format") == "seawall-ledger-proof/1", "this is no ledger proof")
    head = checkpoint(proof["checkpoint"], arguments.key, "the checkpoint")
    for leaf in proof["leaves"]:
        commitment = bytes.fromhex(leaf["commitment"])
        if leaf["event"] is not None:
            good = sha(bytes.fromhex(leaf["salt"]) + leaf["event"].encode()) == commitment
            need(good, f"the contents of leaf {leaf['index']} were altered")
        path = [bytes.fromhex(item) for item in leaf["path"]]
        need(
            included(leaf_hash(commitment), leaf["index"], head, path),
            f"leaf {leaf['index']} is not under the checkpoint",
        )
    notes = [head]
    for item in proof["earlier"]:
        notes.append(checkpoint(item["checkpoint"], arguments.key, "an earlier checkpoint"))
        good = continues(notes[-1], head, [bytes.fromhex(part) for part in item["path"]])
        need(good, f"the ledger was forked: its checkpoint of {notes[-1].size} leaves is not continued")
    proved = {(note.size, note.root) for note in notes}
    for file in arguments.against:
        note = checkpoint(file.read_text(), arguments.key, file.name)
        need(note.size <= head.size, f"the ledger was rolled back: {file.name} is of {note.size} leaves")
        forked = any(size == note.size and root != note.root for size, root in proved)
        need(not forked, f"the ledger was forked: {file.name} has another root")
        need(
            (note.size, note.root) in proved, f"the proof does not say how {file.name} continues; ask for one that does"
        )
    tell(f"the proof holds: {len(proof['leaves'])} leaves under a checkpoint of {head.size}, root {head.root.hex()}")
    witnesses(notes, arguments, tell)
    if statement := proof.get("statement"):
        payload, kind = base64.b64decode(statement["payload"]), statement["payloadType"].encode()
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        signatures = [base64.b64decode(item["sig"]) for item in statement["signatures"]]
        good = any(key.holds(signature, message) for key in arguments.key for signature in signatures)
        said = json.loads(payload)
        need(good and (said["size"], said["root"]) == (head.size, head.root.hex()), "the statement was altered")
        tell(f"signed statement: {json.dumps(said, ensure_ascii=True)}")
    for leaf in proof["leaves"]:
        tell(f"leaf {leaf['index']}: {json.dumps(leaf['event'])}")


def main() -> int:
    """Say what holds, or the first thing that does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ledger", "proof"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--key", action="append", required=True)
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--against", action="append", default=[], type=Path)
    parser.add_argument("--named")
    arguments = parser.parse_args()
    said: list[str] = []
    try:
        arguments.key, arguments.witness = (
            [Key(text) for text in arguments.key],
            [Key(text) for text in arguments.witness],
        )
        (verify_ledger if arguments.what == "ledger" else verify_proof)(arguments, said.append)
    except Wrong as wrong:
        print(f"DOES NOT HOLD: {wrong}")
        return 1
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        struct.error,
        RecursionError,
    ) as error:
        print(f"DOES NOT HOLD: the files cannot be read ({type(error).__name__}: {str(error)[:200]!a})")
        return 1
    print("\n".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
