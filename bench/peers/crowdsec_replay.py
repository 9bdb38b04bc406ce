"""CrowdSec from Debian: its agent replays the log through the packaged Suricata parser and scenarios.

It keeps only what its scenarios make of the alerts (decisions), not the events; other event types pass unparsed.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from bench.peers.peer import Run, Sample, debian_files, does, measured

ITEMS = (
    "parsers/s00-raw/crowdsecurity/syslog-logs.yaml",
    "parsers/s01-parse/crowdsecurity/suricata-logs.yaml",
    "parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml",
    "scenarios/crowdsecurity/suricata-alerts.yaml",
)
CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: warning, working_dir: {home}}}
config_paths:
  config_dir: {home}/etc
  data_dir: {home}/data
  simulation_path: {home}/etc/simulation.yaml
  hub_dir: {home}/hub
  index_path: {home}/hub/.index.json
  notification_dir: {home}/etc/notifications
  plugin_dir: {home}/etc/notifications
crowdsec_service: {{acquisition_path: {home}/etc/acquis.yaml, parser_routines: 1}}
cscli: {{output: human}}
db_config: {{type: sqlite, db_path: {home}/data/crowdsec.db, use_wal: true, log_level: warning}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {home}/etc/local_api_credentials.yaml}}
  server: {{listen_uri: "127.0.0.1:{port}", profiles_path: {home}/etc/profiles.yaml, log_level: warning}}
prometheus: {{enabled: false}}
"""
PORT = 51_581
PATIENCE = 120.0  # seconds: on a busy machine it has been seen to stay for ever after its last decision, doing nothing


class CrowdSecReplay:
    """``crowdsec -dsn file://...`` with a local API and database of its own, and no central service."""

    name = "CrowdSec replay"
    slow = True
    foreign = True
    does = does("alerts", "alerts", "no", "no", "decisions only", "no")

    def prepare(self, cache: Path) -> str:
        """From the Debian package, unpacked; nothing is installed or started."""
        self._files = debian_files(cache, "crowdsec", "crowdsec")
        archive = next((self._files / "archives").glob("crowdsec_*.deb"))
        return archive.name.split("_")[1]

    def run(self, sample: Sample, scratch: Path) -> Run:
        """Make a private configuration, then replay."""
        home = scratch / "crowdsec"
        shutil.copytree(self._files / "etc/crowdsec", home / "etc")
        shutil.copytree(self._files / "usr/share/crowdsec/hub", home / "hub")
        for folder in ("data", "etc/notifications"):
            (home / folder).mkdir()
        for item in ITEMS:
            place = home / "etc" / Path(item).parent.parent
            place.mkdir(parents=True, exist_ok=True)
            (place / Path(item).name).symlink_to(home / "hub" / item)
        config, credentials = home / "config.yaml", home / "etc" / "local_api_credentials.yaml"
        config.write_text(CONFIG.format(home=home, port=PORT))
        credentials.touch()
        programs = self._files / "usr/bin"
        measured([programs / "cscli", "-c", config, "machines", "add", "bench", "--auto", "--force", "-f", credentials])
        replay = ["-dsn", f"file://{sample.file}", "-type", "suricata-evelogs", "-no-capi"]
        seconds, _ = measured([programs / "crowdsec", "-c", config, *replay], patience=PATIENCE)
        database = sqlite3.connect(home / "data" / "crowdsec.db")
        (alerts,) = database.execute("SELECT count(*) FROM alerts").fetchone()
        database.close()
        return Run(seconds, {"events": sample.events, "decisions": alerts})
