"""What is done to goods, as it is typed: the acts, brought into one form. Pure.

Weights are net kilograms of the species, without ice, glaze and breading; they are kept
to the gram, so that sums are exact.
"""

import math
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.goods import Needs
from greenwater.storage.registry.people import Role
from traceability.epcis.naming import name_of
from traceability.gs1.digits import check_digit

HANDLERS: Final = frozenset({Role.FARMER, Role.TECHNICIAN, Role.BOAT_OWNER, Role.ADMIN})
"""Whose acts on the goods of their organisation count."""

FUTURE_MS: Final = 5 * 60 * 1000
MAX_KG: Final = 1_000_000.0
MAX_TEXT: Final = 300
_PACKAGE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


class Portion(Struct, frozen=True, forbid_unknown_fields=True):
    """Some kilograms of a lot."""

    lot: str
    kg: float
    package: str | None = None


class Made(Struct, frozen=True, forbid_unknown_fields=True):
    """A lot to be made; ``product`` None: the same as what went in."""

    kg: float
    product: str | None = None
    is_by_product: bool = False


class Party(Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets goods: an organisation of the platform, or an outsider by name."""

    organisation: str | None = None
    name: str = ""
    place: str = ""
    phone: str = ""


class _Making(Struct, frozen=True, forbid_unknown_fields=True):
    sources: tuple[Portion, ...]
    made: tuple[Made, ...]


class Split(_Making, frozen=True, tag="split", forbid_unknown_fields=True):
    """One lot becomes several."""


class Merge(_Making, frozen=True, tag="merge", forbid_unknown_fields=True):
    """Several lots are put together into one."""


class Process(_Making, frozen=True, tag="process", forbid_unknown_fields=True):
    """Lots become other goods; ``process`` is of the table of yields."""

    process: str = "other"


class Pack(Struct, frozen=True, tag="pack", forbid_unknown_fields=True):
    """Goods go into a package: a crate, a pallet. Empty: it gets a name of its own."""

    contents: tuple[Portion, ...]
    package: str = ""


class Unpack(Struct, frozen=True, tag="unpack", forbid_unknown_fields=True):
    """All goods are taken out of a package."""

    package: str


class _Leaving(Struct, frozen=True, forbid_unknown_fields=True):
    contents: tuple[Portion, ...] = ()
    packages: tuple[str, ...] = ()


class Ship(_Leaving, frozen=True, tag="ship", forbid_unknown_fields=True):
    """Goods leave for somebody else; goods that are called back may only return."""

    to: Party = Party()
    is_return: bool = False


class Receive(Struct, frozen=True, tag="receive", forbid_unknown_fields=True):
    """A shipment arrived; without ``arrived`` as it was sent, with it as that says."""

    shipment: str
    arrived: tuple[Portion, ...] | None = None
    reason: str = ""


class Dispose(_Leaving, frozen=True, tag="dispose", forbid_unknown_fields=True):
    """Goods are destroyed."""

    reason: str = ""


class Sell(_Leaving, frozen=True, tag="sell", forbid_unknown_fields=True):
    """Goods go to consumers; nobody holds them after that."""

    reason: str = ""


Act: TypeAlias = (
    Split | Merge | Process | Pack | Unpack | Ship | Receive | Dispose | Sell
)
Making: Final = (Split, Merge, Process)
KINDS: Final = (
    "split",
    "merge",
    "process",
    "pack",
    "unpack",
    "ship",
    "receive",
    "dispose",
    "sell",
)


class NewStep(Struct, frozen=True, kw_only=True):
    """What was typed. ``id`` is made by the device it was typed on (a UUID)."""

    id: str
    organisation: str
    at_ms: int
    act: Act


def kind_of(act: Act) -> str:
    """Return the kind of an act, one of ``KINDS``."""
    return str(type(act).__struct_config__.tag)


def tidy(step: NewStep) -> NewStep:
    """Return a step as it is kept: weights to the gram, texts trimmed, packages as URIs.

    Raises:
        InputError: something in it cannot be; the sentence names it.
    """
    try:
        identity = str(uuid.UUID(step.id))
    except ValueError:
        raise InputError(f"step id {step.id!r} is not a UUID", "form_old") from None
    return NewStep(
        id=identity,
        organisation=step.organisation,
        at_ms=step.at_ms,
        act=_tidied(step.act, identity),
    )


def _tidied(act: Act, step: str) -> Act:
    if isinstance(act, Making):
        return _making(act)
    if isinstance(act, Pack):
        package = _package(act.package or f"{step}")
        return Pack(_portions(act.contents, "what is packed"), package)
    if isinstance(act, Unpack):
        return Unpack(_package(act.package))
    if isinstance(act, Receive):
        arrived = act.arrived
        if arrived is not None:
            arrived = tuple(_arrived(one) for one in arrived)
        return Receive(act.shipment, arrived, _text("reason", act.reason))
    return _leaving(act)


def _making(act: Split | Merge | Process) -> Act:
    sources = _portions(act.sources, "what goes in")
    made = tuple(
        msgspec.structs.replace(one, kg=_kg(one.kg), product=one.product or None)
        for one in act.made
    )
    if any(one.package for one in sources):
        raise InputError(
            "goods in a package are unpacked before anything is made of them",
            "unpack_first",
        )
    if isinstance(act, Split) and (len(sources) != 1 or len(made) < 1):
        raise InputError(
            "a split takes one lot and makes at least one of it", "split_wrong"
        )
    if isinstance(act, Merge) and (len(sources) < 2 or len(made) != 1):
        raise InputError(
            "a merge takes at least two lots and makes one of them", "merge_wrong"
        )
    if not made:
        raise InputError("say what is made", "say_made")
    return msgspec.structs.replace(act, sources=sources, made=made)


def _leaving(act: Ship | Dispose | Sell) -> Act:
    packages = tuple(sorted({_package(one) for one in act.packages}))
    if not packages and not act.contents:
        raise InputError("say which goods, or which packages", "say_goods")
    contents = _portions(act.contents, "which goods") if act.contents else ()
    if isinstance(act, Ship):
        return Ship(contents, packages, _party(act.to), act.is_return)
    reason = _text("reason", act.reason)
    if isinstance(act, Dispose) and not reason:
        raise InputError("say why the goods are destroyed", "say_why_destroyed")
    return msgspec.structs.replace(
        act, contents=contents, packages=packages, reason=reason
    )


def _party(to: Party) -> Party:
    if to.organisation:
        return Party(to.organisation)
    name = _text("name", to.name)
    if not name:
        raise InputError(
            "say who gets the goods: an organisation, or a name and a place",
            "say_who_gets",
        )
    return Party(None, name, _text("place", to.place), _text("phone", to.phone))


def _portions(portions: Iterable[Portion], what: str) -> tuple[Portion, ...]:
    """Return portions by lot and package, each of them once."""
    held: dict[tuple[str, str], float] = {}
    for one in portions:
        package = "" if one.package is None else _package(one.package)
        key = one.lot, package
        held[key] = round(held.get(key, 0.0) + _kg(one.kg), 3)
    if not held:
        raise InputError(
            f"say {what}: at least one lot with its kilograms", "say_portions"
        )
    return tuple(
        Portion(lot, kg, package or None) for (lot, package), kg in sorted(held.items())
    )


def _arrived(one: Portion) -> Portion:
    package = None if one.package is None else _package(one.package)
    return Portion(one.lot, 0.0 if one.kg == 0 else _kg(one.kg), package)


def _kg(kg: float) -> float:
    if not (math.isfinite(kg) and 0.001 <= kg <= MAX_KG):
        raise InputError(
            f"{kg:g} kg is not from 0.001 to {MAX_KG:.0f} kg", "kg_wrong", kg=kg
        )
    return round(kg, 3)


def _text(name: str, text: str) -> str:
    text = " ".join(text.split())
    if len(text) > MAX_TEXT:
        raise InputError(
            f"{name} is longer than {MAX_TEXT} characters; shorten it",
            "text_long",
            most=MAX_TEXT,
        )
    return text


def _package(text: str) -> str:
    """Return a package's identifier: an SSCC as a Digital Link, others as a URN of ours."""
    text = name_of(text.strip())
    if re.match(r"(https://id\.gs1\.org/00/|urn:greenwater:package:)", text):
        text = re.split(r"/00/|:package:", text)[-1]
    if re.fullmatch(r"[0-9]{18}", text, re.ASCII):
        if int(text[-1]) != int(check_digit(text[:-1])):
            raise InputError(
                f"SSCC {text} has a wrong check digit: look at it again",
                "sscc_digit",
                sscc=text,
            )
        return f"https://id.gs1.org/00/{text}"
    if _PACKAGE.fullmatch(text) is None:
        raise InputError(
            f"package {text[:40]!r} is no SSCC and has other characters than letters, "
            "digits, '.', '-' and '_'",
            "package_name",
        )
    return f"urn:greenwater:package:{text}"


def needs_of(step: NewStep) -> Needs:
    """Return what must be known to judge a step that is tidy."""
    act = step.act
    if isinstance(act, Making):
        return Needs(
            _lots(act.sources),
            products=frozenset(one.product for one in act.made if one.product),
        )
    if isinstance(act, Pack):
        return Needs(_lots(act.contents), frozenset({act.package}))
    if isinstance(act, Unpack):
        return Needs(packages=frozenset({act.package}))
    if isinstance(act, Receive):
        return Needs(shipment=act.shipment)
    return Needs(_lots(act.contents), frozenset(act.packages))


def _lots(portions: Sequence[Portion]) -> frozenset[str]:
    return frozenset(one.lot for one in portions)
