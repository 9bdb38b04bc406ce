"""``seawall ledger`` at the command line: proofs, keys, witnesses, and one sentence for everything that is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.scenes import BUNDLED, Shop


def _verifier(shop: Shop) -> tuple[Path, str]:
    """The stand-alone verifier as the command prints it, and the node's key."""
    return shop.write("verify.py", shop.say("ledger", "verifier").out), shop.here("ledger", "key")["verifier_key"]


def _audit(shop: Shop, *arguments: str | Path) -> tuple[int, str]:
    script, key = _verifier(shop)
    words = [sys.executable, "-I", script, *arguments, "--key", key]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_proof_of_a_release_is_checked_without_seawall(shop: Shop) -> None:
    """All leaves that name an object, with a signed count, hold in the hands of an auditor; so does the ledger."""
    proof = shop.files / "proof.json"
    told = shop.here("ledger", "prove", BUNDLED, "-o", proof)
    assert (told["sent"], told["releases"] >= 1, told["leaves"]) == (
        True,
        True,
        told["releases"] + told["refusals"] + told["others"],
    )
    status, said = _audit(shop, "proof", proof)
    assert (status, "signed statement" in said, BUNDLED in said) == (0, True, True), said
    status, said = _audit(shop, "ledger", shop.folder / "ledger", "--named", BUNDLED)
    assert (status, '"release"' in said) == (0, True), said
    proof.write_text(proof.read_text().replace('"releases"', '"rel"'))
    assert _audit(shop, "proof", proof)[0] == 0, "the counts stand in the signed payload"


def test_what_was_not_sent(shop: Shop) -> None:
    """Of an object that nobody named there is no leaf, and the statement says so, and what it is worth."""
    proof = shop.files / "none.json"
    told = shop.here("ledger", "prove", "indicator--never", "--to", "seoul", "--not-sent", "-o", proof)
    assert (told["sent"], told["releases"], told["leaves"]) == (False, 0, 0)
    status, said = _audit(shop, "proof", proof)
    assert status == 0
    for words in ("indicator--never to seoul", "0 are releases", "the word of the node", "past Seawall"):
        assert words in said


def test_one_leaf_and_the_checkpoint(shop: Shop) -> None:
    """A leaf by its number, under a checkpoint that was kept; both formats come to the screen without -o."""
    kept = shop.files / "kept.txt"
    shop.here("ledger", "checkpoint", "-o", kept)
    document: Any = json.loads(shop.say("ledger", "prove", "--leaf", "0", "--against", kept).out)
    assert (document["format"], [leaf["index"] for leaf in document["leaves"]]) == ("seawall-ledger-proof/1", [0])
    assert document["earlier"][0]["checkpoint"] == kept.read_text()
    file = shop.write("leaf.json", json.dumps(document))
    assert _audit(shop, "proof", file, "--against", kept)[0] == 0
    assert shop.here("ledger", "verify", "--against", kept)["against"] == int(kept.read_text().split("\n")[1])
    assert shop.say("ledger", "checkpoint").out.startswith("seawall/")


def test_tiles_and_forks(shop: Shop) -> None:
    """The tiles end in the checkpoint; nothing is held against any ledger."""
    told = shop.here("ledger", "tiles", shop.files / "tiles")
    assert told["files"] == len([path for path in (shop.files / "tiles").rglob("*") if path.is_file()])
    assert shop.here("ledger", "forks")["items"] == []
    assert shop.say("ledger", "forks").out == "No ledger says two things.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("prove",), "E-CLI-066", 2),
        (("prove", "x", "--leaf", "1"), "E-CLI-066", 2),
        (("prove", "--leaf", "1", "--not-sent"), "E-CLI-066", 2),
        (("prove", "--leaf", "99999999"), "E-LEDGER-009", 2),
        (("prove", "x" * 600), "E-FLOW-368", 2),
        (("prove", ""), "E-FLOW-368", 2),
        (("checkpoint", "--since", "99999999"), "E-LEDGER-026", 2),
        (("checkpoint", "--peer", "nobody"), "E-STORE-051", 2),
        (("cosign", "verify.py"), "E-LEDGER-022", 2),
        (("witnessed", "verify.py", "--key", "\x1b[2Jx"), "E-LEDGER-021", 2),
        (("verify", "--against", "verify.py"), "E-LEDGER-022", 2),
        (("verify", "--against", "absent.txt"), "E-CLI-003", 2),
        (("forks", "--settle", "nobody"), "E-FLOW-373", 2),
    ],
)
def test_one_sentence(shop: Shop, arguments: tuple[str, ...], code: str, status: int) -> None:
    """Whatever cannot be proved, read or found gets one sentence with its code."""
    shop.write("verify.py", "print()")
    given = [shop.files / word if word.endswith((".py", ".txt")) else word for word in arguments]
    assert shop.refused("ledger", *given, status=status).startswith(code)


def test_readers_may_not(shop: Shop) -> None:
    """Proofs open leaves, so they take the role of an auditor, approver or administrator."""
    for command in (("prove", BUNDLED), ("checkpoint",), ("tiles", str(shop.files / "t")), ("forks",), ("verify",)):
        said = shop.refused("ledger", *command, "--token", shop.token_of("reader"), status=3)
        assert said.startswith("E-FLOW-004"), command
    assert shop.here("ledger", "prove", BUNDLED, "--token", shop.token_of("auditor"))["format"]
