"""Signing in and out."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.storage.registry.accounts import Stage
from web.door.doors import Doors, safe_next
from web.pages import Renderer, lang_of
from web.people.sign_in import SignInError, SigningIn
from web.ports import Services
from web.words import say


class AccountPages:
    """Signing in and out."""

    def __init__(
        self, services: Services, render: Renderer, doors: Doors, signing: SigningIn
    ) -> None:
        self._services = services
        self._render = render
        self._doors, self._signing = doors, signing

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/sign-in", response_class=HTMLResponse)(self.sign_in_page)
        routes.post("/sign-in")(self.sign_in)
        routes.post("/sign-out")(self.sign_out)
        return routes

    def _page(
        self, request: Request, template: str, status: int = 200, **views: Any
    ) -> HTMLResponse:
        now_ms = self._services.now_ms()
        return self._render.page(
            request,
            template,
            now_ms=now_ms,
            status=status,
            **views,
        )

    def sign_in_page(self, request: Request, next: str = "/") -> HTMLResponse:
        """Ask for telephone number and PIN or password."""
        return self._page(
            request, "sign_in.html", next=safe_next(next), trouble="", phone=""
        )

    def sign_in(
        self,
        request: Request,
        phone: Annotated[str, Form(max_length=40)],
        secret: Annotated[str, Form(max_length=200)],
        next: Annotated[str, Form(max_length=500)] = "/",
        shared: Annotated[str, Form(max_length=2)] = "",
    ) -> Response:
        """Open a session; where a second factor is owed, lead there."""
        is_own = not shared
        try:
            came = self._signing.sign_in(request, phone, secret, is_own=is_own)
        except SignInError as exc:
            lang = lang_of(request)
            seconds = -(-exc.wait_ms // 1000)
            key = "sign_in_wait" if seconds else "sign_in_wrong"
            trouble = say(lang, key, seconds=seconds)
            return self._page(
                request,
                "sign_in.html",
                status=422,
                next=safe_next(next),
                trouble=trouble,
                phone=phone,
            )
        there = quote(safe_next(next), safe="")
        where = {
            Stage.WHOLE: safe_next(next),
            Stage.CODE: f"/sign-in/code?next={there}",
            Stage.ENROL: f"/account/second-factor?next={there}",
        }
        response = RedirectResponse(where[came.stage], 303)
        self._doors.keep(request, response, came.token, is_own=is_own)
        return response

    def sign_out(self, request: Request, csrf: Annotated[str, Form()]) -> Response:
        """End the session."""
        self._doors.check_form(request, csrf)
        self._doors.visitor(request)
        response = RedirectResponse("/", 303)
        self._doors.sign_out(request, response)
        return response
