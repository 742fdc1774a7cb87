"""JSON and CBOR packs, taken apart record by record: slow, and right about every one.

A pack that cannot be split into records is an ``InputError``. A record that is wrong is
handed on with its fault, its bytes and the labels that could be read.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import cbor2
import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.wire.senml import (
    BASE_LABELS,
    CBOR_LABELS,
    MAX_RECORDS,
    Record,
)

MAX_DEPTH: Final = 32

_raw_records = msgspec.json.Decoder(list[msgspec.Raw])
_cbor_numbers: Final = {name: number for number, name in CBOR_LABELS.items()}

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
    return _part(document, _json_packed(raw))


def _split_lenient(text: bytes) -> list[Part]:
    # NaN and Infinity are not JSON, but Python's writers send them.
    try:
        documents = json.loads(text.decode())
    except (ValueError, RecursionError) as exc:
        raise InputError(f"not JSON: {str(exc)[:200]}") from exc
    check_count(len(documents))  # the first byte was "[": it is a list
    return [
        _part(document, _json_packed(json.dumps(document).encode()))
        for document in documents
    ]


def _json_packed(raw: bytes) -> Callable[[Context], bytes]:
    def packed(context: Context) -> bytes:
        if not context:
            return b"[%b]" % raw
        return b"[%b,%b]" % (json.dumps(context).encode(), raw)

    return packed


def _as_tag(number: int) -> Callable[[Any, bool], cbor2.CBORTag]:
    def kept(value: Any, is_immutable: bool) -> cbor2.CBORTag:
        return cbor2.CBORTag(number, value)

    return kept


# RFC 8428 §6 knows one tag, the decimal fraction (4), and bignums (2, 3) are integers.
# All others that cbor2 would act on are left as tags: shared references (28, 29, 25,
# 256) unfold to any size or into cycles, regular expressions (35) and mail (36) are
# parsers that nobody asked for.
_ACTED_ON: Final = (
    *(0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261),
    *(1004, 43000, 55799),
)
_FOREIGN_TAGS: Final = {number: _as_tag(number) for number in _ACTED_ON}


def split_cbor(text: bytes) -> list[Part]:
    """Return the records of a CBOR pack.

    Raises:
        InputError: it cannot be split into records.
    """
    stream = io.BytesIO(text)
    try:
        decoder = cbor2.CBORDecoder(
            stream, max_depth=MAX_DEPTH, semantic_decoders=_FOREIGN_TAGS
        )
        documents = decoder.decode()
        rest = len(text) - stream.tell()
    except Exception as exc:  # cbor2 lets many kinds through on hostile bytes
        raise InputError(f"not CBOR: {str(exc)[:200]}") from exc
    if rest:
        raise InputError(f"{rest} bytes follow the CBOR pack")
    check_count(len(documents))  # the first byte said: it is a list
    return [_part(_named(document), _cbor_packed(document)) for document in documents]


def _named(document: object) -> object:
    if not isinstance(document, Mapping):
        return document
    return {
        CBOR_LABELS.get(label, label) if type(label) is int else label: value
        for label, value in document.items()
    }


def _cbor_packed(document: object) -> Callable[[Context], bytes]:
    def packed(context: Context) -> bytes:
        base = {_cbor_numbers.get(label, label): v for label, v in context.items()}
        return bytes(cbor2.dumps([base, document] if base else [document]))

    return packed


def _part(document: object, packed: Callable[[Context], bytes]) -> Part:
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
