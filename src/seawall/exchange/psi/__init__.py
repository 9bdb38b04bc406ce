"""Private set intersection: which values both sides hold, without showing the rest.

Comes in: our values, parts of messages from one peer, a book. Goes out: parts of messages for that peer, and in the
end the values that both hold. Never here: sealing or sending (parts travel only inside the sealed envelope), policy,
budgets (a callback spends before anything is evaluated), the choice of values, clocks or randomness of our own.

First both sides agree on an epoch, then any number of sessions follow in it; only new values travel:

    terms = EpochTerms(type=..., number=1, nodes=sorted_ids, most_points=..., starts=..., ends=...)
    ours = offer(terms, own_id, scalars, os.urandom)            # -> Commitment: send it; the same again after a kill
    epoch = agree(terms, ours, theirs, own_id)                  # -> Epoch; Refused for a bad commitment
    channel = Channel(epoch=epoch, own=own_id, book=..., scalars=..., clock=..., multiplier=..., randomness=os.urandom)

    message 1   first side    start(channel, session, items) -> list[bytes]
    message 2   second side   receive(channel, part, items, before_answering) -> Received(replies=answers, own list)
    message 3   first side    receive(...) -> Received(replies=answers, done=True)
                second side   receive(...) -> Received(done=True)
    then either               overlap(channel) -> Overlap

    resume(channel) -> list[bytes]      # what may not have left before a kill; sending it twice does no harm
    abandon(channel)                    # give up the open session; what was learnt stays learnt
    end(channel)                        # the epoch is over: wipe the scalar, forget the book

One look-up, under the same key and budget:

    ask(channel, value) -> bytes; answer_question(channel, body, before_answering) -> bytes
    read_answer(channel, body) -> Answered

A count through a relay, in an epoch of purpose "count" (one session; fresh scalars, so tags never join tokens):

    count_points(channel, items) -> list[bytes]
    count_tags(channel, part, before_answering) -> list[bytes] | None      # shuffled tags for the relay, at the end

Every part is at most 4 MiB. ``heading(body)`` tells epoch, purpose and session of a part before its channel is known.
A part that was taken in already gets the same replies again; every other deviation is refused and changes nothing.
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.psi.asking import answer_question, ask, read_answer
    from seawall.exchange.psi.counting import count_points, count_tags, tags_of
    from seawall.exchange.psi.ending import end
    from seawall.exchange.psi.epoch import (
        MOST_POINTS,
        NORMALISATION,
        Commitment,
        Epoch,
        EpochTerms,
        agree,
        name_of,
        offer,
    )
    from seawall.exchange.psi.interface import (
        Answered,
        BeforeAnswering,
        Channel,
        Common,
        Heading,
        Items,
        Multiplier,
        Overlap,
        Progress,
        PsiBook,
        Randomness,
        Received,
        Scalars,
    )
    from seawall.exchange.psi.matching import overlap
    from seawall.exchange.psi.memory import MemoryBook, MemoryScalars
    from seawall.exchange.psi.padding import list_length, most_items
    from seawall.exchange.psi.parts import MOST_PART_BYTES, Kind, heading
    from seawall.exchange.psi.scalars import FOLDER, FileScalars
    from seawall.exchange.psi.sessions import abandon, receive, resume, start
    from seawall.exchange.psi.workers import Here, Workers
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "asking": ("answer_question", "ask", "read_answer"),
            "counting": ("count_points", "count_tags", "tags_of"),
            "ending": ("end",),
            "epoch": ("MOST_POINTS", "NORMALISATION", "Commitment", "Epoch", "EpochTerms", "agree", "name_of", "offer"),
            "interface": (
                "Answered",
                "BeforeAnswering",
                "Channel",
                "Common",
                "Heading",
                "Items",
                "Multiplier",
                "Overlap",
                "Progress",
                "PsiBook",
                "Randomness",
                "Received",
                "Scalars",
            ),
            "matching": ("overlap",),
            "memory": ("MemoryBook", "MemoryScalars"),
            "padding": ("list_length", "most_items"),
            "parts": ("MOST_PART_BYTES", "Kind", "heading"),
            "scalars": ("FOLDER", "FileScalars"),
            "sessions": ("abandon", "receive", "resume", "start"),
            "workers": ("Here", "Workers"),
        },
    )

__all__ = [
    "FOLDER",
    "MOST_PART_BYTES",
    "MOST_POINTS",
    "NORMALISATION",
    "Answered",
    "BeforeAnswering",
    "Channel",
    "Commitment",
    "Common",
    "Epoch",
    "EpochTerms",
    "FileScalars",
    "Heading",
    "Here",
    "Items",
    "Kind",
    "MemoryBook",
    "MemoryScalars",
    "Multiplier",
    "Overlap",
    "Progress",
    "PsiBook",
    "Randomness",
    "Received",
    "Scalars",
    "Workers",
    "abandon",
    "agree",
    "answer_question",
    "ask",
    "count_points",
    "count_tags",
    "end",
    "heading",
    "list_length",
    "most_items",
    "name_of",
    "offer",
    "overlap",
    "read_answer",
    "receive",
    "resume",
    "start",
    "tags_of",
]
