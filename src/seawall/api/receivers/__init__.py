"""Doors for shippers and SIEMs that speak to Splunk or Elasticsearch: they keep their configuration and add an output.

Comes in: Splunk HTTP Event Collector requests and Elasticsearch ``_bulk`` requests, with a token of this node whose
role may ingest. Goes out: lines on disk, then the answer that the sender knows. Never here: reading a log format, the
lake; ``flow.receive`` does that afterwards.
"""

from seawall.api.receivers.elastic import elastic_routes
from seawall.api.receivers.intake import Intake
from seawall.api.receivers.splunk import splunk_routes

__all__ = ["Intake", "elastic_routes", "splunk_routes"]
