"""The peer of ``bench/psi.py``, run by the interpreter of its own environment: openmined-psi, both parties.

    python psi_openmined.py SIZE      prints one JSON line

It makes the addresses of ``psi_party.items`` itself: its environment holds nothing of ours.
"""

from __future__ import annotations

import json
import resource
import sys
import time

FALSE_POSITIVES = 1e-9  # of the whole run, about what 16-byte tokens would need 100 bits more for


def main() -> None:
    """One run: the client learns the intersection, the server nothing."""
    import private_set_intersection.python as peer  # type: ignore[import-not-found]  # only its environment has it

    size = int(sys.argv[1])
    ours, theirs = listed(0, size), listed(1, size)
    begun = time.process_time()
    client, server = peer.client.CreateWithNewKey(True), peer.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(FALSE_POSITIVES, size, theirs, peer.DataStructure.GCS)
    request = client.CreateRequest(ours)
    response = server.ProcessRequest(request)
    found = client.GetIntersection(setup, response)
    spent = time.process_time() - begun
    sent = sum(len(message.SerializeToString()) for message in (setup, request, response))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu_seconds": spent, "bytes": sent, "peak_bytes": peak, "common": len(found)}))


def listed(place: int, size: int) -> list[str]:
    """The addresses that ``psi_party.items`` makes."""
    numbers = (n if n % 10 == 0 else (1 << 31) + 2 * n + place for n in range(size))
    return [f"{n >> 24}.{(n >> 16) & 255}.{(n >> 8) & 255}.{n & 255}" for n in numbers]


if __name__ == "__main__":
    main()
