"""Which probes hang in a pond or cage: hung, moved, taken out by the farm's own people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import Source
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.registry.places import UnitInfo
from web.farm.places import FarmPages, number_of, own_unit
from web.pages import lang_of
from web.views.cards import titles
from web.views.facts import Facts, Hanging
from web.views.formats import age
from web.words import Lang, say

DEEPEST_M: Final = 200.0


@dataclass(frozen=True)
class HungView:
    """A probe: what a form sends, its name, where it hangs, when it was heard."""

    value: str
    name: str
    where: str
    heard: str


class HangingPages(FarmPages):
    """The probes of a unit."""

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/units/{unit}/probes", response_class=HTMLResponse)(self.probes)
        routes.post("/units/{unit}/probes")(self.hang)
        routes.post("/units/{unit}/probes/end")(self.take_out)
        return routes

    def _unit(self, request: Request, unit: str) -> UnitInfo:
        """Return a unit of the visitor's own farm."""
        info = own_unit(self._services, self._doors, request, unit)
        if not info.is_open:
            raise MissingError(f"unit {unit!r} is closed: nothing hangs there")
        return info

    def probes(self, request: Request, unit: str) -> HTMLResponse:
        """What hangs in a unit, and what could."""
        return self._probes(request, self._unit(request, unit))

    def _probes(
        self,
        request: Request,
        info: UnitInfo,
        trouble: str = "",
        given: tuple[str, str] = ("", ""),
    ) -> HTMLResponse:
        lang, facts = lang_of(request), self._snapshots.now(self._doors.mine(request))
        here = [one for one in facts.in_units.get(info.id, ()) if is_movable(one)]
        return self._render.page(
            request,
            "unit_probes.html",
            status=422 if trouble else 200,
            now_ms=facts.now_ms,
            unit=info,
            here=_views(lang, facts, here),
            others=_views(lang, facts, could_hang(facts, info)),
            trouble=trouble,
            given=given,
        )

    def hang(
        self,
        request: Request,
        unit: str,
        csrf: Annotated[str, Form()],
        probe: Annotated[str, Form(max_length=140)] = "",
        depth_m: Annotated[str, Form(max_length=10)] = "",
        wrong: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        """Hang a probe in a unit from now on; where it hung before, it hangs no more.

        ``wrong``: it was here all the while, and the place it was noted at was wrong.
        """
        self._doors.check_form(request, csrf)
        info, now_ms = self._unit(request, unit), self._services.now_ms()
        lang, facts = lang_of(request), self._snapshots.now(self._doors.mine(request))
        chosen = next(
            (one for one in could_hang(facts, info) if _key(one) == probe), None
        )
        if chosen is None:
            raise MissingError(f"there is no probe {probe!r} to hang here")
        try:
            depth = _depth_of(lang, depth_m)
        except InputError:
            words = say(lang, "probe_depth_wrong")
            return self._probes(request, info, words, (probe, depth_m))
        at = chosen.deployed
        request.state.subject = f"unit={unit} probe={probe}"
        if at.probe not in {one.id for one in self._registry.list_probes(at.device)}:
            profile = MONITOR if watches_aerator(chosen) else None
            self._registry.add_probe(at.device, at.probe, profile=profile)
        self._hang(at, unit, depth, now_ms, was_wrong=wrong == "on")
        self._snapshots.forget()
        return RedirectResponse(f"/units/{unit}/probes", 303)

    def _hang(
        self,
        at: Deployed,
        unit: str,
        depth_m: float | None,
        now_ms: int,
        *,
        was_wrong: bool,
    ) -> None:
        if was_wrong and at.unit is not None:
            self._registry.correct_deployment(
                at.device, at.probe, now_ms, unit=unit, depth_m=depth_m, now_ms=now_ms
            )
        else:
            self._registry.deploy(
                at.device,
                at.probe,
                unit=unit,
                depth_m=depth_m,
                from_ms=now_ms,
                now_ms=now_ms,
            )

    def take_out(
        self,
        request: Request,
        unit: str,
        csrf: Annotated[str, Form()],
        probe: Annotated[str, Form(max_length=140)] = "",
        wrong: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        """Say that a probe hangs here no more; ``wrong``: it never did."""
        self._doors.check_form(request, csrf)
        info = self._unit(request, unit)
        facts = self._snapshots.now(self._doors.mine(request))
        hung = facts.in_units.get(info.id, ())
        chosen = next((o for o in hung if _key(o) == probe and is_movable(o)), None)
        if chosen is None:
            raise MissingError(f"no probe {probe!r} hangs in {unit}")
        request.state.subject = f"unit={unit} probe={probe}"
        at, now_ms = chosen.deployed, self._services.now_ms()
        if wrong == "on":
            self._registry.withdraw_deployment(
                at.device, at.probe, now_ms, now_ms=now_ms
            )
        else:
            self._registry.end_deployment(at.device, at.probe, now_ms)
        self._snapshots.forget()
        return RedirectResponse(f"/units/{unit}/probes", 303)


def _depth_of(lang: Lang, text: str) -> float | None:
    """Return a depth in metres; None: nothing was typed.

    Raises:
        InputError: it is no number, or no pond is so deep.
    """
    depth = number_of(lang, text)
    if depth is not None and not 0 <= depth <= DEEPEST_M:
        raise InputError(f"no probe hangs {depth} m deep", "number_wrong")
    return depth


def is_movable(one: Hanging) -> bool:
    """Return whether it is an instrument: what is read by hand hangs by its records."""
    return one.source is not Source.HAND


def watches_aerator(one: Hanging) -> bool:
    """Return whether a probe tells of a motor's current and of nothing else."""
    return {reading.channel for reading in one.readings} == {Channel.CURRENT}


def could_hang(facts: Facts, unit: UnitInfo) -> Sequence[Hanging]:
    """Return the probes of a unit's own site that could hang in it, wherever they are."""
    boxes = facts.boxes.get(unit.site, ())
    known = [
        *facts.unplaced,
        *(one for one in boxes if watches_aerator(one)),
        *(one for some in facts.in_units.values() for one in some),
    ]
    return [
        one
        for one in known
        if is_movable(one)
        and one.deployed.unit != unit.id
        and facts.devices[one.deployed.device].site == unit.site
    ]


def _key(one: Hanging) -> str:
    return f"{one.deployed.device}/{one.deployed.probe}"


def _views(lang: Lang, facts: Facts, some: Sequence[Hanging]) -> Sequence[HungView]:
    names = {one.id: one.name for one in facts.units}
    return [
        HungView(
            _key(one),
            f"{title} – {facts.devices[one.deployed.device].name}",
            names.get(one.deployed.unit or "", ""),
            say(lang, "probe_not_heard")
            if one.newest_ms is None
            else age(lang, one.newest_ms, facts.now_ms),
        )
        for title, one in zip(titles(lang, some), some, strict=True)
    ]
