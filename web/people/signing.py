"""Coming in: number and secret, then the second factor, with patience for wrong tries."""

from typing import Final

import structlog
from fastapi import Request
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.accounts import Account, SignedIn, Stage
from greenwater.storage.registry.people import SECOND_FACTOR, parse_phone
from web.door.doors import Doors
from web.door.hashing import is_secret
from web.door.patience import FREE_TRIES_AN_ADDRESS, Patience, wait_after
from web.door.totp import step_of
from web.ports import Services

log = structlog.get_logger()

BROWSERS: Final = (
    ("coc_coc", "Cốc Cốc"), ("SamsungBrowser", "Samsung"), ("Edg", "Edge"), ("OPR", "Opera"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("Chrome", "Chrome"), ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


class SignInError(InputError):
    """The number and the secret do not fit, or it is too early to try again."""

    def __init__(self, sentence: str, wait_ms: int = 0) -> None:
        super().__init__(sentence)
        self.wait_ms = wait_ms


class CameIn(Struct, frozen=True):
    """A new session's token, whose it is, and what is owed still."""

    token: str
    person: str
    stage: Stage


def agent_of(request: Request) -> str:
    """Return a coarse word for a browser, such as ``Chrome, Android``: no version."""
    header = request.headers.get("user-agent", "")
    names = (
        next((name for sign, name in table if sign in header), "")
        for table in (BROWSERS, SYSTEMS)
    )
    return ", ".join(name for name in names if name)


def address_of(request: Request) -> str:
    """Return where a request comes from on the network."""
    return request.client.host if request.client else ""


class SigningIn:
    """Checks what people show at the door."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors
        self._registry = services.registry
        self._strangers = Patience()
        self._addresses = Patience(FREE_TRIES_AN_ADDRESS)

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def sign_in(
        self, request: Request, phone: str, secret: str, *, is_own: bool
    ) -> CameIn:
        """Return a new session for a number and its secret.

        Raises:
            SignInError: they do not fit, or it is too early.
        """
        now_ms, address = self._now_ms(), address_of(request)
        try:
            number = parse_phone(phone)
            account = self._registry.find_account(number)
        except InputError:
            number, account = phone, None
        wait_ms = max(
            0 if account is None else account.locked_until_ms - now_ms,
            self._strangers.wait_ms(number, now_ms),
            self._addresses.wait_ms(address, now_ms),
        )
        if wait_ms > 0:
            raise SignInError("too many tries", wait_ms)
        is_right = is_secret(secret, None if account is None else account.secret_hash)
        if account is None or not is_right:
            wait_ms = self._refused(request, account, number, now_ms)
            raise SignInError("number and secret do not fit", wait_ms)
        stage = self.owed(account.person)
        if account.failures and stage is not Stage.CODE:
            self._registry.note_sign_in(account.person, failures=0, locked_until_ms=0)
        self._addresses.forget(address)
        return self.come_in(request, account.person, stage=stage, is_own=is_own)

    def come_in(
        self, request: Request, person: str, *, stage: Stage, is_own: bool = True
    ) -> CameIn:
        """Open a session for somebody who showed all that he has to for this stage."""
        token = self._doors.open(
            person, stage=stage, agent=agent_of(request), is_own=is_own
        )
        request.state.session = self._registry.find_session(token, self._now_ms())
        request.state.token = token
        act = "sign_in" if stage is Stage.WHOLE else f"sign_in_{stage}"
        self._doors.note(request, act, person=person)
        return CameIn(token, person, stage)

    def owed(self, person: str) -> Stage:
        """Return how far a right secret brings a person in."""
        factor = self._registry.find_second_factor(person)
        if factor is not None and factor.confirmed_ms is not None:
            return Stage.CODE
        return Stage.ENROL if self.needs_factor(person) else Stage.WHOLE

    def needs_factor(self, person: str) -> bool:
        """Return whether a person's roles ask for a second factor here."""
        roles = {role for _, role in self._registry.get_person(person).memberships}
        return bool(roles & SECOND_FACTOR) and not self._services.is_demo

    def _refused(
        self, request: Request, account: Account | None, number: str, now_ms: int
    ) -> int:
        """Note a wrong try; return how long to wait before the next, in ms."""
        log.info("sign_in.refused", person=account and account.person)
        # Not the number of somebody unknown: it may be a secret typed in the wrong field.
        person = None if account is None else account.person
        self._doors.note(request, "sign_in", person=person, outcome="failed")
        by_address = self._addresses.failed(address_of(request), now_ms)
        if account is None:
            return max(by_address, self._strangers.failed(number, now_ms))
        wait_ms = self._count(account, now_ms)
        return max(by_address, wait_ms)

    def _count(self, account: Account, now_ms: int) -> int:
        failures = account.failures + 1
        wait_ms = wait_after(failures)
        self._registry.note_sign_in(
            account.person, failures=failures, locked_until_ms=now_ms + wait_ms
        )
        return wait_ms

    def take_code(self, request: Request, signed: SignedIn, code: str) -> CameIn:
        """Return a whole session for the code of a second factor, or a recovery code.

        Raises:
            SignInError: it is wrong, was taken already, or it is too early.
        """
        now_ms, person = self._now_ms(), signed.person
        account = self._registry.get_account(person)
        if account.locked_until_ms > now_ms:
            raise SignInError("too many tries", account.locked_until_ms - now_ms)
        if not self.is_code(person, code, now_ms):
            self._doors.note(request, "second_factor", person=person, outcome="failed")
            wait_ms = self._count(account, now_ms)
            raise SignInError("the code does not fit, or was used", wait_ms)
        if account.failures:
            self._registry.note_sign_in(person, failures=0, locked_until_ms=0)
        return self.come_in(request, person, stage=Stage.WHOLE)

    def check_secret(self, request: Request, person: str, secret: str) -> None:
        """See that somebody who is signed in knows his secret still.

        Raises:
            SignInError: he does not, or it is too early.
        """
        now_ms, account = self._now_ms(), self._registry.get_account(person)
        if account.locked_until_ms > now_ms:
            raise SignInError("too many tries", account.locked_until_ms - now_ms)
        if not is_secret(secret, account.secret_hash):
            self._doors.note(request, "secret_check", person=person, outcome="failed")
            raise SignInError("not the secret", self._count(account, now_ms))

    def is_code(self, person: str, code: str, now_ms: int) -> bool:
        """Return whether a code is good, and use it up."""
        factor = self._registry.find_second_factor(person)
        if factor is None or factor.confirmed_ms is None:
            return False
        step = step_of(factor.secret, code, now_ms)
        if step is not None:
            return self._registry.use_step(person, step)
        return self._registry.use_recovery_code(person, code, now_ms)
