"""Who is there, and what he may do: sessions, sign-in with patience, forged requests.

A session is a random token in a cookie that scripts cannot read; the registry keeps its
hash. Every form carries a token made from it, and no request from another site changes
anything. PINs are short, so wrong ones make the next try wait, longer and longer.
"""

import functools
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Request, Response
from msgspec import Struct

from greenwater.kernel.errors import InputError, MissingError, PlatformError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.accounts import Account
from greenwater.storage.registry.people import Role, parse_phone
from web.patience import FREE_TRIES_AN_ADDRESS, Patience, wait_after
from web.ports import Services

log = structlog.get_logger()

COOKIE: Final = "gw_session"
SESSION_MS: Final = 30 * 24 * 3600 * 1000
MIN_PASSWORD: Final = 10
PIN_DIGITS: Final = 6

# RFC 9106's second recommendation, so that a small machine can check ten at once.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)


@functools.cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this")


class SignInNeededError(PlatformError):
    """Nobody is signed in; pages lead to the door."""


class RefusedError(PlatformError):
    """The request may not be: a forged form, or not his to do."""


class SignInError(InputError):
    """The number and the secret do not fit, or it is too early to try again."""

    def __init__(self, sentence: str, wait_ms: int = 0) -> None:
        super().__init__(sentence)
        self.wait_ms = wait_ms


class Visitor(Struct, frozen=True):
    """Somebody who is signed in, or the operator at his own screen (``person`` None)."""

    person: str | None
    name: str
    roles: frozenset[Role]
    organisations: tuple[str, ...] = ()

    @property
    def keeps_books(self) -> bool:
        """Whether he enters records and answers alarms."""
        return bool(
            self.roles
            & {
                Role.FARMER,
                Role.TECHNICIAN,
                Role.BOAT_OWNER,
                Role.SKIPPER,
                Role.ADMIN,
            }
        )

    @property
    def keeps_boats(self) -> bool:
        """Whether he enters things in vessels' books."""
        return bool(
            self.roles & {Role.BOAT_OWNER, Role.SKIPPER, Role.DELEGATE, Role.ADMIN}
        )

    @property
    def is_of_boats(self) -> bool:
        """Whether boats are what he comes for: he has no farm."""
        farm = {Role.FARMER, Role.TECHNICIAN, Role.ADMIN}
        return self.keeps_boats and not self.roles & farm

    @property
    def is_on_duty(self) -> bool:
        """Whether he is an officer or inspector."""
        return bool(self.roles & {Role.OFFICER, Role.INSPECTOR})

    @property
    def inspects(self) -> bool:
        """Whether he checks labels on duty."""
        return Role.INSPECTOR in self.roles


OPERATOR: Final = Visitor(None, "", frozenset({Role.ADMIN}))


def hash_secret(secret: str, *, is_pin: bool) -> str:
    """Return what is kept of a PIN or password.

    Raises:
        InputError: it is too weak to be one.
    """
    if is_pin:
        is_plain = len(set(secret)) < 3 or secret in "0123456789876543210"
        if len(secret) != PIN_DIGITS or not secret.isdecimal() or is_plain:
            raise InputError(
                f"a PIN has {PIN_DIGITS} digits, and not 111111 or 123456: choose another"
            )
    elif len(secret) < MIN_PASSWORD:
        raise InputError(f"a password has at least {MIN_PASSWORD} characters")
    return _HASHER.hash(secret)


def is_secret(secret: str, secret_hash: str | None) -> bool:
    """Return whether a secret is the one; it takes as long where there is none."""
    nobody = _nobody()
    try:
        _HASHER.verify(secret_hash or nobody, secret)
    except (VerificationError, InvalidHashError):
        return False
    return secret_hash is not None


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
        self._strangers = Patience()
        self._addresses = Patience(FREE_TRIES_AN_ADDRESS)
        self._registry = services.registry

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def visitor(self, request: Request) -> Visitor | None:
        """Return who is there; None: nobody who has signed in."""
        if hasattr(request.state, "visitor"):
            found: Visitor | None = request.state.visitor
            return found
        request.state.visitor = found = self._find(request)
        return found

    def _find(self, request: Request) -> Visitor | None:
        token = request.cookies.get(COOKIE)
        person = self._registry.find_session(token, self._now_ms()) if token else None
        if person is None:
            return None if self._services.is_guarded else OPERATOR
        try:
            info = self._registry.get_person(person)
        except MissingError:
            return None
        return Visitor(
            info.id,
            info.name,
            frozenset(role for _, role in info.memberships),
            tuple(sorted({one for one, _ in info.memberships})),
        )

    def known(self, request: Request) -> Visitor:
        """Return who is there.

        Raises:
            SignInNeededError: nobody has signed in.
        """
        visitor = self.visitor(request)
        if visitor is None:
            raise SignInNeededError(request.url.path)
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
            raise RefusedError("this needs a farmer's or technician's account")
        return visitor.person

    def sailor(self, request: Request) -> str:
        """Return the person who may enter things in a vessel's book.

        Raises:
            SignInNeededError: nobody has signed in.
            RefusedError: he only looks.
        """
        visitor = self.known(request)
        if visitor.person is None or not (visitor.keeps_boats or visitor.is_on_duty):
            raise RefusedError("this needs an account of the boat's people")
        return visitor.person

    def may_act(self, request: Request) -> bool:
        """Return whether the visitor enters things, or only looks."""
        visitor = self.visitor(request)
        return (
            visitor is not None and visitor.keeps_books and visitor.person is not None
        )

    def sign_in(self, phone: str, secret: str, address: str = "") -> tuple[str, str]:
        """Return a new session's token, and whose it is.

        Raises:
            SignInError: number and secret do not fit, or it is too early.
        """
        now_ms = self._now_ms()
        try:
            number = parse_phone(phone)
            account = self._registry.find_account(number)
        except InputError:
            number, account = phone, None
        locked_ms = 0 if account is None else account.locked_until_ms - now_ms
        wait_ms = max(
            locked_ms,
            self._strangers.wait_ms(number, now_ms),
            self._addresses.wait_ms(address, now_ms),
        )
        if wait_ms > 0:
            raise SignInError("too many tries", wait_ms)
        is_right = is_secret(secret, None if account is None else account.secret_hash)
        if account is None or not is_right:
            wait_ms = self._refused(account, number, address, now_ms)
            raise SignInError("number and secret do not fit", wait_ms)
        if account.failures:
            self._registry.note_sign_in(account.person, failures=0, locked_until_ms=0)
        self._addresses.forget(address)
        return self.open(account.person), account.person

    def _refused(
        self, account: Account | None, number: str, address: str, now_ms: int
    ) -> int:
        """Note a wrong try; return how long to wait before the next, in ms."""
        log.info("sign_in.refused", person=account and account.person)
        by_address = self._addresses.failed(address, now_ms)
        if account is None:
            return max(by_address, self._strangers.failed(number, now_ms))
        failures = account.failures + 1
        wait_ms = wait_after(failures)
        self._registry.note_sign_in(
            account.person, failures=failures, locked_until_ms=now_ms + wait_ms
        )
        return max(by_address, wait_ms)

    def open(self, person: str) -> str:
        """Return the token of a new session."""
        token, now_ms = self._new_token(), self._now_ms()
        self._registry.open_session(
            token, person, now_ms=now_ms, expires_ms=now_ms + SESSION_MS
        )
        return token

    def keep(self, request: Request, response: Response, token: str) -> None:
        """Have the browser keep a session."""
        response.set_cookie(
            COOKIE,
            token,
            max_age=SESSION_MS // 1000,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """End the session."""
        token = request.cookies.get(COOKIE)
        if token:
            self._registry.close_session(token)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")

    def csrf(self, request: Request) -> str:
        """Return what the forms of this session carry."""
        return csrf_of(request.cookies.get(COOKIE, ""))

    def check_form(self, request: Request, token: str) -> None:
        """Refuse a form that is not of this session.

        Raises:
            RefusedError: it is none of ours.
        """
        if not hmac.compare_digest(token, self.csrf(request)):
            raise RefusedError("this form is not of your session: open the page again")


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
