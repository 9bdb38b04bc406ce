"""The configurations of docs/how-to/rpz.md, as the tools' own checkers read them."""

from __future__ import annotations

import inspect
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from protect.rpz.scenes import key_file
from seawall.model import Fault
from seawall.protect.agent.tools import make_driver
from seawall.protect.drivers.rpz import RpzDriver
from seawall.protect.rpz.resolvers import MAKERS, Follow, configuration
from seawall.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rpz.md"


def snippet(kind: str) -> str:
    """The page's piece of that kind."""
    found = re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) >= 1, kind
    return "\n".join(found)


def accepted(*command: str) -> str:
    """What the checker said, having said yes."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


BOTH = pytest.mark.parametrize("parts", [False, True])


@pytest.mark.parametrize(("tool", "kind"), [("bind", "named"), ("unbound", "unbound"), ("knot", "yaml")])
def test_the_page_shows_what_seawall_prints(tool: str, kind: str) -> None:
    """``seawall protect resolver`` without options gives the page's configuration."""
    assert snippet(kind) == configuration(tool, Follow())
    assert configuration("powerdns", Follow()) in PAGE.read_text()


def test_parts_are_the_same_for_each_blocked_zone() -> None:
    """Sixteen zones that block stand where one did; each tool's lines name them all, what is watched comes last."""
    for tool in set(MAKERS) - {"powerdns"}:
        text = configuration(tool, Follow(parts=True))
        places = [text.index(f"block-{part:x}.rpz.seawall") for part in range(16)]
        assert places == sorted(places)
        assert "block.rpz.seawall" not in text
        assert text.find("watch.rpz.seawall") in (-1, *range(places[-1], len(text)))


@pytest.mark.parametrize(
    ("code", "tool", "follow"),
    [
        ("100", "bind", Follow(zone='x"; }; evil')),
        ("112", "djbdns", Follow()),
        ("113", "powerdns", Follow(parts=True)),
        ("114", "bind", Follow(address="127.0.0.1; }; evil")),
        ("114", "bind", Follow(key='a"b')),
    ],
)
def test_what_cannot_stand_in_a_configuration_is_said(code: str, tool: str, follow: Follow) -> None:
    """Nothing that is given leaves its place between the quotes."""
    with pytest.raises(Fault, match=f"E-PROTECT-{code}"):
        configuration(tool, follow)


@BOTH
@pytest.mark.tool("named-checkconf")
def test_named_checkconf_takes_the_configuration_and_our_key_file(tmp_path: Path, parts: bool) -> None:
    """As it stands there, but for the folders."""
    text = configuration("bind", Follow(parts=parts))
    text = text.replace("/etc/seawall-agent/rpz.key", str(key_file(tmp_path)))
    text = text.replace("/var/log/named", str(tmp_path)).replace("options {", f'options {{ directory "{tmp_path}";')
    (tmp_path / "named.conf").write_text(text)
    assert accepted("/usr/bin/named-checkconf", str(tmp_path / "named.conf")) == ""


@BOTH
@pytest.mark.tool("unbound-checkconf")
def test_unbound_checkconf_takes_the_configuration(tmp_path: Path, parts: bool) -> None:
    """As it stands there, but for the folders."""
    text = configuration("unbound", Follow(parts=parts))
    text = text.replace("/var/log/unbound", str(tmp_path)).replace("/var/lib/unbound", str(tmp_path))
    own = f'server:\n  username: ""\n  chroot: ""\n  pidfile: ""\n  directory: "{tmp_path}"\n'
    (tmp_path / "unbound.conf").write_text(own + text)
    assert "no errors" in accepted("/usr/sbin/unbound-checkconf", str(tmp_path / "unbound.conf"))


@BOTH
@pytest.mark.tool("knotd")
def test_knotc_takes_the_configuration(tmp_path: Path, parts: bool) -> None:
    """With a key's secret in its place."""
    text = configuration("knot", Follow(parts=parts))
    text = text.replace("BASE64 OF THE KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    (tmp_path / "knot.conf").write_text(text)
    accepted("/usr/sbin/knotc", "-c", str(tmp_path / "knot.conf"), "conf-check")


def test_the_agent_takes_the_page_s_tool(tmp_path: Path) -> None:
    """Every option of the page's piece of agent.toml is one of the driver's."""
    options = tomllib.loads(snippet("toml"))["tools"]["rpz"]
    options["folder"] = str(tmp_path / "rpz")
    options["keys"][0]["secret_file"] = str(key_file(tmp_path))
    driver = make_driver("rpz", options)
    driver.close()
    named = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \| ", PAGE.read_text(), re.MULTILINE)
    known = set(inspect.signature(RpzDriver).parameters)
    assert {word for row in named for word in re.findall(r"`([a-z_]+)`", row)} <= known


def test_the_node_takes_the_page_s_settings(tmp_path: Path) -> None:
    """As they stand there."""
    (tmp_path / "seawall.toml").write_text('[node]\nid = "x"\n' + snippet("ini"))
    rpz = load_settings(tmp_path).rpz
    assert (rpz.point, rpz.secondaries[0].key, rpz.keys[0].name) == ("resolvers", "seawall-rpz", "seawall-rpz")
