"""Who is there, and what he may do: sessions, forged requests.

A session is a random token in a cookie that scripts cannot read; the registry keeps its
hash. Over TLS the cookie's name begins with ``__Host-``, so that no other host and no
plain page can plant one. Every form carries a token made from it, and no request from
another site changes anything. ``signing`` is about coming in.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from greenwater.kernel.errors import MissingError, PlatformError
from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.storage.registry.accounts import Proof, SignedIn, Stage
from greenwater.storage.registry.audit import Outcome
from greenwater.storage.registry.people import SECOND_FACTOR, Role
from web.door.phones import phone_of
from web.door.visitors import OPERATOR, Visitor
from web.ports import Services

COOKIE: Final = "gw_session"
HOST_COOKIE: Final = f"__Host-{COOKIE}"
OWN_PHONE_MS: Final = 90 * DAY_MS
"""How long somebody with a PIN stays signed in on his own phone."""

DUTY_MS: Final = 12 * HOUR_MS
"""How long those on duty stay signed in, and anybody on a phone that others use."""

OWED_MS: Final = HOUR_MS // 6
"""How long a sign-in waits for its second factor."""

DESK_IDLE_MS: Final = HOUR_MS
"""How long somebody at a desk may be away before he signs in again."""

FIELD_IDLE_MS: Final = 4 * HOUR_MS
"""The same for an inspector, whose phone is out of reach of the network for hours."""

UNASKED: Final = ("/live.json", "/events", "/api/v1/session")
"""What an open page or a phone's worker asks by itself, whether somebody sits there or not."""

ON_DUTY: Final = SECOND_FACTOR | {Role.AUDITOR}


class SignInNeededError(PlatformError):
    """Nobody is signed in; pages lead to the door."""


class RefusedError(PlatformError):
    """The request may not be: a forged form, or not his to do."""


def safe_next(text: str) -> str:
    """Return where to go after signing in: a page of ours, whatever was asked for."""
    parts = urlsplit(text)
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_ours and not parts.netloc and "\\" not in text else "/"


class Doors:
    """Sessions of the site."""

    def __init__(
        self,
        services: Services,
        *,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._services, self._new_token = services, new_token
        self._registry = services.registry

    def visitor(self, request: Request) -> Visitor | None:
        """Return who is there; None: nobody who has signed in."""
        if hasattr(request.state, "visitor"):
            found: Visitor | None = request.state.visitor
            return found
        request.state.visitor = found = self._find(request)
        return found

    def _find(self, request: Request) -> Visitor | None:
        signed = self.session(request)
        if signed is None or signed.stage is not Stage.WHOLE:
            return None if self._services.is_guarded else OPERATOR
        try:
            info = self._registry.get_person(signed.person)
        except MissingError:
            return None
        roles = info.roles
        return Visitor(
            info.id,
            info.name,
            roles,
            tuple(sorted({one for one, _ in info.memberships})),
            Role.ADMIN in roles and info.id in self._registry.administrators(),
            roles == {Role.OFFICER} and self._registry.reach_of(info.id) is not None,
        )

    def is_still(self, request: Request) -> bool:
        """Return whether who asked is there still, as he was: for answers that go on."""
        again = Request({**request.scope, "state": {}})
        return self.visitor(again) == self.visitor(request)

    def session(self, request: Request) -> SignedIn | None:
        """Return the browser's session, whatever its stage; None: it has none."""
        if hasattr(request.state, "session"):
            found: SignedIn | None = request.state.session
            return found
        token, now_ms = token_of(request), self._services.now_ms()
        found = self._registry.find_session(token, now_ms) if token else None
        if found is not None and _is_noted(request, found, now_ms):
            self._registry.touch_session(token, now_ms)
        request.state.session = found
        return found

    def known(self, request: Request) -> Visitor:
        """Return who is there.

        Raises:
            SignInNeededError: nobody has signed in.
        """
        visitor = self.visitor(request)
        if visitor is None:
            raise SignInNeededError("sign in first, or show a token")
        return visitor

    def person(self, request: Request) -> str:
        """Return the person who is there.

        Raises:
            SignInNeededError: nobody has signed in, or it is the operator's own screen.
        """
        person = self.known(request).person
        if person is None:
            raise SignInNeededError("sign in first, or show a token")
        return person

    def administrator(self, request: Request) -> Visitor:
        """Return who administers the platform; for all others there is no such page.

        Raises:
            SignInNeededError: nobody has signed in.
            MissingError: he does not.
        """
        visitor = self.known(request)
        if not visitor.administers:
            raise MissingError(f"there is no page {request.url.path}")
        return visitor

    def mine(self, request: Request) -> Services:
        """Return the services as the visitor sees them.

        Raises:
            SignInNeededError: nobody has signed in.
        """
        visitor = self.known(request)
        viewer = self._services.viewer if visitor.person is None else visitor.person
        return self._services.of(viewer)

    def writer(self, request: Request) -> str:
        """Return the person who may enter things.

        Raises:
            SignInNeededError: nobody has signed in.
            RefusedError: he only looks.
        """
        visitor = self.known(request)
        if visitor.person is None or not visitor.keeps_books:
            raise RefusedError(
                "this needs a farmer's or technician's account", "needs_farmer"
            )
        return visitor.person

    def sailor(self, request: Request, *, or_on_duty: bool = False) -> str:
        """Return the person who may enter things in a vessel's book.

        ``or_on_duty``: an officer or inspector may too, for what is his to say of a boat.

        Raises:
            SignInNeededError: nobody has signed in.
            RefusedError: he only looks.
        """
        visitor = self.known(request)
        may = visitor.keeps_boats or (or_on_duty and visitor.is_on_duty)
        if visitor.person is None or not may:
            raise RefusedError(
                "this needs an account of the boat's people", "needs_boat"
            )
        return visitor.person

    def may_act(self, request: Request) -> bool:
        """Return whether the visitor enters things, or only looks."""
        visitor = self.visitor(request)
        return (
            visitor is not None and visitor.keeps_books and visitor.person is not None
        )

    def open(
        self,
        person: str,
        *,
        stage: Stage = Stage.WHOLE,
        agent: str = "",
        is_own: bool = True,
        proof: Proof | None = None,
    ) -> str:
        """Return the token of a new session; not ``is_own``: others use this browser too.

        Raises:
            ConflictError: the ``proof`` that he showed holds no longer.
        """
        token, now_ms = self._new_token(), self._services.now_ms()
        self._registry.open_session(
            token,
            person,
            now_ms=now_ms,
            expires_ms=now_ms + self._length_ms(person, stage, is_own),
            stage=stage,
            agent=agent,
            idle_ms=self._idle_ms(person),
            proof=proof,
        )
        return token

    def _idle_ms(self, person: str) -> int | None:
        """Return how long somebody may be away; None: until his session ends."""
        if self._services.is_demo:
            return None
        roles = self._registry.get_person(person).roles
        if roles & ON_DUTY - {Role.INSPECTOR}:
            return DESK_IDLE_MS
        return FIELD_IDLE_MS if Role.INSPECTOR in roles else None

    def _length_ms(self, person: str, stage: Stage, is_own: bool) -> int:
        if self._services.is_demo:
            return OWN_PHONE_MS  # its hours are minutes
        if stage is not Stage.WHOLE:
            return OWED_MS
        roles = self._registry.get_person(person).roles
        return OWN_PHONE_MS if is_own and not roles & ON_DUTY else DUTY_MS

    def keep(
        self, request: Request, response: Response, token: str, *, is_own: bool = True
    ) -> None:
        """Have the browser keep a session, and end the one that it came with."""
        before, now_ms = token_of(request), self._services.now_ms()
        kept = self._registry.find_session(token, now_ms)
        phone = phone_of(request)
        if phone and kept is not None:
            self._registry.move_phone(phone, kept.person, kept.id)
        if before and before != token:
            self._registry.close_session(before)
        request.state.session = kept
        expires_ms = now_ms if kept is None else kept.expires_ms
        response.set_cookie(
            _cookie_name(request),
            token,
            max_age=(expires_ms - now_ms) // 1000 if is_own else None,
            httponly=True,
            samesite="lax",
            secure=_is_tls(request),
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """End the session, and what this browser is told."""
        token, phone = token_of(request), phone_of(request)
        if token:
            self._registry.close_session(token)
        if phone:
            self._registry.drop_phone(phone)
        response.delete_cookie(
            _cookie_name(request),
            httponly=True,
            samesite="lax",
            secure=_is_tls(request),
        )

    def csrf(self, request: Request) -> str:
        """Return what the forms of this session carry."""
        return csrf_of(getattr(request.state, "token", None) or token_of(request))

    def check_form(self, request: Request, token: str) -> None:
        """Refuse a form that is not of this session.

        Raises:
            RefusedError: it is none of ours.
        """
        if not hmac.compare_digest(token.encode(), self.csrf(request).encode()):
            raise RefusedError(
                "this form is not of your session: open the page again", "form_stale"
            )

    def check_header(self, request: Request) -> None:
        """Refuse what a page's own script sent without its session's form token.

        Raises:
            SignInNeededError: nobody has signed in.
            RefusedError: ``X-CSRF-Token`` is none of this session's.
        """
        self.known(request)
        token = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(token.encode(), self.csrf(request).encode()):
            raise RefusedError(
                "X-CSRF-Token is not of your session: open a page again", "form_stale"
            )

    def note(
        self,
        request: Request,
        act: str,
        subject: str = "",
        *,
        person: str | None = None,
        outcome: Outcome = "done",
    ) -> None:
        """Put an act into the audit log, of whoever is there unless a person is named."""
        signed: SignedIn | None = getattr(request.state, "session", None)
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        self._registry.note(
            act,
            subject,
            at_ms=self._services.now_ms(),
            person=person or (None if visitor is None else visitor.person),
            session="" if signed is None else signed.id[:8],
            outcome=outcome,
        )


def _is_noted(request: Request, session: SignedIn, now_ms: int) -> bool:
    """Return whether to note that somebody was there: not at every request of his."""
    often_ms = HOUR_MS if session.idle_ms is None else session.idle_ms // 12
    is_asked = request.url.path not in UNASKED
    return is_asked and now_ms - session.seen_ms > often_ms


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_name(request: Request) -> str:
    return HOST_COOKIE if _is_tls(request) else COOKIE


def token_of(request: Request) -> str:
    """Return the session's token that the browser sent, or nothing.

    Over TLS only the name that no other host can set is looked at.
    """
    return request.cookies.get(_cookie_name(request), "")


def csrf_of(session: str) -> str:
    """Return the token of a session's forms; it tells nothing of the session's own."""
    raw = hashlib.blake2b(session.encode(), key=b"greenwater form", digest_size=16)
    return raw.hexdigest()


def is_cross_site(request: Request) -> bool:
    """Return whether another site sent this; browsers say so, and cannot be made to lie."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc != request.headers.get("host", "")


def door(request: Request) -> str:
    """Return the address of the sign-in page that leads back here."""
    wanted = request.url.path
    if request.url.query:
        wanted += f"?{request.url.query}"
    return f"/sign-in?next={quote(wanted, safe='')}"
