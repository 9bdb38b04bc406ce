"""Feeds over HTTP: what a firewall's poll gets, and what everybody else gets."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from absent import absent
from feed_scenes import book, consumer, feeds_served, leaves, tell, unsay
from seawall.api import feeds as door
from seawall.api import handing
from seawall.api.feeds import Door
from seawall.api.serving import Serving
from seawall.flow.book_epoch import begin_epoch
from seawall.flow.node import Node, create_node
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_written import write_pieces

A, B = "45.9.113.1", "45.9.113.2"


class Scene(NamedTuple):
    """A serving node with a consumer ``edge``."""

    node: Node
    url: str
    token: str
    client: httpx.Client

    def poll(self, path: str = "/feeds/edge", **headers: str) -> httpx.Response:
        """One poll of the consumer, uncompressed unless said."""
        given = {"accept-encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, auth=("edge", self.token), headers=given)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Taipei, with one address in force."""
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node") as node:
        tell(node, A)
        _, token = consumer(node)
        with feeds_served(node) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield Scene(node, url, token, client)


def test_a_poll_gets_the_list_and_the_next_one_that_it_still_holds(scene: Scene) -> None:
    """200 with an entity tag, then 304 without content, for Basic and bearer alike, until something changes."""
    first = scene.poll()
    assert (first.status_code, first.text) == (200, f"{A}\n")
    tag = first.headers["etag"]
    size = scene.node.ledger.size
    assert scene.poll(if_none_match=tag).status_code == 304
    bearer = {"authorization": f"Bearer {scene.token}", "if-none-match": f'"other", {tag}'}
    second = scene.client.get("/feeds/edge", headers=bearer)
    assert (second.status_code, second.content, scene.node.ledger.size) == (304, b"", size)
    tell(scene.node, B)
    third = scene.poll(if_none_match=tag)
    assert (third.status_code, third.text, third.headers["etag"] != tag) == (200, f"{A}\n{B}\n", True)


def test_an_empty_list_is_a_list(scene: Scene) -> None:
    """When the last value went, 200 and nothing: a firewall must not keep what it had."""
    tag = scene.poll().headers["etag"]
    unsay(scene.node, A)
    answer = scene.poll(if_none_match=tag)
    assert (answer.status_code, answer.content) == (200, b"")


def test_moments_compare_only_once_their_second_is_over(scene: Scene) -> None:
    """Without entity tags, If-Modified-Since answers 304; a wrong or older moment gets the list."""
    scene.poll()
    time.sleep(1.1)
    modified = scene.poll().headers["last-modified"]
    assert scene.poll(if_modified_since=modified).status_code == 304
    for moment in ("Thu, 01 Jan 1970 00:00:00 GMT", "yesterday", "9" * 5_000):
        assert scene.poll(if_modified_since=moment).status_code == 200
    assert scene.poll(if_modified_since=modified, if_none_match='"other"').status_code == 200


def test_head_tells_the_same_headers_and_no_content(scene: Scene) -> None:
    """Tag, type and sequence as with GET; and since nothing leaves, nothing is put on record for it."""
    told = scene.client.head("/feeds/edge", auth=("edge", scene.token), headers={"accept-encoding": "identity"})
    assert (told.status_code, told.content, leaves(scene.node, kind="feed-handed")) == (200, b"", [])
    got = scene.poll()
    for name in ("etag", "content-type", "x-seawall-sequence"):
        assert told.headers[name] == got.headers[name]


def test_gzip_is_sent_to_who_takes_it(scene: Scene) -> None:
    """The same list, smaller."""
    book(scene.node, [f"45.9.113.{number}" for number in range(1, 250)])
    plain = scene.poll()
    with scene.client.stream("GET", "/feeds/edge", auth=("edge", scene.token)) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content)


def test_a_delta_is_what_changed_since(scene: Scene) -> None:
    """Came and went behind a sequence; 204 for nothing, 410 for what is not known, 400 for no number."""
    sequence = scene.poll().headers["x-seawall-sequence"]
    assert scene.poll(f"/feeds/edge?since={sequence}").status_code == 204
    tell(scene.node, B)
    unsay(scene.node, A)
    answer = scene.poll(f"/feeds/edge?since={sequence}")
    assert sorted((line[0], line.split()[-1]) for line in answer.text.splitlines()) == [("+", B), ("-", A)]
    number, _, epoch = sequence.partition("-")
    for given in (f"999999-{epoch}", number, f"{number}-{'0' * 16}"):
        assert scene.poll(f"/feeds/edge?since={given}").status_code == 410
    for given in ("x", f"{sequence}0", f"-{epoch}", "-1", "1e9", "9" * 40, ""):
        assert scene.poll(f"/feeds/edge?since={given}").status_code == 400


def test_a_restored_backup_gives_the_whole_list_again(scene: Scene) -> None:
    """Numbers that come again with another meaning are known by their book: no entry is skipped."""
    begun = scene.node.store.served_feeds.named("edge")
    told = scene.poll().headers["x-seawall-sequence"]
    begin_epoch(scene.node, scene.node.clock(), begun.modified_at)
    assert scene.poll(f"/feeds/edge?since={told}").status_code == 410
    whole = scene.poll()
    again = whole.headers["x-seawall-sequence"]
    assert (whole.status_code, A in whole.text, again.split("-")[0]) == (200, True, told.split("-")[0])
    assert again != told
    assert scene.poll(f"/feeds/edge?since={again}").status_code == 204


def test_wrong_tokens_and_others_feeds_look_alike(scene: Scene) -> None:
    """No token, a wrong one, another feed's, an unknown feed: 401 in one line that names no feed."""
    _, other = consumer(scene.node, "other")
    answers = [
        scene.client.get("/feeds/edge", auth=("edge", "0" * 64)),
        scene.client.get("/feeds/edge", auth=("edge", other)),
        scene.client.get("/feeds/edge", auth=("other", scene.token)),
        scene.client.get("/feeds/nothing", auth=("nothing", scene.token)),
        scene.client.get("/feeds/edge", headers={"authorization": f"Bearer {other}"}),
        scene.client.get(f"/feeds/edge?token={scene.token}"),
        scene.client.get("/feeds/edge", headers={"authorization": "Basic ?"}),
        scene.client.get("/feeds/edge", headers={"authorization": "Bearer " + "x" * 5_000}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert all("Basic" in answer.headers["www-authenticate"] for answer in answers)
    assert len({answer.text for answer in answers}) <= 2
    assert all(answer.text.count("\n") == 1 and "edge" not in answer.text for answer in answers)
    assert leaves(scene.node, kind="feed-handed") == []


def test_paths_are_names_and_nothing_else(scene: Scene) -> None:
    """Dots, slashes, encodings and nulls in a path open nothing and break nothing."""
    for path in (
        "/feeds", "/feeds/", "/feeds/%2e%2e/metrics", "/feeds/edge/%2e%2e/%2e%2e/etc/passwd", "/feeds/%2e%2e/edge",
        "/feeds/edge%2f..%2fother", "/feeds/edge%00", "/feeds/edge/block-ip.txt/x", "/feeds/edge/%2e%2e", "/feedsedge",
        "/feeds/" + "a" * 4_000, "/feeds/edge/nothing.txt",
    ):  # fmt: skip
        answer = scene.client.get(scene.url.rstrip("/") + path, auth=("edge", scene.token))
        assert answer.status_code in (400, 401, 404), path
        assert A not in answer.text
    assert scene.poll("/feeds/edge/block-ip.txt").text == f"{A}\n"


def test_only_reading_is_possible(scene: Scene) -> None:
    """Other methods get 405, whoever asks."""
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert scene.client.request(method, "/feeds/edge", auth=("edge", scene.token)).status_code == 405


def test_a_huge_if_none_match_is_looked_at_only_so_far(scene: Scene) -> None:
    """Tags beyond the first 4,096 characters do not count; a star still does."""
    tag = scene.poll().headers["etag"]
    assert scene.poll(if_none_match=", ".join(['"x"'] * 5_000 + [tag])).status_code == 200
    assert scene.poll(if_none_match="*").status_code == 304


def test_who_guesses_waits(scene: Scene) -> None:
    """After ten wrong tokens for one name, 429 with the seconds, for the right token too; others are not held up."""
    for _ in range(10):
        assert scene.client.get("/feeds/guess", auth=("guess", "wrong")).status_code == 401
    held = scene.client.get("/feeds/guess", auth=("guess", "wrong"))
    assert (held.status_code, 0 < int(held.headers["retry-after"]) <= 60) == (429, True)
    assert scene.poll().status_code == 200


def test_content_is_rationed_and_asking_whether_it_changed_is_not(scene: Scene) -> None:
    """Who fetches the whole list again and again is told to wait, and still learns whether it changed."""
    statuses = [scene.poll().status_code for _ in range(door.LISTS_AT_ONCE + 2)]
    assert (statuses[0], statuses[-1]) == (200, 429)
    assert scene.poll(if_none_match="*").status_code == 304


def test_slow_readers_are_few_and_are_cut_off(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that stop taking bytes lose their connections; others are served, and no more than eight stall."""
    monkeypatch.setattr(handing, "SEND_SECONDS", 1.0)
    huge = write_pieces(scene.node, [bytes(1 << 20)] * 16)  # more than any socket's buffers take
    monkeypatch.setattr(FeedDesk, "whole", lambda *_args, **_named: huge)
    feed, token = consumer(scene.node, "slow")
    doors, plain = Door(), {"accept-encoding": "identity"}
    with feeds_served(scene.node, doors) as url, ExitStack() as stack:
        host = httpx.URL(url)
        asking = f"GET /feeds/slow HTTP/1.1\r\nHost: {host.host}:{host.port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        for _ in range(door.MAX_OPEN):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            one.connect((host.host, host.port))
            one.sendall(asking.encode())
        _until(lambda: doors.open[feed.number] == door.MAX_OPEN)
        ninth = httpx.get(f"{url}feeds/slow", auth=("slow", token), trust_env=False)
        other = httpx.get(f"{url}feeds/edge", auth=("edge", scene.token), headers=plain, trust_env=False)
        assert (ninth.status_code, other.status_code) == (429, 200)
        _until(lambda: doors.open[feed.number] == 0)


def test_a_listener_answers_to_the_names_that_the_settings_give_it(tmp_path: Path) -> None:
    """A firewall calls the node by its public name; any other name is still turned away."""
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    with (tmp_path / "node" / "seawall.toml").open("a") as settings:
        settings.write('\n[serve]\nnames = ["seawall.example"]\n')
    with Node.open(tmp_path / "node") as node:
        _, token = consumer(node)
        with Serving(node, port=0, peer_port=0) as serving, httpx.Client(base_url=serving.local_url) as client:
            answers = [
                client.get("/feeds/edge", auth=("edge", token), headers={"host": host}).status_code
                for host in ("seawall.example", "other.example")
            ]
    assert answers == [200, 421]


def test_parallel_polls_are_all_answered(scene: Scene) -> None:
    """Twenty polls at once: the list or, beyond eight readers, the word to wait; never half of it, never an error."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(scene.poll())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 20
    assert {answer.status_code for answer in found} <= {200, 429}
    assert {answer.text for answer in found if answer.status_code == 200} == {f"{A}\n"}


def test_curl_keeps_its_tag_between_polls(scene: Scene, tmp_path: Path) -> None:
    """The documented line: ``--etag-save`` and ``--etag-compare`` transfer the list once."""
    _needs("curl")
    tag, out = tmp_path / "tag", tmp_path / "list"
    command = [
        "curl", "-fsS", "--compressed", "-u", f"edge:{scene.token}", "--etag-save", str(tag),
        "--etag-compare", str(tag),        "-o", str(out), "-w", "%{http_code}", f"{scene.url}feeds/edge",
    ]  # fmt: skip
    codes = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert (codes, out.read_text()) == (["200", "304"], f"{A}\n")


def test_nginx_takes_the_list_as_it_comes(scene: Scene, tmp_path: Path) -> None:
    """What a consumer of the form nginx fetches is a configuration that the real nginx accepts."""
    _needs("nginx")
    _, token = consumer(scene.node, "proxy", format="nginx")
    (tmp_path / "seawall-geo.conf").write_bytes(scene.client.get("/feeds/proxy", auth=("proxy", token)).content)
    (tmp_path / "nginx.conf").write_text(
        "events {}\nhttp { include seawall-geo.conf;\n"
        "server { listen 127.0.0.1:1; if ($seawall = block) { return 403; } } }"
    )
    done = subprocess.run(
        ["nginx", "-t", "-q", "-e", str(tmp_path / "log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"),
         "-g", f"pid {tmp_path / 'pid'};"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert A in (tmp_path / "seawall-geo.conf").read_text()


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        absent(f"{program} is not installed")
