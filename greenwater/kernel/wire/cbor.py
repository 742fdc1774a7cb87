"""CBOR packs, taken apart record by record. Apart from ``formats``, because a gateway
sends JSON only and has no cbor2.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import cbor2

from greenwater.kernel.errors import InputError
from greenwater.kernel.wire.formats import Context, Part, check_count, part_of
from greenwater.kernel.wire.senml import CBOR_LABELS

MAX_DEPTH: Final = 32

_cbor_numbers: Final = {name: number for number, name in CBOR_LABELS.items()}


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
    return [part_of(_named(document), _cbor_packed(document)) for document in documents]


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
