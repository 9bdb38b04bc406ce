"""The end of an epoch: the scalar is wiped first, then what was kept with it."""

from __future__ import annotations

from seawall.exchange.psi.epoch import name_of
from seawall.exchange.psi.interface import Channel


def end(channel: Channel) -> None:
    """Wipe our scalar and forget the book; doing it again does nothing.

    From then on nobody can try values against recorded lists of this epoch, we ourselves included.
    """
    channel.scalars.wipe(name_of(channel.epoch.terms))
    channel.book.forget()
