"""Every size, count and time of a relay (rule 10). Sizes in bytes, times in seconds unless the name says otherwise."""

from __future__ import annotations

import msgspec

DAY = 86_400


class RelayBounds(msgspec.Struct, frozen=True):
    """What one relay bears; the quotas are what an operator changes."""

    message_bytes: int = 16 * 1024 * 1024  # one message: a body of 8 MiB, signed (base64), sealed and padded
    mailbox_bytes: int = 256 * 1024 * 1024  # of one mailbox: a first overlap of a million values is 96 MB
    mailbox_messages: int = 10_000  # of one mailbox; twenty days of two nodes that speak every three minutes
    page_bytes: int = 16 * 1024 * 1024  # of one answer to a fetch, unless its first message is larger
    page_messages: int = 100  # of one fetch
    delete_ids: int = 1_000  # of one delete
    life_least: int = 60  # of a message; what lives shorter would be gone before anybody fetches
    life_most: int = 30 * DAY  # what lives longer is shortened to this; senders keep what is not acknowledged
    wait_most: float = 25.0  # of a long-poll; below the half minute after which middle boxes forget a connection
    waiters: int = 256  # long-polls at one time
    requests_per_token: int = 4  # of one token at one time, long-polls among them
    bodies_bytes: int = 128 * 1024 * 1024  # request bodies in memory at one time, from all callers together
    requests_per_second: float = 10.0  # of one token, for long
    requests_at_once: float = 400.0  # of one token, in a burst
    failures_per_second: float = 2.0  # wrong tokens and unknown paths of one address, kept in memory only
    failures_at_once: float = 60.0
    connections: int = 512
    connections_per_address: int = 64
    header_bytes: int = 16 * 1024
    header_seconds: float = 10.0  # from the connection, or the last answer, to a complete head
    idle_seconds: int = 30  # between two requests on one connection
    bytes_per_second: int = 16 * 1024  # the slowest sender and reader that is borne
    grace_seconds: float = 30.0  # beside what that rate gives
    checkpoint_bytes: int = 32 * 1024  # one request for a cosignature (ledger.witness.MAX_REQUEST_BYTES is below)
    ledgers: int = 10_000  # under which a witness signs
    forks: int = 1_000  # kept as evidence
    count_least: int = 256  # tags of one side; a count over fewer says too much about each
    count_most: int = 2 * 1024 * 1024  # tags of one side: 32 MiB
    counts_per_epoch: int = 5  # answers for one pair; each is worth epsilon 0.5
    open_rounds: int = 4  # of one pair
    epoch_days: int = 90
    round_life: int = 7 * DAY  # a round that waits longer for its second side is wiped
    count_rounded_to: int = 5  # noised counts are told as multiples of this


DEFAULT_BOUNDS = RelayBounds()
EPSILON = (1, 2)  # of one count: discrete Laplace with epsilon 1/2, as a fraction, because noise knows no floats
