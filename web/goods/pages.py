"""Goods on their way: what is in hand, what is done to it, where it came from and went."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import MINUTE_MS
from greenwater.reference.yields import processes_of
from greenwater.storage.registry.between_organisations import Shipment
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.labels import Recall
from traceability.gate.harvest import GateRefusedError, Refusal
from traceability.goods.genealogy import first_broken
from traceability.goods.lots import Goods
from traceability.goods.steps import Act, NewStep, Portion
from traceability.label.recalls import Recalls, reach_csv
from web.door.doors import Doors
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import exact, form_time, moment
from web.views.goods import (
    balance_rows,
    history_of,
    only_mine,
    packages_of,
    product_name,
    reach_rows,
    short_package,
    since,
    tree_of,
)
from web.views.goodsforms import act_of, received_of
from web.views.lotmap import lot_map
from web.views.records import parse_local
from web.views.refused import refusal_texts, refused
from web.words import Lang, say

Trouble = Sequence[tuple[str, str]]
MOST_NAMES = 300


class GoodsPages:
    """What is in hand, and one lot of it."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._registry = services.registry
        self._goods = Goods(services.registry, services.clock)
        self._recalls = Recalls(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes; ``/goods/receive`` must stand before ``/goods/{lot}``."""
        routes = APIRouter()
        routes.get("/goods", response_class=HTMLResponse)(self.in_hand)
        routes.post("/goods/receive")(self.receive)
        routes.get("/goods/{lot}", response_class=HTMLResponse)(self.lot_page)
        routes.post("/goods/{lot}/steps")(self.enter)
        routes.get("/goods/{lot}/reach.csv")(self.reach)
        return routes

    def _reach(self, request: Request) -> frozenset[str] | None:
        mine = self._doors.mine(request)
        return None if mine.viewer is None else self._registry.reach_of(mine.viewer)

    def _ours(self, request: Request) -> Sequence[str]:
        visitor = self._doors.known(request)
        return visitor.organisations

    def in_hand(self, request: Request) -> HTMLResponse:
        """What is in hand, and what is on its way here."""
        return self._list(request, ())

    def _list(self, request: Request, trouble: Trouble) -> HTMLResponse:
        lang = lang_of(request)
        ours = self._ours(request)
        held: dict[str, tuple[Lot, float]] = {}
        for organisation in ours:
            for lot, one in self._registry.held_by(organisation):
                before = held.get(lot.id, (lot, 0.0))[1]
                held[lot.id] = (lot, round(before + one.kg, 3))
        coming = [
            shipment for one in ours for shipment in self._registry.shipments_to(one)
        ]
        sent = {flow.lot for shipment in coming for flow in shipment.flows}
        called = self._registry.recalled_of([*held, *sent])
        return self._render.page(
            request,
            "goods.html",
            status=409 if trouble else 200,
            held=[
                {
                    "href": f"/goods/{lot.id}",
                    "name": self._product(lang, lot),
                    "code": lot.code,
                    "kg": exact(lang, kg),
                    "since": since(lot),
                    "is_recalled": lot.id in called,
                }
                for lot, kg in held.values()
            ],
            coming=[self._coming(lang, shipment) for shipment in coming],
            called=[self._called(lot) for lot in sorted(called)],
            trouble=trouble,
            may_act=self._doors.may_act(request),
            happened=self._local_now(),
        )

    def _called(self, lot: str) -> dict[str, str]:
        """Return what whoever has a lot that is called back must know."""
        recall = self._registry.recalls_upon(lot)[0]
        code = self._registry.get_lot(lot).code
        return {"lot": code, "reason": recall.reason, "phone": recall.phone}

    def _coming(self, lang: Lang, shipment: Shipment) -> dict[str, Any]:
        return {
            "id": shipment.step.id,
            "step": str(uuid.uuid4()),
            "sender": shipment.sender,
            "sent": moment(lang, shipment.step.at_ms, self._services.now_ms()),
            "portions": [
                (
                    f"kg_{one.number}",
                    self._registry.get_lot(one.lot).code,
                    short_package(one.package) if one.package else "",
                    exact(lang, one.kg),
                )
                for one in shipment.flows
            ],
        }

    def _local_now(self) -> str:
        return form_time(self._services.now_ms())

    def _product(self, lang: Lang, lot: Lot) -> str:
        return product_name(lang, self._registry.get_product(lot.product))

    def lot_page(self, request: Request, lot: str) -> HTMLResponse:
        """One lot: its balance, what may be done to it, its descent, who has it."""
        return self._page(request, lot, ())

    def _page(self, request: Request, lot: str, trouble: Trouble) -> HTMLResponse:
        lang, reach = lang_of(request), self._reach(request)
        found = self._registry.lot_of(reach, lot)
        holder = self._holder(request, found)
        recalls = self._registry.recalls_upon(lot)
        holdings = self._registry.holdings_of(lot, holder)
        packages = packages_of(holdings)
        return self._render.page(
            request,
            "goods_lot.html",
            status=409 if trouble else 200,
            lot=found,
            is_ours=reach is None or found.organisation in reach,
            product=self._product(lang, found),
            owner=self._registry.organisation_names().get(found.organisation, ""),
            harvested=since(found),
            recall=recalls[0] if recalls else None,
            may_act=self._doors.may_act(request) and bool(holdings),
            packages=[
                (uri, short_package(uri), exact(lang, kg))
                for uri, kg in packages.items()
            ],
            loose=sum(one.kg for one in holdings if one.package is None) > 0,
            trouble=trouble,
            **self._told(request, found, holder),
            **self._choices(request, lang, found, holder),
            **self._reached(lang, reach, found, recalls),
        )

    def _holder(self, request: Request, lot: Lot) -> str:
        """Return the visitor's organisation that has the lot; else the maker's."""
        for organisation in self._ours(request):
            if self._registry.holdings_of(lot.id, organisation):
                return organisation
        return next(iter(self._ours(request)), lot.organisation)

    def _told(self, request: Request, lot: Lot, holder: str) -> dict[str, Any]:
        """Return balance, history, descent, and whether its links hold."""
        lang, reach = lang_of(request), self._reach(request)
        seen = self._doors.mine(request).seen
        steps, flows = seen.steps(lot=lot.id), seen.flows(lot=lot.id)
        lots, links = self._registry.sources_of(lot.id)
        became, onward = self._registry.lots_from(lot.id)
        is_called = bool(seen.recalls(lot=lot.id))
        shown, others = only_mine(became, onward, None if is_called else reach)
        broken = first_broken(
            lot.id, lots, links, self._registry.flows_of_sources(lot.id)
        )
        names = self._registry.organisation_names()
        by_id = {one.id: one for one in steps}
        return {
            "balance": balance_rows(lang, lot, by_id, flows, holder),
            "history": history_of(
                lang, lot.id, steps, flows, names, self._services.now_ms()
            ),
            "back": tree_of(lang, lot.id, lots, links, reach, is_back=True),
            "forward": tree_of(lang, lot.id, became, shown, reach, is_back=False),
            "others": others,
            "drawn": lot_map(
                lang, lot.id, {**became, **lots}, [*links, *shown], broken, reach
            ),
            "broken": None
            if broken is None
            else refusal_texts(
                lang,
                [
                    Refusal(
                        f"broken_{broken.why}",
                        f"/goods/{broken.lot}",
                        {
                            "lot": lots[broken.lot].code,
                            "kg": broken.kg,
                            "had_kg": broken.had_kg,
                        },
                    )
                ],
            )[0][0],
        }

    def _choices(
        self, request: Request, lang: Lang, lot: Lot, holder: str
    ) -> dict[str, Any]:
        """Return what may be chosen in the forms."""
        species = self._registry.get_product(lot.product).species
        names = self._recipients(holder)
        return {
            "step": str(uuid.uuid4()),
            "happened": self._local_now(),
            "processes": [
                (one, say(lang, f"process_{one}")) for one in processes_of(species)
            ],
            "products": [
                (one.id, product_name(lang, one))
                for one in self._doors.mine(request).seen.products()
                if one.species == species and one.organisation == holder
            ],
            "others_held": [
                (one.id, f"{one.code} ({exact(lang, held.kg)} kg)")
                for one, held in self._registry.held_by(holder)
                if one.id != lot.id
                and held.package is None
                and self._registry.get_product(one.product).species == species
            ],
            "recipients": sorted(names)[:MOST_NAMES],
        }

    def _recipients(self, holder: str) -> Mapping[str, str]:
        """Return the organisations goods may be sent to, by name; no name twice."""
        named: dict[str, list[str]] = {}
        for one, name in self._registry.organisation_names().items():
            if one != holder:
                named.setdefault(name, []).append(one)
        return {name: ids[0] for name, ids in named.items() if len(ids) == 1}

    def _reached(
        self,
        lang: Lang,
        reach: frozenset[str] | None,
        lot: Lot,
        recalls: Sequence[Recall],
    ) -> dict[str, Any]:
        """Return who has the goods, for whoever calls them back."""
        is_his = reach is None or lot.organisation in reach
        if not is_his or not any(one.lot == lot.id for one in recalls):
            return {"reached": None}
        found = self._recalls.reached(lot.id)
        return {
            "reached": {
                "rows": reach_rows(lang, found.held),
                "lots": len(found.lots),
                "labels": found.labels,
                "kg": exact(lang, found.kg),
            }
        }

    def enter(self, request: Request, lot: str, form: Fields) -> Response:
        """Enter a step; what is wrong comes back with the lot's page."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, lang = self._doors.writer(request), lang_of(request)
        found = self._registry.lot_of(self._reach(request), lot)
        holder = self._holder(request, found)
        to = {name.casefold(): one for name, one in self._recipients(holder).items()}
        try:
            act = act_of(lang, form, lot, to)
            self._keep(person, holder, form, act)
        except GateRefusedError as exc:
            return self._page(request, lot, refusal_texts(lang, exc.refusals))
        except (InputError, ConflictError, MissingError) as exc:
            return self._page(request, lot, [(refused(lang, exc), f"/goods/{lot}")])
        return RedirectResponse(f"/goods/{lot}", 303)

    def _keep(
        self, person: str, organisation: str, form: Mapping[str, str], act: Act
    ) -> None:
        at_ms, now_ms = parse_local(form.get("happened", "")), self._services.now_ms()
        if at_ms // MINUTE_MS == now_ms // MINUTE_MS:
            at_ms = now_ms  # the form knows minutes only
        self._goods.enter(
            person,
            NewStep(
                id=form.get("id", ""), organisation=organisation, at_ms=at_ms, act=act
            ),
        )

    def receive(self, request: Request, form: Fields) -> Response:
        """Receive a shipment; what is wrong comes back with the list."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, lang = self._doors.writer(request), lang_of(request)
        organisation, shipment = self._shipment(request, form.get("shipment", ""))
        sent = {
            f"kg_{one.number}": Portion(one.lot, one.kg, one.package)
            for one in shipment.flows
        }
        try:
            self._keep(person, organisation, form, received_of(lang, form, sent))
        except GateRefusedError as exc:
            return self._list(request, refusal_texts(lang, exc.refusals))
        except (InputError, ConflictError) as exc:
            return self._list(request, [(refused(lang, exc), "/goods")])
        return RedirectResponse("/goods", 303)

    def _shipment(self, request: Request, step: str) -> tuple[str, Shipment]:
        for organisation in self._ours(request):
            for shipment in self._registry.shipments_to(organisation):
                if shipment.step.id == step:
                    return organisation, shipment
        raise MissingError(f"no shipment {step[:40]} is on its way here")

    def reach(self, request: Request, lot: str) -> Response:
        """Return who has what came of a lot that is called back, as a table for Excel."""
        mine = self._doors.mine(request)
        found = mine.seen.get_lot(lot)
        recall = next(iter(mine.seen.recalls(lot=lot)), None)
        if recall is None:
            raise MissingError(f"lot {found.code} is not called back")
        text = reach_csv(self._recalls.reached(lot), recall)
        headers = {
            "Content-Disposition": f'attachment; filename="thu-hoi-{found.code}.csv"',
            "Cache-Control": "no-store",
        }
        return Response(text.encode(), 200, headers, "text/csv; charset=utf-8")
