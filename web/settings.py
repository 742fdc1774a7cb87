"""What an operator may set for the site. Read once, at start."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from analytics.alarms.pushing import open_hosts, open_push_key
from analytics.alarms.ways import Way, open_ways
from greenwater.kernel.errors import ConfigError
from web.ports import NO_PUSHING, Pushing, Tiles

_PLACES: Final = ("{z}", "{x}", "{y}")
_PLAIN: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[\w.-]+(:\d+)?")


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables ``GREENWATER_WEB_*``; ``public_url`` is shared.

    It is how phones reach the site, and stands on every label. ``is_demo`` lets visitors
    step into roles without a secret: never set it where real people's data is.
    ``hosts`` are further names, with commas, by which the site is reached beside
    ``public_url``. ``trusted_proxies`` are the addresses of proxies that say where visitors
    come from. ``map_tiles`` is where maps get pictures of the ground,
    ``https://…/{z}/{x}/{y}.png``, with ``map_credit`` as its keeper asks; empty: none is
    asked for, and maps have the land that comes with the site. ``…_via`` are the operator's
    gateways for messages (``analytics.alarms.ways``), shared with analytics; so are
    ``push_hosts``, push services beside those that browsers have (``alarms.pushing``).
    """

    public_url: str = "http://127.0.0.1:8000"
    is_demo: bool = False
    trusted_proxies: str = "127.0.0.1"
    hosts: str = ""
    map_tiles: str = ""
    map_credit: str = ""
    sms_via: str = ""
    mail_via: str = ""
    telegram_via: str = ""
    zalo_via: str = ""
    push_hosts: str = ""

    def pushing(self, home: Path) -> Pushing:
        """Return how browsers ask to be told; in a demo they do not: its clock is no real one.

        Raises:
            ConfigError: a push service is none, or the key's file is no key.
        """
        hosts = open_hosts(self.push_hosts)
        if self.is_demo:
            return NO_PUSHING
        return Pushing(open_push_key(home / "push").public, hosts)

    def ways(self) -> Sequence[Way]:
        """Return the ways by which messages can go.

        Raises:
            ConfigError: a gateway has no place for the receiver.
        """
        return open_ways(
            sms=self.sms_via,
            mail=self.mail_via,
            telegram=self.telegram_via,
            zalo=self.zalo_via,
        ).offered


def tiles_of(address: str, credit: str) -> Tiles:
    """Return the tiles that an operator set.

    Raises:
        ConfigError: that is no address of tiles, or nobody is credited.
    """
    if not address:
        return Tiles()
    parts = urlsplit(address) if _PLAIN.fullmatch(address) else urlsplit("")
    has_all = all(one in address for one in _PLACES)
    if parts.scheme != "https" or not _HOST.fullmatch(parts.netloc) or not has_all:
        raise ConfigError(
            f"map_tiles: {address!r} is no address of tiles: write it with https, a host "
            "and {z}, {x}, {y}, as in https://tiles.example/{z}/{x}/{y}.png"
        )
    if not credit.strip():
        raise ConfigError(
            "map_tiles is set and map_credit is not: write what the tiles' keeper asks to "
            "be shown, as in '© OpenStreetMap contributors'"
        )
    return Tiles(address, credit.strip())
