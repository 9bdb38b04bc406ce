"""The vault: its ways, what they say when they fail, and that a change of way changes nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from absent import absent
from seawall.identity import NodeKeys, server_context
from seawall.identity.sealing import is_sealed
from seawall.identity.vault import (
    FILE,
    FORMAT,
    KEY_FILE,
    Record,
    State,
    Vault,
    Wrap,
    by_file,
    by_passphrase,
    new_vault,
    read_record,
    write_record,
)
from seawall.identity.vault_files import seal_in_place, secret_files
from seawall.identity.vault_open import FILES, FREE_TRIES, TRIES, forget, read_secret, vault_of
from seawall.identity.vault_token import by_token, forget_on_token, wrap_by_token
from seawall.model import Fault, Refused, Unavailable

PASSPHRASE, OTHER = "correct horse battery", "staple of another kind"
QUICK = 4  # scrypt's log n in these tests
AT = 1_773_446_400_000_000


class Kept(NamedTuple):
    """A key folder with a vault, and the vault itself."""

    folder: Path
    vault: Vault


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Keys whose vault opens with PASSPHRASE; nothing is at hand."""
    for name in ("SEAWALL_PASSPHRASE_FILE", "SEAWALL_PIN_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "keys"
    folder.mkdir()
    vault = new_vault()
    put(folder, vault, vault.wrap_passphrase(PASSPHRASE, QUICK))
    yield Kept(folder, vault)
    forget(folder)


def put(folder: Path, vault: Vault, *wraps: Wrap, state: State = State.ON) -> Record:
    """Write a vault's file."""
    record = Record(FORMAT, vault.id, state, AT, wraps)
    write_record(folder, record)
    return record


def hand(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, name: str = "PASSPHRASE") -> None:
    """Put a secret where the vault looks for it."""
    file = folder.parent / f"{name.lower()}.txt"
    file.write_text(text + "\n")
    monkeypatch.setenv(f"SEAWALL_{name}_FILE", str(file))


def test_the_passphrase_opens_and_keys_of_purposes_differ(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens is the same key for each purpose, and another one for each other purpose."""
    hand(monkeypatch, kept.folder, PASSPHRASE)
    opened = vault_of(kept.folder)
    assert opened is not None
    assert opened.key("names") == kept.vault.key("names") != opened.key("store")


def test_without_a_passphrase_the_vault_is_closed_with_one_sentence(kept: Kept) -> None:
    """Nobody is asked without a terminal; the sentence says what to do."""
    with pytest.raises(Unavailable, match=r"E-IDENTITY-120.*SEAWALL_PASSPHRASE_FILE"):
        vault_of(kept.folder)


def test_a_systemd_credential_opens(kept: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The credential ``seawall-passphrase`` is looked at when no file is named."""
    (tmp_path / "seawall-passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert vault_of(kept.folder) is not None


def test_wrong_passphrases_have_to_wait_and_the_right_one_clears_them(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five wrong ones the next try waits, also in other processes; the right one is then taken at once again."""
    hand(monkeypatch, kept.folder, OTHER)
    for _ in range(FREE_TRIES):
        with pytest.raises(Refused, match="E-IDENTITY-121"):
            vault_of(kept.folder, clock=lambda: AT)
    hand(monkeypatch, kept.folder, PASSPHRASE)
    with pytest.raises(Unavailable, match="E-IDENTITY-127"):
        vault_of(kept.folder, clock=lambda: AT)
    assert vault_of(kept.folder, clock=lambda: AT + 2_000_000) is not None
    assert not (kept.folder / TRIES).exists()


def test_another_passphrase_wraps_the_same_key(kept: Kept) -> None:
    """Changing it changes nothing that was sealed; the old one is worth nothing then."""
    record = put(kept.folder, kept.vault, kept.vault.wrap_passphrase(OTHER, QUICK))
    assert by_passphrase(record, record.wraps[0], OTHER).key("names") == kept.vault.key("names")
    with pytest.raises(Refused, match="E-IDENTITY-121"):
        by_passphrase(record, record.wraps[0], PASSPHRASE)


def test_a_short_passphrase_is_refused(kept: Kept) -> None:
    """Twelve characters are the least."""
    with pytest.raises(Fault, match="E-IDENTITY-124"):
        kept.vault.wrap_passphrase("short")


def test_a_key_file_opens_and_its_loss_is_told(kept: Kept) -> None:
    """The way without protection: with the file anybody, without it nobody."""
    record = put(kept.folder, kept.vault, kept.vault.wrap_file(kept.folder))
    assert vault_of(kept.folder) is not None
    (kept.folder / KEY_FILE).unlink()
    with pytest.raises(Fault, match="E-IDENTITY-125"):
        by_file(record, record.wraps[0], kept.folder)


def test_a_destroyed_vault_says_so(kept: Kept) -> None:
    """Whoever comes later is told that it was on purpose."""
    put(kept.folder, kept.vault, state=State.DESTROYED)
    with pytest.raises(Refused, match="E-IDENTITY-122"):
        vault_of(kept.folder)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":"seawall-vault/9"}', b"\xff" * 100])
def test_a_damaged_vault_file_is_told(kept: Kept, data: bytes) -> None:
    """Never an exception of a parser, never an open node."""
    (kept.folder / FILE).write_bytes(data)
    with pytest.raises(Fault, match="E-IDENTITY-126"):
        vault_of(kept.folder)


def test_a_wrap_cannot_be_moved_to_another_vault(kept: Kept) -> None:
    """The wrap is bound to the vault's id."""
    record = read_record(kept.folder)
    assert record is not None
    moved = msgspec.structs.replace(record, id="0" * 32)
    with pytest.raises(Refused, match="E-IDENTITY-121"):
        by_passphrase(moved, moved.wraps[0], PASSPHRASE)


def test_sealed_keys_sign_and_serve(kept: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A node whose private keys are sealed is the same node, and its certificates work without a plain file."""
    folder = tmp_path / "node" / "keys"
    folder.parent.mkdir()
    before = NodeKeys.create(folder, name="TWCERT", economy="TW", at=AT)
    put(folder, kept.vault, kept.vault.wrap_passphrase(PASSPHRASE, QUICK))
    for path in secret_files(folder):
        assert seal_in_place(path, kept.vault.box(FILES))
        assert not seal_in_place(path, kept.vault.box(FILES))
    with pytest.raises(Unavailable, match="E-IDENTITY-120"):
        NodeKeys.load(folder)
    hand(monkeypatch, folder, PASSPHRASE)
    after = NodeKeys.load(folder)
    assert after.sign(b"x") == before.sign(b"x")
    assert server_context(after, []).num_tickets == 0
    assert all(is_sealed((folder / name).read_bytes()) for name in ("signing.key", "ca.key", "leaf.key"))
    assert read_secret(folder / "leaf.key").startswith(b"-----BEGIN")
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    forget(folder)


MODULES = [
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
]
PIN = "4321"


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SoftHSM token labelled ``sea`` with PIN; the path of its library, which reads its settings once a process."""
    if shutil.which("softhsm2-util") is None:
        absent("the system tool 'softhsm2-util' is not installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        words = ["softhsm2-util", "--init-token", "--free", "--label", "sea", "--so-pin", "12345678", "--pin", PIN]
        subprocess.run(words, check=True, capture_output=True)
        yield str(next(path for path in MODULES if path.exists()))


@pytest.mark.tool("softhsm2-util")
def test_a_token_opens_and_each_way_it_fails_is_one_sentence(kept: Kept, module: str) -> None:
    """A wrong PIN, an absent token and a token without the key are told apart; the key never leaves the token."""
    wrap = wrap_by_token(kept.vault, module=module, label="sea", pin=PIN)
    record = put(kept.folder, kept.vault, wrap)
    assert by_token(record, wrap, PIN).key("names") == kept.vault.key("names")
    with pytest.raises(Refused, match="E-IDENTITY-132"):
        by_token(record, wrap, "9999")
    with pytest.raises(Unavailable, match="E-IDENTITY-131"):
        by_token(record, msgspec.structs.replace(wrap, label="lost"), PIN)
    with pytest.raises(Unavailable, match="E-IDENTITY-131"):
        by_token(record, msgspec.structs.replace(wrap, module="/nowhere.so"), PIN)
    forget_on_token(wrap, PIN)
    with pytest.raises(Fault, match="E-IDENTITY-133"):
        by_token(record, wrap, PIN)


@pytest.mark.tool("softhsm2-util")
def test_a_lost_token_is_no_loss_beside_a_passphrase(kept: Kept, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way opens; the PIN is looked for in a file of its own."""
    wrap = wrap_by_token(kept.vault, module=module, label="sea", pin=PIN)
    put(kept.folder, kept.vault, kept.vault.wrap_passphrase(PASSPHRASE, QUICK), wrap)
    hand(monkeypatch, kept.folder, PIN, "PIN")
    assert vault_of(kept.folder) is not None
    forget(kept.folder)
    forget_on_token(wrap, PIN)
    with pytest.raises(Fault, match="E-IDENTITY-133"):
        vault_of(kept.folder)
    hand(monkeypatch, kept.folder, PASSPHRASE)
    assert vault_of(kept.folder) is not None
