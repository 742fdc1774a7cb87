"""A chart's numbers for the page's own script, at any stretch of time and its finest detail."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import InputError
from web.api.readings import iso, parse_instant
from web.door.doors import Doors
from web.pages import lang_of
from web.views.charts import PERIODS, Window
from web.views.facts import Snapshots
from web.views.formats import unit_of
from web.views.series import line_document
from web.views.unitcharts import UnitCharts


class ChartNumbers:
    """What a chart that is zoomed into asks for."""

    def __init__(self, snapshots: Snapshots, doors: Doors) -> None:
        self._snapshots, self._doors = snapshots, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/units/{unit}/chart.json")(self.chart)
        return routes

    def chart(
        self,
        request: Request,
        unit: str,
        channel: Channel,
        hours: int = 24,
        until: Annotated[str | None, Query(max_length=40)] = None,
    ) -> JSONResponse:
        """Return one channel at a unit, with limits, doubts, episodes and what is ahead."""
        mine = self._doors.mine(request)
        info, facts = mine.seen.get_unit(unit), self._snapshots.now(mine)
        if hours not in PERIODS:
            raise InputError(
                f"hours={hours} is none of {', '.join(map(str, PERIODS))}", "form_old"
            )
        end_ms = facts.now_ms if until is None else parse_instant("until", until)
        window = Window.until(min(end_ms, facts.now_ms), hours)
        lang, newest = lang_of(request), facts.in_units.get(unit, ())
        charts = UnitCharts(mine, info, window, lang, facts.now_ms, newest)
        found = charts.chart(channel)
        document = {
            "channel": channel.value,
            "unit_of_measure": unit_of(channel) or SPECS[channel].unit,
            "start": iso(window.start_ms),
            "end": iso(window.end_ms),
            "every_s": window.every_ms // 1000,
            "lines": [line_document(line, window) for line in found.lines],
            **found.marks.document(),
        }
        return JSONResponse(document, headers={"Cache-Control": "no-store"})
