"""The API's description (OpenAPI 3.1): what programs may use, under names that last.

Pages for people are left out. An operation is named after its method and address, so that
a name changes only with the address; every error is a problem (RFC 9457).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from web.api.problems import PROBLEM
from web.door.doors import COOKIE
from web.farm.record_api import RecordBatch
from web.goods.api import SentStep
from web.office.inspections import Statements
from web.sea.record_api import VesselRecordBatch

TOLD: Final = (
    "Readings of water and boats, lots with their passports and labels, and trace events "
    "by EPCIS 2.0. Programs show a token (`Authorization: Bearer …` or `X-API-Key`), people "
    "their session. Errors are problems (RFC 9457) whose `type` is stable. Writes may carry "
    "`Idempotency-Key`. How to use it: docs/api.md."
)
API: Final = ("/api/", "/epcis", "/healthz", "/.well-known/")
PUBLIC: Final = (
    *("/healthz", "/api/v1/passports/", "/api/v1/labels", "/api/v1/ledger"),
    *("/api/v1/openapi.json", "/.well-known/"),
)
"""Operations that ask nobody who he is."""

FORMS: Final = ("/api/v1/records", "/api/v1/vessels/{vessel}/records")
"""What is written with a session and its form token alone."""

BODIES: Final[Mapping[tuple[str, str], type]] = {
    ("post", "/api/v1/steps"): SentStep,
    ("post", "/api/v1/records"): RecordBatch,
    ("post", "/api/v1/vessels/{vessel}/records"): VesselRecordBatch,
    ("post", "/api/v1/inspections"): Statements,
}
"""What is sent to an address, where the route reads the bytes itself."""

TAGS: Final[Mapping[str, str]] = {
    "telemetry": "Sites, units, boats' trips, and what was measured there.",
    "labels": "What anybody may know of labels and lots.",
    "EPCIS": "Trace events, EPCIS 2.0 (docs/epcis.md).",
    "books": "Records of farms, boats and inspections.",
    "goods": "Lots, and what is done to them.",
    "pages": "What the site's own pages fetch: for them, and as they need it.",
    "service": "Whether the platform is well.",
}
_TAG_OF: Final = (
    *(
        ("/api/v1/lots", "goods"),
        ("/api/v1/steps", "goods"),
        ("/.well-known", "labels"),
    ),
    *(("/epcis", "EPCIS"), ("/healthz", "service"), ("/api/v1/labels", "labels")),
    *(("/api/v1/passports", "labels"), ("/api/v1/series", "telemetry")),
    *(("/api/v1/units", "telemetry"), ("/api/v1/sites", "telemetry")),
    *(("/api/v1/readings", "telemetry"), ("/api/v1/trips", "telemetry")),
    *(("/api/v1/hauls", "telemetry"), ("/api/", "books")),
    ("/", "pages"),
)
_READ: Final = tuple(head for head, tag in _TAG_OF if tag == "telemetry")
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable; see docs/api.md."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "One sentence for people."},
    },
}
_REFUSED: Final = {"$ref": "#/components/responses/Problem"}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Made by the client; the same key and request get the first answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "pattern": "^[!-~]+$",
    },
}


_REFUSED_ALONE: Final = {
    "description": "Anything else is refused for itself, and keeps no other back."
}
_FORM: Final = {
    "name": "X-CSRF-Token",
    "in": "header",
    "required": True,
    "description": "The form token of the session: the pages of the site carry it.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}


def describe(app: FastAPI) -> None:
    """Have an application describe its API and nothing else."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None or "x-greenwater" not in app.openapi_schema:
            app.openapi_schema = None
            app.openapi_schema = _described(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(whole: Mapping[str, Any]) -> dict[str, Any]:
    paths = {
        path: _path(path, item)
        for path, item in whole["paths"].items()
        if path.startswith(API) or path.endswith(".json")
    }
    components = dict(whole.get("components", {}))
    schemas = {
        name: one
        for name, one in components.get("schemas", {}).items()
        # Forms of pages, and what FastAPI would say of errors.
        if not name.startswith(("Body_", "HTTPValidation", "Validation"))
    }
    _, components_sent = msgspec.json.schema_components(
        list(BODIES.values()), ref_template="#/components/schemas/{name}"
    )
    # As it is sent: a tuple is an array there.
    sent = msgspec.json.decode(msgspec.json.encode(components_sent))
    for batch in (RecordBatch, VesselRecordBatch):
        records = sent[batch.__name__]["properties"]["records"]
        records["items"] = {"anyOf": [records["items"], _REFUSED_ALONE]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Greenwater", "version": "1", "description": TOLD},
        "tags": [{"name": name, "description": told} for name, told in TAGS.items()],
        "paths": paths,
        "components": {
            **components,
            "schemas": {**schemas, **sent, "Problem": _PROBLEM},
            "responses": {
                "Problem": {
                    "description": "Why not.",
                    "content": {
                        PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}
                    },
                }
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "x-greenwater": "described",
    }


def _path(path: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {method: _operation(path, method, one) for method, one in item.items()}


def _operation(path: str, method: str, one: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(one)
    if not str(made.get("operationId", "")).startswith("epcis_"):
        made["operationId"] = _name(path, method)
    made["tags"] = [next(tag for head, tag in _TAG_OF if path.startswith(head))]
    answers = {k: v for k, v in made.get("responses", {}).items() if k != "422"}
    made["responses"] = {**answers, "default": _REFUSED}
    parameters = list(made.get("parameters", []))
    if method in ("post", "put", "patch", "delete"):
        parameters += [_FORM, _KEY] if path in FORMS else [_KEY]
    if parameters:
        # What a route says itself of a parameter stands for what FastAPI found.
        said = {(one["name"], one["in"]): one for one in parameters}
        made["parameters"] = list(said.values())
    if (method, path) in BODIES:
        body = {"$ref": f"#/components/schemas/{BODIES[method, path].__name__}"}
        content = {"application/json": {"schema": body}}
        made["requestBody"] = {"required": True, "content": content}
    is_public = path.startswith(PUBLIC)
    made["security"] = [] if is_public else _security(path, method)
    return made


def _security(path: str, method: str) -> list[dict[str, list[str]]]:
    token: list[dict[str, list[str]]] = [{"token": []}, {"key": []}]
    is_write = method != "get"
    if path.startswith("/epcis"):
        return token if is_write else [*token, {"session": []}]
    is_both = path.startswith(("/api/v1/lots", "/api/v1/steps", *_READ)) or (
        path == "/api/v1/records" and not is_write
    )
    return [*token, {"session": []}] if is_both else [{"session": []}]


def _name(path: str, method: str) -> str:
    words = path.removeprefix("/api/v1").replace("{", "by_").replace("}", "")
    parts = [
        part for part in words.replace(".", "_").replace("-", "_").split("/") if part
    ]
    return "_".join([method, *parts]).replace(":path", "")
