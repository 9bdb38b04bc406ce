"""From EVE fields to the columns of an observation."""

from __future__ import annotations

from typing import Any

import pytest

from ingest_scenes import Scene, eve

HASH = "0123456789abcdef0123456789abcdef"
SHA256 = "ab" * 32


def one(scene: Scene, **fields: Any) -> dict[str, Any]:
    """The row of one event."""
    scene.ingest(scene.write("eve.json", [eve(1, **fields)]))
    return scene.rows()[-1]


@pytest.mark.parametrize(
    ("http", "domain", "url"),
    [
        ({"hostname": "Example.TEST", "url": "/A?b=C"}, "example.test", "http://example.test/A?b=C"),
        ({"hostname": "example.test.", "url": "/a#frag"}, "example.test", "http://example.test/a"),
        ({"hostname": "example.test", "url": "/", "http_port": 8080}, "example.test", "http://example.test:8080/"),
        ({"hostname": "example.test", "url": "/", "http_port": 0}, "example.test", "http://example.test/"),
        ({"hostname": "example.test:8080", "url": "/a"}, "example.test", "http://example.test:8080/a"),
        ({"hostname": "example.test:80", "url": "/a"}, "example.test", "http://example.test/a"),
        ({"hostname": "192.0.2.9", "url": "/a"}, None, "http://192.0.2.9/a"),
        ({"hostname": "[2001:db8::1]:81", "url": "/a"}, None, "http://[2001:db8::1]:81/a"),
        ({"url": "/a"}, None, None),
        ({"hostname": "proxy.test", "url": "HTTP://Other.Test:80/x?y#z"}, "other.test", "http://other.test/x?y"),
        ({"url": "https://u:p@other.test"}, "other.test", "https://other.test/"),
        ({"hostname": "example.test", "url": "example.test:443", "http_method": "CONNECT"}, "example.test", None),
        ({"hostname": "臺灣.test", "url": "/"}, "xn--nnx388a.test", "http://xn--nnx388a.test/"),
        ({"hostname": "${jndi:ldap://x}", "url": "/a"}, None, None),
        ({"hostname": "a b", "url": "/a"}, None, None),
        ({"hostname": "..", "url": "/a"}, None, None),
        ({"hostname": "", "url": "/a"}, None, None),
        ({"hostname": "x" * 300, "url": "/a"}, None, None),
        ({"hostname": "host7", "url": "/a"}, "host7", "http://host7/a"),
        ({"hostname": "example.test", "url": "*"}, "example.test", None),
    ],
)
def test_http_gives_domain_and_url(scene: Scene, http: dict[str, Any], domain: str | None, url: str | None) -> None:
    """Host in lower case without port, URL in canonical spelling; what is no host gives neither."""
    row = one(scene, event_type="http", http=http)
    assert (row["domain"], row["url"]) == (domain, url)


@pytest.mark.parametrize(
    "fields",
    [
        {"dns": {"rrname": "Name.Test"}},
        {"dns": {"version": 3, "queries": [{"rrname": "name.test"}, {"rrname": "second.test"}]}},
        {"dns": {"query": [{"rrname": "name.test"}]}},
        {"tls": {"sni": "name.test"}},
        {"quic": {"sni": "name.test"}},
    ],
)
def test_dns_tls_and_quic_name_a_domain(scene: Scene, fields: dict[str, Any]) -> None:
    """All versions of the DNS record, and server names."""
    assert one(scene, **fields)["domain"] == "name.test"


def test_files_fingerprints_and_certificates(scene: Scene) -> None:
    """Hashes in lower case; what is no hash is left out."""
    row = one(scene, fileinfo={"filename": "/a/b.exe", "md5": HASH.upper(), "sha1": "short", "sha256": SHA256})
    assert (row["file_name"], row["md5"], row["sha1"], row["sha256"]) == ("/a/b.exe", HASH, None, SHA256)
    row = one(scene, files=[{"filename": "c", "sha256": SHA256}])
    assert (row["file_name"], row["sha256"]) == ("c", SHA256)
    tls = {"fingerprint": "AB:" * 19 + "ab", "ja3": {"hash": HASH}, "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1"}
    row = one(scene, tls=tls)
    assert (row["certificate"], row["ja3"], row["ja4"]) == ("ab" * 20, HASH, tls["ja4"])
    row = one(scene, ssh={"client": {"hassh": {"hash": HASH}}, "server": {"hassh": {"hash": HASH[::-1]}}})
    assert row["hassh"] == HASH


def test_an_alert_gives_signature_vulnerability_technique_and_class(scene: Scene) -> None:
    """CVEs from name and metadata, techniques from metadata."""
    alert = {
        "action": "allowed",
        "signature_id": 2_034_567,
        "signature": "ET EXPLOIT Log4j (CVE-2021-44228) (CVE_2021_45046)",
        "category": "Attempted Administrator Privilege Gain",
        "severity": 1,
        "metadata": {"cve": ["CVE_2025_00001", "2021_44228"], "mitre_technique_id": ["T1190", "T1059.004"]},
    }
    row = one(scene, event_type="alert", alert=alert)
    assert row["cve"] == "CVE-2021-44228,CVE-2021-45046,CVE-2025-00001"
    assert (row["technique"], row["rsit"], row["basis"]) == ("T1059.004,T1190", "intrusion-attempts:exploit", "alert")
    assert (row["signature_id"], row["severity"], row["category"]) == (2_034_567, 1, alert["category"])


@pytest.mark.parametrize(
    ("event", "basis"),
    [
        ({"event_type": "alert", "alert": {"action": "allowed", "category": "A Network Trojan was detected"}}, "alert"),
        ({"event_type": "alert", "alert": {"action": "allowed", "category": "", "signature": "local rule"}}, "alert"),
        ({"event_type": "alert", "alert": {"action": "blocked", "category": "Misc Attack"}}, "blocked"),
        (
            {"event_type": "alert", "alert": {"action": "allowed", "category": "Generic Protocol Command Decode"}},
            "none",
        ),
        ({"event_type": "alert", "alert": {"signature": "SURICATA STREAM x", "signature_id": 2210000}}, "none"),
        ({"event_type": "alert", "alert": {"signature": "renamed", "signature_id": 2210000}}, "none"),
        ({"event_type": "alert", "alert": {"signature": "ET INFO something"}}, "none"),
        ({"event_type": "drop", "drop": {"reason": "rules"}}, "blocked"),
        ({"event_type": "drop", "drop": {"reason": "stream error"}}, "none"),
        ({"event_type": "drop"}, "blocked"),
        ({"event_type": "stats"}, "none"),
        ({"event_type": "http", "http": {"url": "/evil"}}, "none"),
    ],
)
def test_basis_is_evidence_and_given_sparingly(scene: Scene, event: dict[str, Any], basis: str) -> None:
    """Alerts and drops count unless they are the engine's own remarks or describe no attack."""
    assert one(scene, **event)["basis"] == basis


@pytest.mark.parametrize(
    ("source", "destination", "own_end"),
    [
        ("10.0.0.1", "192.0.2.1", "source"),
        ("192.0.2.1", "fe80::1", "destination"),
        ("10.0.0.1", "127.0.0.1", "both"),
        ("192.0.2.1", "2001:db8::1", "neither"),
        (..., "192.0.2.1", "unknown"),
        (..., "10.0.0.1", "destination"),
        (..., ..., "unknown"),
    ],
)
def test_own_end_comes_from_address_ranges(scene: Scene, source: Any, destination: Any, own_end: str) -> None:
    """A missing address leaves it unknown unless the other end is ours."""
    row = one(scene, src_ip=source, dest_ip=destination)
    assert row["own_end"] == own_end
    assert (row["src_low"] is None) == (source is ...)


@pytest.mark.parametrize(
    ("source", "destination", "email"),
    [
        ("192.0.2.1", "10.0.0.1", "sender@remote.test"),
        ("10.0.0.1", "192.0.2.1", "to@there.test"),
        ("10.0.0.1", "10.0.0.2", None),
    ],
)
def test_only_the_remote_correspondent_is_kept(scene: Scene, source: str, destination: str, email: str | None) -> None:
    """Whoever sends to us, or whom we send to; never our own people."""
    smtp = {"mail_from": "<Sender@Remote.Test>", "rcpt_to": ["<to@there.test>", "<b@there.test>"]}
    assert one(scene, event_type="smtp", smtp=smtp, src_ip=source, dest_ip=destination)["email"] == email


def test_roles_follow_the_direction_of_the_conversation(scene: Scene) -> None:
    """A name that our client asks for is remote; one that others ask of our server is our own."""
    out = eve(1, src_ip="10.0.0.1", dest_ip="192.0.2.1", http={"hostname": "bad.test", "url": "/"})
    into = eve(2, src_ip="192.0.2.1", dest_ip="10.0.0.1", http={"hostname": "www.own.test", "url": "/"})
    answer = eve(3, src_ip="192.0.2.1", dest_ip="10.0.0.1", direction="to_client", tls={"sni": "answer.test"})
    flow = eve(4, src_ip="192.0.2.1", dest_ip="10.0.0.1", flow={"src_ip": "10.0.0.1"}, tls={"sni": "flow.test"})
    scene.ingest(scene.write("a.json", [out, into, answer, flow]))
    roles = {row["value"]: row["role"] for row in scene.rollup() if row["type"] == "domain"}
    assert roles == {"bad.test": "remote", "www.own.test": "own", "answer.test": "remote", "flow.test": "remote"}


def test_country_and_network_of_the_remote_end(scene: Scene) -> None:
    """Looked up for the end that is not ours, where the other one is."""
    import numpy as np

    class Atlas:
        def lookup_many(
            self, low: np.ndarray, high: np.ndarray | None = None
        ) -> tuple[list[str | None], list[int | None]]:
            known = {(0, 0xFFFF_C000_0201): ("KR", 4766), (0x2001_0DB8 << 32, 1): ("TW", None)}
            assert high is not None
            found = [known.get(pair, (None, None)) for pair in zip(high.tolist(), low.tolist(), strict=True)]
            return [country for country, _ in found], [number for _, number in found]

    ends = [("10.0.0.1", "192.0.2.1"), ("192.0.2.1", "10.0.0.1"), ("192.0.2.2", "10.0.0.1"), ("192.0.2.1", "192.0.2.1")]
    ends += [("10.0.0.1", "2001:db8::1"), ("10.0.0.1", "10.0.0.2")]
    lines = [eve(n, src_ip=source, dest_ip=destination) for n, (source, destination) in enumerate(ends)]
    scene.ingest(scene.write("a.json", lines), geography=Atlas())
    told = [(row["country"], row["asn"]) for row in scene.rows()]
    nothing = (None, None)
    assert told == [("KR", 4766), ("KR", 4766), nothing, nothing, ("TW", None), nothing]
