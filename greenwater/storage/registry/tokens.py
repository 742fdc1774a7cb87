"""Tokens of programs: an organisation's, with scopes and an end; kept is the hash."""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import select

from greenwater.kernel.errors import InputError, MissingError
from greenwater.storage.registry.models import Organisation, Person
from greenwater.storage.registry.models.epcis import ApiTokenRow
from greenwater.storage.registry.rows import get_row, parse_name
from greenwater.storage.registry.session import Sessions

SCOPES: Final = frozenset(
    {
        "epcis:capture",
        "epcis:query",
        "goods:read",
        "goods:write",
        "records:read",
        "telemetry:read",
    }
)
"""What a token may be good for."""

MOST_MS: Final = 400 * 24 * 3600 * 1000
"""The longest life of a token."""


class ApiToken(Struct, frozen=True):
    """A token of a program, without its secret.

    ``made_by`` is the person who answers for what is written with it; None: the command
    line made it, and named nobody.
    """

    id: str
    organisation: str
    name: str
    scopes: frozenset[str]
    made_ms: int
    expires_ms: int
    revoked_ms: int | None
    made_by: str | None = None


def token_hash(secret: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(f"api/{secret}".encode()).hexdigest()


class Tokens:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def add_api_token(
        self,
        id_: str,
        secret: str,
        *,
        organisation: str,
        name: str,
        scopes: frozenset[str],
        now_ms: int,
        expires_ms: int,
        made_by: str | None = None,
    ) -> None:
        """Let a program in with a secret that only it keeps.

        Raises:
            InputError: no such scope, or an end that cannot be.
            MissingError: no such organisation.
        """
        if not scopes or not scopes <= SCOPES:
            raise InputError(
                f"scopes of a token are {', '.join(sorted(SCOPES))}", "form_old"
            )
        if not now_ms < expires_ms <= now_ms + MOST_MS:
            raise InputError(
                "a token ends within 400 days, not before it begins", "token_days"
            )
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            if made_by is not None:
                get_row(session, Person, made_by)
            session.add(
                ApiTokenRow(
                    id=id_,
                    organisation=organisation,
                    name=parse_name(name),
                    hash=token_hash(secret),
                    scopes=" ".join(sorted(scopes)),
                    made_ms=now_ms,
                    expires_ms=expires_ms,
                    revoked_ms=None,
                    made_by=made_by,
                )
            )

    def revoke_api_token(
        self, id_: str, *, now_ms: int, organisation: str | None = None
    ) -> None:
        """End a token (if it is this organisation's); ended is ended.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.writing() as session:
            row = session.get(ApiTokenRow, id_, with_for_update=True)
            if row is None or organisation not in (None, row.organisation):
                raise MissingError(f"there is no token {id_!r}")
            row.revoked_ms = now_ms if row.revoked_ms is None else row.revoked_ms

    def find_api_token(self, secret: str, now_ms: int) -> ApiToken | None:
        """Return the token of a secret if it is good now."""
        query = select(ApiTokenRow).where(ApiTokenRow.hash == token_hash(secret))
        with self._sessions.reading() as session:
            row = session.scalar(query)
        if row is None or row.revoked_ms is not None or now_ms >= row.expires_ms:
            return None
        return _token(row)

    def list_api_tokens(self, organisation: str) -> Sequence[ApiToken]:
        """Return an organisation's tokens, oldest first."""
        query = (
            select(ApiTokenRow)
            .where(ApiTokenRow.organisation == organisation)
            .order_by(ApiTokenRow.made_ms, ApiTokenRow.id)
        )
        with self._sessions.reading() as session:
            return [_token(row) for row in session.scalars(query)]


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        row.id,
        row.organisation,
        row.name,
        frozenset(row.scopes.split()),
        row.made_ms,
        row.expires_ms,
        row.revoked_ms,
        row.made_by,
    )
