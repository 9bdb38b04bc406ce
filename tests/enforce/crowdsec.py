"""A private CrowdSec: its local API alone, without its vendor's central service, and its packet-filter bouncer."""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from enforce.proxies import listens, running

LOGIN, PASSWORD = "seawall", "a-password-of-a-test"
CONFIG = """common: {{daemonize: false, log_media: stdout, log_level: error, working_dir: .}}
config_paths:
  config_dir: {folder}/conf/
  data_dir: {folder}/data/
  simulation_path: {folder}/conf/simulation.yaml
  hub_dir: {folder}/hub/
  index_path: {folder}/hub/.index.json
  notification_dir: {folder}/conf/notifications/
  plugin_dir: {folder}/plugins/
cscli: {{output: raw}}
db_config: {{log_level: error, type: sqlite, use_wal: true, db_path: {folder}/data/crowdsec.db}}
api:
  client: {{credentials_path: {folder}/conf/local_api_credentials.yaml}}
  server: {{log_level: error, listen_uri: "127.0.0.1:{port}", profiles_path: {folder}/conf/profiles.yaml}}
prometheus: {{enabled: false}}
"""
BOUNCER = """mode: nftables
update_frequency: 1s
log_mode: stdout
log_level: error
api_url: http://127.0.0.1:{port}/
api_key: {key}
disable_ipv6: false
deny_action: DROP
supported_decisions_types: [ban]
blacklists_ipv4: crowdsec-blacklists
blacklists_ipv6: crowdsec6-blacklists
nftables:
  ipv4: {{enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain}}
  ipv6: {{enabled: true, set-only: false, table: crowdsec6, chain: crowdsec6-chain}}
prometheus: {{enabled: false}}
"""


class Crowdsec(msgspec.Struct, frozen=True):
    """A configured local API: where, and how to run it."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password_file(self) -> Path:
        """Where the password of our machine stands."""
        return self.folder / "password"

    def stops(self, value: str, key: str) -> bool:
        """Whether the local API tells a bouncer to stop an address."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", f"/v1/decisions?ip={value}", headers={"X-Api-Key": key})
            return connection.getresponse().read().strip() != b"null"

    def cscli(self, *arguments: str) -> str:
        """What its own command prints."""
        command = ["cscli", "-c", str(self.folder / "conf" / "config.yaml"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    @contextmanager
    def serving(
        self, within: tuple[str, ...] = (), ready: Callable[[], bool] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The local API in the foreground. ``within``: words before its command, e.g. ``nsenter``."""
        command = [*within, "crowdsec", "-c", str(self.folder / "conf" / "config.yaml"), "-no-cs"]
        with running(command, ready or (lambda: listens(self.port))) as process:
            yield process

    @contextmanager
    def bouncing(self, within: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
        """The packet-filter bouncer in the foreground, which asks each second."""
        config = self.folder / "bouncer.yaml"
        if not config.exists():
            key = self.cscli("bouncers", "add", "edge", "-o", "raw").strip()
            config.write_text(BOUNCER.format(port=self.port, key=key))
        with running([*within, "crowdsec-firewall-bouncer", "-c", str(config)], lambda: True) as process:
            yield process


def crowdsec(folder: Path, port: int) -> Crowdsec:
    """A copy of the installed configuration for this folder and port, with one machine that may log in."""
    shutil.copytree("/etc/crowdsec", folder / "conf")
    for name in ("data", "hub", "plugins"):
        (folder / name).mkdir()
    (folder / "conf" / "config.yaml.local").unlink(missing_ok=True)
    (folder / "conf" / "config.yaml").write_text(CONFIG.format(folder=folder, port=port))
    (folder / "conf" / "local_api_credentials.yaml").write_text(f"url: http://127.0.0.1:{port}\n")
    made = Crowdsec(folder, port)
    made.password_file.write_text(f"{PASSWORD}\n")
    credentials = str(folder / "conf" / "local_api_credentials.yaml")
    made.cscli("machines", "add", LOGIN, "--password", PASSWORD, "-f", credentials, "--force")
    return made
