"""The oxygen of every unit, forecast again and again; what was learnt, renewed each day.

    history (ten-minute means) ─► model, on disk ─► forecast ─► beside the readings
                                                       └─────► claims of alarms

A thread of its own: what it does is never waited for by flags or alarms. Nothing in it is
lost by a kill: a forecast is made again within minutes, a model is read from its file.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import structlog
from msgspec import Struct

from analytics.alarms.claims import Claim, forecast_alarm, is_forecast_hour
from analytics.oxygen import saving
from analytics.oxygen.evening import tonight
from analytics.oxygen.features import MEMORY_DAYS
from analytics.oxygen.forecaster import Forecast as Expected
from analytics.oxygen.forecaster import History, Model, fit, forecast
from analytics.places import Place, Places
from analytics.speaking import Night
from greenwater.derived.stretches import Told
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import VIETNAM, Clock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.findings import Forecast, Outlook
from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS, milliseconds
from greenwater.reference.alarm_rules import RULES
from greenwater.storage.telemetry.ports import Findings, Series, Span

log = structlog.get_logger()

STEP_MS: Final = 10 * MINUTE_MS
LEARN_DAYS: Final = 120
"""A season. Older water teaches little of tonight's, and learning takes longer."""
LEAST_DAYS: Final = 2
RENEW_MS: Final = DAY_MS
FRESH_MS: Final = 30 * MINUTE_MS
DAWN_H: Final = 6
INPUTS: Final = (
    Channel.TEMPERATURE,
    Channel.OXYGEN_SATURATION,
    Channel.PH,
    Channel.SALINITY,
    Channel.SPECIFIC_CONDUCTIVITY,
    Channel.TURBIDITY,
    Channel.DEPTH,
    Channel.WATER_LEVEL,
    Channel.CHLOROPHYLL,
)


class Telemetry(Told, Protocol):
    """What forecasting asks of the telemetry store."""

    @property
    def findings(self) -> Findings:
        """Where forecasts go."""
        ...

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """Return the time of the newest reading of each series that has any."""
        ...


class _Place(Struct):
    """What is known of one probe: its model, one being learnt, when it last claimed."""

    model: Model | None = None
    learning: "Future[Model] | None" = None
    learnt_ms: int = 0
    claimed_ms: int = 0


class Forecasting:
    """All probes that measure oxygen in a unit. Used by one thread."""

    def __init__(
        self,
        telemetry: Telemetry,
        clock: Clock,
        models: Path,
        executor: Executor,
        claim: Callable[[Claim], None],
    ) -> None:
        self._telemetry, self._clock = telemetry, clock
        self._models, self._executor, self._claim = models, executor, claim
        self._known: dict[Series, _Place] = {}
        self.nights: dict[str, Night] = {}
        """What is expected of each unit tonight, as of the last look."""

    def look(self, places: Places) -> int:
        """Forecast every probe that was heard of lately; return how many there were.

        Raises:
            UnavailableError: the store does not answer; look again later.
        """
        now_ms = milliseconds(self._clock.now())
        hung = {
            series: place
            for series in places.measuring()
            if (place := places.at(series, now_ms)) is not None
        }
        newest = self._telemetry.newest(list(hung)) if hung else {}
        self.nights = {}
        made = []
        for series, place in hung.items():
            if self._is_fresh(series, newest.get(series, 0), now_ms):
                found = self._look_at(series, place, places, now_ms)
                if found is not None:
                    made.append(found)
        if made:
            self._telemetry.findings.write(made)
        return len(made)

    def _is_fresh(self, series: Series, newest_ms: int, now_ms: int) -> bool:
        if newest_ms <= now_ms:
            return now_ms - newest_ms <= FRESH_MS
        # a clock that ran ahead stamped that one: whether it still measures, others tell
        lately = Span(series, now_ms - FRESH_MS, now_ms + 1)
        oxygen = (Channel.DISSOLVED_OXYGEN, Channel.OXYGEN_SATURATION)
        return any(self._telemetry.downsample(lately, one, STEP_MS) for one in oxygen)

    def _look_at(
        self, series: Series, place: Place, places: Places, now_ms: int
    ) -> Forecast | None:
        known = self._known.setdefault(series, _Place())
        hung = () if place.unit is None else places.hung_in(place.unit)
        water = UnitWater(self._telemetry, hung)
        self._renew(series, known, water, now_ms)
        if known.model is None:
            return None
        span = Span(series, now_ms - MEMORY_DAYS * DAY_MS, now_ms)
        history = self._history(span, water)
        if history is None:
            return None
        try:
            expected = forecast(known.model, history, now_ms)
        except InputError:  # too little of late: a probe that just hangs here again
            return None
        if not expected:
            return None
        if now_ms - known.claimed_ms >= RULES.forecast.every_s * 1000:
            known.claimed_ms = now_ms
            claim = crash_claim(place, expected, now_ms)
            if claim is not None:
                self._claim(claim)
        self._expect(place, expected, places, now_ms)
        return told(series, known.model, expected)

    def _expect(
        self, place: Place, expected: Sequence[Expected], places: Places, now_ms: int
    ) -> None:
        """Keep the worst that any of a unit's probes expects of the night."""
        unit = place.unit
        if unit is None:
            return
        name, dawn_ms = places.unit_name(unit), dawn_after(now_ms)
        night = tonight(name, expected, now_ms=now_ms, dawn_ms=dawn_ms)
        known = self.nights.get(unit)
        if night is not None and (
            known is None or night.lowest < known.expected.lowest
        ):
            self.nights[unit] = Night(place.organisation, night)

    def _renew(
        self, series: Series, known: _Place, water: UnitWater, now_ms: int
    ) -> None:
        """Have a model that is at most a day old, if there is enough to learn from."""
        path = self._models / series.device / f"{series.probe}.skops"
        if known.model is None and known.learning is None:
            known.model = _loaded(path)
        if known.learning is not None and known.learning.done():
            known.model = _learnt(known.learning, series) or known.model
            known.learning = None
            if known.model is not None:
                saving.save(known.model, path)
        is_old = known.model is None or now_ms - known.model.fitted_ms > RENEW_MS
        is_time = now_ms - known.learnt_ms > RENEW_MS / 24
        if not is_old or not is_time or known.learning is not None:
            return
        known.learnt_ms = now_ms
        span = Span(series, now_ms - LEARN_DAYS * DAY_MS, now_ms)
        history = self._history(span, water)
        if history is not None and _days(history) >= LEAST_DAYS:
            known.learning = self._executor.submit(fit, history)

    def _history(self, span: Span, water: UnitWater) -> History | None:
        """Return ten-minute means; None where there is no oxygen.

        Oxygen is what the water held, so that people are told of tonight in the numbers
        they are shown; the inputs are as the probe told them.
        """
        oxygen = water.downsample(span, Channel.DISSOLVED_OXYGEN, STEP_MS)
        if not oxygen:
            return None
        times_ms = np.array([one.start_ms for one in oxygen], dtype=np.int64)
        inputs = {}
        for channel in INPUTS:
            buckets = self._telemetry.downsample(span, channel, STEP_MS)
            if buckets:
                means = {one.start_ms: one.mean for one in buckets}
                inputs[str(channel)] = np.array(
                    [means.get(int(at), np.nan) for at in times_ms]
                )
        return History(times_ms, np.array([one.mean for one in oxygen]), inputs)


def told(series: Series, model: Model, expected: Sequence[Expected]) -> Forecast:
    """Return a forecast as it is kept beside the readings."""
    outlooks = tuple(
        Outlook(one.hours, one.value, one.low, one.high, one.naive, one.used, one.skill)
        for one in sorted(expected, key=lambda one: one.hours)
        if not one.is_minimum
    )
    return Forecast(
        *series,
        Channel.DISSOLVED_OXYGEN,
        expected[0].made_ms,
        outlooks,
        f"oxygen-{saving.VERSION}/{model.fitted_ms}",
    )


def crash_claim(
    place: Place, expected: Sequence[Expected], now_ms: int
) -> Claim | None:
    """Return what tonight's lowest oxygen means for people, if it means anything.

    Two rules: the night's lowest is below what the unit's species bears; or it is not, and
    the chance of a crash within hours is higher than the budget of false warnings allows
    for (``Model.warn_at``), since a band that is wide may reach far down.
    """
    if not is_forecast_hour(now_ms):
        return None
    night = tonight("", expected, now_ms=now_ms, dawn_ms=dawn_after(now_ms))
    if night is None:
        return None
    lead_h = (night.at_ms - now_ms) / HOUR_MS
    chances = [one.chance for one in expected if one.is_minimum and one.hours >= lead_h]
    claim = forecast_alarm(
        place,
        now_ms,
        night.lowest,
        night.low,
        lead_h,
        probability=round(min(chances), 3) if chances else None,
    )
    warned = [one for one in expected if one.is_warning]
    if claim is None or not claim.is_over or not warned:
        return claim
    soonest = min(warned, key=lambda one: one.hours)
    return forecast_alarm(
        place,
        now_ms,
        soonest.value,
        soonest.low,
        float(soonest.hours),
        probability=round(soonest.chance, 3),
        is_warned=True,
    )


def dawn_after(now_ms: int) -> int:
    """Return the next dawn, six in the morning here: oxygen is lowest before it."""
    at = datetime.fromtimestamp(now_ms / 1000, VIETNAM)
    dawn = at.replace(hour=DAWN_H, minute=0, second=0, microsecond=0)
    return milliseconds(dawn if dawn > at else dawn + timedelta(days=1))


def _learnt(learning: "Future[Model]", series: Series) -> Model | None:
    try:
        model = learning.result()
    except (InputError, BrokenExecutor) as exc:
        log.warning("oxygen.not_learnt", device=series.device, error=str(exc))
        return None
    log.info("oxygen.learnt", device=series.device, probe=series.probe)
    return model


def _loaded(path: Path) -> Model | None:
    try:
        return saving.load(path)
    except MissingError:
        return None
    except (InputError, ConflictError) as exc:
        log.warning("oxygen.model_refused", error=str(exc))
        return None


def _days(history: History) -> float:
    return float(history.times_ms[-1] - history.times_ms[0]) / DAY_MS
