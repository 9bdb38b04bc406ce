"""The page of one node. Comes in: a browser. Goes out: static files of this package, under the strict policy.

Never here: data. The page's own script asks the API with the token that the person typed; nothing is loaded from
elsewhere, nothing is inline. ``web_routes`` are put into the local listener's app beside the API.

>>> from seawall.web import web_routes
>>> sorted(route.handler_name for route in web_routes())
['asset', 'page']
"""

from seawall.web.files import web_routes

__all__ = ["web_routes"]
