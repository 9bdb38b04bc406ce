"""The demonstration: two real nodes, a simulated day, the whole data's way, and an honest grade at the end.

Comes in: a scale, a seed, a language. Goes out: one story, what stayed home, what crossed, tables, or one JSON
document. Never here: a shortcut past a room, the truth within a node's reach.

Example::

    run_demo(out, scale=0.05, seed=7)
"""

from seawall.flow.demo.door import run_demo
from seawall.flow.demo.grade import Grade, Warned, from_json, from_warnings, grade, merge
from seawall.flow.demo.result import DemoResult

__all__ = ["DemoResult", "Grade", "Warned", "from_json", "from_warnings", "grade", "merge", "run_demo"]
