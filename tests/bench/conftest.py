"""The benches are no part of the package: their folder's parent is put where Python looks."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
