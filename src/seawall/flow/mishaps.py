"""What nobody foresaw, where one failure must not stop the rest: logged under a reference that people can quote."""

from __future__ import annotations

import logging
import uuid

from seawall.model import Fault, Unavailable

LOG = logging.getLogger(__name__)


def as_fault(error: Exception, doing: str) -> Fault:
    """A Fault as it is; anything else is logged with its trace and becomes Unavailable E-FLOW-073, which tells nothing
    of its inside. ``doing``: what was being done, a few words of ours."""
    if isinstance(error, Fault):
        return error
    reference = uuid.uuid4().hex[:8]
    LOG.error("internal error %s during %s", reference, doing, exc_info=error)
    return Unavailable(
        "E-FLOW-073",
        "Something went wrong inside during {doing}; quote the reference {reference} to the operator.",
        doing=doing,
        reference=reference,
    )
