"""Where a peer waits on the peer listener: known to the server and to our own client."""

LIVE_PATH = "/seawall/v1/live"
LIVE_MEDIA_TYPE = "application/vnd.seawall.live+json"
MARK_LENGTH = 32  # hexadecimal characters: 128 random bits
HOLD_SECONDS = 25.0  # a quiet line is answered before firewalls forget it (most after 30 s or more)
