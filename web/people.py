"""The pages of people: coming in, their own accounts, and the administrator's."""

from typing import Protocol

from fastapi import APIRouter

from web.accounts import AccountPages
from web.admin import AdminPages
from web.adminlogs import AdminLogPages
from web.adminpeople import AdminPeoplePages
from web.doors import Doors
from web.inviting import Inviting
from web.joining import JoinPages
from web.own import OwnPages
from web.pages import Renderer
from web.ports import Services
from web.privacy import PrivacyPages
from web.second import SecondFactorPages
from web.signing import SigningIn
from web.tokens import TokenPages


class Pages(Protocol):
    """Some pages of the site."""

    def routes(self) -> APIRouter:
        """Return their routes."""
        ...


def people_pages(services: Services, render: Renderer, doors: Doors) -> list[Pages]:
    """Return the pages of people, over open services."""
    signing, inviting = SigningIn(services, doors), Inviting(services)
    return [
        AccountPages(services, render, doors, signing),
        SecondFactorPages(services, render, doors, signing),
        OwnPages(services, render, doors, signing),
        TokenPages(services, render, doors),
        JoinPages(services, render, doors, signing, inviting),
        AdminPages(services, render, doors),
        AdminLogPages(services, render, doors),
        PrivacyPages(services, render, doors),
        AdminPeoplePages(services, render, doors, inviting),
    ]
