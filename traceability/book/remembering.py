"""A registry that is asked the same question once: for a file of a thousand rows."""

from collections.abc import Callable
from typing import Any, Final, cast

from greenwater.storage.registry import Registry

_KEPT: Final = frozenset(
    {
        "get_crop",
        "get_unit",
        "get_person",
        "get_vessel",
        "organisation_of_unit",
        "organisation_of_site",
    }
)


class _Remembering:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._registry, name)
        if name not in _KEPT:
            return method

        def asked(of: str) -> Any:
            key = (name, of)
            if key not in self._known:
                self._known[key] = method(of)
            return self._known[key]

        return asked


def remembering(registry: Registry) -> Registry:
    """Return the same registry, which remembers places and people while it is held.

    Hold it for one file or batch, not longer: what changes meanwhile is not seen.
    """
    return cast(Registry, _Remembering(registry))
