"""Programs at the door: a token in a header instead of a person's session."""

from fastapi import Request

from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.tokens import ApiToken
from web.door.doors import Doors, RefusedError, SignInNeededError
from web.ports import Services


def secret_of(request: Request) -> str | None:
    """Return what a program shows: ``Authorization: Bearer …`` or ``X-API-Key``."""
    header = request.headers.get("authorization")
    if header is not None:
        # Another scheme is a secret that nobody has: what is shown wrong is not passed over.
        is_bearer = header.lower().startswith("bearer ")
        return header[7:].strip() if is_bearer else ""
    return request.headers.get("x-api-key")


def is_known(services: Services, doors: Doors, request: Request) -> bool:
    """Return whether somebody is there: a person who is signed in, or a token that counts."""
    secret = secret_of(request)
    if secret is None:
        return doors.visitor(request) is not None
    now_ms = milliseconds(services.clock.now())
    return services.registry.find_api_token(secret, now_ms) is not None


class Programs:
    """Who asks by program, and what he sees; people who are signed in may ask too."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors

    def token(self, request: Request, scope: str) -> ApiToken:
        """Return the token that a program shows; it must be good for ``scope``.

        Raises:
            SignInNeededError: there is none, it is not known, or its time is over.
            RefusedError: it is not good for this.
        """
        secret = secret_of(request)
        if secret is None:
            raise SignInNeededError("this needs a token: Authorization: Bearer …")
        now_ms = self._services.now_ms()
        token = self._services.registry.find_api_token(secret, now_ms)
        if token is None:
            raise SignInNeededError("this token is not known, or its time is over")
        if scope not in token.scopes:
            raise RefusedError(f"this token is not good for {scope}")
        return token

    def mine(self, request: Request, scope: str) -> Services:
        """Return the services as far as a program or person sees them.

        Raises:
            SignInNeededError: nobody is there.
            RefusedError: the token is not good for this.
        """
        if secret_of(request) is None:
            return self._doors.mine(request)
        return self._services.of_organisation(self.token(request, scope).organisation)

    def seen(self, request: Request, scope: str) -> Scope:
        """Return the registry as far as a program or person sees it.

        Raises:
            SignInNeededError: nobody is there.
            RefusedError: the token is not good for this.
        """
        return self.mine(request, scope).seen
