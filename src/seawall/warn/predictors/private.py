"""Relevance propagation from counts alone: what a private comparison tells, and no list of the other side's values.

W_0p = m_0p / (m_0 m_p) needs only how many values each side put into the comparison and how many both hold. Links among
peers are not known and count as none, so the graph is a star around us. Reports b_s are known for values that a peer
told, and for values that both hold; everything else about a peer stays with it. Formula as ``hpb``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from scipy import sparse

from seawall.warn.predictors.history import US, Floats, History
from seawall.warn.predictors.hpb import ALPHA, links, propagation
from seawall.warn.predictors.interface import NotEnough, limited


class Compared(msgspec.Struct, frozen=True):
    """The sizes of a comparison with one peer."""

    mine: int
    theirs: int
    common: int


class PrivateHpb:
    """``compared``: by party, as in ``History.party``. A count that cannot be (more common than either side has) is
    taken for the smaller side: a peer gains nothing by telling a small size for its list."""

    name = "private"

    def __init__(self, compared: Mapping[int, Compared], *, alpha: float = ALPHA) -> None:
        self._compared = compared
        self._alpha = alpha

    def fit(self, history: History) -> None:
        """Learn. Raises NotEnough E-WARN-134 when nothing was compared with anybody."""
        parties = max([int(history.party.max(initial=0)), *self._compared]) + 1
        common = np.zeros((parties, parties))
        common[US, US] = max((one.mine for one in self._compared.values()), default=0)
        for party, one in self._compared.items():
            common[party, party] = max(one.theirs, one.common)
            common[US, party] = common[party, US] = min(one.common, one.mine, max(one.theirs, one.common))
        if not common[US].sum() - common[US, US]:
            raise NotEnough(
                "E-WARN-134", "No comparison with a peer found anything in common yet; run 'seawall overlap' first."
            )
        self._row = propagation(links(common), self._alpha, scaled=True)[US]
        self._party = history.party
        lately = history.day >= history.recent
        whose = history.party[history.victim[lately]] if lately.any() else np.zeros(0, np.int64)
        reports = sparse.coo_array(
            (history.weights[lately], (history.source[lately], whose)), shape=(history.sources, parties)
        ).tocsr()
        reports.data = np.minimum(reports.data, 1.0)
        self._reports = reports

    def scores(self, victim: int) -> Floats:
        """Relevance to us; the same for each of our victims, because peers' counts tell of us as a whole."""
        del victim
        weights = limited(self._row, np.arange(len(self._row)))
        return np.asarray(self._reports @ weights, np.float64)

    def neighbours(self, victim: int) -> Floats:
        """Each peer's weight, at each of its victims."""
        del victim
        return np.asarray(limited(self._row, np.arange(len(self._row)))[self._party], np.float64)
