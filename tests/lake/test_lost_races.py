"""A conditional creation that came second, told from a storage that fails."""

from __future__ import annotations

import pytest

from absent import needed
from seawall.lake.storage.bucket import was_there


def refused(code: str) -> OSError:
    """What the file system makes of an S3 server's refusal."""
    error = OSError(22, "At least one of the pre-conditions you specified did not hold")
    error.__cause__ = needed("botocore.exceptions").ClientError({"Error": {"Code": code, "Message": ""}}, "PutObject")
    return error


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_a_name_that_was_taken_and_removed_since_is_a_lost_race(code: str) -> None:
    """Whoever creates second looks again, also when the first has gone by then."""
    assert was_there(refused(code))


def test_anything_else_is_a_failure() -> None:
    """A server's own trouble, or an error of the line, is told and not taken for a lost race."""
    assert not was_there(refused("InternalError"))
    assert not was_there(OSError(104, "Connection reset by peer"))
