"""Exchange by files that people carry: for nodes that share no network.

Comes in: recorded releases on one side, a carried file on the other. Goes out: one file, signed and numbered, and on
the other side its pages, but only after the whole file has been found intact. Never here: sockets, the decision what
may leave, keeping anything.

A drop is zstd: a first line that is a DSSE envelope over the header, then one line for each object, circle by circle.
The header counts and hashes every part, names the drop before it, and so commits to the whole chain of drops from one
node to another. The signature says who made it. Around the file its sender may put sealed messages (``sealed``), so
that whoever carries it can read nothing.

    writer = DropWriter(folder, bounds)
    writer.add("tw-kr", recorded_release)
    written = writer.finish(header, node_keys)
    written.place(target)
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.drop.bounds import DEFAULT_DROP_BOUNDS, DropBounds
    from seawall.exchange.drop.chain import Place, Receiving, Sending, Sent, SentPart, judge, missing_numbers, offer
    from seawall.exchange.drop.header import NOTICES, Acknowledged, Header, Part, link_of
    from seawall.exchange.drop.reading import Drop, open_drop
    from seawall.exchange.drop.sealed import is_sealed, seal_drop, unseal_drop
    from seawall.exchange.drop.writing import DropWriter, WrittenDrop
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "bounds": ("DEFAULT_DROP_BOUNDS", "DropBounds"),
            "chain": ("Place", "Receiving", "Sending", "Sent", "SentPart", "judge", "missing_numbers", "offer"),
            "header": ("NOTICES", "Acknowledged", "Header", "Part", "link_of"),
            "reading": ("Drop", "open_drop"),
            "sealed": ("is_sealed", "seal_drop", "unseal_drop"),
            "writing": ("DropWriter", "WrittenDrop"),
        },
    )

__all__ = [
    "DEFAULT_DROP_BOUNDS",
    "NOTICES",
    "Acknowledged",
    "Drop",
    "DropBounds",
    "DropWriter",
    "Header",
    "Part",
    "Place",
    "Receiving",
    "Sending",
    "Sent",
    "SentPart",
    "WrittenDrop",
    "is_sealed",
    "judge",
    "link_of",
    "missing_numbers",
    "offer",
    "open_drop",
    "seal_drop",
    "unseal_drop",
]
