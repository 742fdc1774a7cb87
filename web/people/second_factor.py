"""The second factor: owed at sign-in, set up with a code to scan, ended with a code."""

import html
import secrets
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from greenwater.kernel.errors import InputError
from greenwater.storage.registry.accounts import Proof, SignedIn, Stage
from traceability.proof.codes import code_svg
from traceability.proof.keys import ISSUER
from web.door.doors import (
    Doors,
    RefusedError,
    SignInNeededError,
    safe_next,
    token_of,
)
from web.door.phones import phone_of
from web.door.totp import (
    Randomness,
    make_recovery_codes,
    make_secret,
    provisioning_uri,
    step_of,
)
from web.pages import Renderer, lang_of
from web.people.sign_in import SignInError, SigningIn
from web.ports import Services
from web.words import Lang, say

Code = Annotated[str, Form(max_length=40)]
Next = Annotated[str, Form(max_length=500)]
Secret = Annotated[str, Form(max_length=200)]
GROUP: Final = 4


def qr(text: str, title: str) -> Markup:
    """Return a QR code to stand in a page."""
    return Markup(code_svg(text, html.escape(title)))


def trouble_of(lang: Lang, error: SignInError) -> str:
    """Return why a code was not taken, in words."""
    seconds = -(-error.wait_ms // 1000)
    key = "sign_in_wait" if seconds else "factor_wrong"
    return say(lang, key, seconds=seconds)


class SecondFactorPages:
    """Second factors."""

    def __init__(
        self,
        services: Services,
        render: Renderer,
        doors: Doors,
        signing: SigningIn,
        randomness: Randomness = secrets.token_bytes,
    ) -> None:
        self._services, self._registry = services, services.registry
        self._render, self._doors, self._signing = render, doors, signing
        self._randomness = randomness

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/sign-in/code", response_class=HTMLResponse)(self.code_page)
        routes.post("/sign-in/code")(self.take_code)
        routes.get("/account/second-factor", response_class=HTMLResponse)(self.page)
        routes.post("/account/second-factor")(self.confirm)
        routes.post("/account/second-factor/end")(self.end)
        return routes

    def _owing(self, request: Request) -> SignedIn:
        signed = self._doors.session(request)
        if signed is None or signed.stage is not Stage.CODE:
            raise SignInNeededError("sign in first, or show a token")
        return signed

    def _setting_up(self, request: Request) -> SignedIn:
        """Return who may set up a second factor: signed in, or kept at the door for it."""
        signed = self._doors.session(request)
        if signed is None or signed.stage is Stage.CODE:
            raise SignInNeededError("sign in first, or show a token")
        return signed

    def code_page(self, request: Request, next: str = "/") -> HTMLResponse:
        """Ask for the code that is owed."""
        self._owing(request)
        return self._code_page(request, next)

    def _code_page(
        self, request: Request, next: str, trouble: str = ""
    ) -> HTMLResponse:
        return self._render.page(
            request,
            "sign_in_code.html",
            is_simulated=False,
            status=422 if trouble else 200,
            next=safe_next(next),
            trouble=trouble,
        )

    def take_code(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        code: Code = "",
        next: Next = "/",
    ) -> Response:
        """Let in whoever shows the right code."""
        self._doors.check_form(request, csrf)
        signed = self._owing(request)
        try:
            came = self._signing.take_code(request, signed, code)
        except SignInError as exc:
            return self._code_page(request, next, trouble_of(lang_of(request), exc))
        response = RedirectResponse(safe_next(next), 303)
        self._doors.keep(request, response, came.token)
        return response

    def page(self, request: Request, next: str = "/account") -> HTMLResponse:
        """How the second factor stands; where there is none yet, what to scan."""
        return self._page(request, self._setting_up(request), next)

    def _page(
        self, request: Request, signed: SignedIn, next: str, trouble: str = ""
    ) -> HTMLResponse:
        lang, person = lang_of(request), signed.person
        factor = self._registry.find_second_factor(person)
        if factor is None:
            made = make_secret(self._randomness)
            factor = self._registry.offer_second_factor(person, made)
        is_set = factor.confirmed_ms is not None
        name = self._registry.get_person(person).name
        uri = provisioning_uri(factor.secret, name, ISSUER)
        text = factor.secret
        return self._render.page(
            request,
            "second_factor.html",
            is_simulated=False,
            status=422 if trouble else 200,
            is_set=is_set,
            is_owed=signed.stage is Stage.ENROL,
            may_end=is_set and not self._signing.needs_factor(person),
            left=self._registry.recovery_codes_left(person),
            picture="" if is_set else qr(uri, say(lang, "factor_scan")),
            spelt=""
            if is_set
            else " ".join(text[at : at + GROUP] for at in range(0, len(text), GROUP)),
            next=safe_next(next),
            trouble=trouble,
        )

    def confirm(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        code: Code = "",
        next: Next = "/account",
        secret: Secret = "",
    ) -> Response:
        """Have the second factor count; show the recovery codes, this once.

        Whoever was signed in before shows his secret again: a phone that was left lying
        must not be made its finder's.
        """
        self._doors.check_form(request, csrf)
        signed, now_ms = self._setting_up(request), self._services.now_ms()
        factor = self._registry.find_second_factor(signed.person)
        if factor is None or factor.confirmed_ms is not None:
            return RedirectResponse(f"/account/second-factor?next={quote(next)}", 303)
        try:
            step = self._proven(request, signed, secret, factor.secret, code)
        except SignInError as exc:
            return self._page(request, signed, next, self._trouble(request, exc))
        codes = make_recovery_codes(self._randomness)
        self._registry.confirm_second_factor(signed.person, step, codes, now_ms)
        # A whole session, and a new one: what was known before opens nothing more.
        proof = Proof(token=token_of(request))
        came = self._signing.come_in(
            request, signed.person, stage=Stage.WHOLE, proof=proof
        )
        here = self._doors.session(request)
        self._registry.end_sessions(
            signed.person,
            but="" if here is None else here.id,
            phone=phone_of(request),
        )
        self._doors.note(request, "second_factor_set", person=signed.person)
        response = self._render.page(
            request,
            "recovery_codes.html",
            now_ms=now_ms,
            is_simulated=False,
            codes=codes,
            next=safe_next(next),
        )
        self._doors.keep(request, response, came.token)
        return response

    def _proven(
        self, request: Request, signed: SignedIn, secret: str, kept: str, code: str
    ) -> int:
        """Return the step of the first code, once it is sure who shows it.

        Raises:
            SignInError: it is the wrong code or secret, or too early to try again.
        """
        if signed.stage is Stage.WHOLE:
            self._signing.check_secret(request, signed.person, secret)
        step = step_of(kept, code, self._services.now_ms())
        if step is None:
            raise SignInError("factor_wrong")
        return step

    @staticmethod
    def _trouble(request: Request, error: SignInError) -> str:
        lang = lang_of(request)
        if error.wait_ms or str(error) == "factor_wrong":
            return trouble_of(lang, error)
        return say(lang, "secret_old_wrong")

    def end(
        self, request: Request, csrf: Annotated[str, Form()], code: Code = ""
    ) -> Response:
        """End the second factor with a code of it: for another phone, or for good."""
        self._doors.check_form(request, csrf)
        person = self._doors.person(request)
        if self._signing.needs_factor(person):
            raise RefusedError("your roles ask for a second factor", "needs_factor")
        try:
            self._signing.check_code(request, person, code)
        except SignInError as exc:
            if exc.wait_ms:
                seconds = -(-exc.wait_ms // 1000)
                told = f"too many tries: wait {seconds} s"
                raise InputError(told, "code_wait", seconds=seconds) from exc
            raise InputError(str(exc), "code_wrong") from exc
        self._registry.end_second_factor(person)
        return RedirectResponse("/account", 303)
