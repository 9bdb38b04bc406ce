"""Access logs of Apache, nginx, Caddy and Traefik: the client is the source, and everything asked for is our own."""

from __future__ import annotations

import json

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise

TIME = "[22/Nov/2026:01:02:03 +0900]"
MOMENT = 1_795_276_923_000_000  # 2026-11-21T16:02:03Z
COMMON = f'203.0.113.9 - - {TIME} "GET /a?b=1 HTTP/1.1" 200 512'
COMBINED = f'{COMMON} "https://referer.example/" "Mozilla/5.0 \\"quoted\\" (X11)"'
VHOST = f"www.example.org:443 {COMBINED}"
COLUMNS = "kind, src_low, src_high, dst_low, domain, url, own_end, basis, username, time"
CADDY = {
    "level": "info",
    "ts": 1795276923.5,
    "logger": "http.log.access.log0",
    "msg": "handled request",
    "request": {"remote_ip": "203.0.113.9", "remote_port": "41342", "proto": "HTTP/2.0", "method": "GET",
                "host": "www.example.org:8443", "uri": "/a", "tls": {"version": 772}},
    "user_id": "somebody",
    "status": 200,
}  # fmt: skip
TRAEFIK = {
    "ClientAddr": "203.0.113.9:5123", "ClientHost": "203.0.113.9", "ClientPort": "5123", "ClientUsername": "somebody",
    "DownstreamStatus": 200, "RequestHost": "www.example.org", "RequestMethod": "GET", "RequestPath": "/a",
    "StartUTC": "2026-11-21T16:02:03.25Z", "level": "info", "msg": "", "time": "2026-11-21T16:02:03Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "domain", "url"),
    [
        (COMMON, None, None),
        (COMBINED, None, None),
        (VHOST, "www.example.org", "https://www.example.org/a?b=1"),
        (f"Shop.Example.ORG:80 {COMMON}", "shop.example.org", "http://shop.example.org/a?b=1"),
        (f"shop.example.org:8080 {COMMON}", "shop.example.org", "http://shop.example.org:8080/a?b=1"),
        (f"shop.example.org {COMMON}", "shop.example.org", "http://shop.example.org/a?b=1"),
        (f"192.0.2.80:80 {COMMON}", None, "http://192.0.2.80/a?b=1"),
        (f'{COMBINED} "extra" 0.003', None, None),
        (json.dumps(CADDY), "www.example.org", "https://www.example.org:8443/a"),
        (json.dumps(TRAEFIK), "www.example.org", "http://www.example.org/a"),
    ],
    ids=["common", "combined", "vhost", "port 80", "port", "no port", "address", "longer", "caddy", "traefik"],
)
def test_each_form_is_recognised_and_gives_client_time_and_our_own_url(
    scene: Scene, line: str, domain: str | None, url: str | None
) -> None:
    """The client is the source, the server the destination; nothing but the client may be remote."""
    report = scene.ingest(scene.write("access.log", [line.encode()]))
    assert (counts(report), report.by_type) == ((1, 0, 0), {"http": 1})
    (row,) = scene.rows(COLUMNS)
    assert (row["src_low"], row["domain"], row["url"]) == (0xFFFF_CB00_7109, domain, url)
    assert (row["basis"], row["username"], row["time"] // 1_000_000) == ("none", None, MOMENT // 1_000_000)
    if "192.0.2.80" not in line:
        assert row["own_end"] == "destination"
        assert {(one["type"], one["role"]) for one in scene.rollup() if one["role"] != "own"} == {("ipv4", "remote")}


NO_PATHS = [
    "-",
    "",
    "\\x16\\x03\\x01",
    "GET http://elsewhere.example/x HTTP/1.1",
    "CONNECT elsewhere.example:443 HTTP/1.1",
    "GET / OR 1=1; DROP TABLE x HTTP/1.1",
    "\\x1b[31m",
    'a\\"b',
]


def test_what_is_no_path_of_ours_is_left_out(scene: Scene) -> None:
    """Proxy requests and garbage are counted as visits of their client, and name nothing."""
    lines = [f'www.example.org:80 203.0.113.9 - - {TIME} "{one}" 400 0'.encode() for one in NO_PATHS]
    assert counts(scene.ingest(scene.write("access.log", lines))) == (len(NO_PATHS), 0, 0)
    assert {(row["domain"], row["url"]) for row in scene.rows("domain, url")} == {("www.example.org", None)}


def test_names_of_users_with_spaces_and_brackets_harm_nothing(scene: Scene) -> None:
    """Apache writes what a client gave as its name, spaces included; it is not stored."""
    lines = [
        f'203.0.113.9 - {user} {TIME} "GET / HTTP/1.0" 401 -'.encode() for user in ("a b c", "x [y] z", "\\x22", '"')
    ]
    assert counts(scene.ingest(scene.write("access.log", lines))) == (4, 0, 0)
    assert {row["src_low"] for row in scene.rows("src_low")} == {0xFFFF_CB00_7109}


def test_escapes_of_apache_and_of_nginx_make_one_url(scene: Scene) -> None:
    """As real servers logged one request."""
    paths = ('/a\\"b\\\\c\\xe6\\xbc\\xa2', "/a\\x22b\\x5Cc\\xE6\\xBC\\xA2")
    lines = [f'www.example.org:80 203.0.113.9 - - {TIME} "GET {path} HTTP/1.1" 200 5'.encode() for path in paths]
    scene.ingest(scene.write("access.log", lines))
    assert [row["url"] for row in scene.rows("url")] == ["http://www.example.org/a%22b%5Cc%E6%BC%A2"] * 2


def test_ipv6_clients_and_hosts(scene: Scene) -> None:
    """Addresses of clients and bracketed virtual hosts."""
    lines = [
        f'2001:db8::9 - - {TIME} "GET / HTTP/1.1" 200 5',
        f'[2001:db8::80]:8080 2001:db8::9 - - {TIME} "GET /x HTTP/1.1" 200 5',
    ]
    assert counts(scene.ingest(scene.write("access.log", [line.encode() for line in lines]))) == (2, 0, 0)
    rows = scene.rows("src_high, src_low, url, own_end")
    assert [row["src_low"] for row in rows] == [9, 9] and rows[1]["url"] == "http://[2001:db8::80]:8080/x"
    assert rows[0]["own_end"] == "destination"


BAD_LINES = [
    (b"some words", "not-access-log"),
    (COMMON.encode()[:50], "not-access-log"),
    (COMMON.replace("203.0.113.9", "client.example.org").encode(), "client-name"),
    (COMMON.replace("203.0.113.9", "203.0.113.999").encode(), "bad-address"),
    (COMMON.replace("22/Nov", "31/Nov").encode(), "bad-time"),
    (COMMON.replace("22/Nov", "22/Nox").encode(), "bad-time"),
    (COMMON.replace("200", "NaN").encode(), "not-access-log"),
    (COMMON.replace("512", "9" * 30).encode(), "not-access-log"),
    (f"www.example.org:99999 {COMMON}".encode(), "wrong-type"),
    (b"\x1b[2J\xff\xfe", "not-access-log"),
    (b'{"logger": "http.log.access", "request": {"remote_ip": {"a": 1}}, "ts": 1795276923}', "wrong-type"),
    (b'{"logger": "http.log.access", "request": {}, "ts": NaN}', "not-json"),
    (b'{"logger": "http.log.access", "request": {}, "ts": 1e300}', "bad-time"),
    (b'{"other": 1}', "not-access-log"),
]


def test_bad_lines_are_quarantined_and_their_neighbours_are_stored(scene: Scene) -> None:
    """Each with its own reason, between good lines that are none the worse."""
    lines = [line for n, (bad, _) in enumerate(BAD_LINES) for line in (COMBINED.replace("/a", f"/{n}").encode(), bad)]
    assert counts(scene.ingest(scene.write("access.log", lines))) == (len(BAD_LINES), 0, len(BAD_LINES))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == [code for _, code in BAD_LINES]


def test_what_an_attacker_sends_stays_text(scene: Scene) -> None:
    """Long, escaped, invalid and template-like requests are rows like any other."""
    odd = [b"/" + b"A" * 100_000, b"/\xff\xfe", b"/{{7*7}}", b"/%s%n", b"/';--", b"/=cmd|x", "/漢字".encode()]
    lines = [
        b"www.example.org:80 203.0.113.9 - - " + TIME.encode() + b' "GET ' + path + b' HTTP/1.1" 404 0' for path in odd
    ]
    assert counts(scene.ingest(scene.write("access.log", lines))) == (len(odd), 0, 0)


def test_other_logs_are_not_taken_for_access_logs() -> None:
    """Syslog lines, JSON of others and plain text."""
    for head in (
        b"Nov 22 01:02:03 host sshd[1]: Failed password\n",
        b'{"event_type": "http"}\n',
        b'a - - [b] "c" 1 2\n',
    ):
        found = recognise(head)
        assert found is None or found.name != "web-access"
    for line in (COMMON, COMBINED, VHOST, json.dumps(CADDY), json.dumps(TRAEFIK)):
        assert [one.name for one in FORMATS if one.recognises(line.encode())] == ["web-access"]
