"""The API's documentation page: plain HTML made here from the OpenAPI document; no script, no CDN, no inline style."""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import Request, Response, get

DOCS_PATH = "/api/v1/docs"
SCHEMA_PATH = "/api/v1/openapi.json"
STYLE_PATH = "/static/seawall.css"


@get(DOCS_PATH, sync_to_thread=True, include_in_schema=False)
def docs(request: Request[Any, Any, Any]) -> Response[str]:
    """Every operation with its parameters and answers."""
    document: dict[str, Any] = request.app.openapi_schema.to_schema()
    return Response(content=docs_page(document), media_type="text/html")


def docs_page(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document; everything in it is escaped."""
    operations = [
        _operation(method, path, operation)
        for path, methods in sorted(document.get("paths", {}).items())
        for method, operation in methods.items()
        if isinstance(operation, dict)
    ]
    title = escape(str(document["info"]["title"]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n<link rel="icon" href="/static/seawall.svg">\n'
        f'<link rel="stylesheet" href="{STYLE_PATH}">\n</head>\n'
        f'<body class="docs">\n<main>\n<h1>{title}</h1>\n'
        f"<p>{escape(str(document['info'].get('description', '')))}</p>\n"
        f'<p>Machine-readable: <a href="{SCHEMA_PATH}">openapi.json</a>. Back to the <a href="/">node</a>.</p>\n'
        + "\n".join(operations)
        + "\n</main>\n</body>\n</html>\n"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(_parameter(item) for item in operation.get("parameters", []))
    table = (
        "<table><caption>Parameters</caption><thead><tr><th scope=col>Name</th><th scope=col>In</th>"
        f"<th scope=col>Required</th><th scope=col>Meaning</th></tr></thead><tbody>{parameters}</tbody></table>"
        if parameters
        else ""
    )
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(str(answer.get('description', '')))}{_schema(answer)}</li>"
        for status, answer in operation.get("responses", {}).items()
    )
    meaning = escape(str(operation.get("description") or operation.get("summary", "")))
    return (
        f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{meaning}</p>{table}<ul>{answers}</ul></section>"
    )


def _parameter(item: dict[str, Any]) -> str:
    required = "yes" if item.get("required") else "no"
    cells = (item.get("name", ""), item.get("in", ""), required, item.get("description", ""))
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _schema(answer: dict[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f" <code>{escape(name)}</code>" if name else ""
