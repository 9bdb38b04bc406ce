"""What makes a short command quick, before it loads anything: done once by ``main``, not by callers of ``run``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

COLLECT_AFTER = 50_000
"""New containers until the next collection of cycles: loading modules makes many that stay, and waste nothing."""


def start_quickly() -> None:
    """Collect cycles more rarely, and leave pandas alone."""
    gc.set_threshold(COLLECT_AFTER)
    sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas(MetaPathFinder):
    """Says that pandas is not installed. Nothing here uses it but Spark, which may have it.

    Arrow imports pandas, where it is installed, at the first list that is to become a column, just to ask whether it is
    one of its series: 0.3 s of CPU in every command that touches the lake.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas" and "pyspark" not in sys.modules:
            raise ModuleNotFoundError("Only Spark uses pandas here.", name=name)
        return None
