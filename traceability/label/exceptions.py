"""Exceptions from the gate that two people granted, as a passport tells them."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.book.gate import crop_subject


class ExceptionShown(Struct, frozen=True):
    """What the gate refused and two people answered for; who they are is not public.

    Times in ms since 1970: when the first asked, when the second agreed.
    """

    code: str
    reason: str
    asked_ms: int
    agreed_ms: int


def exceptions_of(registry: Registry, roots: Sequence[Lot]) -> Iterator[ExceptionShown]:
    """Yield the exceptions granted to the crops that goods grew in, oldest first."""
    for crop in sorted({one.crop for one in roots if one.crop}):
        for one in registry.overrides(subject=crop_subject(crop)):
            if one.agreed_ms is not None:
                yield ExceptionShown(one.code, one.reason, one.at_ms, one.agreed_ms)
