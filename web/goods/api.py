"""Lots and steps for programs: what an integrator's own system did to goods, entered here.

A step may be sent again: its id, which the program made, stands for it. Its program shows a
token that a person made; he is named on the step as who entered it.
"""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from msgspec import Struct

from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Flow, Step
from greenwater.storage.registry.scope import Scope
from traceability.gate.harvest import GateRefusedError
from traceability.goods.exporting import LotChain, export_chain
from traceability.goods.lots import Goods
from traceability.goods.steps import Act, NewStep
from traceability.ledger.events import lot_class
from web.api.answers import After, Limit, fresh, page_answer, page_of, place_of
from web.api.batches import instant_in
from web.api.problems import problem_response
from web.api.readings import iso
from web.door.bodies import up_to
from web.door.doors import Doors, RefusedError
from web.door.programs import Programs, secret_of
from web.ports import Services

READ: Final = "goods:read"
WRITE: Final = "goods:write"
MAX_BYTES: Final = 200_000


class SentStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One step: ``at`` is ISO 8601 with a zone; ``organisation`` only of people with several."""

    id: str
    at: str
    act: Act
    organisation: str | None = None


Body = Annotated[bytes, Depends(up_to(MAX_BYTES))]


class GoodsApi:
    """Routes under ``/api/v1/lots`` and ``/api/v1/steps``."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._registry, self._doors = services.registry, doors
        self._clock = services.clock
        self._programs = Programs(services, doors)
        self._goods = Goods(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/api/v1/lots")(self.lots)
        routes.get("/api/v1/lots/{lot}")(self.lot)
        routes.get("/api/v1/lots/{lot}/chain")(self.chain)
        routes.get("/api/v1/steps")(self.steps)
        routes.get("/api/v1/steps/{step}")(self.step)
        routes.post("/api/v1/steps", status_code=201)(self.enter)
        return routes

    def lots(
        self, request: Request, after: After = None, limit: Limit = 100
    ) -> Response:
        """List lots as they were made, the first first; ``next`` leads on, until null."""
        found = self._seen(request).lots_after(place_of(after), limit=limit + 1)
        shown, following = page_of(found, limit, lambda one: (one.created_ms, one.id))
        return page_answer(request, "lots", [*map(_lot, shown)], following)

    def lot(self, request: Request, lot: str) -> Response:
        """Return one lot, and what its organisation has left of it."""
        seen = self._seen(request)
        found = seen.get_lot(lot)
        held = self._registry.holdings_of(lot, found.organisation)
        left = [{"package": one.package, "kg": one.kg} for one in held]
        return fresh({**_lot(found), "held": left})

    def chain(self, request: Request, lot: str) -> Response:
        """Return a lot's chain as an EPCIS document, through every hand that sent it on.

        ``gdst`` says what the profile finds in it, ``broken`` at which goods the way back
        ends: for whoever has, or ever had, the lot.
        """
        reach = self._seen(request).organisations
        found = self._registry.lot_of(reach, lot)
        goods = lot_class(found.product, found.code)
        now_ms = milliseconds(self._clock.now())
        made = export_chain(self._registry, reach, goods, now_ms)
        name = f'attachment; filename="chain-{found.code}.json"'
        return fresh(_chain(made), headers={"Content-Disposition": name})

    def steps(
        self, request: Request, after: After = None, limit: Limit = 100
    ) -> Response:
        """List steps as they were entered, the first first; ``next`` leads on, until null."""
        seen = self._seen(request)
        found = seen.steps_after(place_of(after), limit=limit + 1)
        shown, following = page_of(found, limit, lambda one: (one.entered_ms, one.id))
        documents = [self._document(seen, one) for one in shown]
        return page_answer(request, "steps", documents, following)

    def step(self, request: Request, step: str) -> Response:
        """Return one step: its act, what flowed, the lots that it made."""
        seen = self._seen(request)
        return fresh(self._document(seen, seen.get_step(step)))

    def enter(self, request: Request, body: Body) -> Response:
        """Enter a step: split, merge, process, pack, unpack, ship, receive, dispose, sell.

        The same step again gets the same answer with 200. What the books do not allow is
        409 with everything that stands against it in ``refusals``.
        """
        person, organisation = self._writer(request)
        sent = _decoded(body)
        ours = organisation or _one_of(self._doors, request, sent.organisation)
        new = NewStep(
            id=sent.id, organisation=ours, at_ms=instant_in("at", sent.at), act=sent.act
        )
        is_known = self._is_known(sent.id)
        try:
            step = self._goods.enter(person, new)
        except GateRefusedError as exc:
            return _refused(request, exc)
        document = self._document(self._registry, step)
        headers = {"Location": f"/api/v1/steps/{step.id}"}
        return fresh(document, 200 if is_known else 201, headers)

    def _seen(self, request: Request) -> Scope:
        return self._programs.seen(request, READ)

    def _writer(self, request: Request) -> tuple[str, str | None]:
        """Return who answers for what is written, and the token's organisation."""
        if secret_of(request) is None:
            self._doors.known(request)
            self._doors.check_form(request, request.headers.get("x-csrf-token", ""))
            return self._doors.writer(request), None
        token = self._programs.token(request, WRITE)
        if token.made_by is None:
            raise RefusedError(
                "this token names nobody who answers for what is written: make one on the "
                "page of your account, or with --person"
            )
        return token.made_by, token.organisation

    def _is_known(self, step: str) -> bool:
        try:
            self._registry.get_step(step)
        except MissingError:
            return False
        return True

    def _document(self, seen: Any, step: Step) -> dict[str, Any]:
        return {
            "id": step.id,
            "organisation": step.organisation,
            "at": iso(step.at_ms),
            "entered": iso(step.entered_ms),
            "entered_by": step.entered_by,
            "act": {"type": step.kind, **step.fields},
            "flows": [_flow(one) for one in seen.flows(step=step.id)],
            "lots": [_lot(one) for one in seen.lots_of_step(step.id)],
        }


def _chain(made: LotChain) -> dict[str, Any]:
    findings = [
        {**one._asdict(), "severity": one.severity.value}
        for one in made.checked.findings
    ]
    return {
        "gdst": {"completeness": made.checked.completeness, "findings": findings},
        "broken": None
        if made.loose_end is None
        else msgspec.structs.asdict(made.loose_end),
        "document": made.document,
    }


def _one_of(doors: Doors, request: Request, wanted: str | None) -> str:
    ours = doors.known(request).organisations
    if wanted is None and len(ours) == 1:
        return ours[0]
    if wanted not in ours:
        raise MissingError(
            f"organisation {str(wanted)[:60]!r} is none of yours: {', '.join(ours)}"
        )
    return str(wanted)


def _refused(request: Request, error: GateRefusedError) -> Response:
    refusals = [{"code": one.code, "facts": one.facts} for one in error.refusals]
    return problem_response(
        request.url.path, 409, str(error), more={"refusals": refusals}
    )


def _decoded(body: bytes) -> SentStep:
    if len(body) > MAX_BYTES:
        raise InputError(f"a step has at most {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=SentStep)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(f"this is no step: {exc}") from None


def _lot(lot: Lot) -> dict[str, Any]:
    return {
        "id": lot.id,
        "organisation": lot.organisation,
        "gtin": lot.product,
        "code": lot.code,
        "origin": lot.origin,
        "kg": lot.kg,
        "harvested": iso(lot.harvested_ms),
        "created": iso(lot.created_ms),
        "step": lot.step,
    }


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "lot": flow.lot,
        "direction": flow.direction,
        "kg": flow.kg,
        "package": flow.package,
    }
