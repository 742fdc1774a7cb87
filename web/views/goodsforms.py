"""What was typed about goods, as the act it means. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from greenwater.kernel.errors import InputError
from traceability.goods.steps import (
    Act,
    Dispose,
    Made,
    Merge,
    Pack,
    Party,
    Portion,
    Process,
    Receive,
    Sell,
    Ship,
    Split,
    Unpack,
)
from web.views.formats import typed_number
from web.words import Lang

Form = Mapping[str, str]


def kg_of(lang: Lang, text: str) -> float:
    """Return kilograms as somebody typed them.

    Raises:
        InputError: that is no weight; in the words of the page.
    """
    try:
        return float(typed_number(lang, text.strip()))
    except ValueError:
        raise InputError(
            f"{text[:20]!r} is no weight in kg", "goods_kg", typed=text[:20]
        ) from None


def act_of(lang: Lang, form: Form, lot: str, recipients: Mapping[str, str]) -> Act:
    """Return what a lot's form asks for; ``recipients`` are organisations by name.

    Raises:
        InputError: the form is of no kind, or a weight in it is none.
    """
    make = _MAKERS.get(form.get("kind", ""))
    if make is None:
        raise InputError(
            f"{form.get('kind', '')[:20]!r} is nothing to do with goods", "form_old"
        )
    return make(lang, form, lot, recipients)


def received_of(lang: Lang, form: Form, sent: Mapping[str, Portion]) -> Receive:
    """Return a receipt: ``kg_N`` of each portion that was sent, where it was changed.

    Raises:
        InputError: a weight is none.
    """
    arrived = tuple(
        Portion(one.lot, kg_of(lang, form.get(key, "") or f"{one.kg}"), one.package)
        for key, one in sent.items()
    )
    return Receive(form.get("shipment", ""), arrived, form.get("reason", ""))


def _portion(lang: Lang, form: Form, lot: str, field: str = "kg") -> Portion:
    return Portion(lot, kg_of(lang, form.get(field, "")))


def _split(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    parts = [one for one in re.split(r"[;+\n]", form.get("parts", "")) if one.strip()]
    weights = [kg_of(lang, one) for one in parts]
    if not weights:
        raise InputError("no weight in kg", "goods_kg", typed="")
    whole = round(sum(weights), 3)
    product = form.get("product") or None
    return Split((Portion(lot, whole),), tuple(Made(kg, product) for kg in weights))


def _process(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    made = [Made(kg_of(lang, form.get("kg_out", "")), form.get("product") or None)]
    if form.get("kg_by", "").strip():
        by = kg_of(lang, form["kg_by"])
        made.append(Made(by, form.get("product") or None, is_by_product=True))
    source = _portion(lang, form, lot, "kg_in")
    return Process((source,), tuple(made), form.get("process", "other"))


def _merge(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    sources = (
        _portion(lang, form, lot, "kg_in"),
        _portion(lang, form, form.get("other", ""), "kg_other"),
    )
    whole = round(sum(one.kg for one in sources), 3)
    return Merge(sources, (Made(whole, form.get("product") or None),))


def _pack(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    return Pack((_portion(lang, form, lot),), form.get("package", "").strip())


def _unpack(_lang: Lang, form: Form, _lot: str, _to: Mapping[str, str]) -> Act:
    return Unpack(form.get("package", ""))


def _ship(lang: Lang, form: Form, lot: str, to: Mapping[str, str]) -> Act:
    name = " ".join(form.get("to", "").split())
    known = to.get(name.casefold())
    party = Party(
        known,
        "" if known else name,
        "" if known else form.get("place", ""),
        "" if known else form.get("phone", ""),
    )
    package = form.get("package", "")
    contents = (_portion(lang, form, lot),) if form.get("kg", "").strip() else ()
    packages = (package,) if package else ()
    return Ship(contents, packages, party, form.get("is_return", "") == "on")


def _sell(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    return Sell((_portion(lang, form, lot),), (), form.get("reason", ""))


def _dispose(lang: Lang, form: Form, lot: str, _to: Mapping[str, str]) -> Act:
    return Dispose((_portion(lang, form, lot),), (), form.get("reason", ""))


_MAKERS: Final[Mapping[str, Callable[[Lang, Form, str, Mapping[str, str]], Act]]] = {
    "split": _split,
    "process": _process,
    "merge": _merge,
    "pack": _pack,
    "unpack": _unpack,
    "ship": _ship,
    "sell": _sell,
    "dispose": _dispose,
}
