"""Where notices are exchanged on the peer listener: known to the server and to our own client."""

NOTICES_PATH = "/seawall/v1/notices"
NOTICES_MEDIA_TYPE = "application/vnd.seawall.notices+json"
FURTHER_KINDS = "prekeys"
"""Kinds of notices that the first version did not know, by commas: each side says which it reads, because an older one
would take an unknown kind for damage and hear nothing behind it."""
MAX_KINDS = 200  # characters of a peer's word on it
NOTICE_TYPE = "application/vnd.seawall.notice+json"  # of one signed payload
