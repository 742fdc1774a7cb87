"""What a family may choose by itself: numbers and mailboxes, never an apprise address."""

import pytest

from analytics.alarms.addresses import check_ways, is_plain
from analytics.alarms.ways import Way, Ways, hint_of, open_ways, own_address, way_of
from analytics.settings import AnalyticsSettings
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.settings import load

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

WAYS = Ways(
    sms="jsons://sms.example.vn/send?:to={to}",
    mail="mailtos://gw:secret@smtp.example.vn?to={to}",
    telegram="tgram://123456789:abcdefg_hijklmnop/{to}",
)


@pytest.mark.parametrize(
    ("way", "typed", "kept", "sent"),
    [
        ("sms", "0901 234 567", "to-sms://84901234567",
         "jsons://sms.example.vn/send?:to=84901234567"),
        ("sms", "+84 901.234.567", "to-sms://84901234567",
         "jsons://sms.example.vn/send?:to=84901234567"),
        ("mail", " lan+ao@example.vn ", "to-mail://lan+ao@example.vn",
         "mailtos://gw:secret@smtp.example.vn?to=lan%2Bao@example.vn"),
        ("telegram", "-100123456", "to-telegram://-100123456",
         "tgram://123456789:abcdefg_hijklmnop/-100123456"),
    ],
)  # fmt: skip
def test_what_is_typed_goes_by_the_operators_gateway(
    way: str, typed: str, kept: str, sent: str
) -> None:
    assert own_address(way, typed) == kept
    assert WAYS.address_of(kept) == sent
    assert way_of(kept) == way
    assert is_plain(kept) == (way == "sms")


@pytest.mark.parametrize(
    ("way", "typed"),
    [
        ("sms", "113"), ("sms", "0258 3822 333"), ("sms", "+1 900 555 0123"),
        ("sms", "0901234567,0901234568"), ("sms", "json://127.0.0.1:8000/x"),
        ("mail", "lan"), ("mail", "lan@localhost"), ("mail", "a@b.vn,c@d.vn"),
        ("mail", "a@b.vn?cc=x@y.vn"), ("mail", "a@b.vn\n.vn"), ("mail", "json://a@b.vn"),
        ("telegram", "@lan"), ("telegram", "1/../2"), ("zalo", "a b"), ("zalo", "?x=1"),
        ("webhook", "json://127.0.0.1"), ("json", "127.0.0.1"),
    ],
)  # fmt: skip
def test_nothing_else_is_an_address(way: str, typed: str) -> None:
    """Neither a request of our server's, nor somebody more, nor a number that costs."""
    with pytest.raises(InputError):
        own_address(way, typed)


def test_a_way_without_a_gateway_goes_nowhere_and_others_go_as_they_are() -> None:
    assert WAYS.offered == (Way.SMS, Way.MAIL, Way.TELEGRAM)
    assert WAYS.address_of("to-zalo://0123456789abcdef") == ""
    for url in ("json://127.0.0.1/x", "tgram://a/b", "to-fax://1"):
        assert WAYS.address_of(url) == url
        assert way_of(url) is None
        assert hint_of(url) == ""
    local = Ways(sms="smseagle://token@192.168.1.5/{local}")
    assert local.address_of("to-sms://84901234567").endswith("/0901234567")


def test_as_much_is_shown_as_its_owner_needs() -> None:
    assert hint_of("to-sms://84901234567") == "…\N{WORD JOINER}567"
    assert hint_of("to-mail://lan@example.vn") == "l…@example.vn"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"GREENWATER_SMS_VIA": "jsons://sms.example.vn/send"},
            "sms_via: write an apprise",
        ),
        ({"GREENWATER_MAIL_VIA": "smtp.example.vn/{to}"}, "mail_via: write an apprise"),
        (
            {"GREENWATER_MAIL_VIA": "mailtos://gw:s@smtp.example.vn?to={local}"},
            "mail_via: write",
        ),
        (
            {"GREENWATER_ZALO_VIA": "nosuch://token/{to}"},
            "zalo_via: nothing can be sent",
        ),
    ],
)
def test_a_gateway_that_cannot_be_is_refused_at_the_start(
    facts: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        load(AnalyticsSettings, prefix="GREENWATER_ANALYTICS_", environ=facts).ways()


def test_gateways_of_the_documentation_are_taken() -> None:
    check_ways(
        open_ways(
            sms="httpsms://KEY@84901234567/{to}",
            mail="mailtos://gw:secret@smtp.example.vn?to={to}",
            telegram="tgram://123456789:abcdefg_hijklmnop/{to}",
            zalo="zalo://1234567890:abcdefghijk/{to}",
        )
    )
