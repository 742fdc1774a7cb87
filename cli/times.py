"""Instants as people write them on the command line."""

import datetime as dt

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds


def parse_time(text: str, name: str) -> int:
    """Return an instant's milliseconds.

    Raises:
        InputError: it is no instant with a time zone.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"{name} {text!r}: write 2026-06-01T00:00:00+07:00") from exc
    if at.tzinfo is None:
        raise InputError(f"{name} {text!r} has no time zone: write +07:00 or Z")
    return milliseconds(at)
