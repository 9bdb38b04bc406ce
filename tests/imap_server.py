"""A real IMAP server for tests: Dovecot on loopback, one user, TLS from the first byte, in a temporary folder."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from journey.command_line import free_port

USER, PASSWORD = "desk", "loopback-only"
START_SECONDS = 30.0
_CONFIGURATION = """
base_dir = {run}/run
state_dir = {run}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
mail_location = maildir:{run}/mail
first_valid_uid = 1
first_valid_gid = 1
mail_privileged_group =
{people}auth_mechanisms = plain
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={run}/mail
}}
{roots}service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
"""


@contextmanager
def imap_server(folder: Path) -> Iterator[tuple[int, Path, Path]]:
    """A running server; yields its port, the file of its authority, and the Maildir behind it."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    run = Path(tempfile.mkdtemp(prefix="dovecot-"))  # its unprivileged parts must reach their sockets
    run.chmod(0o755)
    owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())  # it serves nobody's mail as root
    for part in ("mail", "mail/new", "mail/cur", "mail/tmp"):
        (run / part).mkdir()
        os.chown(run / part, owner.pw_uid, owner.pw_gid)
    people, roots = ("", "") if os.getuid() == 0 else _one_person()
    settings = _CONFIGURATION.format(
        folder=folder, run=run, people=people, roots=roots, password=PASSWORD, uid=owner.pw_uid, gid=owner.pw_gid,
        port=port,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(settings)
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", str(folder / "dovecot.conf")],
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process, folder)
        yield port, folder / "ca.pem", run / "mail"
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(run, ignore_errors=True)


def _one_person() -> tuple[str, str]:
    """Without root every part runs as who tests, and none can change its root."""
    name, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    people = f"default_internal_user = {name}\ndefault_login_user = {name}\ndefault_internal_group = {group}\n"
    return people, "service anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}\n"


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        log = folder / "log"
        assert process.poll() is None, log.read_text() if log.exists() else "dovecot ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("dovecot does not answer")
