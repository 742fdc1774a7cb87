"""Where analytics' ports meet their adapters, and its three threads."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import structlog

from analytics.alarms.notifying import Notifier
from analytics.backfill import Progress, backfill
from analytics.executing import Learner, open_executor, spare_collector
from analytics.forecasting import Forecasting
from analytics.past import find_again
from analytics.pastalarms import Stretch, find_alarms_again
from analytics.places import Places, places_of
from analytics.runs import Runs
from analytics.settings import AnalyticsSettings
from analytics.speaking import Speaker
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import MissingError, UnavailableError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Telemetry

log = structlog.get_logger()

LOOK_AROUND_S: Final = 2.0
SEND_EVERY_S: Final = 0.3
PAUSE_S: Final = 2.0
LEAST_FORECAST_S: Final = 5.0
"""However fast the clock runs, the machine needs its time for other things."""


def run_analytics(
    settings: AnalyticsSettings, clock: Clock, stop: threading.Event
) -> None:
    """Open the databases and work until ``stop`` is set.

    Raises:
        ConfigError: a URL is wrong.
        UnavailableError: a database does not answer at the start.
    """
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(open_registry(settings.registry()))
        telemetry = open_telemetry(settings.telemetry())
        stack.callback(telemetry.close)
        executor = stack.enter_context(open_executor(settings.workers))
        runs = Runs(registry, telemetry, clock, executor)
        died: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as exc:  # noqa: BLE001  (it is raised again below)
                died.append(exc)
            finally:
                stop.set()

        works = _works(settings, registry, telemetry, clock, runs, stop, stack)
        threads = [
            threading.Thread(target=guarded, args=(work,), name=name)
            for name, work in works.items()
        ]
        for thread in threads:
            thread.start()
        spare_collector()
        log.info("analytics.started")
        guarded(lambda: _look(runs, settings.look_every_s, stop))
        for thread in threads:
            thread.join()
        if died:
            raise died[0]


def _works(
    settings: AnalyticsSettings,
    registry: Registry,
    telemetry: Telemetry,
    clock: Clock,
    runs: Runs,
    stop: threading.Event,
    stack: contextlib.ExitStack,
) -> dict[str, Callable[[], None]]:
    """Return what goes on beside the loop over intake, by its thread's name."""
    notifier = Notifier(
        registry,
        clock,
        settings.public_url,
        ways=settings.ways(),
        push=settings.pusher(clock).send,
    )
    works: dict[str, Callable[[], None]] = {"notifier": lambda: _send(notifier, stop)}
    if settings.forecast_every_s:
        models = settings.home / "models" / "oxygen"
        learner = stack.enter_context(Learner())
        forecasting = Forecasting(telemetry, clock, models, learner, runs.claim)
        speaker = Speaker(registry, telemetry)
        every_s = clock.real_seconds(settings.forecast_every_s)

        def forecast() -> None:
            forecasting.look(runs.places)
            now_ms = milliseconds(clock.now())
            speaker.speak(forecasting.nights, runs.places, now_ms)

        works["forecaster"] = lambda: _every(every_s, forecast, stop)
    return works


def _look(runs: Runs, every_s: float, stop: threading.Event) -> None:
    passes, around, is_torn = 0, max(1, round(LOOK_AROUND_S / every_s)), False
    while not stop.is_set():
        try:
            if is_torn:  # what a failed pass left in memory is not what is kept
                runs.reload()
                is_torn = False
            if passes % around == 0:
                runs.look_around()
            passes += 1
            if runs.look() == 0:
                stop.wait(every_s)
        except UnavailableError as exc:
            log.warning("database.unavailable", error=str(exc))
            is_torn = True
            stop.wait(PAUSE_S)


def _send(notifier: Notifier, stop: threading.Event) -> None:
    while not stop.wait(SEND_EVERY_S):
        try:
            notifier.send_due()
        except UnavailableError as exc:
            log.warning("registry.unavailable", error=str(exc))
            stop.wait(PAUSE_S)


def _every(every_s: float, work: Callable[[], None], stop: threading.Event) -> None:
    while not stop.wait(max(every_s, LEAST_FORECAST_S)):
        try:
            work()
        except UnavailableError as exc:
            log.warning("database.unavailable", error=str(exc))


class Filled(NamedTuple):
    """How many readings were flagged, and what was found that nobody knew."""

    flagged: int
    episodes: int
    alarms: int


def run_backfill(
    settings: AnalyticsSettings,
    from_ms: int,
    to_ms: int,
    *,
    unit: str = "",
    device: str = "",
    now_ms: int,
    progress: Progress,
) -> Filled:
    """Flag a stretch of the past again; look for episodes and alarms in it.

    Raises:
        ConfigError: a URL is wrong.
        MissingError: no probe of that unit or device has readings.
        UnavailableError: a database does not answer.
    """
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(open_registry(settings.registry()))
        telemetry = open_telemetry(settings.telemetry())
        stack.callback(telemetry.close)
        executor = stack.enter_context(open_executor(settings.workers))
        places = places_of(registry, from_ms)
        series = _series_of(telemetry, places, unit, device)
        flagged = backfill(
            telemetry,
            places,
            series,
            from_ms,
            to_ms,
            executor=executor,
            progress=_third(progress, 0),
        )
        episodes = find_again(
            telemetry, places, series, from_ms, to_ms, progress=_third(progress, 1)
        )
        alarms = find_alarms_again(
            telemetry,
            registry,
            places,
            _stretches(series, from_ms, min(to_ms, now_ms)),
            now_ms,
            unit=unit,
            progress=_third(progress, 2),
        )
        return Filled(flagged, episodes, alarms)


def _third(progress: Progress, number: int) -> Progress:
    """Return how far one of three parts is, told as progress of the whole."""

    def told(done: int, of: int) -> None:
        progress(number * of + done, 3 * of)

    return told


def _stretches(series: Iterable[Series], from_ms: int, end_ms: int) -> list[Stretch]:
    """Return ``[from_ms, end_ms)`` of each device; none if that is all to come."""
    if from_ms >= end_ms:
        return []
    devices = sorted({one.device for one in series})
    return [Stretch(one, from_ms, end_ms) for one in devices]


def _series_of(
    telemetry: Telemetry, places: Places, unit: str, device: str
) -> list[Series]:
    """Return the series with readings of a unit and of a device; empty: of all."""
    hung = set(places.probes_in(unit)) if unit else None
    series = [
        one
        for one in telemetry.series()
        if (not device or one.device == device) and (hung is None or one in hung)
    ]
    if series:
        return series
    what = f"unit {unit!r}" if unit else f"device {device!r}"
    raise MissingError(
        f"no readings of {what}: greenwater device list names the devices"
        if unit or device
        else "no readings are stored yet: there is nothing to flag"
    )
