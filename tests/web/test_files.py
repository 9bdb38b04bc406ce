"""The page's files as they are served: the policy, the names, and what is not in them."""

from __future__ import annotations

import re
from importlib.resources import files

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import PAGE_POLICY
from seawall.web.files import assets
from web.conftest import Start

STATIC = files("seawall.web").joinpath("static")


def test_page_and_every_file_are_served_under_the_policy(serve: Start) -> None:
    """The page and each of its files come with the right type and the strict policy, without a token."""
    with httpx.Client(base_url=serve(FakeNode()), trust_env=False) as client:
        assert client.get("/").headers["content-type"] == "text/html; charset=utf-8"
        for name, asset in assets().items():
            answer = client.get(f"/static/{name}")
            assert answer.content == asset.body
            assert answer.headers["content-type"].removesuffix("; charset=utf-8") == asset.media_type
            assert answer.headers["content-security-policy"] == PAGE_POLICY


def test_a_known_file_is_not_sent_twice(serve: Start) -> None:
    """A browser that has the file gets 304."""
    with httpx.Client(base_url=serve(FakeNode()), trust_env=False) as client:
        tag = client.get("/static/main.js").headers["etag"]
        assert client.get("/static/main.js", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2ffiles.py", "../files.py", "%2e%2e/files.py", "index.html%00", "", "static/main.js"]
)
def test_only_listed_files_exist(serve: Start, name: str) -> None:
    """No name leads outside of the list."""
    with httpx.Client(base_url=serve(FakeNode()), trust_env=False) as client:
        assert client.get(f"/static/{name}").status_code == 404


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    """No inline script, style or handler, no markup sinks, no address of another host in any file."""
    for entry in STATIC.iterdir():
        text = entry.read_text("utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), entry.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", text), (
            entry.name
        )
        assert not re.search(r"\bsetAttribute\(\"style\"|\sstyle=\"|<style", text), entry.name
    page = STATIC.joinpath("index.html").read_text("utf-8")
    assert not re.search(r"\son\w+=", page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)


def test_the_three_languages_say_the_same_things() -> None:
    """Each language has the same keys with the same named places, and every key of the page exists."""
    spoken: dict[str, dict[str, list[str]]] = {}
    for name in ("en", "zh-hant", "ko"):
        pairs = re.findall(r'(\w+): "((?:[^"\\]|\\.)*)"', STATIC.joinpath(f"text-{name}.js").read_text("utf-8"))
        spoken[name] = {key: sorted(re.findall(r"\{\w+\}", sentence)) for key, sentence in pairs}
    assert len(spoken["en"]) > 100
    assert spoken["en"] == spoken["zh-hant"] == spoken["ko"]
    used = set(re.findall(r'data-text="(\w+)"', STATIC.joinpath("index.html").read_text("utf-8")))
    for entry in STATIC.iterdir():
        if entry.name.endswith(".js"):
            used |= set(re.findall(r'\btext\("(\w+)"', entry.read_text("utf-8")))
    assert used <= set(spoken["en"])
