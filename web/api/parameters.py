"""What an address of data is not asked for: a parameter that it does not know.

A misspelt ``start`` that nobody minds is answered with everything, and who asked takes it
for what he asked for. Pages are tolerant, and so is what others add to by rule: scanned
labels (GS1 Digital Link), and ``/.well-known``. EPCIS judges its own query language.
"""

from difflib import get_close_matches
from typing import Final

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from greenwater.kernel.errors import InputError

EVERYWHERE: Final = frozenset({"lang"})
"""Understood at each address, declared by none: the language of words."""
_FILES: Final = (".json", ".csv", ".xlsx")


def gives_data(path: str) -> bool:
    """Return whether a route of that path gives data, to programs or as a table."""
    if path.startswith("/.well-known/"):
        return False
    return path.startswith("/api/") or path.endswith(_FILES)


async def only_known(request: Request) -> None:
    """Refuse a question for data that has a parameter the route does not declare.

    Raises:
        InputError: it has one; the sentence names it, the nearest, and all that there are.
    """
    route = request.scope["route"]
    if not request.query_params or not isinstance(route, APIRoute):
        return
    if gives_data(route.path):
        check_known(request, known_to(route))


def known_to(route: APIRoute) -> frozenset[str]:
    """Return the names of the parameters that a route reads from the address."""
    declared = get_flat_params(route.dependant)
    asked = (one.alias for one in declared if _in_query(one.field_info))
    return EVERYWHERE.union(asked)


def check_known(request: Request, known: frozenset[str]) -> None:
    """Refuse a question whose address has another parameter than these.

    Raises:
        InputError: the same as of ``only_known``.
    """
    for name in request.query_params:
        if name in known:
            continue
        shown, all_ = name[:60], ", ".join(sorted(known))
        near = get_close_matches(shown, sorted(known), 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"there is no parameter {shown!r} here. {hint}Known: {all_} "
            "(/api/v1/openapi.json)",
            "parameter_unknown",
            name=shown,
            known=all_,
        )


def _in_query(info: object) -> bool:
    kind = getattr(info, "in_", None)
    return getattr(kind, "value", None) == "query"
