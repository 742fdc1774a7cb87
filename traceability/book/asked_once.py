"""A registry that is asked the same question once: for a file of a thousand rows, a label's page."""

from collections.abc import Callable, Set
from typing import Any, Final, cast

from greenwater.storage.registry import Registry

PLACES_AND_PEOPLE: Final = frozenset(
    {
        "get_crop",
        "get_unit",
        "get_person",
        "get_vessel",
        "organisation_of_unit",
        "organisation_of_site",
    }
)


class _AskedOnce:
    def __init__(self, registry: Registry, questions: Set[str]) -> None:
        self._registry, self._questions = registry, questions
        self._known: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._registry, name)
        if name not in self._questions:
            return method

        def asked(*of: Any, **by: Any) -> Any:
            key = (name, of, *by.items())
            if key not in self._known:
                self._known[key] = method(*of, **by)
            return self._known[key]

        return asked


def asked_once(registry: Registry, questions: Set[str] = PLACES_AND_PEOPLE) -> Registry:
    """Return the same registry, which asks each of these questions once while it is held.

    Hold it for one file or page, not longer: what changes meanwhile is not seen.
    """
    return cast(Registry, _AskedOnce(registry, questions))
