"""Reading the data files that lie beside these modules, once, into frozen structs."""

from importlib import resources
from typing import TypeVar

import msgspec

from greenwater.kernel.errors import InvariantError

T = TypeVar("T")


def read_table(name: str, kind: type[T]) -> T:
    """Return a data file of this package as ``kind``.

    Raises:
        InvariantError: it does not fit; the package is broken.
    """
    text = (resources.files("greenwater.reference") / name).read_bytes()
    try:
        return msgspec.toml.decode(text, type=kind)
    except msgspec.DecodeError as exc:
        raise InvariantError(f"{name}: {exc}") from exc
