"""The pages of people: coming in, their own accounts, and the administrator's."""

from typing import Protocol

from fastapi import APIRouter

from web.door.doors import Doors
from web.pages import Renderer
from web.people.accounts import AccountPages
from web.people.admin import AdminPages
from web.people.admincontacts import AdminContactPages
from web.people.adminlogs import AdminLogPages
from web.people.adminpeople import AdminPeoplePages
from web.people.adminplaces import AdminPlacePages
from web.people.inviting import Inviting
from web.people.joining import JoinPages
from web.people.own_account import OwnPages
from web.people.privacy import PrivacyPages
from web.people.second_factor import SecondFactorPages
from web.people.sign_in import SigningIn
from web.people.tokens import TokenPages
from web.ports import Services


class Pages(Protocol):
    """Some pages of the site."""

    def routes(self) -> APIRouter:
        """Return their routes."""
        ...


def people_pages(services: Services, render: Renderer, doors: Doors) -> list[Pages]:
    """Return the pages of people, over open services."""
    signing, inviting = SigningIn(services, doors), Inviting(services)
    people = AdminPeoplePages(services, render, doors, inviting)
    return [
        AccountPages(services, render, doors, signing),
        SecondFactorPages(services, render, doors, signing),
        OwnPages(services, render, doors, signing),
        TokenPages(services, render, doors),
        JoinPages(services, render, doors, signing, inviting),
        AdminPages(services, render, doors),
        AdminPlacePages(services, render, doors),
        AdminLogPages(services, render, doors),
        PrivacyPages(services, render, doors),
        people,
        AdminContactPages(services, doors, people),
    ]
