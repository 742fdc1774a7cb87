"""What becomes of an application: one state machine for every procedure. Pure.

A dossier is the sequence of its steps. Each step says by when the decision is due, so
that a receipt once given stays true whatever is learned of holidays later: the date is
set when the dossier is submitted, and moves once at the most, by the working days that
the applicant took to supply what was asked for.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import ConflictError
from greenwater.kernel.reading import day_of, local, milliseconds
from greenwater.reference.holidays import CALENDAR, Calendar
from greenwater.reference.procedures import Procedure

CLOSING: Final = dt.time(17)
"""When offices shut, in Vietnam: what comes later has come on the next working day."""


class Kind(StrEnum):
    """What may be done to a dossier."""

    SUBMIT = "submit"
    ACCEPT = "accept"
    ASK = "ask"
    SUPPLY = "supply"
    CHECK = "check"
    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class Side(StrEnum):
    """Who does it: the applicant, the commune that checks, the office that decides."""

    APPLICANT = "applicant"
    CHECKER = "checker"
    DECIDER = "decider"


class State(StrEnum):
    """Where a dossier stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    ASKED = "asked"
    SUPPLIED = "supplied"
    CHECKED = "checked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


OVER: Final = frozenset({State.GRANTED, State.REFUSED, State.WITHDRAWN})
AFTER: Final[Mapping[Kind, State]] = {
    Kind.SUBMIT: State.SUBMITTED,
    Kind.ACCEPT: State.ACCEPTED,
    Kind.ASK: State.ASKED,
    Kind.SUPPLY: State.SUPPLIED,
    Kind.CHECK: State.CHECKED,
    Kind.GRANT: State.GRANTED,
    Kind.REFUSE: State.REFUSED,
    Kind.WITHDRAW: State.WITHDRAWN,
}
"""Where each step leads."""


class Move(NamedTuple):
    """What the machine needs to know of a step; ``due_ms`` is what the step says."""

    kind: Kind
    side: Side
    at_ms: int
    due_ms: int | None = None
    fits: bool | None = None


class Progress(Struct, frozen=True, kw_only=True):
    """Where a dossier stands; ``due_ms`` is when the decision is due, None before it is
    submitted. ``fits`` is what the commune found. Times in ms since 1970."""

    state: State = State.DRAFT
    due_ms: int | None = None
    submitted_ms: int | None = None
    accepted_ms: int | None = None
    asked_ms: int | None = None
    supplied_ms: int | None = None
    checked_ms: int | None = None
    fits: bool | None = None
    decided_ms: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state not in OVER

    @property
    def is_paused(self) -> bool:
        """Whether the clock stands: the applicant has been asked for more."""
        return self.state is State.ASKED

    def is_overdue(self, now_ms: int) -> bool:
        """Return whether the decision was, or is, late."""
        if self.due_ms is None or self.is_paused or self.state is State.WITHDRAWN:
            return False
        return (now_ms if self.decided_ms is None else self.decided_ms) > self.due_ms


class Counts(NamedTuple):
    """How an office stands: open dossiers (with those of them that wait for the
    applicant, and that are late), and decisions on time and late."""

    open: int
    waiting: int
    overdue: int
    on_time: int
    late: int


def received_on(at_ms: int, calendar: Calendar = CALENDAR) -> dt.date:
    """Return the working day on which an office has what was sent at an instant."""
    at = local(at_ms)
    late = at.time() >= CLOSING
    day = at.date() + dt.timedelta(days=1) if late else at.date()
    return calendar.add(day, 0)


def closing_of(day: dt.date) -> int:
    """Return when offices shut on a day, in ms since 1970."""
    return milliseconds(dt.datetime.combine(day, CLOSING, VIETNAM))


def due_after(
    progress: Progress,
    kind: Kind,
    at_ms: int,
    procedure: Procedure,
    calendar: Calendar = CALENDAR,
) -> int | None:
    """Return by when the decision is due once this is done."""
    if kind is Kind.SUBMIT:
        first = received_on(at_ms, calendar)
        return closing_of(calendar.add(first, procedure.working_days))
    if kind is Kind.SUPPLY and progress.due_ms and progress.asked_ms:
        paused = calendar.between(
            received_on(progress.asked_ms, calendar), received_on(at_ms, calendar)
        )
        return closing_of(calendar.add(day_of(progress.due_ms), paused))
    return progress.due_ms


def supply_until(
    progress: Progress, procedure: Procedure, calendar: Calendar = CALENDAR
) -> int | None:
    """Return until when the applicant may supply before he may be refused for it."""
    if progress.asked_ms is None:
        return None
    asked = received_on(progress.asked_ms, calendar)
    return closing_of(calendar.add(asked, procedure.supply_days))


def possible(
    progress: Progress, procedure: Procedure, side: Side, now_ms: int
) -> list[Kind]:
    """Return what somebody of this side may do now."""
    if not progress.is_open:
        return []
    if side is Side.APPLICANT:
        return _of_applicant(progress.state)
    if progress.state is State.DRAFT:
        return []
    return _of_office(progress, procedure, side, now_ms)


def _of_applicant(state: State) -> list[Kind]:
    if state is State.DRAFT:
        return [Kind.SUBMIT, Kind.WITHDRAW]
    return [Kind.SUPPLY, Kind.WITHDRAW] if state is State.ASKED else [Kind.WITHDRAW]


def _of_office(
    progress: Progress, procedure: Procedure, side: Side, now_ms: int
) -> list[Kind]:
    if progress.is_paused:
        until_ms = supply_until(progress, procedure)
        is_late = until_ms is not None and now_ms > until_ms
        return [Kind.REFUSE] if is_late and side is Side.DECIDER else []
    receiver = Side.CHECKER if procedure.checked else Side.DECIDER
    found = []
    if progress.accepted_ms is None:
        found += [Kind.ACCEPT] if side is receiver else []
    elif procedure.checked and progress.checked_ms is None:
        found += [Kind.CHECK] if side is Side.CHECKER else []
    elif side is Side.DECIDER:
        found += [Kind.GRANT, Kind.REFUSE]
    if progress.asked_ms is None and (found or side is Side.DECIDER):
        found.append(Kind.ASK)
    return found


def advance(progress: Progress, move: Move, procedure: Procedure) -> Progress:
    """Return where the dossier stands after a step.

    Raises:
        ConflictError: that may not be done now, or not by him; or it would move the due
            date although nothing was supplied.
    """
    if move.kind not in possible(progress, procedure, move.side, move.at_ms):
        raise ConflictError(
            f"a dossier that is {progress.state} takes no step {move.kind} of the "
            f"{move.side}; open it again to see what may be done",
            "dossier_step",
        )
    moves_due = move.kind in (Kind.SUBMIT, Kind.SUPPLY)
    if not moves_due and move.due_ms not in (None, progress.due_ms):
        raise ConflictError(
            f"step {move.kind} does not move the due date", "dossier_step"
        )
    return replace(
        progress,
        state=AFTER[move.kind],
        **{name: move.at_ms for name in _noted(move.kind)},
        **({"due_ms": move.due_ms} if moves_due else {}),
        **({"fits": move.fits} if move.kind is Kind.CHECK else {}),
    )


def _noted(kind: Kind) -> Sequence[str]:
    """Return which time of the progress a step sets."""
    return {
        Kind.SUBMIT: ("submitted_ms",),
        Kind.ACCEPT: ("accepted_ms",),
        Kind.ASK: ("asked_ms",),
        Kind.SUPPLY: ("supplied_ms",),
        Kind.CHECK: ("checked_ms",),
        Kind.GRANT: ("decided_ms",),
        Kind.REFUSE: ("decided_ms",),
    }.get(kind, ())


def progress_of(moves: Iterable[Move], procedure: Procedure) -> Progress:
    """Return where a dossier stands after its steps.

    Raises:
        ConflictError: the steps could not have followed each other.
    """
    progress = Progress()
    for move in moves:
        progress = advance(progress, move, procedure)
    return progress


def counts_of(found: Iterable[Progress], now_ms: int) -> Counts:
    """Return how an office stands."""
    known = list(found)
    pending = [one for one in known if one.is_open and one.submitted_ms is not None]
    decided = [one for one in known if one.decided_ms is not None]
    late = sum(one.is_overdue(now_ms) for one in decided)
    return Counts(
        open=len(pending),
        waiting=sum(one.is_paused for one in pending),
        overdue=sum(one.is_overdue(now_ms) for one in pending),
        on_time=len(decided) - late,
        late=late,
    )
