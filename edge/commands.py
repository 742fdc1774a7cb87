"""Commands from the platform: checked, carried out once, answered; never touching readings.

A command's effect on the outbox's file and its answer are one transaction, so that a
repeated one is answered as before and not carried out again.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
import structlog
from msgspec import Meta, Struct

from edge.agent import Agent
from edge.notes import Notes
from edge.outbox import Outbox
from edge.schedule import Turns
from greenwater import __version__
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.reading import ClockQuality
from greenwater.kernel.wire.messages import Command, Reply

log = structlog.get_logger()

INTERVAL: Final = "interval/"
"""What the name of an overlay of a probe's interval begins with."""


class Identify(Struct, frozen=True, forbid_unknown_fields=True):
    """Say who you are."""


class SetInterval(Struct, frozen=True, forbid_unknown_fields=True):
    """Sample that often from now on; all probes, unless one is named."""

    seconds: Annotated[float, Meta(ge=1, le=86_400)]
    probe: str | None = None


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """Overrule a rule of local control for a while.

    ``rule`` is its name, or the probe that proves what it switches: pages know only that.
    """

    rule: str
    on: bool
    for_s: Annotated[float, Meta(ge=1, le=86_400)] = 3_600.0


class Resend(Struct, frozen=True, forbid_unknown_fields=True):
    """Send again what was acknowledged since an instant."""

    since_ms: Annotated[int, Meta(ge=0, le=2**53)]


T = TypeVar("T", bound=Struct)


class Commands:
    """The kinds of command, by name. Used in the outbox owner's thread."""

    def __init__(
        self,
        agent: Agent,
        outbox: Outbox,
        notes: Notes,
        turns: Mapping[str, Turns],
    ) -> None:
        self._agent, self._outbox, self._notes = agent, outbox, notes
        self._turns = turns
        self._kinds: dict[str, Callable[[Mapping[str, Any]], str]] = {
            "identify": self._identify,
            "set-interval": self._set_interval,
            "switch": self._switch,
            "resend": self._resend,
        }
        self._restore()

    def _restore(self) -> None:
        """Set again what was set from afar before the last restart."""
        for name, value in self._notes.overlay().items():
            turns = self._turns.get(name.removeprefix(INTERVAL))
            if name.startswith(INTERVAL) and turns is not None:
                turns.set_interval(int(value))

    def carry_out(self, command: Command) -> Reply | None:
        """Return what became of a command; None if it is to come again later.

        One that came before is answered as before.
        """
        instant = self._agent.timekeeper.now()
        if instant.quality is ClockQuality.UNSYNCED:
            return None  # whether it has expired cannot be known
        try:
            before = self._notes.recall(command.id)
            if before is not None:
                return before
            with self._outbox.together():
                reply = self._tried(command, instant.ms)
                self._notes.remember(reply, instant.ms)
        except UnavailableError as exc:
            log.warning("command.postponed", id=command.id, why=str(exc))
            return None
        log.info(
            "command.answered", id=command.id, kind=command.kind, done=reply.is_done
        )
        return reply

    def _tried(self, command: Command, now_ms: int) -> Reply:
        if now_ms > command.expires_ms:
            late_s = (now_ms - command.expires_ms) / 1000
            return Reply(command.id, False, f"expired {late_s:.0f} s ago")
        act = self._kinds.get(command.kind)
        if act is None:
            known = ", ".join(self._kinds)
            why = f"unknown command {command.kind[:40]!r}; known: {known}"
            return Reply(command.id, False, why)
        try:
            return Reply(command.id, True, act(command.args))
        except InputError as exc:
            return Reply(command.id, False, str(exc))

    def _identify(self, args: Mapping[str, Any]) -> str:
        _checked(args, Identify)
        probes = ", ".join(self._turns) or "none"
        return (
            f"{self._agent.device}, Greenwater {__version__}, "
            f"outbox {self._outbox.id}, probes: {probes}"
        )

    def _set_interval(self, args: Mapping[str, Any]) -> str:
        wanted = _checked(args, SetInterval)
        probes = [wanted.probe] if wanted.probe is not None else list(self._turns)
        for probe in probes:
            if probe not in self._turns:
                known = ", ".join(self._turns) or "none"
                raise InputError(f"no probe {probe!r}; there are: {known}")
        interval_ms = round(wanted.seconds * 1000)
        for probe in probes:
            self._notes.change(INTERVAL + probe, str(interval_ms))
            self._turns[probe].set_interval(interval_ms)
        return f"interval is {wanted.seconds:g} s for {', '.join(probes) or 'no probe'}"

    def _switch(self, args: Mapping[str, Any]) -> str:
        wanted = _checked(args, Switch)
        rules = self._agent.controllers
        meant = (
            [rules[wanted.rule]]
            if wanted.rule in rules
            else [
                one for one in rules.values() if one.rule.feedback_probe == wanted.rule
            ]
        )
        if not meant:
            known = ", ".join(rules) or "none"
            raise InputError(f"no rule {wanted.rule!r}; there are: {known}")
        until_ms = self._agent.timekeeper.steady_ms() + round(wanted.for_s * 1000)
        for one in meant:
            one.set_override(wanted.on, until_ms)
        return f"{wanted.rule} {'on' if wanted.on else 'off'} for {wanted.for_s:g} s"

    def _resend(self, args: Mapping[str, Any]) -> str:
        wanted = _checked(args, Resend)
        return f"{self._outbox.resend(wanted.since_ms)} readings queued again"


def _checked(args: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(args, kind)
    except msgspec.ValidationError as exc:
        raise InputError(f"arguments: {exc}") from exc
