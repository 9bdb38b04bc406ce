"""The agent on a gateway: it follows its node's order book and makes the tools beside it do what the book says.

Comes in: signed changes over mutual TLS (``line``, ``checking``). Goes out: changes to tools (``worker``, by
``drivers``), reports to the node. In between stand the limits of whoever runs the gateway (``limits``), which no node
can change, and a state on disk that is written before any tool is touched (``state``): whatever is killed when, the
next start compares the tools with the state and repairs them, and the kernel ends every block by itself.
Never here: deciding what shall be blocked, the node's folder, any privilege but CAP_NET_ADMIN.
"""
