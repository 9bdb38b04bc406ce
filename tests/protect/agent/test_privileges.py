"""The agent keeps one privilege, and neither it nor what it starts can get another back."""

from __future__ import annotations

import pytest

from enforce.spaces import inside

pytestmark = [pytest.mark.tool("unshare")]

SCENE = """
import ctypes, os
from seawall.model import Fault
from seawall.protect.agent.privileges import held_by, keep_only_net_admin
def may(what):
    try:
        what()
        return True
    except OSError:
        return False
def look():
    raw = lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close()
    return [may(lambda: os.chroot("/")), may(raw), may(lambda: run("ip", "link", "set", "lo", "up"))]
"""


def test_everything_else_is_gone_for_good_and_for_what_is_started() -> None:
    """Before: root of its namespace may change root and open raw sockets. After: only what concerns the network; a
    program run from here has the same one capability, and asking for more is refused."""
    before, after, held, child, again = inside(
        SCENE
        + """
before = look()
held = keep_only_net_admin()
after = look()
child = subprocess.run(["sh", "-c", "cat /proc/self/status"], capture_output=True, text=True).stdout
child = [line.split()[1].lstrip("0") for line in child.splitlines() if line.startswith("Cap")]
again = keep_only_net_admin().only_net_admin
print(json.dumps([before, after, held.only_net_admin, child, again]))
"""
    )
    assert (before, after, held, child, again) == ([True] * 3, [False, False, True], True, ["1000"] * 5, True)


def test_without_the_capability_it_says_so_unless_no_tool_needs_it() -> None:
    """Started without CAP_NET_ADMIN: one sentence; with tools that are spoken to over sockets it is not asked for."""
    code, none = inside(
        SCENE
        + """
libc = ctypes.CDLL(None)
header, empty = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc.capset(header, empty)
try:
    keep_only_net_admin()
    code = ""
except Fault as fault:
    code = fault.code
none = subprocess.run([sys.executable, "-c", '''
from seawall.protect.agent.privileges import keep_only_net_admin
print(keep_only_net_admin(needed=False).effective & ~(1 << 12))
'''], capture_output=True, text=True).stdout.strip()
print(json.dumps([code, none]))
"""
    )
    assert (code, none) == ("E-PROTECT-043", "0")
