"""Store and forward: put, fetch in order, delete; quotas, expiry, equal answers."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path

import msgspec
import pytest

from exchange.relay.mischievous import Box, MischievousRelay
from seawall.exchange.relay import DEFAULT_BOUNDS, MailboxFull, RelayClient, padme
from seawall.model import Fault, NotFound, Refused, system_clock

HOUR = 3_600 * 1_000_000


def later(microseconds: int = HOUR) -> int:
    """A moment from now."""
    return system_clock() + microseconds


def message(size: int = 2048) -> bytes:
    """Sealed bytes of a padded size."""
    return secrets.token_bytes(padme(size))


def test_messages_come_in_the_order_they_were_put(relay: MischievousRelay, client: RelayClient) -> None:
    """Fetch gives what waits, oldest first, behind the one named; a delete forgets."""
    box = relay.mailbox()
    given = [message() for _ in range(5)]
    ids = [client.put(box.id, box.write, data, expires=later()) for data in given]
    found = client.fetch(box.id, box.read)
    assert [item.data for item in found] == given
    assert [item.id for item in found] == ids
    assert [item.id for item in client.fetch(box.id, box.read, ids[2])] == ids[3:]
    assert [item.id for item in client.fetch(box.id, box.read, None, 2)] == ids[:2]
    assert client.delete(box.id, box.read, ids[:3]) == 3
    assert client.delete(box.id, box.read, ids[:3]) == 0
    assert [item.id for item in client.fetch(box.id, box.read, ids[1])] == ids[3:]


def test_equal_bytes_wait_once(relay: MischievousRelay, client: RelayClient) -> None:
    """A put that is repeated, because its answer was lost, keeps its id and is held once."""
    box, other, data = relay.mailbox(), relay.mailbox(), message()
    first = client.put(box.id, box.write, data, expires=later())
    assert client.put(box.id, box.write, data, expires=later()) == first
    assert len(client.fetch(box.id, box.read)) == 1
    assert client.put(other.id, other.write, data, expires=later()) != first


def test_only_the_right_token_opens(relay: MischievousRelay, client: RelayClient) -> None:
    """An unknown mailbox, a revoked one, a wrong token and the other token get the very same answer."""
    box, gone = relay.mailbox(), relay.mailbox()
    relay.boxes.revoke(bytes.fromhex(gone.id))
    nobody = Box(secrets.token_hex(16), secrets.token_bytes(32), secrets.token_bytes(32))
    said = set()
    for id, token in (
        (box.id, box.read), (box.id, nobody.write), (nobody.id, nobody.write), (gone.id, gone.write)
    ):  # fmt: skip
        with pytest.raises(NotFound) as fault:
            client.put(id, token, message(), expires=later())
        said.add(str(fault.value))
    for id, token in ((box.id, box.write), (nobody.id, nobody.read), (gone.id, gone.read)):
        with pytest.raises(NotFound) as fault:
            client.fetch(id, token)
        said.add(str(fault.value))
        with pytest.raises(NotFound) as fault:
            client.delete(id, token, ["0" * 32])
        said.add(str(fault.value))
    assert said == {"E-EXCHANGE-774: The relay has nothing there that this token opens."}


@pytest.mark.parametrize("size", [0, 2049, 1_000_000])
def test_only_padded_sizes_are_taken(relay: MischievousRelay, client: RelayClient, size: int) -> None:
    """A size that is no class is refused with the next one that is, here and at the relay."""
    box = relay.mailbox()
    with pytest.raises(Refused, match=r"E-EXCHANGE-777: .*not \d+ bytes, but \d+"):
        client.put(box.id, box.write, bytes(size), expires=later())
    with pytest.raises(Refused, match="E-EXCHANGE-777"):
        relay.boxes.put(bytes.fromhex(box.id), box.write, bytes(size), 2**40, 0)


def test_a_full_mailbox_says_when_to_come_again(tmp_path: Path) -> None:
    """Neither one message nor one byte too many is held; room made by a delete is used again."""
    bounds = msgspec.structs.replace(DEFAULT_BOUNDS, mailbox_messages=3, mailbox_bytes=10_240, message_bytes=8_192)
    with MischievousRelay(tmp_path, bounds=bounds) as relay:
        box, client = relay.mailbox(), relay.client()
        first = client.put(box.id, box.write, message(8_192), expires=later())
        with pytest.raises(MailboxFull, match=r"full until its owner fetches; try again in \d+ seconds") as full:
            client.put(box.id, box.write, message(4_096), expires=later())
        assert 60 <= full.value.seconds <= 3_600
        with pytest.raises(Refused, match="at most 8192 bytes"):
            client.put(box.id, box.write, message(16_384), expires=later())
        client.delete(box.id, box.read, [first])
        for _ in range(3):
            client.put(box.id, box.write, message(1_024), expires=later())
        with pytest.raises(MailboxFull):
            client.put(box.id, box.write, message(1_024), expires=later())
        client.close()


def test_messages_expire(tmp_path: Path) -> None:
    """What has expired is not given, makes room and is overwritten; lives too short are refused, too long cut."""
    now = [system_clock()]
    with MischievousRelay(tmp_path, clock=lambda: now[0]) as relay:
        box, client = relay.mailbox(), relay.client()
        data = message()
        client.put(box.id, box.write, data, expires=now[0] + HOUR)
        client.put(box.id, box.write, message(), expires=now[0] + 10_000 * 24 * HOUR)
        ends = [item.expires for item in client.fetch(box.id, box.read)]
        assert ends[0] == pytest.approx(now[0] + HOUR, abs=1_000_000)
        assert ends[1] == pytest.approx(now[0] + DEFAULT_BOUNDS.life_most * 1_000_000, abs=1_000_000)
        for moment in (now[0] + 10_000_000, now[0] - HOUR, 0):
            with pytest.raises(Refused, match="E-EXCHANGE-779"):
                client.put(box.id, box.write, message(), expires=moment)
        now[0] += 2 * HOUR
        assert len(client.fetch(box.id, box.read)) == 1
        assert relay.boxes.sweep(now[0] // 1_000_000) == 1
        client.close()
    kept = b"".join(path.read_bytes() for path in relay.furnished.folder.rglob("books.sqlite*"))
    assert data[:64] not in kept


def test_a_fetch_may_wait(relay: MischievousRelay, client: RelayClient) -> None:
    """A long-poll ends when something is put, or when its time is over."""
    box = relay.mailbox()
    begun = time.monotonic()
    assert client.fetch(box.id, box.read, wait=1) == []
    assert time.monotonic() - begun >= 0.9
    sender = relay.client()
    timer = threading.Timer(0.3, lambda: sender.put(box.id, box.write, message(), expires=later()))
    timer.start()
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(len(client.fetch(box.id, box.read, wait=25))))
    waiting.start()
    waiting.join(15)
    assert found == [1]
    timer.join()
    sender.close()


def test_an_answer_is_bounded(tmp_path: Path) -> None:
    """A fetch gives whole messages up to its size, and at least one; asking on gives the rest."""
    bounds = msgspec.structs.replace(DEFAULT_BOUNDS, page_bytes=10_000)
    with MischievousRelay(tmp_path, bounds=bounds) as relay:
        box, client = relay.mailbox(), relay.client()
        given = [message(size) for size in (4_096, 4_096, 4_096, 16_384)]
        for data in given:
            client.put(box.id, box.write, data, expires=later())
        pages, after = [], None
        while page := client.fetch(box.id, box.read, after):
            pages.append([item.data for item in page])
            after = page[-1].id
        assert pages == [given[:2], given[2:3], given[3:]]
        client.close()


def test_many_at_once(relay: MischievousRelay) -> None:
    """Several senders and a reader who fetches, waits and deletes: each message arrives, each sender's in order."""
    box, senders, each = relay.mailbox(), 3, 15
    given = [
        [bytes([sender, number]) + secrets.token_bytes(1_022) for number in range(each)] for sender in range(senders)
    ]

    def send(mine: list[bytes]) -> None:
        client = relay.client()
        for data in mine:
            client.put(box.id, box.write, data, expires=later())
        client.close()

    running = [threading.Thread(target=send, args=(mine,)) for mine in given]
    for thread in running:
        thread.start()
    reader, found = relay.client(), list[bytes]()
    deadline = time.monotonic() + 60
    while len(found) < senders * each and time.monotonic() < deadline:
        page = reader.fetch(box.id, box.read, wait=2)
        found += [item.data for item in page]
        assert reader.delete(box.id, box.read, [item.id for item in page]) == len(page)
    reader.close()
    for thread in running:
        thread.join()
    assert [[data for data in found if data[0] == sender] for sender in range(senders)] == given


def test_what_was_taken_survives_a_stop(tmp_path: Path) -> None:
    """A relay that is stopped and started again still holds what it answered for."""
    data = message(1_000_000)
    with MischievousRelay(tmp_path) as relay:
        box, client = relay.mailbox(), relay.client()
        client.put(box.id, box.write, data, expires=later())
        client.close()
    with MischievousRelay(tmp_path) as relay:
        client = relay.client()
        assert [item.data for item in client.fetch(box.id, box.read)] == [data]
        client.close()


def test_one_process_serves(tmp_path: Path) -> None:
    """A second server in the same folder is refused, and stopping ends a long-poll."""
    with MischievousRelay(tmp_path) as relay:
        with pytest.raises(Fault, match="E-EXCHANGE-792"):
            MischievousRelay(tmp_path)
        box, client = relay.mailbox(), relay.client()
        found: list[object] = []
        waiting = threading.Thread(target=lambda: found.append(client.fetch(box.id, box.read, wait=25)))
        waiting.start()
        for _ in range(1_000):
            if relay.app._waiting:
                break
            time.sleep(0.01)
    waiting.join(15)
    assert found == [[]]
    client.close()
