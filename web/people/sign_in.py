"""Coming in: number and secret, then the second factor, with patience for wrong tries."""

from typing import Final

import structlog
from fastapi import Request
from msgspec import Struct

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.accounts import Account, Proof, SignedIn, Stage
from greenwater.storage.registry.people import SECOND_FACTOR, parse_phone
from web.door.doors import Doors, token_of
from web.door.hashing import is_secret
from web.door.throttle import FREE_TRIES_AN_ADDRESS, Throttle, Turn, wait_after
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
        self._strangers = Throttle()
        self._addresses = Throttle(FREE_TRIES_AN_ADDRESS)

    def sign_in(
        self, request: Request, phone: str, secret: str, *, is_own: bool
    ) -> CameIn:
        """Return a new session for a number and its secret.

        Raises:
            SignInError: they do not fit, or it is too early.
        """
        now_ms, address = self._services.now_ms(), address_of(request)
        try:
            number = parse_phone(phone)
            account = self._registry.find_account(number)
        except InputError:
            number, account = phone, None
        by_address = self._addresses.begin(address, now_ms)
        if not by_address.may:
            raise SignInError("too many tries", by_address.wait_ms)
        by_number = self._turn(account, number, now_ms)
        if not by_number.may:
            self._addresses.undo(address)
            raise SignInError("too many tries", by_number.wait_ms)
        is_right = is_secret(secret, None if account is None else account.secret_hash)
        came = None
        if account is not None and is_right:
            came = self._came_in(request, account, is_own=is_own)
        if account is None or came is None:
            self._refused(request, account)
            wait_ms = max(by_address.wait_ms, by_number.wait_ms)
            raise SignInError("number and secret do not fit", wait_ms)
        # While the code is owed, wrong codes stay counted: a new sign-in forgives none.
        self._registry.end_try(came.person, forgives=came.stage is not Stage.CODE)
        self._addresses.undo(address)
        self._addresses.make_up(address, came.person, now_ms)
        return came

    def _came_in(
        self, request: Request, account: Account, *, is_own: bool
    ) -> CameIn | None:
        """Open a session for whoever showed the right secret; None: it is that no more."""
        stage, proof = self.owed(account.person), Proof(account.secret_hash)
        try:
            return self.come_in(
                request, account.person, stage=stage, is_own=is_own, proof=proof
            )
        except ConflictError:
            return None

    def _turn(self, account: Account | None, number: str, now_ms: int) -> Turn:
        if account is None:
            self._turn_of(
                "", now_ms
            )  # else the time it takes told which numbers there are
            return self._strangers.begin(number, now_ms)
        return self._turn_of(account.person, now_ms)

    def _turn_of(self, person: str, now_ms: int) -> Turn:
        return Turn(*self._registry.begin_try(person, now_ms, wait_after))

    def come_in(
        self,
        request: Request,
        person: str,
        *,
        stage: Stage,
        proof: Proof | None,
        is_own: bool = True,
    ) -> CameIn:
        """Open a session for somebody who showed all that he has to for this stage.

        ``proof`` None: there is none to be out of date (a demo's roles).

        Raises:
            ConflictError: it holds no longer.
        """
        agent = agent_of(request)
        token = self._doors.open(
            person, stage=stage, agent=agent, is_own=is_own, proof=proof
        )
        request.state.session = self._registry.find_session(
            token, self._services.now_ms()
        )
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
        roles = self._registry.get_person(person).roles
        return bool(roles & SECOND_FACTOR) and not self._services.is_demo

    def _refused(self, request: Request, account: Account | None) -> None:
        """Note a wrong try."""
        # Not the number of somebody unknown: it may be a secret typed in the wrong field.
        person = None if account is None else account.person
        log.info("sign_in.refused", person=person)
        self._doors.note(request, "sign_in", person=person, outcome="failed")

    def take_code(self, request: Request, signed: SignedIn, code: str) -> CameIn:
        """Return a whole session for the code of a second factor, or a recovery code.

        Raises:
            SignInError: it is wrong, was taken already, or it is too early.
            ConflictError: the secret was replaced since it was shown.
        """
        self.check_code(request, signed.person, code)
        proof = Proof(token=token_of(request))
        return self.come_in(request, signed.person, stage=Stage.WHOLE, proof=proof)

    def check_code(self, request: Request, person: str, code: str) -> None:
        """See that somebody has his second factor, and use the code up.

        Raises:
            SignInError: it is wrong, was taken already, or it is too early.
        """
        now_ms = self._services.now_ms()
        turn = self._turn_of(person, now_ms)
        if not turn.may:
            raise SignInError("too many tries", turn.wait_ms)
        if not self.is_code(person, code, now_ms):
            self._doors.note(request, "second_factor", person=person, outcome="failed")
            raise SignInError("the code does not fit, or was used", turn.wait_ms)
        self._registry.end_try(person, forgives=True)

    def check_secret(self, request: Request, person: str, secret: str) -> Proof:
        """See that somebody who is signed in knows his secret still.

        Raises:
            SignInError: he does not, or it is too early.
        """
        account = self._registry.get_account(person)
        turn = self._turn_of(person, self._services.now_ms())
        if not turn.may:
            raise SignInError("too many tries", turn.wait_ms)
        if not is_secret(secret, account.secret_hash):
            self._doors.note(request, "secret_check", person=person, outcome="failed")
            raise SignInError("not the secret", turn.wait_ms)
        self._registry.end_try(person, forgives=False)
        return Proof(account.secret_hash)

    def is_code(self, person: str, code: str, now_ms: int) -> bool:
        """Return whether a code is good, and use it up."""
        factor = self._registry.find_second_factor(person)
        if factor is None or factor.confirmed_ms is None:
            return False
        step = step_of(factor.secret, code, now_ms)
        if step is not None:
            return self._registry.use_step(person, step)
        return self._registry.use_recovery_code(person, code, now_ms)
