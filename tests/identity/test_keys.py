"""Keys on disk: whole or absent, private, renewable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from seawall.identity import NodeKeys, certificate_sha256, keys
from seawall.identity.certificates import LEAF_LIFE
from seawall.model import Fault, from_microseconds

DAY = 86_400_000_000  # microseconds


def _create(folder: Path, moment: int) -> NodeKeys:
    return NodeKeys.create(folder, name="Taipei", economy="TW", at=moment)


def test_every_file_is_for_its_owner_only(fresh_folder: Path, moment: int) -> None:
    """Files have mode 0600 and the folder 0700, whatever the umask."""
    before = os.umask(0)
    try:
        _create(fresh_folder, moment)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in fresh_folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert fresh_folder.stat().st_mode & 0o777 == 0o700
    assert {"signing.key", "ca.key", "leaf.key", "ca.crt", "server.crt", "client.crt", "node.json"} == set(modes)


def test_keys_are_never_overwritten(fresh_folder: Path, moment: int) -> None:
    """Creating in a folder that holds something fails and changes nothing."""
    first = _create(fresh_folder, moment)
    with pytest.raises(Fault) as caught:
        _create(fresh_folder, moment)
    assert caught.value.code == "E-IDENTITY-001"
    assert NodeKeys.load(fresh_folder).fingerprint == first.fingerprint


def test_an_empty_folder_may_wait_for_keys(fresh_folder: Path, moment: int) -> None:
    """A folder that exists and is empty is filled."""
    fresh_folder.mkdir()
    assert _create(fresh_folder, moment).name == "Taipei"


def test_a_failure_on_the_way_leaves_nothing(fresh_folder: Path, moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When creation breaks off, neither the folder nor its building site remains."""

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys, "sync_folder", broken)
    with pytest.raises(OSError, match="No space"):
        _create(fresh_folder, moment)
    assert list(fresh_folder.parent.iterdir()) == []


def test_a_shared_secret_is_refused(fresh_folder: Path, moment: int) -> None:
    """A key that others on the machine may read is not used."""
    _create(fresh_folder, moment)
    (fresh_folder / "ca.key").chmod(0o640)
    with pytest.raises(Fault) as caught:
        NodeKeys.load(fresh_folder)
    assert caught.value.code == "E-IDENTITY-003"


@pytest.mark.parametrize("name", ["node.json", "signing.key", "ca.crt", "client.crt"])
def test_damaged_keys_give_one_sentence(fresh_folder: Path, moment: int, name: str) -> None:
    """A missing or garbled file is a Fault that names the folder, never a traceback or a secret."""
    _create(fresh_folder, moment)
    (fresh_folder / name).write_bytes(b"\x00garbled")
    with pytest.raises(Fault) as caught:
        NodeKeys.load(fresh_folder)
    assert caught.value.code == "E-IDENTITY-002"
    (fresh_folder / name).unlink()
    with pytest.raises(Fault):
        NodeKeys.load(fresh_folder)


def test_a_key_of_another_kind_is_not_a_signing_key(fresh_folder: Path, moment: int) -> None:
    """A P-256 key in the place of the signing key is refused."""
    _create(fresh_folder, moment)
    (fresh_folder / "signing.key").write_bytes((fresh_folder / "ca.key").read_bytes())
    with pytest.raises(Fault) as caught:
        NodeKeys.load(fresh_folder)
    assert caught.value.code == "E-IDENTITY-002"


def test_nothing_shows_a_secret(taipei: NodeKeys) -> None:
    """Neither the card nor what the object shows of itself holds private key material."""
    secret = (taipei.folder / "signing.key").read_text("ascii").splitlines()[1]
    assert secret not in taipei.card().decode() + repr(taipei) + str(vars(taipei))
    assert "PRIVATE" not in taipei.card().decode()


def test_renewal_keeps_the_pin(fresh_folder: Path, moment: int) -> None:
    """New certificates come over the same key, so peers' pins and the fingerprint stay."""
    made = _create(fresh_folder, moment)
    before = (fresh_folder / "server.crt").read_bytes()
    assert not made.renew(moment + 15 * DAY)
    assert (fresh_folder / "server.crt").read_bytes() == before
    assert made.renew(moment + 21 * DAY)
    after = x509.load_pem_x509_certificate((fresh_folder / "server.crt").read_bytes())
    assert (fresh_folder / "server.crt").read_bytes() != before
    assert certificate_sha256(after.public_bytes(Encoding.DER)) == made.certificate_sha256
    again = NodeKeys.load(fresh_folder)
    assert (again.fingerprint, again.certificate_sha256) == (made.fingerprint, made.certificate_sha256)
    assert (fresh_folder / "server.crt").stat().st_mode & 0o777 == 0o600


def test_renewal_may_be_forced(fresh_folder: Path, moment: int) -> None:
    """``force`` renews at once, and leaves end thirty days later."""
    made = _create(fresh_folder, moment)
    assert made.renew(moment + DAY, force=True)
    leaf = x509.load_pem_x509_certificate((fresh_folder / "client.crt").read_bytes())
    assert leaf.not_valid_after_utc == from_microseconds(moment + DAY) + LEAF_LIFE


def test_renewal_with_damaged_files_is_a_fault(fresh_folder: Path, moment: int) -> None:
    """A garbled authority key stops the renewal with one sentence."""
    made = _create(fresh_folder, moment)
    (fresh_folder / "ca.key").write_bytes((fresh_folder / "signing.key").read_bytes())
    with pytest.raises(Fault) as caught:
        made.renew(moment, force=True)
    assert caught.value.code == "E-IDENTITY-002"
