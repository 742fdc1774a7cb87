"""The North American coupon codes of AIs 8110 and 8112: their fields, one after another."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from traceability.gs1.dates import why_no_date

_DIGITS: Final = re.compile(r"[0-9]*", re.ASCII)


class _Wrong(Exception):
    """What is wrong with the field at hand; it never leaves this module."""


class _Fields:
    """The digits, taken from the left."""

    def __init__(self, digits: str) -> None:
        self._rest = digits

    @property
    def rest(self) -> str:
        return self._rest

    def take(self, many: int, name: str) -> str:
        if len(self._rest) < many:
            raise _Wrong(f"its {name} is cut off")
        taken, self._rest = self._rest[:many], self._rest[many:]
        return taken

    def one_of(self, allowed: str, name: str) -> str:
        taken = self.take(1, name)
        if taken not in allowed:
            raise _Wrong(f"its {name} {taken} is none of {', '.join(allowed)}")
        return taken

    def long(self, allowed: str, more: int, name: str) -> None:
        """Take a field whose length stands before it."""
        self.take(int(self.one_of(allowed, f"length of {name}")) + more, name)

    def date(self, name: str) -> str:
        taken = self.take(6, name)
        if why_no_date(taken):
            raise _Wrong(f"its {name} {taken} is no date")
        return taken


def _purchase(fields: _Fields, name: str) -> None:
    fields.long("12345", 0, f"{name} purchase requirement")
    fields.one_of("012349", f"{name} purchase requirement code")
    fields.take(3, f"{name} purchase family code")


def _other_purchase(fields: _Fields, name: str) -> None:
    _purchase(fields, name)
    prefix = f"{name} purchase company prefix"
    size = fields.one_of("01234569", f"length of {prefix}")
    if size != "9":
        fields.take(int(size) + 6, prefix)


def _saving(fields: _Fields) -> None:
    fields.one_of("01256", "save value code")
    fields.one_of("012", "item that the save value applies to")
    fields.take(1, "store coupon flag")
    fields.one_of("01", "don't multiply flag")


def _extra_purchase(fields: _Fields) -> None:
    fields.one_of("0123", "additional purchase rules code")
    _other_purchase(fields, "second")


_OPTIONS: Final[Mapping[str, Callable[[_Fields], str | None]]] = {
    "1": _extra_purchase,
    "2": lambda fields: _other_purchase(fields, "third"),
    "3": lambda fields: fields.date("expiration date"),
    "4": lambda fields: fields.date("start date"),
    "5": lambda fields: fields.long("0123456789", 6, "serial number"),
    "6": lambda fields: fields.long("1234567", 6, "retailer's company prefix or GLN"),
    "9": _saving,
}


def _options(fields: _Fields) -> None:
    taken: dict[str, str | None] = {}
    for option, take in _OPTIONS.items():
        if fields.rest.startswith(option):
            fields.take(1, "option")
            taken[option] = take(fields)
    if (taken.get("4") or "") > (taken.get("3") or "9"):
        raise _Wrong("it ends before it starts")


def why_no_coupon(digits: str) -> str | None:
    """Return what is wrong with a coupon code of AI 8110; None: nothing."""
    fields = _Fields(digits)
    try:
        _only_digits(digits)
        fields.long("0123456", 6, "company prefix")
        fields.take(6, "offer code")
        fields.long("12345", 0, "save value")
        _purchase(fields, "first")
        _options(fields)
        return f"there is {fields.rest} too much" if fields.rest else None
    except _Wrong as wrong:
        return str(wrong)


def why_no_offer(digits: str) -> str | None:
    """Return what is wrong with a positive offer file's code of AI 8112; None: nothing."""
    fields = _Fields(digits)
    try:
        _only_digits(digits)
        fields.one_of("01", "format code")
        fields.long("0123456", 6, "funder")
        fields.take(6, "offer code")
        fields.long("0123456789", 6, "serial number")
        return f"there is {fields.rest} too much" if fields.rest else None
    except _Wrong as wrong:
        return str(wrong)


def _only_digits(text: str) -> None:
    if not _DIGITS.fullmatch(text):
        raise _Wrong("a coupon's code has digits only")
