"""The lines of a chart: one channel at one place, from every probe that hung there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from greenwater.derived.compensating import SALT_MS
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap, Reading
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from web.ports import Services
from web.views.cards import titles
from web.views.charts import Line, Window, holes, stretches
from web.views.facts import Hanging
from web.words import Lang


def deployments_at(
    services: Services, window: Window, *, unit: str | None, vessel: str | None
) -> Sequence[Deployed]:
    """Return what hung at a unit or vessel at some time in the window."""
    return services.seen.deployments(
        unit=unit, vessel=vessel, start_ms=window.start_ms, end_ms=window.end_ms
    )


def deployments_around(
    services: Services, unit: str, start_ms: int, end_ms: int
) -> Sequence[Deployed]:
    """Return what hung at a unit in ``[start, end)``, or so near that it says its salinity."""
    return services.seen.deployments(
        unit=unit, start_ms=start_ms - SALT_MS, end_ms=end_ms + SALT_MS
    )


def water_at(
    services: Services, start_ms: int, end_ms: int, *, unit: str | None
) -> UnitWater:
    """Return whom to ask what a unit's water held in ``[start, end)``.

    Without a unit (a vessel's probes) each probe is by itself.
    """
    if unit is None:
        return UnitWater(services.telemetry, ())
    hung = deployments_around(services, unit, start_ms, end_ms)
    return UnitWater(services.telemetry, hung)


def water_now(services: Services, hanging: Sequence[Hanging]) -> UnitWater:
    """Return the same for the last hours, of what hangs in a unit now."""
    hung = [one.deployed for one in hanging]
    return UnitWater(services.telemetry, hung, newest_of(hanging))


def newest_of(hanging: Sequence[Hanging]) -> list[Reading]:
    """Return the newest readings of what hangs somewhere, worked-out ones too."""
    return [r for one in hanging for r in (*one.readings, *one.derived)]


def lines_of(
    services: Services,
    water: UnitWater,
    deployed: Sequence[Deployed],
    channel: Channel,
    window: Window,
    lang: Lang,
    profiles: Mapping[tuple[DeviceId, ProbeId], str | None] | None = None,
) -> list[Line]:
    """Return a line for each deployment that has something to show, as its water held it.

    A probe that was moved is a line here until it went, and one there since. Knowing the
    probes' ``profiles``, a line is called what its probe's card is.
    """
    known = profiles or {}
    hung = [
        Hanging(one, (), profile=known.get((one.device, one.probe))) for one in deployed
    ]
    names = titles(lang, hung)
    found = []
    for one, name in zip(deployed, names, strict=True):
        span = span_of(one, window)
        buckets, made = water.past(span, channel, window.every_ms)
        if buckets:
            found.append(Line(name, buckets, _gaps(services, span), span, made))
    return _apart(found)


def span_of(one: Deployed, window: Window) -> Span:
    """Return the part of a window in which a probe hung there."""
    end_ms = window.end_ms if one.to_ms is None else min(one.to_ms, window.end_ms)
    series = Series(one.device, one.probe)
    return Span(series, max(one.from_ms, window.start_ms), end_ms)


def _gaps(services: Services, span: Span) -> list[Gap]:
    return [gap for gap in services.telemetry.gaps(span) if gap.end_ms > gap.start_ms]


def _apart(lines: list[Line]) -> list[Line]:
    """Number lines that would bear the same name (one probe, deployed twice)."""
    counts = Counter(line.label for line in lines)
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        seen[line.label] += 1
        number = f" ({seen[line.label]})" if counts[line.label] > 1 else ""
        found.append(replace(line, label=line.label + number))
    return found


def position_buckets(
    services: Services, deployed: Sequence[Deployed], window: Window
) -> tuple[Sequence[Bucket], Sequence[Bucket]]:
    """Return the latitudes and longitudes of the probe that has most of them."""
    best: tuple[Sequence[Bucket], Sequence[Bucket]] = ((), ())
    for one in deployed:
        span = span_of(one, window)
        some = services.telemetry.downsample(span, Channel.LATITUDE, window.every_ms)
        if len(some) > len(best[0]):
            others = services.telemetry.downsample(
                span, Channel.LONGITUDE, window.every_ms
            )
            best = (some, others)
    return best


def line_document(line: Line, window: Window) -> dict[str, Any]:
    """Return a line for a script: times in seconds, a bucket of nulls in every hole."""
    t: list[float] = []
    rows: list[tuple[float | None, float | None, float | None, int]] = []
    for index, part in enumerate(stretches(line.buckets, window.every_ms)):
        if index:
            t.append(t[-1] + window.every_ms / 1000)
            rows.append((None, None, None, 0))
        for bucket in part:
            t.append((bucket.start_ms + window.every_ms / 2) / 1000)
            rows.append((bucket.minimum, bucket.mean, bucket.maximum, bucket.number))
    lows, means, highs, counts = zip(*rows, strict=True)
    return {
        "label": line.label,
        "made": str(line.made),
        "t": t,
        "min": lows,
        "mean": means,
        "max": highs,
        "count": counts,
        "missing": [[a // 1000, b // 1000] for a, b in holes(line, window)],
        "gaps": [_gap(gap) for gap in line.gaps],
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "start": gap.start_ms / 1000,
        "end": gap.end_ms / 1000,
        "count": gap.count,
        "reason": gap.reason,
    }
