"""The one place where a Fault becomes a TAXII error message (section 3.6). Peers learn nothing by accident."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from seawall.exchange.faults import ProtocolFault, Unauthenticated
from seawall.exchange.taxii.media import TAXII_MEDIA_TYPE
from seawall.exchange.taxii.resources import ErrorMessage
from seawall.model import Fault, NotFound, Refused, Unavailable

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 30  # after "cannot answer just now": a busy store is free again, a full disk perhaps cleared


def error_message(error: Exception) -> tuple[int, ErrorMessage]:
    """Status and message for any exception. Only sentences of this room's own protocol faults are shown."""
    match error:
        case ProtocolFault():
            return _say(error.status, error.code, error.text.format(**error.values))
        case Unauthenticated():
            return _say(401, error.code, error.text)
        case NotFound():
            return _say(404, "E-EXCHANGE-404", "There is nothing here that you may see.")
        case Refused():
            return _say(403, "E-EXCHANGE-403", "You may not do this with this collection.")
        case Unavailable():
            return _say(503, "E-EXCHANGE-503", "The node cannot answer just now; ask again later.")
        case Fault():
            return _say(400, "E-EXCHANGE-498", "The request cannot be used as given.")
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return _say(error.status_code, f"E-EXCHANGE-{error.status_code}", HTTPStatus(error.status_code).phrase)
    reference = str(uuid.uuid4())
    LOG.error("internal error %s in the TAXII server", reference, exc_info=error)
    return _say(500, "E-EXCHANGE-500", "Something went wrong inside; quote the error id to the operator.", reference)


def retry_after(error: Exception) -> int | None:
    """Seconds after which it is worth asking again; None when asking again changes nothing."""
    if isinstance(error, ProtocolFault):
        return error.retry_after
    return RETRY_SECONDS if isinstance(error, Unavailable) else None


def _say(status: int, code: str, sentence: str, reference: str | None = None) -> tuple[int, ErrorMessage]:
    return status, ErrorMessage(HTTPStatus(status).phrase, sentence, reference, code, str(status))


def taxii_exception_handler(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything under ``/taxii2``."""
    status, message = error_message(error)
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="taxii", charset="UTF-8"'
    if (again := retry_after(error)) is not None:
        headers["Retry-After"] = str(again)
    return Response(
        content=msgspec.json.encode(message), status_code=status, media_type=TAXII_MEDIA_TYPE, headers=headers
    )
