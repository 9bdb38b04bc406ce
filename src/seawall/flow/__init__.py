"""The order of things. Comes in: a node folder and a wish from a door. Goes out: reports.

Never here: formats, protocols, cryptography, policy rules, SQL. ``flow`` alone knows the stages' order, reads settings
and hands values and callbacks down; ``pipeline.py`` is the product in one short file.

>>> from pathlib import Path
>>> from seawall.flow.node import Node
>>> with Node.open(Path("seawall-node")) as node:  # doctest: +SKIP
...     node.settings.node.name
'TWCERT'
"""

from seawall.flow.node import NewNode, Node, create_node

__all__ = ["NewNode", "Node", "create_node"]
