"""Our own people and tools are told: once, in time, over each channel, and of nothing that is marked above it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.deliver_scenes import SECRET, Certified, Collector, datagram_collector, endpoint, stream_collector
from flow.warning_scenes import CIRCLE, HOUR, push, saw, told
from journey.command_line import free_port
from mail_scenes import mail_host, parsed
from seawall.flow.deliver import deliver_warnings, list_deliveries, try_channel
from seawall.flow.node import Node
from seawall.flow.warning_answers import answer_warning
from seawall.model import Fault, NotFound, Unavailable
from seawall.model.answer import Verdict
from seawall.settings import ChannelSettings, DeliverSettings, MailSettings

VALUE, OTHER = "203.0.113.77", "203.0.113.78"


def _channel(**settings: Any) -> ChannelSettings:
    return ChannelSettings(**({"name": "desk", "least_severity": "info"} | settings))


def _set(node: Node, *channels: ChannelSettings, quiet_hours: str = "", mail: MailSettings | None = None) -> None:
    settings = msgspec.structs.replace(
        node.settings, deliver=DeliverSettings(quiet_hours, channels), mail=mail or node.settings.mail
    )
    node.settings = settings


@contextmanager
def hooked(folder: Path, **settings: Any) -> Iterator[tuple[Node, Any]]:
    """Taipei with two warnings and a webhook."""
    certified = Certified(folder)
    with told(folder, VALUE, OTHER) as nodes, endpoint(certified) as hook:
        node = nodes["tpe"]
        (node.folder / "hook.secret").write_text(SECRET + "\n")
        url = f"https://127.0.0.1:{hook.port}/seawall"
        channel = {"kind": "webhook", "url": url, "secret_file": "hook.secret", "ca_file": str(certified.ca_file)}
        _set(node, _channel(**(channel | settings)))
        yield node, hook


def _states(node: Node) -> list[str]:
    return sorted(str(item["state"]) for item in list_deliveries(node, state=None, limit=100, after=0).items)


def test_a_webhook_is_told_each_group_once_signed_and_recorded(tmp_path: Path) -> None:
    """The receiver checks the signature; a second run sends nothing; each message is an own-use leaf of the ledger."""
    with hooked(tmp_path) as (node, hook):
        before = node.ledger.size
        done = deliver_warnings(node)
        assert (done["planned"], done["sent"]) == (2, 2)
        assert deliver_warnings(node)["result"] == "nothing is due"
        assert sorted(document["values"][0]["value"] for _, document in hook.taken) == [VALUE, OTHER]
        assert all(headers["X-Seawall-Id"] == document["id"] for headers, document in hook.taken)
        assert node.ledger.size == before + 2
        tested = try_channel(node, "desk")
        assert hook.taken[-1][1]["test"] is True
        assert hook.taken[-1][1]["id"] == tested["id"]
        with pytest.raises(NotFound, match="no channel"):
            try_channel(node, "nobody")


def test_what_fails_is_tried_again_later_under_the_same_id(tmp_path: Path) -> None:
    """A broken endpoint costs nothing but time; after it is well again the message arrives, once."""
    with hooked(tmp_path) as (node, hook):
        hook.status = 503
        assert deliver_warnings(node)["waiting"] == 2
        items = list_deliveries(node, state=None, limit=10, after=0).items
        assert "503" in str(items[0]["said"])
        ids = {item["id"] for item in items}
        hook.status = 200
        assert deliver_warnings(node)["result"] == "nothing is due"  # not yet
        node.clock.moment += HOUR  # type: ignore[attr-defined]
        assert deliver_warnings(node)["sent"] == 2
        assert {document["id"] for _, document in hook.taken} == ids
        hook.status = 302
        with pytest.raises(Unavailable, match="status 302"):
            try_channel(node, "desk")


def test_it_is_given_up_after_two_days(tmp_path: Path) -> None:
    """And doctor says so."""
    from seawall.flow.deliver import deliveries_told

    with hooked(tmp_path) as (node, hook):
        hook.status = 500
        for _ in range(14):
            deliver_warnings(node)
            node.clock.moment += 7 * HOUR  # type: ignore[attr-defined]
        assert _states(node) == ["failed", "failed"]
        node.clock.moment -= 7 * HOUR  # type: ignore[attr-defined]
        assert deliveries_told(node)[0] is False


def test_an_endpoint_with_another_certificate_is_told_nothing(tmp_path: Path) -> None:
    """Trust comes from the settings."""
    with hooked(tmp_path, ca_file="") as (node, hook):
        assert deliver_warnings(node)["waiting"] == 2
        assert hook.taken == []


def test_what_somebody_answered_is_not_told_any_more(tmp_path: Path) -> None:
    """Escalation: the second channel hears only of what nobody answered in time."""
    with hooked(tmp_path, after_minutes=30) as (node, hook):
        assert deliver_warnings(node)["planned"] == 2
        assert hook.taken == []
        answer_warning(node, VALUE, Verdict.CONFIRMED)
        node.clock.moment += HOUR  # type: ignore[attr-defined]
        done = deliver_warnings(node)
        assert (done["sent"], done["cancelled"]) == (1, 1)
        assert [document["values"][0]["value"] for _, document in hook.taken] == [OTHER]


def test_what_is_marked_above_the_channel_stays(tmp_path: Path) -> None:
    """TLP:AMBER for a channel of GREEN: withheld, with the reason; nothing arrives."""
    with hooked(tmp_path, tlp_at_most="green") as (node, hook):
        assert deliver_warnings(node)["withheld"] == 2
        assert hook.taken == []
        assert "marked above" in str(list_deliveries(node, state=None, limit=1, after=0).items[0]["said"])


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("form", ["rfc5424", "cef"])
def test_a_log_collector_gets_a_line_for_each_value(tmp_path: Path, transport: str, form: str) -> None:
    """Over each transport, in each form."""
    certified = Certified(tmp_path)
    collectors: dict[str, Callable[[], AbstractContextManager[Collector]]]
    collectors = {"udp": datagram_collector, "tcp": stream_collector, "tls": lambda: stream_collector(certified)}
    with told(tmp_path, VALUE) as nodes, collectors[transport]() as collector:
        node = nodes["tpe"]
        where = {"host": "127.0.0.1", "port": collector.port, "ca_file": str(certified.ca_file)}
        _set(node, _channel(kind="syslog", transport=transport, form=form, **where))
        assert deliver_warnings(node)["sent"] == 1
        assert collector.arrived.wait(10)
        assert VALUE.encode() in collector.lines[0]
        assert (b"CEF:0|" in collector.lines[0]) == (form == "cef")


@pytest.mark.tool("rsyslogd")
def test_rsyslog_takes_the_lines_over_tcp(tmp_path: Path) -> None:
    """Debian's own collector splits the octet-counted lines and reads the header."""
    port, log = free_port(), tmp_path / "seen.log"
    settings = tmp_path / "rsyslog.conf"
    settings.write_text(
        'module(load="imtcp")\n'
        'template(name="seen" type="string" string="%syslogpriority-text%|%app-name%|%msgid%|%msg%\\n")\n'
        f'input(type="imtcp" port="{port}" address="127.0.0.1")\n'
        f'*.* action(type="omfile" file="{log}" template="seen")\n'
    )
    command = ["rsyslogd", "-n", "-f", str(settings), "-i", str(tmp_path / "pid")]
    with told(tmp_path, VALUE) as nodes, subprocess.Popen(command, stderr=subprocess.DEVNULL) as collector:
        try:
            _set(nodes["tpe"], _channel(kind="syslog", transport="tcp", host="127.0.0.1", port=port))
            until(lambda: _sent(nodes["tpe"]))
            until(lambda: log.exists() and VALUE in log.read_text())
        finally:
            collector.terminate()
        line = log.read_text().splitlines()[0]
        assert re.match(r"(crit|err|warning|notice|info)\|seawall\|warning\|", line)


def _sent(node: Node) -> bool:
    node.clock.moment += HOUR  # type: ignore[attr-defined]
    return bool(deliver_warnings(node)["sent"])


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_collector_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """Nothing is lost: the message waits."""
    with told(tmp_path, VALUE) as nodes:
        _set(nodes["tpe"], _channel(kind="syslog", transport="tcp", host="127.0.0.1", port=free_port()))
        assert deliver_warnings(nodes["tpe"])["waiting"] == 1


def test_a_mail_reaches_each_person_in_their_language(tmp_path: Path) -> None:
    """One mail an address, in Korean, defanged, with the marking in front, and never answered automatically."""
    with told(tmp_path, VALUE) as nodes, mail_host(tmp_path) as host:
        node = nodes["tpe"]
        mail = MailSettings(
            from_address="desk@node.example", smtp_host="127.0.0.1", smtp_port=host.port, smtp_user="desk",
            smtp_password_file=str(host.password_file), ca_file=str(host.ca_file),
        )  # fmt: skip
        _set(node, _channel(kind="mail", to=("lin@node.example", "park@node.example"), lang="ko"), mail=mail)
        assert deliver_warnings(node)["sent"] == 1
        mails = [parsed(data) for data in host.postbox.mails]
        assert [mail["To"] for mail in mails] == ["lin@node.example", "park@node.example"]
        text = mails[0].get_content()
        assert "203[.]0[.]113[.]77" in text
        assert VALUE not in text
        assert mails[0]["Subject"].startswith("[TLP:AMBER]")
        assert mails[0]["Auto-Submitted"] == "auto-generated"
        host.postbox.refuse = "550 no such person"
        with pytest.raises(Fault, match="550"):
            try_channel(node, "desk")


def test_quiet_hours_hold_back_all_but_critical_ones(tmp_path: Path) -> None:
    """The scene begins at midnight UTC: in quiet hours the message waits for the morning."""
    with hooked(tmp_path) as (node, hook):
        _set(node, node.settings.deliver.channels[0], quiet_hours="22:00-07:00")
        assert deliver_warnings(node)["result"] == "nothing is due"
        node.clock.moment += 8 * HOUR  # type: ignore[attr-defined]
        assert deliver_warnings(node)["sent"] == 2
        assert len(hook.taken) == 2


def test_tools_that_read_taxii_find_indicators_in_their_own_circle(tmp_path: Path) -> None:
    """The circle may seat nobody else; the markings of what the warning was made from go along."""
    from seawall.model import Tlp, UserRole
    from seawall.model.circle import CircleTerms, StandingRelease

    with told(tmp_path, VALUE) as nodes:
        node = nodes["tpe"]
        node.store.users.add("siem", UserRole.TAXII, node.clock())
        rule = StandingRelease(
            name="own", types=frozenset({"indicator"}), expires_at=node.clock() + 10**15, approved_by=("lin", "park"),
            signed_by=frozenset({node.keys.node_id}),
        )  # fmt: skip
        own = CircleTerms(
            name="own-tools", members=frozenset({"siem"}), tlp_ceiling=Tlp.AMBER, standing=(rule,),
            types=frozenset({"indicator"}),
        )  # fmt: skip
        node.store.circles.save(own, node.clock())
        _set(node, _channel(kind="taxii", circle="own-tools"))
        done = deliver_warnings(node)
        items = list_deliveries(node, state=None, limit=1, after=0).items
        assert done["withheld"] == 1, items
        assert "leaves its circle only" in str(items[0]["said"])  # AMBER of a peer's circle stays in that circle
        saw(nodes["sel"], OTHER, tlp=Tlp.CLEAR)
        push(nodes, CIRCLE, "sel", "tpe")
        assert deliver_warnings(node)["sent"] == 1
        found = node.store.outbox.page("own-tools", "siem").rows
        assert len(found) == 1
        assert OTHER.encode() in found[0].body
        _set(node, _channel(kind="taxii", circle="tw-kr"))
        with pytest.raises(Fault, match="no TAXII users"):
            try_channel(node, "desk")


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ({"kind": "mail"}, "E-FLOW-841"),
        ({"kind": "webhook", "url": "http://127.0.0.1/", "secret_file": "x"}, "E-FLOW-843"),
        ({"kind": "syslog", "host": "h", "name": ""}, "E-FLOW-842"),
        ({"kind": "syslog", "host": "h", "lang": "tlh"}, "E-FLOW-851"),
    ],
)
def test_wrong_settings_are_said_before_anything_is_sent(tmp_path: Path, channel: dict[str, str], code: str) -> None:
    """One sentence with its code."""
    with told(tmp_path, VALUE) as nodes:
        _set(nodes["tpe"], _channel(**channel))
        with pytest.raises(Fault) as caught:
            deliver_warnings(nodes["tpe"])
        assert caught.value.code == code
