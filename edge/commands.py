"""Commands from the platform: checked, carried out once, answered; never touching readings."""

from collections.abc import Callable
from typing import Any

import structlog

from edge.agent import Agent
from edge.outbox import Outbox
from edge.samplers import Attached
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.wire.messages import Command, Reply

log = structlog.get_logger()

MAX_OVERRIDE_S = 24 * 3600


class Commands:
    """The kinds of command, by name."""

    def __init__(self, agent: Agent, outbox: Outbox, attached: list[Attached]) -> None:
        self._agent, self._outbox = agent, outbox
        self._attached = {one.probe: one for one in attached}
        self._kinds: dict[str, Callable[[dict[str, Any]], str]] = {
            "identify": self._identify,
            "set-interval": self._set_interval,
            "switch": self._switch,
            "resend": self._resend,
        }

    def carry_out(self, command: Command) -> Reply:
        """Return what became of a command; a repeated one is answered as before."""
        try:
            before = self._outbox.recall_command(command.id)
            if before is not None:
                return Reply(command.id, *before)
            is_done, message = self._tried(command)
            self._outbox.remember_command(command.id, is_done, message)
        except UnavailableError as exc:
            is_done, message = False, str(exc)
        log.info("command.answered", id=command.id, kind=command.kind, done=is_done)
        return Reply(command.id, is_done, message)

    def _tried(self, command: Command) -> tuple[bool, str]:
        if self._agent.now_ms() > command.expires_ms:
            return False, f"expired at {command.expires_ms}"
        act = self._kinds.get(command.kind)
        if act is None:
            return (
                False,
                f"unknown command {command.kind!r}; known: {', '.join(self._kinds)}",
            )
        try:
            return True, act(command.args)
        except InputError as exc:
            return False, str(exc)

    def _identify(self, args: dict[str, Any]) -> str:
        _only(args)
        return f"{self._agent.device}, outbox {self._outbox.id}"

    def _set_interval(self, args: dict[str, Any]) -> str:
        _only(args, "probe", "interval_s")
        probe, interval_s = args.get("probe"), args.get("interval_s")
        if probe not in self._attached:
            raise InputError(
                f"no probe {probe!r}; there are {', '.join(self._attached)}"
            )
        if type(interval_s) not in (int, float) or not 1 <= interval_s <= 86_400:  # type: ignore[operator]
            raise InputError(f"interval_s {interval_s!r} is not from 1 to 86400")
        one = self._attached[probe]
        one.interval_ms, one.due_ms = round(interval_s * 1000), -1  # type: ignore[operator]
        return f"{probe} every {interval_s:g} s"

    def _switch(self, args: dict[str, Any]) -> str:
        _only(args, "rule", "on", "for_s")
        rule, is_on, for_s = args.get("rule"), args.get("on"), args.get("for_s", 3600)
        controller = self._agent.controllers.get(str(rule))
        if controller is None:
            known = ", ".join(self._agent.controllers) or "none"
            raise InputError(f"no rule {rule!r}; there are: {known}")
        if type(is_on) is not bool:
            raise InputError(f"on {is_on!r} is not true or false")
        if type(for_s) not in (int, float) or not 1 <= for_s <= MAX_OVERRIDE_S:
            raise InputError(f"for_s {for_s!r} is not from 1 to {MAX_OVERRIDE_S}")
        controller.set_override(is_on, self._agent.now_ms() + round(for_s * 1000))
        return f"{rule} {'on' if is_on else 'off'} for {for_s:g} s"

    def _resend(self, args: dict[str, Any]) -> str:
        _only(args, "since_ms")
        since_ms = args.get("since_ms")
        if type(since_ms) is not int or since_ms < 0:
            raise InputError(f"since_ms {since_ms!r} is not milliseconds since 1970")
        return f"{self._outbox.resend(since_ms)} readings queued again"


def _only(args: dict[str, Any], *allowed: str) -> None:
    unknown = args.keys() - set(allowed)
    if unknown:
        raise InputError(f"unknown argument {sorted(unknown)[0]!r}")
