"""The same facts as JSON, for programs and for the pages' own script."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Gap, instant, milliseconds
from web import series
from web.board import board
from web.charts import PERIODS, Line, Window, holes, stretches
from web.doors import Doors
from web.facts import Facts, Hanging, Snapshots
from web.formats import clock_time, day
from web.pages import lang_of
from web.ports import Services
from web.views import Board
from web.words import say


def api_routes(services: Services, snapshots: Snapshots, doors: Doors) -> APIRouter:
    """Return the JSON routes."""
    routes = APIRouter()

    @routes.get("/healthz")
    def health() -> dict[str, str]:
        """Answer ``ok`` if both databases answer."""
        services.registry.sites()
        services.telemetry.latest(DeviceId("healthz"))
        return {"status": "ok"}

    @routes.get("/api/v1/units")
    def units(request: Request) -> JSONResponse:
        """List every unit with the latest value of each channel of each probe."""
        facts = snapshots.now(doors.mine(request))
        return _fresh(
            {
                "now": iso(facts.now_ms),
                "units": [
                    {
                        "unit": unit.id,
                        "name": unit.name,
                        "kind": unit.kind,
                        "site": unit.site,
                        "raft": unit.raft,
                        "species": unit.species,
                        "probes": [
                            _probe(facts, one)
                            for one in facts.in_units.get(unit.id, ())
                        ],
                    }
                    for unit in facts.units
                ],
            }
        )

    @routes.get("/api/v1/series")
    def one_series(
        request: Request,
        channel: Channel,
        unit: str | None = None,
        vessel: str | None = None,
        hours: int = 24,
        until: str | None = None,
    ) -> JSONResponse:
        """Return one channel at a unit or vessel in buckets, a line per probe.

        ``t`` are the buckets' middles in seconds since 1970. A bucket of nulls stands
        where data is missing; ``gaps`` are readings that the box says it gave up.
        """
        mine = doors.mine(request)
        window = _window(mine, hours, until)
        _check_place(snapshots.now(mine), unit, vessel)
        deployed = series.deployments_at(mine, window, unit=unit, vessel=vessel)
        lang = lang_of(request)
        lines = series.lines_of(mine, deployed, channel, window, lang)
        return _fresh(
            {
                "channel": channel.value,
                "unit_of_measure": SPECS[channel].unit,
                "start": iso(window.start_ms),
                "end": iso(window.end_ms),
                "every_s": window.every_ms // 1000,
                "lines": [_line(line, window) for line in lines],
            }
        )

    @routes.get("/live.json", include_in_schema=False)
    def live(
        request: Request,
        site: str | None = Query(default=None),
        unit: str | None = Query(default=None),
    ) -> JSONResponse:
        """Return what changed on a page that is open, in the page's own words."""
        mine = doors.mine(request)
        lang, facts = lang_of(request), snapshots.now(mine)
        view = board(lang, facts, lambda _unit, _hanging: None, site=site)
        updated = f"{clock_time(facts.now_ms)}, {day(facts.now_ms)}"
        return _fresh(
            _live(view, unit) | {"updated": say(lang, "updated", time=updated)}
        )

    return routes


def _fresh(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def iso(ms: int) -> str:
    """Return an instant as ISO 8601 in UTC, with milliseconds."""
    return instant(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _probe(facts: Facts, one: Hanging) -> dict[str, Any]:
    device = one.deployed.device
    heard = facts.statuses.get(device)
    return {
        "device": device,
        "probe": one.deployed.probe,
        "depth_m": one.deployed.depth_m,
        "is_simulated": facts.devices[device].is_simulated,
        "is_online": None if heard is None else heard[1].online,
        "outbox_depth": None if heard is None else heard[1].outbox_depth,
        "latest": [
            {
                "channel": r.channel.value,
                "value": r.value,
                "unit": SPECS[r.channel].unit,
                "taken_at": iso(r.taken_ms),
            }
            for r in one.readings
        ],
    }


def _window(services: Services, hours: int, until: str | None) -> Window:
    if hours not in PERIODS:
        raise InputError(f"hours={hours} is none of {', '.join(map(str, PERIODS))}")
    if until is None:
        return Window.until(milliseconds(services.clock.now()), hours)
    try:
        at = datetime.fromisoformat(until)
    except ValueError as exc:
        raise InputError(
            f"until={until[:40]!r} is no time such as 2026-11-23T00:00Z"
        ) from exc
    if at.tzinfo is None or not 1970 < at.year < 9000:
        raise InputError(
            f"until={until[:40]!r} needs a zone, such as 2026-11-23T00:00Z"
        )
    return Window.until(milliseconds(at.astimezone(UTC)), hours)


def _check_place(facts: Facts, unit: str | None, vessel: str | None) -> None:
    if (unit is None) == (vessel is None):
        raise InputError("give either unit=… or vessel=…")
    if unit is not None and unit not in {one.id for one in facts.units}:
        raise MissingError(f"there is no unit {unit!r}")
    if vessel is not None and vessel not in {one.id for one in facts.vessels}:
        raise MissingError(f"there is no vessel {vessel!r}")


def _line(line: Line, window: Window) -> dict[str, Any]:
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


def _live(view: Board, unit: str | None) -> dict[str, Any]:
    units = [
        one
        for site in view.sites
        for raft in site.rafts
        for one in raft.units
        if unit in (None, one.id)
    ]
    probes = [probe for one in units for probe in one.probes]
    if unit is None:
        probes += view.unplaced
        probes += [one for place in view.sites if not place.more for one in place.boxes]
    return {
        "places": [one.id for one in units],
        "units": {one.id: [one.state, list(one.notices)] for one in units},
        "probes": {one.key: [one.age, one.state] for one in probes},
        "values": {
            value.key: [value.text, value.note, value.state]
            for one in probes
            for value in one.values
        },
    }
