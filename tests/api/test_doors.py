"""Documentation, metrics, health and the headers on everything."""

from __future__ import annotations

import httpx
import pytest

from seawall.api import PAGE_POLICY, Metric, exposition
from seawall.api.docs import docs_page


def test_openapi_describes_every_address(client: httpx.Client) -> None:
    """The OpenAPI document names each address with its parameters and the schema of its answer."""
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert len(document["paths"]) == 10
    look_up = document["paths"]["/api/v1/indicators/lookup"]["get"]
    assert {parameter["name"] for parameter in look_up["parameters"]} == {"value", "type"}
    assert "IndicatorRow" in str(look_up["responses"]["200"])


def test_documentation_page_needs_nobody_else(client: httpx.Client) -> None:
    """The page lists every address, has no script and no inline style, and loads nothing from elsewhere."""
    page = client.get("/api/v1/docs")
    assert page.headers["content-type"].__eq__("text/html; charset=utf-8")
    for path in client.get("/api/v1/openapi.json").json()["paths"]:
        assert path in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert client.get("/api/v1/redoc").status_code == 404
    assert client.get("/api/v1/swagger").status_code == 404


def test_documentation_escapes_what_it_shows() -> None:
    """Text in the document cannot become markup."""
    page = docs_page(
        {"info": {"title": "<b>", "description": "&<script>"}, "paths": {"/<x>": {"get": {"summary": "<i>"}}}}
    )
    assert "<script>" not in page
    assert "<b>" not in page
    assert "/&lt;x&gt;" in page


def test_metrics_are_prometheus_text(client: httpx.Client) -> None:
    """Figures come in Prometheus text format, escaped, and are open to this machine."""
    answer = httpx.get(f"{client.base_url}/metrics", trust_env=False)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE seawall_lake_events gauge\nseawall_lake_events 2400000\n" in answer.text
    assert r'seawall_sync_seconds{peer="har\"bour\n"} 0.0625' in answer.text


def test_metrics_have_honest_numbers_and_names() -> None:
    """Special numbers are spelled as Prometheus wants them, and an unusable name is an error of ours."""
    text = exposition([Metric("a", "A\nB.", "counter", float("inf")), Metric("b", "B.", "gauge", float("nan"))])
    assert "# HELP seawall_a A\\nB.\n" in text
    assert "seawall_a +Inf\n" in text
    assert "seawall_b NaN\n" in text
    with pytest.raises(ValueError, match="bad name"):
        exposition([Metric("bad name", "x", "gauge", 1)])


def test_health_is_open_and_says_nothing_else(client: httpx.Client) -> None:
    """Health needs no token."""
    answer = httpx.get(f"{client.base_url}/healthz", trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/status", "/api/v1/docs", "/nowhere", "/metrics"])
def test_every_answer_carries_the_policy(client: httpx.Client, path: str) -> None:
    """Pages, data and errors alike carry the strict policy and no server name."""
    headers = client.get(path).headers
    assert headers["content-security-policy"] == PAGE_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_language_of_errors_follows_the_asker(client: httpx.Client) -> None:
    """The sentence is in the language asked for as far as the catalogue has it; the code never changes."""
    codes = {
        client.get("/api/v1/events?since=x", headers={"Accept-Language": tag}).json()["code"]
        for tag in ("zh-TW,zh;q=0.9,en;q=0.8", "ko-KR", "fr", "", "*;q=0.5," * 100)
    }
    assert codes == {"E-MODEL-001"}
