"""OpenPGP by GnuPG, judged by Sequoia, which shares no code with it."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pysequoia
import pytest

from mail_scenes import Team
from seawall.identity import openpgp_keys
from seawall.identity.gnupg import gpg_home
from seawall.identity.openpgp import OwnPgpKey, Trust, read_key, seal, unseal
from seawall.model import Fault, Refused

pytestmark = pytest.mark.tool("gpg")
MUCH = 1 << 20


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnPgpKey:
    """This node's key."""
    key = OwnPgpKey(tmp_path_factory.mktemp("keys"))
    key.create("Desk <evil@x> 測試", "desk@node.example")
    return key


def test_our_key_is_ours_alone(own: OwnPgpKey) -> None:
    """The secret is readable by its owner only, nothing else stays, and the name cannot forge an address."""
    assert stat.S_IMODE((own.folder / "openpgp.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in own.folder.iterdir()) == ["openpgp.asc", "openpgp.key"]
    facts = own.facts()
    assert facts.user_ids == ("Desk evil@x 測試 <desk@node.example>",)
    assert (facts.encrypts, facts.signs, facts.state) == (True, True, "usable")
    judged = pysequoia.Cert.from_bytes(own.public())
    assert judged.fingerprint.upper() == facts.fingerprint
    with pytest.raises(Refused, match="E-IDENTITY-063"):
        own.create("again", "desk@node.example")


def test_renewing_keeps_the_fingerprint(tmp_path: Path) -> None:
    """A renewed key is the same key with a later end, and still signs and encrypts."""
    key = OwnPgpKey(tmp_path)
    before = key.create("Desk", "desk@node.example")
    after = key.renew()
    assert after.fingerprint == before.fingerprint
    assert after.expires is not None
    assert before.expires is not None
    assert after.expires >= before.expires
    assert unseal(seal(b"x", key, key.public(), limit=MUCH), key, key.public(), limit=MUCH).trust is Trust.GOOD


def test_sequoia_reads_what_we_send(own: OwnPgpKey) -> None:
    """A message of ours decrypts under a key that Sequoia made."""
    theirs = pysequoia.Tsk.generate(user_id="x", profile=pysequoia.Profile.RFC4880)
    sealed = seal(b"words" * 99, own, bytes(theirs.extract_certificate()), limit=MUCH)
    assert pysequoia.decrypt(sealed, decryptor=theirs.decryptor()).bytes == b"words" * 99


def test_we_read_what_sequoia_sends(own: OwnPgpKey, tmp_path: Path) -> None:
    """Good, unsigned, and signed by another: each is told from the others."""
    theirs = pysequoia.Tsk.generate(user_id="x", profile=pysequoia.Profile.RFC4880)
    other = pysequoia.Tsk.generate(user_id="y", profile=pysequoia.Profile.RFC4880)
    ours, pinned = pysequoia.Cert.from_bytes(own.public()), bytes(theirs.extract_certificate())
    for signer, trust in ((theirs.signer(), Trust.GOOD), (other.signer(), Trust.OTHER_KEY), (None, Trust.UNSIGNED)):
        sealed = pysequoia.encrypt(b"words", recipients=[ours], signer=signer)
        opened = unseal(sealed, own, pinned, limit=MUCH)
        assert (opened.content, opened.trust) == (b"words", trust)
    elsewhere = OwnPgpKey(tmp_path)
    elsewhere.create("Else", "else@node.example")
    sealed = pysequoia.encrypt(b"words", recipients=[pysequoia.Cert.from_bytes(elsewhere.public())])
    with pytest.raises(Refused, match="E-IDENTITY-071"):
        unseal(sealed, own, pinned, limit=MUCH)


@pytest.mark.parametrize(
    "data", [b"", b"text", b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n", b"\x00" * 99]
)
def test_what_is_no_message_is_refused(own: OwnPgpKey, data: bytes) -> None:
    """Nothing that is no encrypted message is taken for one."""
    with pytest.raises(Refused, match="E-IDENTITY-072"):
        unseal(data, own, None, limit=MUCH)


def test_a_signed_message_that_is_not_encrypted_is_refused(own: OwnPgpKey, tmp_path: Path) -> None:
    """A readable message with a good signature is still no encrypted mail."""
    team = Team(tmp_path / "g")
    signed = team.gpg("--armor", "--local-user", team.fingerprint, "--sign", data=b"readable")
    with pytest.raises(Refused, match="E-IDENTITY-072"):
        unseal(signed, own, team.public(), limit=MUCH)
    team.close()


def test_what_comes_out_is_bounded(own: OwnPgpKey, tmp_path: Path) -> None:
    """A packed message is stopped at the bound, whatever it would unpack to."""
    team = Team(tmp_path / "g")
    team.know(own.public().decode())
    bomb = team.seal(bytes(200 << 20), recipient=own.facts().fingerprint)
    assert len(bomb) < 1 << 20
    with pytest.raises(Refused, match="E-IDENTITY-073"):
        unseal(bomb, own, team.public(), limit=MUCH)
    team.close()


@pytest.mark.parametrize("data", [b"", b"words", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"])
def test_what_is_no_key_is_said_so(data: bytes) -> None:
    """A file without exactly one public key is one sentence."""
    with pytest.raises(Fault, match="E-IDENTITY-066"):
        read_key(data)


def test_a_key_with_endless_names_is_refused(own: OwnPgpKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing above the bound is one sentence, not half a key."""
    monkeypatch.setattr(openpgp_keys, "MAX_LISTING", 100)
    with pytest.raises(Fault, match="E-IDENTITY-074"):
        read_key(own.public())


def test_a_secret_key_is_not_taken_for_a_peers(own: OwnPgpKey) -> None:
    """Somebody who sends a secret key is told so, and it is not kept."""
    with pytest.raises(Refused, match="E-IDENTITY-067"):
        read_key((own.folder / "openpgp.key").read_bytes())


def test_a_team_brings_its_own_key(own: OwnPgpKey, tmp_path: Path) -> None:
    """A secret key from a file becomes ours; a public one does not."""
    (tmp_path / "a").mkdir()
    taken = OwnPgpKey(tmp_path / "a")
    with pytest.raises(Fault, match="E-IDENTITY-064"):
        taken.take_over(own.public())
    assert not taken.exists
    facts = taken.take_over((own.folder / "openpgp.key").read_bytes())
    assert facts.fingerprint == own.facts().fingerprint


def test_many_at_once(own: OwnPgpKey) -> None:
    """Threads of one process open mails side by side."""
    sealed = seal(b"words", own, own.public(), limit=MUCH)
    found: list[Trust] = []

    def open_one() -> None:
        found.append(unseal(sealed, own, own.public(), limit=MUCH).trust)

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Trust.GOOD] * 4


def test_a_home_leaves_nothing(tmp_path: Path) -> None:
    """The key ring of one use is gone afterwards, also when the use fails."""
    with pytest.raises(RuntimeError), gpg_home(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
