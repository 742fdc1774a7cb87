"""The ways in which a platform reaches people: what a family may choose by itself.

An apprise address is powerful: a webhook is a request that our server makes. So nobody but
an administrator types one. A farmer gives a telephone number or a mailbox; it is kept as an
address of ours, ``to-sms://84901234567``, that says where to and nothing else, and the
operator's own gateway, set once for all (``GREENWATER_SMS_VIA`` …), makes it one that
apprise sends to. A way without a gateway is not offered.
"""

import re
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from greenwater.kernel.errors import ConfigError, InputError
from greenwater.storage.registry.people import parse_phone

OURS: Final = "to-"
"""What the schemes of such addresses begin with; apprise has none like it."""

TO: Final = "{to}"
LOCAL: Final = "{local}"
"""Where a gateway's address has the number: 84901234567, or 0901234567."""


class Way(StrEnum):
    """By what means somebody is told."""

    SMS = "sms"
    MAIL = "mail"
    TELEGRAM = "telegram"
    ZALO = "zalo"


class Ways(Struct, frozen=True, kw_only=True):
    """The operator's gateways: apprise addresses with ``{to}`` where the receiver stands.

    ``""``: there is none. ``sms`` may have ``{local}`` instead.
    """

    sms: str = ""
    mail: str = ""
    telegram: str = ""
    zalo: str = ""

    @property
    def offered(self) -> tuple[Way, ...]:
        """The ways that messages can go."""
        return tuple(one for one in Way if getattr(self, one))

    def address_of(self, url: str) -> str:
        """Return what apprise sends to; an address that is not of ours stays as it is.

        ``""``: it is one of ours, and its gateway is not set.
        """
        way = way_of(url)
        if way is None:
            return url
        to, via = receiver_of(url), str(getattr(self, way))
        return via.replace(LOCAL, f"0{to[2:]}").replace(TO, quote(to, safe="@"))


def open_ways(*, sms: str, mail: str, telegram: str, zalo: str) -> Ways:
    """Return the ways that an operator set.

    Raises:
        ConfigError: one has no place for the receiver.
    """
    given = {"sms": sms, "mail": mail, "telegram": telegram, "zalo": zalo}
    for name, via in given.items():
        has_place = TO in via or (name == Way.SMS and LOCAL in via)
        if via and not ("://" in via and has_place):
            raise ConfigError(
                f"{name}_via: write an apprise address with {TO} where the receiver "
                "stands, as in docs/alarms.md"
            )
    return Ways(**given)


def way_of(url: str) -> Way | None:
    """Return which way an address is of; None: an administrator's own address."""
    scheme = url.partition("://")[0]
    name = scheme.removeprefix(OURS)
    return Way(name) if scheme != name and name in set(Way) else None


def receiver_of(url: str) -> str:
    """Return the number, mailbox or code in an address of ours."""
    return url.partition("://")[2]


_MOBILE: Final = re.compile(r"\+84[35789][0-9]{8}")
_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+"
)
_CODES: Final = {
    Way.TELEGRAM: re.compile(r"-?[0-9]{5,20}"),
    Way.ZALO: re.compile(r"[0-9A-Za-z]{6,64}"),
}


def own_address(way: str, text: str) -> str:
    """Return the address of ours for what somebody typed.

    Raises:
        InputError: there is no such way; that is no Vietnamese mobile number (others may
            cost the operator a fortune), no mailbox, no code.
    """
    said = text.strip()
    if way not in set(Way):
        raise InputError(f"there is no way {way!r} to tell somebody", "form_old")
    if way == Way.SMS:
        number = parse_phone(said)
        if _MOBILE.fullmatch(number) is None:
            raise InputError(
                f"{said!r} is no Vietnamese mobile number, such as 0901234567",
                "way_sms",
            )
        said = number[1:]
    elif way == Way.MAIL:
        if _MAILBOX.fullmatch(said) is None:
            raise InputError(
                f"{said!r} is no mailbox such as lan@example.vn", "way_mail"
            )
    elif _CODES[Way(way)].fullmatch(said) is None:
        raise InputError(f"{said!r} is no code of {way}", f"way_{way}")
    return f"{OURS}{way}://{said}"


_CUT: Final = "…\N{WORD JOINER}"
"""No line ends between it and what follows."""


def hint_of(url: str) -> str:
    """Return as much of an address as lets its owner know it again: ``…567``."""
    way, to = way_of(url), receiver_of(url)
    if way is None:
        return ""
    return f"{to[:1]}…{to[to.index('@') :]}" if way is Way.MAIL else f"{_CUT}{to[-3:]}"
