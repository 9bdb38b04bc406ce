"""``--limit`` and ``--after``, alike for every list."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

MAX_ROWS = 10_000  # of one page; every list of every room allows at least as many

Limit = Annotated[int, Parameter(help="Rows of one page.", validator=Number(gte=1, lte=MAX_ROWS))]
After = Annotated[
    int, Parameter(help="Continue after this number: the 'next' of the page before.", validator=Number(gte=0))
]
