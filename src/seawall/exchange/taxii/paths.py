"""Where our TAXII server answers (sections 4.1 and 4.2): known to the server and to our own client."""

DISCOVERY_PATH = "/taxii2"
API_ROOT_PATH = "/taxii2/circles"
