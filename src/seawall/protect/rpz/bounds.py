"""The named bounds of the hidden primary (rule 10): what a secondary or a stranger may make it hold, send or do."""

from __future__ import annotations

MAX_QUERY = 4_096
"""Bytes of one question: a name, an OPT record and a TSIG record need some 700; IXFR adds one SOA."""

MAX_MESSAGE = 65_535
"""Bytes of one message over TCP (RFC 1035 section 4.2.2)."""

MESSAGE_FILL = 60_000
"""Bytes of records after which a message of a transfer is sent; the rest is room for one more record and the TSIG."""

MAX_CONNECTIONS = 256
"""TCP connections at a time, of all secondaries together."""

MAX_CONNECTIONS_OF_ONE = 64
"""TCP connections of one address: several resolvers may stand on one machine, each with one a zone or part."""

MAX_TRANSFERS = 8
"""Transfers that run at a time; further ones wait for their turn, as long as ``TRANSFER_SECONDS``."""

QUERY_SECONDS = 10.0
"""An open connection that says nothing, or only part of a question, is closed after this."""

STALL_SECONDS = 20.0
"""A reader that takes nothing for so long is let go (the PowerDNS recursor itself gives up after 20 s)."""

TRANSFER_SECONDS = 300.0
"""No transfer takes longer: 300,000 names take one second, and an open one keeps the book's log from being folded."""

MAX_SOURCES = 1_024
"""Addresses whose rate is counted; the one heard longest ago is forgotten."""

QUESTIONS_PER_SECOND = 50.0
"""Questions a second of one address that are answered, over UDP and over TCP; further ones are dropped."""

QUESTIONS_BURST = 200.0
"""Questions that one address may ask at once: when all 17 zones change, three resolvers ask three for each."""

MAX_REPLAYS = 65_536
"""Signatures remembered for as long as their time is good; only who holds a key can fill this."""

FUDGE_SECONDS = 300
"""How far two clocks may differ (RFC 8945 section 10)."""

MAX_JOURNAL = 200_000
"""Steps kept for IXFR; who is farther behind gets the whole zone, which at that size is no slower."""

MAX_IXFR = 50_000
"""Names of one incremental answer; above it the whole zone is sent."""

MAX_HIT_BYTES = 16 << 20
"""Bytes of a resolver's log read at a time; the rest comes with the next call."""

MAX_SECONDARIES = 64
"""Resolvers that are told of every change."""
