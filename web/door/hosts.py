"""Which names the site answers to: what a request calls it must be one of its own.

No link, code or letter is made of the ``Host`` that a visitor sends (they come from
``public_url``). Names that are not ours are refused all the same, so that no other's name,
pointed at this machine, can read what a browser here may see (DNS rebinding).
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from greenwater.kernel.errors import ConfigError

LOCAL: Final = ("localhost", ".localhost")
"""Names that by RFC 6761 lead nowhere but to this machine."""


def hosts_of(public_url: str, others: str = "") -> frozenset[str]:
    """Return the names of a site: of its address, the machine's own, and a list with commas.

    Raises:
        ConfigError: the list has something that is no name.
    """
    own = socket.gethostname().lower()
    named = {one.strip().lower() for one in others.split(",") if one.strip()}
    for one in sorted(named):
        if _name_of(one) != one:
            raise ConfigError(
                f"hosts: {one!r} is no name of a host: write it without scheme and port, "
                "as in ao.example"
            )
    known = {_name_of(urlsplit(public_url).netloc), own, f"{own}.local", *named}
    return frozenset(known - {""})


def is_ours(host: str, hosts: Iterable[str]) -> bool:
    """Return whether a ``Host`` header names this site.

    Addresses of this machine and of its own network always do: nobody's name is in them.
    """
    name = _name_of(host.lower())
    if name in hosts or name == LOCAL[0] or name.endswith(LOCAL[1]):
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_link_local


def called(scope: Scope) -> str | None:
    """Return what a request calls the site; None: it says nothing."""
    return next(
        (
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"host"
        ),
        None,
    )


def _name_of(host: str) -> str:
    """Return a host's name without its port; nothing where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return ""
    is_whole = parts.netloc == host and not parts.path and "@" not in host
    name = (parts.hostname or "") if is_whole else ""
    return name.rstrip(".")
