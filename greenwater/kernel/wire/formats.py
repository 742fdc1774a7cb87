"""JSON packs, taken apart record by record: slow, and right about every one.

A pack that cannot be split into records is an ``InputError``. A record that is wrong is
handed on with its fault, its bytes and the labels that could be read.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.wire.senml import (
    BASE_LABELS,
    MAX_RECORDS,
    Record,
)

_raw_records = msgspec.json.Decoder(list[msgspec.Raw])

Context = Mapping[str, Any]
"""The base labels in force before a record, as they were sent."""


class Part(NamedTuple):
    """One record: decoded, or the fault that prevents it.

    ``labels`` are its labels by their JSON names, as far as they could be read;
    ``packed`` returns a pack of this record alone, its base labels in front of it, so
    that quarantined bytes say by themselves what they are about.
    """

    record: Record | None
    labels: Mapping[str, Any]
    packed: Callable[[Context], bytes]
    fault: str = ""


UNREADABLE: Final[Context] = dict.fromkeys(BASE_LABELS, msgspec.UNSET)
"""Stands for the labels of a record that nothing can be said of: it may have set any."""


def check_count(count: int) -> None:
    """Refuse a pack of too many records.

    Raises:
        InputError: there are more than 5,000.
    """
    if count > MAX_RECORDS:
        raise InputError(f"the pack has {count} records, over {MAX_RECORDS:,}")


def split_json(text: bytes) -> list[Part]:
    """Return the records of a JSON pack.

    Raises:
        InputError: it cannot be split into records.
    """
    try:
        raws = _raw_records.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return _split_lenient(text)
    check_count(len(raws))
    return [_json_part(bytes(raw)) for raw in raws]


def _json_part(raw: bytes) -> Part:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        try:  # 1e400 and lone surrogates spoil one label here, not the record
            document = json.loads(raw.decode())
        except (ValueError, RecursionError):
            return Part(None, UNREADABLE, _json_packed(raw), "a record is not JSON")
    return part_of(document, _json_packed(raw))


def _split_lenient(text: bytes) -> list[Part]:
    # NaN and Infinity are not JSON, but Python's writers send them.
    try:
        documents = json.loads(text.decode())
    except (ValueError, RecursionError) as exc:
        raise InputError(f"not JSON: {str(exc)[:200]}") from exc
    check_count(len(documents))  # the first byte was "[": it is a list
    return [
        part_of(document, _json_packed(json.dumps(document).encode()))
        for document in documents
    ]


def _json_packed(raw: bytes) -> Callable[[Context], bytes]:
    def packed(context: Context) -> bytes:
        if not context:
            return b"[%b]" % raw
        return b"[%b,%b]" % (json.dumps(context).encode(), raw)

    return packed


def part_of(document: object, packed: Callable[[Context], bytes]) -> Part:
    """Return the part that a decoded record is, labels by their JSON names."""
    if not isinstance(document, Mapping):
        return Part(None, {}, packed, "a record is not an object")
    labels = {k: v for k, v in document.items() if isinstance(k, str)}
    unknown = next((label for label in labels if label.endswith("_")), None)
    if unknown is not None:  # RFC 8428 §4.4
        return Part(
            None,
            labels,
            packed,
            f"label {unknown[:40]!r} must be understood, and is not",
        )
    if labels.get("n", "") is None or labels.get("t", 0) is None:
        return Part(None, labels, packed, "n or t is null")
    record, fault = converted(labels)
    return Part(record, labels, packed, fault)


def converted(labels: Context) -> tuple[Record | None, str]:
    """Return the record that these labels make, or None and the reason."""
    try:
        return msgspec.convert(labels, Record), ""
    except (msgspec.ValidationError, OverflowError, ValueError) as exc:
        return None, str(exc)[:200]
