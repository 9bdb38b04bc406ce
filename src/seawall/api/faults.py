"""Where a Fault becomes an HTTP answer, once: status, stable code, one sentence in the asker's language."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from seawall.messages import canonical_language, translate
from seawall.model import Fault, NotFound, Refused, Unavailable

LOG = logging.getLogger(__name__)
MAX_LANGUAGE_HEADER = 200


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every error."""

    code: str
    message: str
    reference: str | None = None  # only for internal errors: what to quote to the operator


class Unauthenticated(Refused):
    """No valid token: HTTP 401."""


def unauthenticated() -> Unauthenticated:
    """The one answer to a wrong, revoked or missing token."""
    return Unauthenticated("E-API-401", "Send a valid token of this node in the Authorization header (Bearer).")


def asked_language(request: Request[Any, Any, Any]) -> str:
    """The first language of the Accept-Language header that we speak, in the order given; else English."""
    header = request.headers.get("accept-language", "")[:MAX_LANGUAGE_HEADER]
    for item in header.split(","):
        tag = item.split(";")[0].strip()
        if tag.lower().startswith(("en", "zh", "ko")):
            return canonical_language(tag)
    return "en"


def problem_of(error: Exception, language: str = "en") -> tuple[int, Problem]:
    """Status and body for any exception; what is not ours becomes "internal" with a reference number."""
    match error:
        case Unauthenticated():
            return _say(401, error, language)
        case NotFound():
            return _say(404, error, language)
        case Refused():
            return _say(403, error, language)
        case Unavailable():
            return _say(503, error, language)
        case Fault():
            return _say(400, error, language)
        case ValidationException():
            return _say(400, Fault("E-API-400", "A parameter of this request cannot be used as given."), language)
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return error.status_code, Problem(f"E-API-{error.status_code}", HTTPStatus(error.status_code).phrase)
    reference = str(uuid.uuid4())
    LOG.error("internal error %s in the API", reference, exc_info=error)
    sentence = translate("Something went wrong inside; quote the reference to the operator.", language)
    return 500, Problem("E-API-500", sentence, reference)


def _say(status: int, fault: Fault, language: str) -> tuple[int, Problem]:
    return status, Problem(fault.code, translate(fault.text, language, **fault.values))


def api_exception_handler(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Litestar's exception handler for the API and everything that no other door answers."""
    status, problem = problem_of(error, asked_language(request))
    headers = {"WWW-Authenticate": 'Bearer realm="seawall"'} if status == HTTPStatus.UNAUTHORIZED else {}
    return Response(content=problem, status_code=status, headers=headers)
