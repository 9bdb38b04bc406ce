"""How long-running commands end: SIGTERM from the system, SIGINT from a person's Ctrl-C."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_to_end(then: Callable[[], object]) -> Iterator[None]:
    """While this holds, either signal calls ``then`` in a thread of its own; then they mean what they did before.

    Not in the handler: Python runs that between two steps of the main thread, which may hold the very lock that an
    ``Event`` takes to be set, and then nothing ends any more; and a signal that comes in the moment before the main
    thread falls asleep would wait until something else wakes it. The system's handler writes the number at once.
    """
    told, telling = socket.socketpair()
    telling.setblocking(False)

    def listen() -> None:
        while number := told.recv(1):
            if number[0] in ENDING:
                then()

    before = {number: signal.signal(number, lambda *_: None) for number in ENDING}
    wakened = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    listening = threading.Thread(target=listen, name="signals", daemon=True)
    listening.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakened)
        for number, handler in before.items():
            signal.signal(number, handler)
        telling.close()
        listening.join()
        told.close()
