"""What docs/design-language.md promises of looks, measured in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from greenwater.storage.registry.people import OrganisationKind, Role
from tests.chromium import browsing, chromium
from tests.pages.farms import BASE, Farms
from tests.pages.serving import served
from tests.pages.walking import Walk
from tests.pages.world import open_empty
from web.app import create_app
from web.assets import STATIC

PAIRS = [
    ("ink", "paper"), ("ink", "ground"), ("soft", "paper"), ("soft", "ground"),
    ("green", "paper"), ("green", "ground"), ("grey", "paper"), ("grey", "stale"),
    ("warn", "paper"), ("warn", "doubt-bg"), ("paper", "green"), ("on-brand", "brand"),
    ("on-sim", "sim"), ("good", "good-bg"), ("doubt", "doubt-bg"), ("bad", "bad-bg"),
    ("lost", "lost-bg"), ("paper", "bad"), ("ink", "doubt-bg"), ("ink", "bad-bg"),
    ("soft", "doubt-bg"), ("soft", "bad-bg"), ("soft", "lost-bg"), ("ink", "sea"),
    ("good", "sea"), ("doubt", "sea"), ("bad", "sea"), ("lost", "sea"),
]  # fmt: skip
"""Text and what it stands on."""
SHAPES = [
    ("l0", "paper"), ("l1", "paper"), ("l2", "paper"), ("l3", "paper"), ("edge", "paper"),
    ("zone", "sea"), ("focus", "paper"), ("focus", "ground"), ("gap-line", "gap"),
]  # fmt: skip
"""Lines that mean something, and what they are drawn on: WCAG 2.2, 1.4.11, 3 : 1."""


def tokens(is_dark: bool) -> dict[str, str]:
    css = (STATIC / "site.css").read_text()
    day, *nights = re.findall(r":root[^{]*{(.*?)}", css, re.DOTALL)
    assert len(nights) == 2, "as the machine has it, and as was chosen"
    by_day, *by_night = (
        dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})\b", one))
        for one in (day, *nights)
    )
    assert by_night[0] == by_night[1], "one night, however it was chosen"
    assert by_day.keys() == by_night[0].keys()
    return by_night[0] if is_dark else by_day


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("is_dark", [False, True])
def test_text_and_lines_stand_out_from_their_ground(is_dark: bool) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11."""
    found, weak = tokens(is_dark), []
    for pairs, least in ((PAIRS, 4.5), (SHAPES, 3.0)):
        for text, ground in pairs:
            dark, bright = sorted((luminance(found[text]), luminance(found[ground])))
            contrast = (bright + 0.05) / (dark + 0.05)
            if contrast < least:
                weak.append((text, ground, round(contrast, 2)))
    assert weak == []


def _add_roles(farms: Farms) -> None:
    """Those whom the two farms do without: the pages of each are looked at."""
    farms.registry.add_organisation(
        "quan-tri", "Quản trị", kind=OrganisationKind.AUTHORITY
    )
    farms.registry.add_organisation("xa", "Xã", kind=OrganisationKind.COMMUNE)
    for person, organisation, role in (
        ("chu", "hoa", Role.BOAT_OWNER),
        ("tai", "hoa", Role.SKIPPER),
        ("con", "hoa", Role.DELEGATE),
        ("tho", "hoa", Role.TECHNICIAN),
        ("can-bo", "chi-cuc", Role.OFFICER),
        ("xa", "xa", Role.OFFICER),
        ("quan", "quan-tri", Role.ADMIN),
    ):
        farms.registry.add_person(person, f"Ông {person}")
        farms.registry.add_member(person, organisation, role)


@pytest.fixture(scope="module")
def farm_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Farms, str]]:
    chromium()
    folder: Path = tmp_path_factory.mktemp("looks")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        _add_roles(farms)
        with served(create_app(farms.services)) as url:
            yield farms, url


PEOPLE = ("hoa", "chu", "minh", "an", "can-bo", "quan", "tai", "con", "tho", "xa")
"""A farmer, a boat's owner, an inspector, a certifier, an officer, an administrator; a
skipper, who writes for him, a technician, an officer of a commune."""


@pytest.mark.live
@pytest.mark.long
@pytest.mark.parametrize("is_night", [False, True])
def test_every_link_of_every_role_leads_somewhere_that_anybody_can_use(
    farm_site: tuple[Farms, str], tmp_path: Path, is_night: bool
) -> None:
    """No link is dead, no page complains, asks another site, or is wider than its screen;
    axe finds nothing: on a phone by day, and on a desk by night."""
    farms, url = farm_site
    label = farms.registry.labels()[0].uri.removeprefix(BASE)
    narrow: dict[str, Any] = {"viewport": {"width": 360, "height": 640}}
    with browsing(tmp_path / "narrow", **narrow) as context:
        walk = Walk(url, context)
        walk.is_night = is_night
        starts = ["/demo", "/sign-in", "/report-label", "/no-network", label]
        asked = walk.go("", [*starts, f"/check?text={quote(BASE + label)}"])
        for one in PEOPLE:
            asked += walk.go(one, ["/", "/account", "/demo"])
            walk.look_at_ways(one, 320, 360)
    assert walk.wrong == []
    assert asked > 150
    assert len(walk.looked) > 60
