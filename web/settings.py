"""What an operator may set for the site. Read once, at start."""

from msgspec import Struct


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables ``GREENWATER_WEB_*``; ``public_url`` is shared.

    It is how phones reach the site, and stands on every label. ``is_demo`` lets visitors
    step into roles without a secret: never set it where real people's data is.
    ``hosts`` are further names, with commas, by which the site is reached beside
    ``public_url``. ``trusted_proxies`` are the addresses of proxies that say where visitors
    come from.
    """

    public_url: str = "http://127.0.0.1:8000"
    is_demo: bool = False
    trusted_proxies: str = "127.0.0.1"
    hosts: str = ""
