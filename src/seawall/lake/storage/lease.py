"""The writer lock of a lake in a bucket: a lease that its holder renews, so that no dead writer holds it for ever.

    PREFIX/writers/lease-000000000007.json   {"holder": ..., "beat": 3, "free": false}; the greatest number counts
    PREFIX/writers/waiting-<token>           a writer waits; whoever has just written lets it go first

To hold the lease is to have created the object of the next number, which the server permits to one
(``If-None-Match: *``), and to see no greater one. The holder writes its object anew, with another ``beat``, every third
of LEASE_SECONDS. A lease may be taken over when it says that it is free, or when it did not change for LEASE_SECONDS
**by the clock of the one who watches**: clocks of different machines are never compared. A holder that was taken over
finds a greater number before it commits; should it look a moment too early, the commit's own condition stops it.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from seawall.lake.storage.bucket import Bucket, Held, was_there
from seawall.model import Unavailable

LEASE_SECONDS = 30.0  # of a killed writer's others wait so long; a living one renews three times within
POLL_SECONDS = 0.5
HOLDER_LENGTH = 120
_LEASES, _WAITING = "writers/lease-", "writers/waiting-"


class Lease(msgspec.Struct, frozen=True):
    """What stands in the object."""

    holder: str
    beat: int = 0
    free: bool = False


class Writers:
    """Who may write to a lake in a bucket: one at a time."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"[:HOLDER_LENGTH]
        self._held = ""  # the lease of this moment
        self._last = ""  # the lease that this process held last

    @contextmanager
    def only_writer(self, on_wait: Callable[[str], None] | None) -> Iterator[None]:
        """Hold the lease. When another does, tell ``on_wait`` who, once, and wait.

        Raises Unavailable E-LAKE-032 when the server does not answer.
        """
        with self._bucket.answers():
            name = self._acquire(on_wait)
        ended = threading.Event()
        keeper = threading.Thread(target=self._renew, args=(name, ended), name="lake-lease", daemon=True)
        keeper.start()
        self._held = name
        try:
            yield
        finally:
            self._held, self._last = "", name
            ended.set()
            keeper.join()
            with suppress(Unavailable), self._bucket.answers():  # who waits finds it unchanged, and takes over
                self._write(name, Lease(self._holder, free=True))

    def check(self) -> None:
        """Return while the lease is ours. Raises Unavailable E-LAKE-041 when another has taken over.

        Call it within ``Bucket.answers``.
        """
        if not self._held or self._leases()[-1:] != [self._held]:
            raise lost(self._bucket.url)

    def _acquire(self, on_wait: Callable[[str], None] | None) -> str:
        """Wait for the lease; its name. In order: look, leave the turn to others, wait for the holder, take."""
        token = secrets.token_hex(8)
        watched: tuple[str, str] | None = None
        since, told, let_go_first = 0.0, False, False
        while True:
            there = self._bucket.listed("writers/")
            leases = [held for held in there if held.name.startswith(_LEASES)]
            waiting = [held.name for held in there if held.name.startswith(_WAITING)]
            last = leases[-1] if leases else None
            if last is not None and watched != (last.name, last.mark):
                watched, since = (last.name, last.mark), time.monotonic()
            if last is not None and last.name == self._last and waiting and not let_go_first:
                let_go_first = True
                time.sleep(3 * POLL_SECONDS)
                continue
            lease = self._read(last)
            if lease is None or lease.free or time.monotonic() - since >= LEASE_SECONDS:
                if (name := self._take(last)) is not None:
                    # markers that nobody followed up are of writers that ended while they waited
                    mine = [marker for marker in waiting if let_go_first or marker.endswith(token)]
                    self._bucket.remove([held.name for held in leases] + mine)
                    return name
                continue
            if not told and on_wait is not None:
                on_wait(lease.holder)
            told = True
            if f"{_WAITING}{token}" not in waiting:
                self._bucket.files.pipe_file(self._bucket.full(f"{_WAITING}{token}"), b"")
            time.sleep(POLL_SECONDS)

    def _take(self, last: Held | None) -> str | None:
        """Create the lease after ``last``; None when another was first."""
        number = int(last.name.removeprefix(_LEASES).removesuffix(".json")) + 1 if last is not None else 1
        name = f"{_LEASES}{number:012d}.json"
        mine = msgspec.json.encode(Lease(self._holder, beat=secrets.randbits(48)))
        try:
            self._bucket.files.pipe_file(self._bucket.full(name), mine, mode="create")
        except OSError as error:
            try:  # an answer may be lost and the lease ours
                if self._bucket.files.cat_file(self._bucket.full(name)) != mine:
                    return None
            except FileNotFoundError:
                if was_there(error):  # another was first, and has removed it since
                    return None
            else:
                return name if self._leases()[-1:] == [name] else None
            raise
        if self._leases()[-1:] != [name]:  # the number was free because later holders had removed it
            self._bucket.remove([name])
            return None
        return name

    def _renew(self, name: str, ended: threading.Event) -> None:
        beat = 0
        while not ended.wait(LEASE_SECONDS / 3):
            beat += 1
            with suppress(Unavailable), self._bucket.answers():  # ``check`` decides what a missed beat means
                self._write(name, Lease(self._holder, beat))

    def _write(self, name: str, lease: Lease) -> None:
        self._bucket.files.pipe_file(self._bucket.full(name), msgspec.json.encode(lease))

    def _read(self, held: Held | None) -> Lease | None:
        if held is None:
            return None
        try:
            return msgspec.json.decode(self._bucket.files.cat_file(self._bucket.full(held.name)), type=Lease)
        except FileNotFoundError:  # its successor has removed it
            return Lease("another process")

    def _leases(self) -> list[str]:
        return [held.name for held in self._bucket.listed(_LEASES)]


def lost(url: str) -> Unavailable:
    """The fault for a writer that others take for dead."""
    return Unavailable(
        "E-LAKE-041",
        "Another writer has taken over the lake at {url} from this one, which was silent for too long; "
        "nothing was changed. Run it again.",
        url=url,
    )
