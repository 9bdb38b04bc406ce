"""A real S3 server for tests: SeaweedFS from its Python package, on loopback, in a temporary folder."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 90.0
KEY, SECRET, BUCKET = "seawall-test", "seawall-test-secret", "lakes"
_WEED = Path(sys.executable).with_name("weed")
_PARTS = ("master", "volume", "filer", "s3")


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """A running server with one bucket; yields its endpoint. Sets the variables that hold AWS credentials."""
    folder.mkdir(parents=True, exist_ok=True)
    person = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "people.json").write_text(json.dumps({"identities": [person]}))
    ports = {part: _free_pair() for part in _PARTS}
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    command = [str(_WEED), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-{part}.port={port}" for part, port in ports.items()]
    command += [
        "-s3.port.lance=0",
        f"-s3.config={folder / 'people.json'}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=20",
        "-s3.port.iceberg=0",
    ]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", KEY)
            patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            _make_bucket(endpoint, process, log)
            yield endpoint
    finally:
        process.kill()  # it would take its time, and nothing of it is kept
        process.wait()


def _make_bucket(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server makes our bucket: its parts come up one after the other."""
    import s3fs
    from botocore.exceptions import BotoCoreError

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            s3fs.S3FileSystem(client_kwargs={"endpoint_url": endpoint}, skip_instance_cache=True).mkdir(BUCKET)
        except (OSError, BotoCoreError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the S3 server did not start: {error}: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.5)
        else:
            return


def _free_pair() -> int:
    """A free port whose companion, 10,000 above it, is free as well: the server's parts speak gRPC there."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port
