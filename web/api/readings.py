"""Readings for programs: what the water held and what was told, in order of time, a page at
a time, JSON or CSV."""

import csv
import heapq
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from greenwater.derived.unit_water import Held, UnitWater
from greenwater.kernel.cells import harmless
from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import Reading, instant, milliseconds
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Series, Span
from web.views.charts import Line

MOST: Final = 10_000
USUAL: Final = 1_000
COLUMNS: Final = (
    "time",
    "unit",
    "device",
    "probe",
    "depth_m",
    "channel",
    "value",
    "uom",
    "told",
    "made",
)
"""``told`` is raw: what the probe sent, as it is stored. ``value`` is what the water held."""
SERIES_COLUMNS: Final = ("time", "label", "min", "mean", "max", "count", "made")
CSV: Final = "text/csv; charset=utf-8"


def iso(ms: int) -> str:
    """Return an instant as ISO 8601 in UTC, with milliseconds."""
    return instant(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(name: str, text: str) -> int:
    """Return a time of an address's parameter, in milliseconds.

    Raises:
        InputError: it is none, or has no zone.
    """
    try:
        # In an address a plus that was not encoded arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as exc:
        raise InputError(
            f"{name}={text[:40]!r} is no time such as 2026-11-23T00:00Z"
        ) from exc
    if at.tzinfo is None or not 1970 < at.year < 9000:
        raise InputError(
            f"{name}={text[:40]!r} needs a zone, such as 2026-11-23T00:00Z"
        )
    return milliseconds(at.astimezone(UTC))


def check_order(start_ms: int, end_ms: int) -> None:
    """Refuse a range that ends before it begins: both were given, and changed about.

    Raises:
        InputError: so it is.
    """
    if end_ms < start_ms:
        raise InputError(f"end={iso(end_ms)} is before start={iso(start_ms)}")


def wants_csv(chosen: str | None, accept: str) -> bool:
    """Return whether CSV is wanted: by ``format=``, or where it is silent by Accept."""
    if chosen is not None:
        return chosen == "csv"
    return accept.strip().lower().startswith("text/csv")


Placed = tuple[Deployed, Held]


def readings_of(
    water: UnitWater,
    deployed: Sequence[Deployed],
    channels: Sequence[Channel],
    start_ms: int,
    end_ms: int,
) -> Iterator[Placed]:
    """Yield what the water held by what was read while each probe hung there, in order of time.

    Sorted by time, device, probe and channel; times in ms since 1970, ``[start, end)``.
    """

    def of(one: Deployed) -> Iterator[Placed]:
        until = end_ms if one.to_ms is None else min(one.to_ms, end_ms)
        span = Span(Series(one.device, one.probe), max(one.from_ms, start_ms), until)
        if span.start_ms >= span.end_ms:
            return iter(())
        return ((one, held) for held in water.held(span, channels or None))

    yield from heapq.merge(*map(of, deployed), key=lambda pair: _order(pair[1].reading))


def _order(reading: Reading) -> tuple[int, str, str, str]:
    return (reading.taken_ms, reading.device, reading.probe, reading.channel.value)


def page_of(found: Iterable[Placed], limit: int) -> tuple[list[Placed], int | None]:
    """Return a page that ends between two instants, and where the next one begins.

    Readings of one instant are never parted, so that ``after`` can be a time.
    """
    page: list[Placed] = []
    for one in found:
        at_ms = page[-1][1].reading.taken_ms if page else 0
        if len(page) >= limit and one[1].reading.taken_ms != at_ms:
            return page, at_ms + 1
        page.append(one)
    return page, None


def rows_of(page: Iterable[Placed]) -> Iterator[dict[str, Any]]:
    """Yield readings as rows of ``COLUMNS``; a probe that answered badly has None."""
    for one, (reading, told, made) in page:
        yield {
            "time": iso(reading.taken_ms),
            "unit": one.unit,
            "device": reading.device,
            "probe": reading.probe,
            "depth_m": one.depth_m,
            "channel": reading.channel.value,
            "value": reading.value,
            "uom": SPECS[reading.channel].unit,
            "told": told,
            "made": str(made),
        }


def series_rows(lines: Sequence[Line], every_ms: int) -> Iterator[dict[str, Any]]:
    """Yield the buckets of lines as rows of ``SERIES_COLUMNS``, at their middles."""
    for line in lines:
        for one in line.buckets:
            yield {
                "time": iso(one.start_ms + every_ms // 2),
                "label": line.label,
                "min": one.minimum,
                "mean": one.mean,
                "max": one.maximum,
                "count": one.number,
                "made": str(line.made),
            }


def as_csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as CSV with a heading; what is not known is empty, no text a formula."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(one) for name, one in row.items()} for row in rows)
    return text.getvalue()
