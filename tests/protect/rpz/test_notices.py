"""Notices: told until heard, and only who holds the key can say that it heard."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import pytest

from protect.rpz.scenes import (
    BLOCK,
    WATCH,
    keyring,
    order,
    primary,
    put,
)
from seawall.model.clock import system_clock


def bare(answer: dns.message.Message) -> dns.message.Message:
    """The same without a signature."""
    found = dns.message.Message(answer.id)
    found.flags, found.question = answer.flags, answer.question
    return found


@contextmanager
def secondary(drop: int = 0, forge: bool = False) -> Iterator[tuple[int, queue.Queue[dns.message.Message]]]:
    """A secondary that loses the first notices and says yes to the others, signed unless it forges."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        heard: queue.Queue[dns.message.Message] = queue.Queue()
        stop = threading.Event()

        def run() -> None:
            left = drop
            line.settimeout(0.1)
            while not stop.is_set():
                try:
                    data, peer = line.recvfrom(4_096)
                except TimeoutError:
                    continue
                message = dns.message.from_wire(data, keyring=keyring())
                heard.put(message)
                left -= 1
                if left < 0:
                    answer = dns.message.make_response(message)
                    answer.flags |= dns.flags.AA
                    if forge:
                        answer = bare(answer)
                    line.sendto(answer.to_wire(), peer)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield int(line.getsockname()[1]), heard
        finally:
            stop.set()
            thread.join()


def notices(heard: queue.Queue[dns.message.Message], seconds: float) -> list[tuple[str, int]]:
    """Zone and serial of the notices within so many seconds."""
    found, until = [], time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            message = heard.get(timeout=left)
        except queue.Empty:
            break
        assert message.opcode() == dns.opcode.NOTIFY
        found.append((str(message.question[0].name)[:-1], message.answer[0][0].serial))
    return found


@pytest.mark.parametrize("signed", [False, True])
def test_each_change_is_told_until_it_is_heard(tmp_path: Path, signed: bool) -> None:
    """A lost notice is sent again; once it is answered there is silence until the next change."""
    with secondary(drop=2) as (port, heard), primary(tmp_path, signed=signed, notify=port) as ours:
        assert {name for name, _ in notices(heard, 0.3)} == {BLOCK, WATCH}
        assert {name for name, _ in notices(heard, 0.8)} == {BLOCK, WATCH}  # again: both were lost
        assert notices(heard, 1.2) == []
        ours.apply(put(order("bad.example")), system_clock())
        assert notices(heard, 0.8) == [(BLOCK, ours.serials()[BLOCK])]


def test_a_forged_answer_ends_no_notice(tmp_path: Path) -> None:
    """An unsigned yes to a signed notice is as if nobody had answered."""
    with secondary(forge=True) as (port, heard), primary(tmp_path, signed=True, notify=port):
        assert len(notices(heard, 1.8)) >= 4
