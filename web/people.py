"""The pages of people: coming in, their own accounts, and the administrator's."""

from typing import Protocol

from fastapi import APIRouter

from web.accounts import AccountPages
from web.doors import Doors
from web.pages import Renderer
from web.ports import Services
from web.signing import SigningIn


class Pages(Protocol):
    """Some pages of the site."""

    def routes(self) -> APIRouter:
        """Return their routes."""
        ...


def people_pages(services: Services, render: Renderer, doors: Doors) -> list[Pages]:
    """Return the pages of people, over open services."""
    signing = SigningIn(services, doors)
    return [
        AccountPages(services, render, doors, signing),
    ]
