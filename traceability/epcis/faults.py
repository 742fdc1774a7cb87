"""What is wrong with a document: each fault with its event and a JSON pointer."""

from collections.abc import Sequence

from msgspec import Struct

from greenwater.kernel.errors import InputError


class Fault(Struct, frozen=True):
    """One fault. ``event`` counts from 0; None: it is the document's own.

    ``rule`` is the name of a profile's rule; empty: it is the standard's.
    """

    event: int | None
    pointer: str
    reason: str
    rule: str = ""

    def __str__(self) -> str:
        where = "document" if self.event is None else f"event {self.event}"
        named = f"{self.rule}: " if self.rule else ""
        return f"{where}, {self.pointer or '/'}: {named}{self.reason}"


class EpcisError(InputError):
    """A document or event that is not EPCIS 2.0; ``faults`` are all that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")


class Walk:
    """A walk through one document, noting faults and warnings."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.event: int | None = None
        self.prefixes: frozenset[str] = frozenset()

    def fault(self, pointer: str, reason: str) -> None:
        """Note what makes it invalid."""
        self.faults.append(Fault(self.event, pointer, reason))

    def warn(self, pointer: str, reason: str) -> None:
        """Note what is accepted though the standard says otherwise."""
        self.warnings.append(Fault(self.event, pointer, reason))


def step(pointer: str, key: str | int) -> str:
    """Return the JSON pointer of a member (RFC 6901)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def shown(value: object) -> str:
    """Return a value as a sentence may quote it: never long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
