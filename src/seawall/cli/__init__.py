"""The command line: parse, call a flow, render. Comes in: arguments. Goes out: text or JSON, and an exit status.

Never here: decisions, formats, queries. The contract (commands, options, JSON keys, exit statuses) is in
``docs/reference/cli.md``, which is generated from these modules; ``commands.py`` says which module holds which command.

>>> from seawall.cli import run
>>> run(["--version"])
0.1.0
0
"""

from seawall.cli.app import every_command, main, run

__all__ = ["every_command", "main", "run"]
