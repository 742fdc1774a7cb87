"""Addresses that alarms are sent to: whether anything can be sent there, and in which form."""

import re
from typing import Final

import apprise

from analytics.alarms.ways import Way, Ways, way_of
from greenwater.kernel.errors import ConfigError, InputError

PLAIN_SCHEMES: Final = frozenset(
    {
        "46elks", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "d7sms",
        "elks", "freemobile", "httpsms", "kavenegar", "msg91", "msgbird", "nexmo",
        "octopush", "plivo", "seven", "sfr", "sinch", "smseagle", "smseagles",
        "smsmanager", "smsmgr", "smstunnel", "sns", "telnyx", "threema", "twilio",
        "voipms", "vonage",
    }
)  # fmt: skip
"""Schemes that send text messages: they get the text without diacritics."""

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def is_plain(url: str) -> bool:
    """Return whether an address gets text messages.

    One of ours (``to-sms://``) does by whatever gateway it goes; a gateway of one's own is a webhook that says so: ``json://…/?plain=yes``.
    """
    return (
        way_of(url) is Way.SMS
        or url.partition(":")[0].lower() in PLAIN_SCHEMES
        or bool(re.search(r"[?&]\+?plain=yes(&|$)", url))
    )


def check_address(url: str) -> None:
    """Refuse an address that apprise cannot send to; nothing is sent.

    Raises:
        InputError: it cannot: no such scheme, or a part is missing.
    """
    scheme = url.partition("://")[0]
    if "://" not in url:
        raise InputError(
            f"{url!r} is no address to send to: write one such as tgram://TOKEN/CHAT, "
            "mailtos://USER:PASSWORD@HOST or json://HOST/PATH (docs/alarms.md)",
            "contact_wrong",
        )
    if not apprise.Apprise().add(url):
        raise InputError(
            f"nothing can be sent to this {scheme}:// address: the scheme is unknown to "
            "apprise or a part is missing; see the examples in docs/alarms.md",
            "contact_wrong",
        )


SAMPLES: Final = {
    Way.SMS: "84901234567",
    Way.MAIL: "lan@example.vn",
    Way.TELEGRAM: "12345678",
    Way.ZALO: "0123456789abcdef",
}
"""A receiver of each way, to try whether its gateway's address is one."""


def check_ways(ways: Ways) -> None:
    """Refuse gateways that apprise cannot send by; nothing is sent.

    Raises:
        ConfigError: it cannot by one of them.
    """
    for way in ways.offered:
        try:
            check_address(ways.address_of(f"to-{way}://{SAMPLES[way]}"))
        except InputError as exc:
            raise ConfigError(f"{way}_via: {exc}") from exc


def parse_hours(text: str) -> tuple[int, int] | None:
    """Return hours such as ``18:00-06:00`` as minutes of the day; "" is always (None).

    Raises:
        InputError: those are no hours.
    """
    if not text:
        return None
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise InputError(
            f"{text!r} are no hours: write them as 18:00-06:00", "contact_hours"
        )
    from_h, from_m, to_h, to_m = (int(one) for one in found.groups())
    if (from_h, from_m) == (to_h, to_m):
        raise InputError(
            f"{text!r}: from and to are the same; leave it out for always",
            "contact_hours",
        )
    return from_h * 60 + from_m, to_h * 60 + to_m
