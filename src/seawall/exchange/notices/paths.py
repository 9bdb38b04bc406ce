"""Where notices are exchanged on the peer listener: known to the server and to our own client."""

NOTICES_PATH = "/seawall/v1/notices"
NOTICES_MEDIA_TYPE = "application/vnd.seawall.notices+json"
NOTICE_TYPE = "application/vnd.seawall.notice+json"  # of one signed payload
