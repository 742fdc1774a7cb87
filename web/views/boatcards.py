"""What a boat is, as its own page tells it: facts, numbers before, who changed what."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.reference.gears import GEARS
from greenwater.reference.ports import PORTS
from greenwater.reference.vessels import Trade
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_changes import VesselChange
from web.views.changes import ChangeView, change_view
from web.views.formats import day, exact
from web.views.seawords import gear_name, port_name
from web.words import Lang, say

FIELDS: Final = (
    "name", "trade", "length_m", "gear", "home_port", "radio", "owner", "retired_ms", "successor",
)  # fmt: skip


def boat_facts(lang: Lang, vessel: VesselInfo) -> list[tuple[str, str]]:
    """Return what is known of a boat, with its words; what is not known is left out."""
    values = {name: getattr(vessel, name) for name in FIELDS}
    return [
        (say(lang, f"boat_{name}"), value_text(lang, name, value))
        for name, value in values.items()
        if value is not None and name not in ("name", "retired_ms", "successor")
    ]


def value_text(lang: Lang, name: str, value: Any) -> str:
    """Return one fact of a boat in words; "–": it is not known."""
    if value is None:
        return say(lang, "boat_in_service") if name == "retired_ms" else "–"
    if name == "length_m":
        return f"{exact(lang, float(value))} m"
    if name == "retired_ms":
        return say(lang, "boat_out_since", day=day(int(value)))
    if name == "trade":
        return say(lang, f"trade_{value}")
    words = {"gear": gear_name(lang, str(value)), "home_port": port_name(str(value))}
    return words.get(name, str(value))


def boat_change_views(
    lang: Lang, changes: Sequence[VesselChange], names: Mapping[str, str], now_ms: int
) -> list[ChangeView]:
    """Return who changed what when, the newest first."""
    return [
        change_view(
            lang,
            one.at_ms,
            names.get(one.person),
            tuple(
                f"{say(lang, f'boat_{name}')}: "
                f"{value_text(lang, name, one.was.get(name))} → "
                f"{value_text(lang, name, one.became[name])}"
                for name in FIELDS
                if name in one.became
            ),
            now_ms,
        )
        for one in changes
    ]


def state_text(lang: Lang, vessel: VesselInfo) -> str:
    """Return that a boat is out of service, and its number since; empty: it sails."""
    if vessel.retired_ms is None:
        return ""
    since = say(lang, "boat_out_since", day=day(vessel.retired_ms))
    if vessel.successor is None:
        return since
    return say(lang, "boat_now", number=vessel.successor, day=day(vessel.retired_ms))


def gear_choices(lang: Lang) -> list[tuple[str, str]]:
    """Return the gears that a boat may have."""
    codes = [one.codes[0] for one in GEARS.gear if one.codes]
    return [(code, gear_name(lang, code)) for code in codes]


def trade_choices(lang: Lang) -> list[tuple[str, str]]:
    """Return what a boat may do."""
    return [(one, say(lang, f"trade_{one}")) for one in Trade]


def port_choices() -> list[tuple[str, str]]:
    """Return the ports that a boat may be of."""
    return [(one.code, one.name) for one in PORTS.port]
