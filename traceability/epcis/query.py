"""The query language of EPCIS 2.0 (standard §8.2.7.1): parameters to a query. Pure.

Values of one parameter are alternatives, different parameters hold together.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.trace_events.terms import EventQuery, Term
from traceability.epcis.entries import word
from traceability.epcis.epcs import to_link
from traceability.epcis.faults import shown
from traceability.epcis.forms import parse_time
from traceability.epcis.naming import goods_starts, name_of, spellings
from traceability.epcis.shapes import NUMBERS, TYPES
from traceability.epcis.units import normal
from traceability.epcis.vocabulary import words

Descendants = Callable[[str], Sequence[str]]
"""Returns all that lie in a place."""

Having = Callable[[Sequence[str], Sequence[str] | None], Sequence[str]]
"""Returns the elements of master data with an attribute of one of these names, and with
one of these values if any are given."""

ACTIONS: Final = ("ADD", "OBSERVE", "DELETE")

NOTHING: Final = "urn:greenwater:nothing"
"""What no event speaks of."""


MAX_PARAMETERS: Final = 50
MAX_VALUES: Final = 200
MAX_ELEMENTS: Final = 1000
MAX_CLASSES: Final = 100
_EQ: Final = words(
    "action bizStep disposition persistentDisposition_set persistentDisposition_unset "
    "readPoint bizLocation transformationID eventID errorReason correctiveEventID type "
    "exception deviceID dataProcessingMethod microorganism chemicalSubstance bizRules "
    "component stringValue booleanValue hexBinaryValue uriValue "
    "coordinateReferenceSystem rawData deviceMetadata"
)
_MATCH: Final = words(
    "epc parentID inputEPC outputEPC anyEPC epcClass inputEPCClass outputEPCClass "
    "anyEPCClass"
)
_PARTY: Final = re.compile(r"EQ_(bizTransaction|source|destination)_(.+)")
_PARTS: Final = "ILMD|SENSORELEMENT|SENSORMETADATA|SENSORREPORT|ERROR_DECLARATION"
_OWN: Final = re.compile(
    rf"(EQ|GT|GE|LT|LE|EXISTS)_((?:INNER_)?(?:(?:{_PARTS})_)?[^_:][^:]*:.+)"
)
_NUMBER: Final = re.compile(
    rf"(EQ|GT|GE|LT|LE)_(quantity|{'|'.join(NUMBERS)})(?:_([A-Z0-9]{{2,3}}))?"
)
_ATTRIBUTE: Final = re.compile(
    r"(HASATTR|HAS_ATTR|EQATTR|EQ_ATTR)_"
    r"(readPoint|bizLocation|bizStep|disposition"
    r"|epcClass|inputEPCClass|outputEPCClass|anyEPCClass"
    r"|(?:source|destination)_(?:owning_party|possessing_party|location))(?:_(.+))?"
)
_TIMES: Final = re.compile(
    r"(EQ|GT|GE|LT|LE)_(startTime|endTime|time|errorDeclarationTime)"
)
_PAGE: Final = words(
    "orderBy orderDirection eventCountLimit maxEventCount perPage nextPageToken"
)


class QueryError(InputError):
    """A parameter that the query language does not have, or a value it cannot take."""


class Asked(Struct, frozen=True, kw_only=True):
    """A query with its limits."""

    query: EventQuery
    per_page: int
    count_limit: int | None = None
    max_count: int | None = None
    token: str | None = None


def parse_query(
    parameters: Sequence[tuple[str, str]],
    descendants: Descendants,
    *,
    most: int,
    having: Having = lambda _names, _texts: (),
) -> Asked:
    """Return what was asked with an address's parameters.

    Raises:
        QueryError: one of them is unknown or its value cannot be; the sentence names it.
    """
    if len(parameters) > MAX_PARAMETERS:
        raise QueryError(f"{len(parameters)} parameters are more than {MAX_PARAMETERS}")
    page: dict[str, str] = {}
    times: dict[str, int] = {}
    terms: list[Term] = []
    for name, value in parameters:
        if name in _PAGE:
            page[name] = value
        elif re.fullmatch(r"(GE|LT)_(eventTime|recordTime)", name):
            times[name] = _time(name, value)
        else:
            terms.append(_term(name, value, descendants, having))
    query = EventQuery(
        terms=tuple(terms),
        event_from_ms=times.get("GE_eventTime"),
        event_to_ms=times.get("LT_eventTime"),
        recorded_from_ms=times.get("GE_recordTime"),
        recorded_to_ms=times.get("LT_recordTime"),
        by_recorded=_one_of(page, "orderBy", ("eventTime", "recordTime"))
        == "recordTime",
        is_ascending=_one_of(page, "orderDirection", ("DESC", "ASC")) == "ASC",
    )
    limit, maximum = _count(page, "eventCountLimit"), _count(page, "maxEventCount")
    if limit is not None and maximum is not None:
        raise QueryError("give eventCountLimit or maxEventCount, not both")
    return Asked(
        query=query,
        per_page=min(_count(page, "perPage") or 30, most),
        count_limit=limit,
        max_count=maximum,
        token=page.get("nextPageToken"),
    )


def _time(name: str, value: str) -> int:
    try:
        # In an address a plus that was not encoded arrives as a space.
        return parse_time(value.replace(" ", "+"))
    except InputError as exc:
        raise QueryError(f"{name}: {exc}") from None


def _one_of(page: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    value = page.get(name, allowed[0])
    if value not in allowed:
        raise QueryError(f"{name}={shown(value)} is none of {', '.join(allowed)}")
    return value


def _count(page: Mapping[str, str], name: str) -> int | None:
    value = page.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", value, re.ASCII):
        raise QueryError(f"{name}={shown(value)} is no whole number above 0")
    return int(value)


def _values(name: str, value: str) -> list[str]:
    values = [one for one in re.split(r"[|,]", value) if one]
    if not values:
        raise QueryError(f"{name} has no value")
    if len(values) > MAX_VALUES:
        raise QueryError(f"{name} has {len(values)} values, more than {MAX_VALUES}")
    return values


def _term(name: str, value: str, descendants: Descendants, having: Having) -> Term:
    found = _ATTRIBUTE.fullmatch(name)
    if found is not None:
        return _having(found, _values(name, value), having)
    for parse in (_plain, _matched, _measured, _timed, _party, _own):
        term = parse(name, value)
        if term is not None:
            return term
    if name in ("WD_readPoint", "WD_bizLocation"):
        return _within(name[3:], _values(name, value), descendants)
    raise QueryError(f"there is no query parameter {shown(name)}")


def _plain(name: str, value: str) -> Term | None:
    if name == "eventType":
        values = _values(name, value)
        wrong = [one for one in values if one not in TYPES and ":" not in one]
        if wrong:
            raise QueryError(
                f"eventType={shown(wrong[0])} is none of {', '.join(TYPES)}"
            )
        return Term(("eventType",), tuple(values))
    if name == "EXISTS_errorDeclaration":
        return Term(("errorDeclaration",))
    if name == "EQ_eventID":
        return Term(("eventID",), (value, *_values(name, value)))
    if name.startswith("EQ_") and name[3:] in _EQ:
        known = name[3:]
        if known == "action":
            _check_actions(_values(name, value))
        return Term((known,), tuple(word(known, one) for one in _values(name, value)))
    return None


def _check_actions(values: Sequence[str]) -> None:
    wrong = [one for one in values if one not in ACTIONS]
    if wrong:
        raise QueryError(f"EQ_action={shown(wrong[0])} is none of {', '.join(ACTIONS)}")


def _matched(name: str, value: str) -> Term | None:
    if not name.startswith("MATCH_") or name[6:] not in _MATCH:
        return None
    texts: list[str] = []
    starts: list[str] = []
    for one in _values(name, value):
        link = to_link(one)
        texts.append(name_of(one))
        if one.endswith("*"):
            starts += [f"{link}/"] if link != one else _starts(one)
        elif re.fullmatch(r"https://id\.gs1\.org/01/[0-9]{14}", link):
            starts.append(f"{link}/")
    return Term((name[6:],), tuple(texts), tuple(starts))


def _starts(pattern: str) -> list[str]:
    """Return with what the names begin that a pattern means, ours in their one spelling."""
    stem = pattern.rstrip("*")
    start = stem.removesuffix(".") if ".*" in pattern else pattern[:-1]
    ours = goods_starts(stem)
    return ours if ours == [name_of(stem)] else [start, *ours]


def _measured(name: str, value: str) -> Term | None:
    found = _NUMBER.fullmatch(name)
    if found is None:
        return None
    op, field, code = found.groups()
    number = _float(name, value)
    if code is None:
        return Term((field,), op=op, number=number)
    full, base = normal(field, number, code)
    return Term((full,), op=op, number=base)


def _timed(name: str, value: str) -> Term | None:
    found = _TIMES.fullmatch(name)
    if found is None:
        return None
    return Term((found[2],), op=found[1], number=float(_time(name, value)))


def _party(name: str, value: str) -> Term | None:
    found = _PARTY.fullmatch(name)
    if found is None:
        return None
    kind = re.sub(r"^(?:cbv:|https?://ref\.gs1\.org/cbv/)(?:BTT|SDT)-", "", found[2])
    kind = re.sub(r"^urn:epcglobal:cbv:(?:btt|sdt):", "", kind)
    texts = tuple(text for one in _values(name, value) for text in spellings(one))
    return Term((f"{found[1]}_{kind}",), texts)


def _own(name: str, value: str) -> Term | None:
    found = _OWN.fullmatch(name)
    if found is None:
        return None
    op, field = found.groups()
    if op == "EXISTS":
        return Term((field,))
    if op == "EQ":
        texts = [value, *_values(name, value)]
        known = (name for one in texts for name in spellings(one))
        return Term((field,), tuple(dict.fromkeys((*texts, *known))))
    try:
        number = float(parse_time(value.replace(" ", "+")))
    except InputError:
        number = _float(name, value)
    return Term((field,), op=op, number=number)


def _float(name: str, value: str) -> float:
    if not re.fullmatch(
        r"[+ -]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", value
    ):
        raise QueryError(f"{name}={shown(value)} is no number")
    return float(value)


def _within(name: str, values: Sequence[str], descendants: Descendants) -> Term:
    texts: list[str] = []
    starts: list[str] = []
    for one in values:
        link = name_of(one)
        texts += [link, *descendants(link)]
        if re.search(r"/414/[0-9]{13}$", link):
            starts.append(f"{link}/254/")
    return Term((name,), tuple(dict.fromkeys(texts)), tuple(starts))


def _having(found: re.Match[str], values: list[str], having: Having) -> Term:
    asked, field, attribute = found.groups()
    if asked.startswith("HAS"):
        if attribute is not None:
            raise QueryError(f"{found[0]}: the attributes' names are its values")
        elements = having(values, None)
    elif attribute is None:
        raise QueryError(f"{found[0]} names no attribute")
    else:
        elements = having([attribute], values)
    is_class = field.endswith("Class")
    most = MAX_CLASSES if is_class else MAX_ELEMENTS
    if len(elements) > most:
        raise QueryError(f"{found[0]}: more than {most} things have that")
    texts = [*(word(field, one) for one in elements), NOTHING]
    starts = [f"{one}/10/" for one in elements if is_class]
    return Term((field,), tuple(texts), tuple(starts))


def pairs_of(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a query that is written as JSON as an address's parameters.

    Raises:
        QueryError: a value is no text, number, truth or list of these.
    """
    return [(name, _joined(name, value)) for name, value in parameters.items()]


def _joined(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "|".join(_joined(name, one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise QueryError(f"{name} has a value that is no text, number or list of these")
