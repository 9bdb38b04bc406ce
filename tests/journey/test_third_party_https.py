"""A third party's TAXII client over HTTPS: a token bound to one recipient, its circles and a day."""

from __future__ import annotations

import hashlib
import sqlite3
import ssl
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import requests
import trustme

from journey.command_line import SeawallNode, free_port
from seawall.flow.node import Node

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from taxii2client.v21 import Server, as_pages

VALUES = [f"198.51.100.{number}" for number in range(1, 31)]

pytestmark = pytest.mark.xdist_group("third-party-https")


class Scene(NamedTuple):
    """A node that serves two circles over HTTPS, and the authority of its certificate."""

    node: SeawallNode
    url: str
    authority: Path

    def titles(self, user: str, token: str) -> list[str]:
        """The collections that a client finds from the discovery address on."""
        server = Server(f"{self.url}/taxii2/", user=user, password=token, verify=str(self.authority))
        return sorted(item.title for item in server.api_roots[0].collections)

    def objects(self, user: str, token: str, circle: str) -> list[dict[str, Any]]:
        """Everything in one collection, in pages of seven."""
        server = Server(f"{self.url}/taxii2/", user=user, password=token, verify=str(self.authority))
        [collection] = [item for item in server.api_roots[0].collections if item.title == circle]
        return [item for page in as_pages(collection.get_objects, per_request=7) for item in page.get("objects", [])]

    def status(self, user: str, token: str) -> int:
        """What discovery answers to these credentials."""
        trusted = ssl.create_default_context(cafile=self.authority)
        return httpx.get(f"{self.url}/taxii2/", auth=(user, token), verify=trusted, trust_env=False).status_code


@pytest.fixture(autouse=True)
def no_other_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of this machine would overrule what the client is told to trust."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """``siem`` sits in ``open`` and in ``bank``."""
    root = tmp_path_factory.mktemp("https")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(root / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(root / "server.pem")
    node = SeawallNode(root / "node", "KR")
    settings = node.folder / "seawall.toml"
    settings.write_text(settings.read_text() + f'\n[serve]\ntls_certificate = "{root / "server.pem"}"\n')
    port = free_port()
    second = node.second_person()
    node.here("users", "add", "holder", "--role", "taxii")
    for circle in ("open", "bank"):
        terms = ("--members", "holder", "--tlp-ceiling", "green", "--auto", "indicator")
        node.here("circles", "create", circle, *terms, "--approver-token", second)
    (root / "list.csv").write_text("type,value\n" + "".join(f"ipv4,{value}\n" for value in VALUES))
    node.here("intel", "import", root / "list.csv", "--tlp", "green", "--source", "ours")
    with node.serving(port, free_port()):
        yield Scene(node, f"https://127.0.0.1:{port}", root / "ca.pem")


def seat(scene: Scene, name: str) -> None:
    """Give a client a seat in both circles."""
    members = ",".join(
        sorted({user["name"] for user in scene.node.listing("users", "list") if user["role"] == "taxii"})
    )
    assert name in members
    second = scene.node.folder.parent / f"{scene.node.folder.name}-approver.token"
    for circle in ("open", "bank"):
        terms = ("--members", members, "--tlp-ceiling", "green", "--auto", "indicator")
        scene.node.here("circles", "create", circle, *terms, "--approver-token", second)


def test_a_token_reads_its_circles_only(scene: Scene) -> None:
    """Bound to one circle, a client seated in two reads that one whole, and the other is not there for it."""
    made = scene.node.here("users", "add", "bound", "--role", "taxii", "--circles", "open", "--expires", "90d")
    seat(scene, "bound")
    assert made["circles"] == ["open"]
    assert len(bytes.fromhex(made["token"])) == 32
    assert scene.titles("bound", made["token"]) == ["open"]
    found = scene.objects("bound", made["token"], "open")
    assert sorted(item["pattern"].split("'")[1] for item in found) == sorted(VALUES)
    stored = b"".join(file.read_bytes() for file in (scene.node.folder / "store").iterdir())
    assert made["token"].encode() not in stored
    assert hashlib.sha256(made["token"].encode()).hexdigest().encode() in stored


def test_revocation_holds_from_the_next_request_on(scene: Scene) -> None:
    """The client of a moment ago is answered 401 as soon as the command has ended."""
    token = scene.node.here("users", "add", "gone", "--role", "taxii")["token"]
    assert scene.status("gone", token) == 200
    scene.node.here("users", "revoke", "gone")
    assert scene.status("gone", token) == 401


def test_a_token_ends_by_itself(scene: Scene) -> None:
    """From its last moment on the token opens nothing; the list says when that is."""
    made = scene.node.here("users", "add", "brief", "--role", "taxii", "--expires", "90d")
    assert scene.status("brief", made["token"]) == 200
    [listed] = [user for user in scene.node.listing("users", "list") if user["name"] == "brief"]
    assert listed["expires_at"] == made["expires_at"]
    with Node.open(scene.node.folder) as node:
        now = node.clock()
    with closing(sqlite3.connect(scene.node.folder / "store" / "seawall.sqlite")) as store, store:
        store.execute("UPDATE users SET expires_at = ? WHERE name = 'brief'", (now,))
    assert scene.status("brief", made["token"]) == 401


def test_one_token_is_one_recipient(scene: Scene) -> None:
    """A right token under another's name is refused, and nothing is served without TLS or to an unknown authority."""
    token = scene.node.here("users", "add", "one", "--role", "taxii")["token"]
    scene.node.here("users", "add", "two", "--role", "taxii")
    assert scene.status("one", token) == 200
    assert scene.status("two", token) == 401
    with pytest.raises(httpx.TransportError):
        httpx.get(scene.url.replace("https", "http") + "/taxii2/", auth=("one", token), trust_env=False)
    with pytest.raises(requests.exceptions.SSLError):
        Server(f"{scene.url}/taxii2/", user="one", password=token).refresh()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--role", "reader", "--circles", "open"), "E-FLOW-045"),
        (("--role", "taxii", "--circles", "nowhere"), "E-STORE-061"),
        (("--role", "taxii", "--expires", "yesterday"), "E-FLOW-046"),
        (("--role", "taxii", "--expires", "2020-01-01"), "E-FLOW-046"),
        (("--role", "taxii", "--expires", "0d"), "E-FLOW-046"),
    ],
)
def test_wrong_bounds_are_told(scene: Scene, arguments: tuple[str, ...], code: str) -> None:
    """A circle that is not there, an end that has passed: one sentence, and no user is made."""
    done = scene.node.raw("users", "add", "nobody", *arguments)
    assert done.returncode == 2
    assert code in done.stderr.decode()
    assert "nobody" not in {user["name"] for user in scene.node.listing("users", "list")}


def test_serving_beyond_this_machine_takes_tls(scene: Scene, tmp_path: Path) -> None:
    """Without a certificate another address than loopback is refused: no token crosses a network in the clear."""
    node = SeawallNode(tmp_path / "plain", "TW")
    settings = node.folder / "seawall.toml"
    settings.write_text(settings.read_text() + '\n[serve]\nhost = "0.0.0.0"\n')
    done = node.raw("serve", "--port", str(free_port()), "--peer-port", str(free_port()))
    assert done.returncode == 2
    assert "E-EXCHANGE-011" in done.stderr.decode()
