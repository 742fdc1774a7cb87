"""Making links that are good once, and showing them, once."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from greenwater.storage.registry.links import LinkKind, OneTimeLink
from greenwater.storage.registry.people import Role
from web.door.hashing import WeakSecretError, hash_secret
from web.people.second_factor import qr
from web.ports import Services
from web.views.formats import moment
from web.words import Lang, say

INVITES: Final = frozenset({Role.FARMER, Role.BOAT_OWNER, Role.ADMIN})
INVITED: Final = (
    Role.FARMER,
    Role.TECHNICIAN,
    Role.BOAT_OWNER,
    Role.SKIPPER,
    Role.DELEGATE,
)
"""Whom a farmer or boat owner may invite: family and workers, nobody on duty."""


@dataclass(frozen=True)
class LinkView:
    """A link that is open."""

    id: str
    what: str
    until: str


@dataclass(frozen=True)
class NewLinkView:
    """A link as it is shown, this once: its address, and the code to scan."""

    address: str
    picture: Markup
    until: str
    what: str


def may_invite_for(
    roles: Iterable[Role], memberships: Iterable[tuple[str, Role]]
) -> list[str]:
    """Return the organisations that somebody may invite people into."""
    if not INVITES & set(roles):
        return []
    return sorted({where for where, role in memberships if role in INVITES})


def new_secret(
    secret: str, again: str, *, is_pin: bool, about: Sequence[str] = ()
) -> str:
    """Return what is kept of a secret that was typed twice; ``about``: whose it is.

    Raises:
        WeakSecretError: they are not the same, or it is too weak.
    """
    if secret != again:
        raise WeakSecretError("the two are not the same", "secrets_differ")
    return hash_secret(secret, is_pin=is_pin, about=about)


class Inviting:
    """Makes links and shows them once."""

    def __init__(
        self,
        services: Services,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(24),
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._services, self._new_token, self._new_id = services, new_token, new_id

    def invite(
        self, lang: Lang, organisation: str, role: Role, made_by: str | None
    ) -> NewLinkView:
        """Return an invitation."""
        now_ms, token = self._services.now_ms(), self._new_token()
        link = self._services.registry.add_link(
            self._new_id(),
            token,
            kind=LinkKind.INVITATION,
            organisation=organisation,
            role=role,
            made_by=made_by,
            now_ms=now_ms,
        )
        return self._view(lang, link, token, now_ms)

    def let_choose(self, lang: Lang, person: str, made_by: str | None) -> NewLinkView:
        """Return a link with which somebody chooses a new secret."""
        now_ms, token = self._services.now_ms(), self._new_token()
        link = self._services.registry.add_link(
            self._new_id(),
            token,
            kind=LinkKind.NEW_SECRET,
            person=person,
            made_by=made_by,
            now_ms=now_ms,
        )
        return self._view(lang, link, token, now_ms)

    def _view(
        self, lang: Lang, link: OneTimeLink, token: str, now_ms: int
    ) -> NewLinkView:
        address = f"{self._services.public_url.rstrip('/')}/join/{token}"
        what = self.what(lang, link)
        until = moment(lang, link.expires_ms, now_ms)
        return NewLinkView(address, qr(address, what), until, what)

    def what(self, lang: Lang, link: OneTimeLink) -> str:
        """Return what a link is for, in words."""
        registry = self._services.registry
        if link.role is None:
            name = registry.names([link.person]).get(link.person or "", "")
            return say(lang, "link_secret", name=name)
        where = {one: name for one, name, _ in registry.list_organisations()}
        return say(
            lang,
            "link_invitation",
            role=say(lang, f"role_{link.role}"),
            organisation=where.get(link.organisation or "", ""),
        )

    def open_links(
        self, lang: Lang, organisations: frozenset[str] | None
    ) -> list[LinkView]:
        """Return the open links into these organisations; None: all."""
        now_ms = self._services.now_ms()
        return [
            LinkView(one.id, self.what(lang, one), moment(lang, one.expires_ms, now_ms))
            for one in self._services.registry.open_links(now_ms)
            if one.kind != LinkKind.DEMO
            and (organisations is None or one.organisation in organisations)
        ]
