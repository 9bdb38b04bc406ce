"""Bytes <-> model, pure. Comes in: bytes or text of a format. Goes out: model values, rejects and a loss report.

Never here: files, sockets, clocks, the store. Each format is one module with its own loss report; import the module
you need, because the formats do not depend on each other.

>>> from seawall.codec.values import detect
>>> detect("hxxps://evil[.]example/a").value
'https://evil.example/a'
"""

__all__ = ["csv_indicators", "indicators", "ioc_text", "misp", "misp_warninglist", "pattern", "stix", "values"]
