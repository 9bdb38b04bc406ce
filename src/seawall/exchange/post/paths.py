"""Where sealed messages are exchanged on the peer listener: known to the server and to our own client."""

POST_PATH = "/seawall/v1/post"
POST_MEDIA_TYPE = "application/vnd.seawall.post+msgpack"
