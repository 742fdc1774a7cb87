"""A pond's own limits, laid over what its species bears. Pure.

Laws:

* What a farm says itself stands before the tables, level by level and side by side; what
  it leaves unsaid stays as the tables have it.
* A level that a regulation has is made stricter, never looser: no warning begins later
  than the regulation's bounds, and a species' level that is law itself holds as it is.
* Whatever was set when, what comes out is in order: critical lies no nearer than the
  warning. Where a newer table would turn them round, the stricter of both counts.
* They were set for what lived there then: of another species they say nothing.
* A reading is held against what stood when it was taken, however late it comes in.
* They move alarms, lights and lines. What a probe can measure (``quality.toml``) and what
  evidence calls inside limits stay as they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import InputError
from greenwater.reference.limits import (
    Basis,
    Bounds,
    LegalLimit,
    Severity,
    SpeciesLimits,
    legal_limits,
    species_limits,
)
from greenwater.reference.quality import QUALITY

LEVELS: Final = (Severity.WARN, Severity.CRITICAL)
SIDES: Final = ("low", "high")
NOTHING: Final = Bounds()

SETTABLE: Final = tuple(
    channel
    for channel in QUALITY
    if SPECS[channel].measurement is Measurement.WATER
    and channel not in (Channel.DEPTH, Channel.CONDUCTIVITY)
)
"""The channels a farm may set limits for: those of the water that are tested.

Salinity is worked out from conductivity, and is where limits of salt belong.
"""


class OwnLimits(Struct, frozen=True, kw_only=True):
    """What a unit's own people set for one channel; a side left None is the species'.

    ``species`` lived there then; ``person`` set them at ``set_ms``, for a ``reason``.
    """

    channel: Channel
    species: str | None = None
    warn: Bounds = NOTHING
    critical: Bounds = NOTHING
    reason: str = ""
    person: str = ""
    set_ms: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set: the tables hold again."""
        return self.warn == self.critical == NOTHING

    def level(self, severity: Severity, side: str) -> float | None:
        """Return what is set on one side of one level; None: nothing."""
        return on_side(self.warn if severity is Severity.WARN else self.critical, side)


class Trouble(NamedTuple):
    """What is wrong with limits, and beside which field."""

    field: str
    error: InputError


def on_side(bounds: Bounds | None, side: str) -> float | None:
    """Return one side of bounds."""
    if bounds is None:
        return None
    return bounds.low if side == "low" else bounds.high


def is_stricter(side: str, value: float, than: float) -> bool:
    """Return whether a limit on a side is left earlier than another."""
    return value > than if side == "low" else value < than


def unit_limits(
    species: str | None, own: Iterable[OwnLimits], channel: Channel
) -> SpeciesLimits | None:
    """Return what a unit's water is held against: its own limits over its species'."""
    return laid_over(species_limits(species, channel), own, species, channel)


def laid_over(
    reference: SpeciesLimits | None,
    own: Iterable[OwnLimits],
    species: str | None,
    channel: Channel,
) -> SpeciesLimits | None:
    """Return a unit's limits of a channel, laid over ``reference``; None: there are none."""
    ours = own_of(own, species, channel)
    if ours is None:
        return reference
    base = reference or SpeciesLimits(species or "", channel, "")
    law = [one.bounds for one in legal_limits(species, channel)]
    laid = {
        (severity, side): _level(base, ours, law, severity, side)
        for severity in LEVELS
        for side in SIDES
    }
    for side in SIDES:  # in order, whatever a newer table says
        warn, critical = laid[Severity.WARN, side], laid[Severity.CRITICAL, side]
        if warn is not None and critical is not None:
            laid[Severity.WARN, side] = _strictest(side, (warn, critical))
    bounds = {
        severity: Bounds(laid[severity, "low"], laid[severity, "high"])
        for severity in LEVELS
    }
    return replace(
        base,
        warn=bounds[Severity.WARN] if bounds[Severity.WARN] != NOTHING else None,
        critical=(
            bounds[Severity.CRITICAL] if bounds[Severity.CRITICAL] != NOTHING else None
        ),
    )


def own_of(
    own: Iterable[OwnLimits], species: str | None, channel: Channel
) -> OwnLimits | None:
    """Return what is set for a channel and for what lives there; None: nothing."""
    for one in own:
        if one.channel is channel and one.species == species and not one.is_empty:
            return one
    return None


def limits_at(changes: Iterable[OwnLimits], at_ms: int) -> tuple[OwnLimits, ...]:
    """Return which of a unit's own limits held at an instant, by channel.

    ``changes`` are all that were ever set or taken back there, the oldest first.
    """
    held = {one.channel: one for one in changes if one.set_ms <= at_ms}
    return tuple(
        held[channel] for channel in sorted(held) if not held[channel].is_empty
    )


def is_looser(
    reference: SpeciesLimits | None, severity: Severity, side: str, value: float
) -> bool:
    """Return whether a limit lets pass what the species' own level does not."""
    theirs = on_side(reference.bounds(severity) if reference else None, side)
    return theirs is not None and is_stricter(side, theirs, value)


def troubles_of(own: OwnLimits) -> list[Trouble]:
    """Return what is wrong with limits somebody wants to set, field by field.

    They lie inside what the probe can measure, critical beyond the warning, low below
    high, not looser than law; what is looser than the species' level has a reason.
    """
    reference = species_limits(own.species, own.channel)
    found = list(_out_of_range(own)) or list(_against_law(own, reference))
    if not found:
        found = list(_out_of_order(own, reference))
    if not found and not own.reason.strip() and _loose(own, reference):
        why = "say why it is looser than the species' level"
        found = [Trouble("reason", InputError(why, "limits_reason"))]
    return found


def law_of(species: str | None, channel: Channel, side: str) -> LegalLimit | None:
    """Return the strictest regulation about one side of a channel; None: there is none."""
    found = [
        (value, one)
        for one in legal_limits(species, channel)
        if (value := on_side(one.bounds, side)) is not None
    ]
    if not found:
        return None
    strictest = _strictest(side, [value for value, _ in found])
    return next(one for value, one in found if value == strictest)


def _level(
    base: SpeciesLimits,
    ours: OwnLimits,
    law: Sequence[Bounds],
    severity: Severity,
    side: str,
) -> float | None:
    mine, theirs = ours.level(severity, side), on_side(base.bounds(severity), side)
    if mine is None:
        return theirs
    held = [mine]
    if severity is Severity.WARN:
        held += [v for one in law if (v := on_side(one, side)) is not None]
    if base.basis is Basis.LAW and theirs is not None:
        held.append(theirs)
    return _strictest(side, held)


def _strictest(side: str, values: Sequence[float]) -> float:
    return max(values) if side == "low" else min(values)


def _set(own: OwnLimits) -> Iterator[tuple[Severity, str, float]]:
    for severity in LEVELS:
        for side in SIDES:
            value = own.level(severity, side)
            if value is not None:
                yield severity, side, value


def field_of(severity: Severity, side: str) -> str:
    """Return a level's field in forms and tables: ``warn_low``."""
    return f"{severity}_{side}"


def _loose(own: OwnLimits, reference: SpeciesLimits | None) -> bool:
    return any(is_looser(reference, *one) for one in _set(own))


def range_of(channel: Channel) -> tuple[float, float]:
    """Return between what a limit of a channel may lie: what a probe in water can say."""
    quality = QUALITY[channel]
    inner = [quality.fail, *([quality.suspect] if quality.suspect else [])]
    lows = [one.low for one in inner if one.low is not None]
    highs = [one.high for one in inner if one.high is not None]
    return max(lows, default=float("-inf")), min(highs, default=float("inf"))


def _out_of_range(own: OwnLimits) -> Iterator[Trouble]:
    low, high = range_of(own.channel)
    for severity, side, value in _set(own):
        if not low < value < high:  # at the edge nothing could ever be beyond it
            error = InputError(
                f"{own.channel} {value:g} is not between {low:g} and {high:g}",
                "limits_range",
                low=low,
                high=high,
            )
            yield Trouble(field_of(severity, side), error)


def _against_law(own: OwnLimits, reference: SpeciesLimits | None) -> Iterator[Trouble]:
    for severity, side, value in _set(own):
        law = law_of(own.species, own.channel, side)
        bound = on_side(law.bounds, side) if law else None
        source = "" if law is None else law.instrument
        if severity is Severity.CRITICAL:
            bound = None  # a regulation says where the warning is due, no more
        if bound is None and reference is not None and reference.basis is Basis.LAW:
            bound, source = on_side(reference.bounds(severity), side), reference.source
        if bound is not None and is_stricter(side, bound, value):
            said = f"{own.channel} {value:g} is looser than {bound:g} of {source}"
            error = (
                InputError(said, "limits_law_low", limit=bound, source=source)
                if side == "low"
                else InputError(said, "limits_law_high", limit=bound, source=source)
            )
            yield Trouble(field_of(severity, side), error)


def _out_of_order(own: OwnLimits, reference: SpeciesLimits | None) -> Iterator[Trouble]:
    for side in SIDES:
        warn, critical = (_wanted(own, reference, one, side) for one in LEVELS)
        if None in (warn, critical) or warn is None or critical is None:
            continue
        if is_stricter(side, critical, warn):
            is_ours = own.level(Severity.CRITICAL, side) is not None
            which = Severity.CRITICAL if is_ours else Severity.WARN
            yield Trouble(field_of(which, side), _disorder(side, warn, critical))
    for severity in LEVELS:
        low, high = (_wanted(own, reference, severity, one) for one in SIDES)
        if low is not None and high is not None and low >= high:
            is_ours = own.level(severity, "low") is not None
            error = InputError(
                f"low {low:g} is not below high {high:g}",
                "limits_crossed",
                low=low,
                high=high,
            )
            yield Trouble(field_of(severity, "low" if is_ours else "high"), error)


def _disorder(side: str, warn: float, critical: float) -> InputError:
    said = f"critical {critical:g} comes before the warning at {warn:g}"
    if side == "low":
        return InputError(said, "limits_order_low", warn=warn, critical=critical)
    return InputError(said, "limits_order_high", warn=warn, critical=critical)


def _wanted(
    own: OwnLimits, reference: SpeciesLimits | None, severity: Severity, side: str
) -> float | None:
    mine = own.level(severity, side)
    if mine is not None:
        return mine
    return on_side(reference.bounds(severity) if reference else None, side)
