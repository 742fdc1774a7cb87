"""Identifiers as EPC URN and as GS1 Digital Link: the same thing, two spellings.

The canonical spelling is the link (GS1 Digital Link 1.x; CBV 2.0 §8). Back to a URN the
length of the company's prefix is needed; GS1's own table of them comes with biip.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, unquote

from biip import ParseError
from biip.gs1_prefixes import GS1CompanyPrefix

from traceability.gs1.digits import check_digit

BASE: Final = "https://id.gs1.org"
_URN: Final = re.compile(r"urn:epc:(id|class|idpat):([a-z]+):(.+)", re.DOTALL)
_KEYS: Final = "00|01|253|255|401|402|414|417|8003|8004|8006|8010|8017|8018"
_LINK: Final = re.compile(
    rf"https?://[^/?#]+(?:/[^?#]*?)??(/(?:{_KEYS})/[^?#]+)", re.ASCII
)


def _coded(text: str) -> str:
    return quote(unquote(text), safe="-._~'\"$;<>=@")


def _checked(digits: str) -> str | None:
    if not re.fullmatch(r"[0-9]+", digits, re.ASCII):
        return None
    return f"{digits}{check_digit(digits)}"


def _gtin(prefix: str, item: str) -> str | None:
    return (
        _checked(f"{item[:1]}{prefix}{item[1:]}") if len(prefix + item) == 13 else None
    )


def _thirteen(prefix: str, rest: str) -> str | None:
    return _checked(prefix + rest) if len(prefix + rest) == 12 else None


def _long(prefix: str, rest: str, length: int) -> str | None:
    return _checked(prefix + rest) if len(prefix + rest) == length else None


def _trade_item(key: str) -> Callable[[list[str]], str | None]:
    def make(parts: list[str]) -> str | None:
        gtin = _gtin(parts[0], parts[1]) if len(parts) >= 2 else None
        if gtin is None or len(parts) > 3:
            return None
        if len(parts) == 2 or parts[2] == "*":
            return f"/01/{gtin}"
        return f"/01/{gtin}/{key}/{_coded(parts[2])}"

    return make


def _sscc(parts: list[str]) -> str | None:
    if len(parts) != 2:
        return None
    sscc = _long(f"{parts[1][:1]}{parts[0]}", parts[1][1:], 17)
    return None if sscc is None else f"/00/{sscc}"


def _sgln(parts: list[str]) -> str | None:
    gln = _thirteen(parts[0], parts[1]) if len(parts) == 3 else None
    if gln is None:
        return None
    return f"/414/{gln}" + (
        "" if parts[2] in ("0", "*") else f"/254/{_coded(parts[2])}"
    )


def _joined(ai: str, first: str = "") -> Callable[[list[str]], str | None]:
    """A thirteen-digit key with a serial in the same value: GRAI, GDTI, GCN."""

    def make(parts: list[str]) -> str | None:
        key = _thirteen(parts[0], parts[1]) if len(parts) >= 2 else None
        if key is None or len(parts) > 3:
            return None
        serial = "" if len(parts) == 2 or parts[2] == "*" else _coded(parts[2])
        return f"/{ai}/{first}{key}{serial}"

    return make


def _plain(ai: str) -> Callable[[list[str]], str | None]:
    """A prefix and a reference without a check digit: GIAI, GINC."""

    def make(parts: list[str]) -> str | None:
        return f"/{ai}/{parts[0]}{_coded('.'.join(parts[1:]))}" if parts[1:] else None

    return make


def _numbered(ai: str, length: int) -> Callable[[list[str]], str | None]:
    def make(parts: list[str]) -> str | None:
        key = _long(parts[0], parts[1], length) if len(parts) == 2 else None
        return None if key is None else f"/{ai}/{key}"

    return make


def _itip(parts: list[str]) -> str | None:
    gtin = _gtin(parts[0], parts[1]) if len(parts) in (4, 5) else None
    if gtin is None:
        return None
    base = f"/8006/{gtin}{parts[2]}{parts[3]}"
    return (
        base if len(parts) == 4 or parts[4] == "*" else f"{base}/21/{_coded(parts[4])}"
    )


def _cpi(parts: list[str]) -> str | None:
    if len(parts) not in (2, 3):
        return None
    base = f"/8010/{parts[0]}{_coded(parts[1])}"
    return base if len(parts) == 2 or parts[2] == "*" else f"{base}/8011/{parts[2]}"


_MAKERS: Final[Mapping[str, Callable[[list[str]], str | None]]] = {
    "sgtin": _trade_item("21"),
    "lgtin": _trade_item("10"),
    "upui": _trade_item("235"),
    "sscc": _sscc,
    "sgln": _sgln,
    "pgln": lambda parts: _numbered("417", 12)(parts),
    "grai": _joined("8003", "0"),
    "gdti": _joined("253"),
    "sgcn": _joined("255"),
    "giai": _plain("8004"),
    "ginc": _plain("401"),
    "gsin": _numbered("402", 16),
    "gsrn": _numbered("8018", 17),
    "gsrnp": _numbered("8017", 17),
    "itip": _itip,
    "cpi": _cpi,
}


def to_link(text: str) -> str:
    """Return an identifier as a canonical GS1 Digital Link; others' as they are.

    A link of another domain becomes ``id.gs1.org``'s, without query and fragment.
    """
    found = _URN.fullmatch(text)
    if found is not None:
        maker = _MAKERS.get(found[2])
        parts = found[3].split(".", 2 if found[2] not in ("itip", "cpi") else 4)
        path = None if maker is None else maker(parts)
        return text if path is None else f"{BASE}{path}"
    link = _LINK.match(text)
    return text if link is None else f"{BASE}{link[1].rstrip('/')}"


def to_urn(text: str) -> str:
    """Return a Digital Link as an EPC URN where the prefix's length is known.

    Trade items, lots, logistic units, locations and parties; others as they are.
    """
    link = to_link(text)
    if not link.startswith(BASE):
        return text
    parts = [unquote(part) for part in link[len(BASE) + 1 :].split("/")]
    try:
        return _urn(parts) or text
    except (ParseError, ValueError, IndexError):
        return text


def _urn(parts: list[str]) -> str | None:
    ai, value, rest = parts[0], parts[1], parts[2:]
    if ai == "01" and len(value) == 14:
        prefix = _prefix(value[1:13])
        item = f"{prefix}.{value[0]}{value[1 + len(prefix) : 13]}"
        if not rest:
            return f"urn:epc:idpat:sgtin:{item}.*"
        kinds = {"21": "id:sgtin", "10": "class:lgtin", "235": "id:upui"}
        return (
            f"urn:epc:{kinds[rest[0]]}:{item}.{rest[1]}" if rest[0] in kinds else None
        )
    if ai == "00" and len(value) == 18:
        prefix = _prefix(value[1:17])
        return f"urn:epc:id:sscc:{prefix}.{value[0]}{value[1 + len(prefix) : 17]}"
    if ai in ("414", "417") and len(value) == 13:
        prefix = _prefix(value[:12])
        base = f"{prefix}.{value[len(prefix) : 12]}"
        if ai == "417":
            return f"urn:epc:id:pgln:{base}"
        return f"urn:epc:id:sgln:{base}.{rest[1] if rest[:1] == ['254'] else '0'}"
    return None


def _prefix(digits: str) -> str:
    found = GS1CompanyPrefix.extract(digits)
    if found is None:
        raise ValueError(f"{digits} begins with no company prefix that is known")
    return found.value
