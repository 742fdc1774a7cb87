"""A unit's aerators: what was ordered, what the box answered, what the current proves.

A box's rule that drives an aerator has the name of the aerator's feedback probe.
"""

from dataclasses import dataclass
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.reference import aerators
from greenwater.storage.registry.commands import CommandInfo
from web.ports import Services
from web.views.board import natural
from web.views.cards import aerator_name
from web.views.facts import Facts, Hanging
from web.views.formats import amount, moment
from web.words import Lang, say

FOR_S: Final = 4 * 3600.0
"""How long an order holds; then the box's own rule decides again."""


@dataclass(frozen=True)
class AeratorView:
    """One aerator; ``state`` is running, stopped or unknown."""

    probe: str
    unit: str
    name: str
    state: str
    text: str
    order: str
    may_start: bool


def aerators_at(
    lang: Lang, services: Services, facts: Facts, unit: str | None
) -> list[AeratorView]:
    """Return the aerators of a unit, in order of their names."""
    if unit is None:
        return []
    hanging = [
        one for one in facts.in_units.get(unit, ()) if one.profile == aerators.MONITOR
    ]
    commands = _last_orders(services, {one.deployed.device for one in hanging})
    views = []
    for one in sorted(hanging, key=lambda one: natural(one.deployed.probe)):
        order = commands.get((one.deployed.device, one.deployed.probe))
        views.append(_view(lang, facts, unit, one, order))
    return views


def _last_orders(
    services: Services, devices: set[str]
) -> dict[tuple[str, str], CommandInfo]:
    found: dict[tuple[str, str], CommandInfo] = {}
    for device in devices:
        for one in services.registry.list_commands(device):
            if one.command.kind == "switch":
                found.setdefault((device, str(one.command.args.get("rule"))), one)
    return found


def _view(
    lang: Lang,
    facts: Facts,
    unit: str,
    one: Hanging,
    order: CommandInfo | None,
) -> AeratorView:
    known = [r.value for r in one.readings if r.channel is Channel.CURRENT]
    current = known[0] if known else None
    is_running = current is not None and aerators.is_running(current)
    state = "unknown"
    if current is not None:
        state = "running" if is_running else "stopped"
    text = say(lang, f"aerator_{state}")
    if current is not None:
        measured = amount(lang, Channel.CURRENT, current)
        text = f"{text} ({say(lang, 'by_current')}: {measured})"
    return AeratorView(
        one.deployed.probe,
        unit,
        aerator_name(lang, one.deployed.probe),
        state,
        text,
        "" if order is None else order_text(lang, order, facts.now_ms, is_running),
        not is_running,
    )


def order_text(lang: Lang, order: CommandInfo, now_ms: int, is_running: bool) -> str:
    """Return what became of an order; nothing once it was done and holds no longer."""
    command, reply = order.command, order.reply
    is_on = bool(command.args.get("on"))
    time = moment(lang, order.created_ms, now_ms)
    if reply is None:
        is_over = now_ms >= command.expires_ms
        return say(lang, "order_expired" if is_over else "order_sent", time=time)
    if not reply.is_done:
        return say(lang, "order_refused", reason=reply.message, time=time)
    held_ms = 1000 * float(command.args.get("for_s", FOR_S))
    if now_ms >= order.created_ms + held_ms:
        return ""
    if is_on and not is_running:
        return say(lang, "order_not_running", time=time)
    return say(lang, "order_on" if is_on else "order_off", time=time)
