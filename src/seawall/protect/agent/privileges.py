"""All privileges but one are given up before the first word is read from the network, and cannot come back.

capabilities(7): (1) every other capability leaves the bounding set, so that no program run from here can have it;
(2) no new privileges (prctl(2)), so that no set-user-id file helps; (3) permitted, effective and inheritable become
CAP_NET_ADMIN alone; (4) it becomes ambient, so that ``nft`` run by us has it when we are not root.
Each step holds for the calling thread and what it starts: call it before any other thread.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import msgspec

from seawall.model import Unavailable

CAP_NET_ADMIN = 12  # linux/capability.h
CAP_SETPCAP = 8
_VERSION_3 = 0x20080522
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 23, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 2, 4
_MOST = 64  # capabilities that the kernel's two words can name
_NET_ADMIN = 1 << CAP_NET_ADMIN


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


class Held(msgspec.Struct, frozen=True):
    """What a process may do, as ``/proc/PID/status`` says: bit masks."""

    effective: int
    permitted: int
    inheritable: int
    bounding: int
    ambient: int
    no_new_privileges: bool

    @property
    def only_net_admin(self) -> bool:
        """Whether nothing but CAP_NET_ADMIN is left in any set, and nothing more can come."""
        sets = (self.effective, self.permitted, self.inheritable, self.bounding, self.ambient)
        return self.no_new_privileges and all(mask & ~_NET_ADMIN == 0 for mask in sets)


def held_by(process: int | str = "self") -> Held:
    """What a process holds at this moment. Raises OSError when there is none."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines() if ":" in line
    )
    masks = (int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"))
    effective, permitted, inheritable, bounding, ambient = masks
    return Held(effective, permitted, inheritable, bounding, ambient, fields["NoNewPrivs"].strip() == "1")


def keep_only_net_admin(*, needed: bool = True) -> Held:
    """Give up everything else; what is held afterwards. Raises Unavailable E-PROTECT-042 when the kernel refuses, and
    -043 when CAP_NET_ADMIN itself was never there but is ``needed``: a tool that is spoken to over a socket does not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = held_by()
    kept = before.permitted & _NET_ADMIN
    if needed and not kept:
        raise Unavailable("E-PROTECT-043", "The agent needs the capability CAP_NET_ADMIN, and was started without it.")
    if before.effective & (1 << CAP_SETPCAP):
        for number in range(_MOST):
            if number != CAP_NET_ADMIN and libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) == 1:
                _need(libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0))
    _need(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _need(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    header = _Header(_VERSION_3, 0)
    data = (_Data * 2)(_Data(kept, kept, kept), _Data(0, 0, 0))
    _need(libc.capset(ctypes.byref(header), ctypes.byref(data)))
    if kept:
        _need(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0))
    after = held_by()
    if not after.only_net_admin:
        raise _refused("it kept more than was asked")
    return after


def _need(status: int) -> None:
    if status != 0:
        raise _refused(os.strerror(ctypes.get_errno()))


def _refused(reason: str) -> Unavailable:
    return Unavailable(
        "E-PROTECT-042", "The kernel did not take the agent's other privileges: {reason}.", reason=reason
    )
