"""A pond's own limits: what holds there, set by its own people, taken back again."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError, MissingError
from greenwater.reference.limits import Bounds, Severity
from greenwater.reference.own_limits import (
    LEVELS,
    SETTABLE,
    SIDES,
    OwnLimits,
    field_of,
    own_of,
    troubles_of,
)
from greenwater.storage.registry.places import UnitInfo
from web.door.forms import Fields
from web.farm.places import FarmPages, number_of, own_unit, shortened
from web.pages import lang_of
from web.views.ownlimits import (
    limit_change_views,
    limit_fields,
    limit_rules,
    limits_view,
    limits_views,
    typed_limits,
)
from web.views.refused import refused
from web.views.unitcharts import channels_at
from web.words import Lang, channel_name, say

FIELDS: Final = tuple(
    (severity, side, field_of(severity, side)) for severity in LEVELS for side in SIDES
)


class LimitPages(FarmPages):
    """The limits of a unit, and a form for each channel's."""

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/units/{unit}/limits", response_class=HTMLResponse)(self.page)
        routes.get("/units/{unit}/limits/{channel}", response_class=HTMLResponse)(
            self.form
        )
        routes.post("/units/{unit}/limits/{channel}")(self.set)
        routes.post("/units/{unit}/limits/{channel}/end")(self.take_back)
        return routes

    def _unit(self, request: Request, unit: str, channel: str) -> UnitInfo:
        """Return a unit of the visitor's own farm, whose limits he may set.

        Raises:
            MissingError: there is none, or no limits are set for that channel.
            RefusedError: he does not farm.
        """
        info = own_unit(self._services, self._doors, request, unit)
        if channel not in {str(one) for one in SETTABLE}:
            raise MissingError(f"no limits are set for {channel!r}")
        return info

    def page(self, request: Request, unit: str) -> HTMLResponse:
        """The limits that hold at a unit, whose they are, and what they were."""
        mine, lang = self._doors.mine(request), lang_of(request)
        info, changes = mine.seen.get_unit(unit), mine.seen.limit_changes(unit)
        facts = self._snapshots.now(mine)
        names = self._registry.names({one.became.person for one in changes})
        return self._render.page(
            request,
            "limits.html",
            now_ms=facts.now_ms,
            unit=info,
            limits=limits_views(lang, info, channels_at(facts, info), names),
            changes=limit_change_views(lang, changes, names, facts.now_ms),
            may_set=self._doors.known(request).farms,
        )

    def form(self, request: Request, unit: str, channel: str) -> HTMLResponse:
        """One channel's limits, to be set."""
        info, lang = self._unit(request, unit, channel), lang_of(request)
        own = own_of(info.limits, info.species, Channel(channel))
        return self._form(request, info, Channel(channel), typed_limits(lang, own), {})

    def _form(
        self,
        request: Request,
        info: UnitInfo,
        channel: Channel,
        given: Mapping[str, str],
        wrong: Mapping[str, str],
    ) -> HTMLResponse:
        lang = lang_of(request)
        changes = self._registry.limit_changes(info.id, channel)
        names = self._registry.names({one.became.person for one in changes})
        now_ms = self._services.now_ms()
        return self._render.page(
            request,
            "limits_form.html",
            status=422 if wrong else 200,
            now_ms=now_ms,
            unit=info,
            channel=str(channel),
            name=channel_name(lang, channel),
            holds=limits_view(lang, info, channel, names),
            fields=limit_fields(lang, info, channel),
            rules=limit_rules(lang, info, channel),
            given={**typed_limits(lang, None), **given},
            wrong=wrong,
            changes=limit_change_views(lang, changes, names, now_ms),
        )

    def set(self, request: Request, unit: str, channel: str, form: Fields) -> Response:
        """Set a channel's limits; what is wrong comes back with the form."""
        self._doors.check_form(request, form.get("csrf", ""))
        info, lang = self._unit(request, unit, channel), lang_of(request)
        person, wrong = self._doors.writer(request), dict[str, str]()
        own = _typed(lang, info, Channel(channel), form, wrong)
        if not wrong:
            for one in troubles_of(own):
                wrong.setdefault(one.field, refused(lang, one.error))
        if wrong:
            return self._form(request, info, own.channel, form, wrong)
        self._registry.set_unit_limits(
            unit, own, person=person, at_ms=self._services.now_ms()
        )
        return self._back(request, unit)

    def take_back(
        self,
        request: Request,
        unit: str,
        channel: str,
        csrf: Annotated[str, Form()],
    ) -> Response:
        """Have the species' limits again."""
        self._doors.check_form(request, csrf)
        self._unit(request, unit, channel)
        self._registry.set_unit_limits(
            unit,
            OwnLimits(channel=Channel(channel)),
            person=self._doors.writer(request),
            at_ms=self._services.now_ms(),
        )
        return self._back(request, unit)

    def _back(self, request: Request, unit: str) -> Response:
        request.state.subject = f"unit={unit}"
        self._snapshots.forget()
        return RedirectResponse(f"/units/{unit}/limits", 303)


def _typed(
    lang: Lang,
    info: UnitInfo,
    channel: Channel,
    form: Mapping[str, str],
    wrong: dict[str, str],
) -> OwnLimits:
    """Return the limits that were typed; what is no number is noted in ``wrong``."""
    found: dict[Severity, dict[str, float | None]] = {one: {} for one in LEVELS}
    for severity, side, field in FIELDS:
        text = form.get(field, "")
        try:
            found[severity][side] = number_of(lang, text)
        except InputError:
            wrong[field] = say(lang, "unit_number_wrong", text=shortened(text))
    return OwnLimits(
        channel=channel,
        species=info.species,
        warn=Bounds(**found[Severity.WARN]),
        critical=Bounds(**found[Severity.CRITICAL]),
        reason=form.get("reason", ""),
    )
