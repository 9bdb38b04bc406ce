"""The primary's two sockets: questions over UDP and TCP, transfers over TCP, one asyncio loop for all.

A transfer is packed portion by portion as its reader takes it, so it holds no zone in memory, a slow reader costs one
portion, and others are answered in between.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from typing import cast

import msgspec

from seawall.protect.rpz import wire
from seawall.protect.rpz.book import ZoneBook
from seawall.protect.rpz.bounds import (
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_OF_ONE,
    MAX_QUERY,
    MAX_TRANSFERS,
    QUERY_SECONDS,
    STALL_SECONDS,
    TRANSFER_SECONDS,
)
from seawall.protect.rpz.door import Door, Granted
from seawall.protect.rpz.rates import Rates
from seawall.protect.rpz.records import Records
from seawall.protect.rpz.snapshot import MODULUS
from seawall.protect.rpz.transfers import messages

LENGTH = struct.Struct("!H")
UNSENT_BYTES = 1 << 18  # that wait for a reader before packing pauses


class Follower(msgspec.Struct, frozen=True):
    """What a secondary was last given. ``at``: microseconds UTC; ``kind``: axfr or ixfr."""

    address: str
    key: str
    zone: str
    serial: int
    at: int
    kind: str
    bytes: int


class Server:
    """Answers until it is closed. Everything runs in the loop in which ``open`` was awaited."""

    def __init__(self, door: Door, book: ZoneBook, records: Records, zones: tuple[str, ...], clock: Callable[[], int]):
        self._door, self._book, self._records, self._zones, self._clock = door, book, records, zones, clock
        self._udp_rates, self._tcp_rates = Rates(), Rates()  # apart: addresses of datagrams can be forged
        self._of_one: Counter[str] = Counter()
        self._turn = asyncio.Semaphore(MAX_TRANSFERS)
        self._open: set[asyncio.Task[None]] = set()
        self.followers: dict[tuple[str, str, int], Follower] = {}

    async def open(self, host: str, port: int) -> int:
        """Listen; the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._connected, host, port, limit=MAX_QUERY * 2)
        port = int(self._tcp.sockets[0].getsockname()[1])
        try:
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), (host, port))
        except OSError:
            self._tcp.close()
            raise
        return port

    async def close(self) -> None:
        """Stop listening and end what is open."""
        self._udp.close()
        self._tcp.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def datagram(self, data: bytes, address: str) -> bytes | None:
        """The answer to a datagram, or silence."""
        if len(data) > MAX_QUERY or not self._udp_rates.permits(address, time.monotonic()):
            return None
        decided = self._door.decide(data, address, over_tcp=False)
        return decided if isinstance(decided, bytes) else None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername")[0])
        task = asyncio.current_task()
        if task is None or len(self._open) >= MAX_CONNECTIONS or self._of_one[address] >= MAX_CONNECTIONS_OF_ONE:
            writer.transport.abort()
            return
        self._open.add(task)
        self._of_one[address] += 1
        writer.transport.set_write_buffer_limits(UNSENT_BYTES)
        try:
            await self._talk(reader, writer, address)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:  # we are closing
            pass
        finally:
            self._open.discard(task)
            self._of_one[address] -= 1
            if not self._of_one[address]:
                del self._of_one[address]
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        """Question after question on one connection."""
        while True:
            async with asyncio.timeout(QUERY_SECONDS):
                (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                if not wire.HEADER.size <= length <= MAX_QUERY:
                    return
                data = await reader.readexactly(length)
            if not self._tcp_rates.permits(address, time.monotonic()):
                return
            decided = self._door.decide(data, address, over_tcp=True)
            if decided is None:
                return
            if isinstance(decided, Granted):
                async with asyncio.timeout(TRANSFER_SECONDS), self._turn:
                    await self._transfer(decided, writer)
            else:
                await self._send(writer, decided)

    async def _transfer(self, granted: Granted, writer: asyncio.StreamWriter) -> None:
        with closing(self._book.snapshot(granted.zone)) as snapshot:
            sent = 0
            for message in messages(granted.asked, granted.zone, snapshot, self._records):
                if granted.signer is not None:
                    message = granted.signer.sign(message, self._clock() // 1_000_000)
                await self._send(writer, message)
                sent += len(message)
                await asyncio.sleep(0)  # others' turn: a reader that keeps up never makes drain wait
            self._note(granted, snapshot.version, sent)

    async def _send(self, writer: asyncio.StreamWriter, message: bytes) -> None:
        writer.write(LENGTH.pack(len(message)) + message)
        async with asyncio.timeout(STALL_SECONDS):
            await writer.drain()

    def _note(self, granted: Granted, version: int, sent: int) -> None:
        address, key = granted.follower
        kind = "axfr" if granted.asked.type == wire.AXFR else "ixfr"
        self.followers[address, key, granted.zone] = Follower(
            address, key, self._zones[granted.zone], version % MODULUS, self._clock(), kind, sent
        )


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.datagram(data, str(addr[0]))
        if answer is not None:
            with suppress(OSError):
                self._transport.sendto(answer, addr)
