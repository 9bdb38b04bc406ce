"""Who comes here next: several ways of predicting, behind one interface.

Comes in: a History, who met which value on which day and since when that was known. Goes out: one number a value for
a victim, and which neighbours it rests on. Never here: the lake, the store, values themselves, a decision what to do.

>>> from seawall.warn.predictors import history, method
>>> past = history(2, 3, [0, 1], [[0, 1, 1], [0, 0, 1], [0, 1, 2], [0, 1, 2], [0, 0, 0]])
>>> hpb = method("hpb")
>>> hpb.fit(past)
>>> [round(float(score), 2) for score in hpb.scores(0)]
[0.33, 0.67]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seawall.model import Fault
from seawall.warn.predictors.ewma import Ewma
from seawall.warn.predictors.gwol import Gwol
from seawall.warn.predictors.history import History, history
from seawall.warn.predictors.hpb import Hpb
from seawall.warn.predictors.interface import NotEnough, Predictor, alone, top
from seawall.warn.predictors.knn import Knn
from seawall.warn.predictors.lwol import Lwol
from seawall.warn.predictors.private import Compared, PrivateHpb
from seawall.warn.predictors.ranker import Ranker

METHODS: tuple[str, ...] = ("lwol", "gwol", "hpb", "ewma", "knn", "ranker", "private")
"""All of them, the baselines first."""
_MADE: dict[str, Callable[[], Predictor]] = {
    "lwol": Lwol, "gwol": Gwol, "hpb": Hpb, "ewma": Ewma, "knn": Knn, "ranker": Ranker,
}  # fmt: skip


def method(name: str, compared: Mapping[int, Compared] | None = None) -> Predictor:
    """A method by name; ``compared`` is what ``private`` knows of each peer. Raises Fault E-WARN-135."""
    if name == "private":
        return PrivateHpb(compared or {})
    if name not in _MADE:
        raise Fault(
            "E-WARN-135", "There is no method {given}; use one of {known}.", given=repr(name[:20]),
            known=", ".join(METHODS),
        )  # fmt: skip
    return _MADE[name]()


__all__ = [
    "METHODS",
    "Compared",
    "History",
    "NotEnough",
    "Predictor",
    "PrivateHpb",
    "alone",
    "history",
    "method",
    "top",
]
