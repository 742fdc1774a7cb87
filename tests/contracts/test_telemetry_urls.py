"""What a telemetry URL says, and that it keeps its secrets."""

from pathlib import Path

import pytest

from greenwater.kernel.errors import ConfigError
from greenwater.storage.telemetry.urls import InfluxUrl, SqliteUrl, parse_url


def influx(text: str) -> InfluxUrl:
    url = parse_url(text)
    assert isinstance(url, InfluxUrl)
    return url


def test_a_file_is_relative_with_three_slashes_and_absolute_with_four() -> None:
    assert parse_url("sqlite:///var/t.db") == SqliteUrl(Path("var/t.db"))
    assert parse_url("sqlite:////var/my%20t.db") == SqliteUrl(Path("/var/my t.db"))


def test_a_user_and_password_become_a_basic_header() -> None:
    url = influx("influxdb://us%3Aer:p%2Fw@db.example:9/gw")
    assert (url.base, url.bucket, url.database) == ("http://db.example:9", "gw", "gw")
    assert url.authorization == "Basic dXM6ZXI6cC93"
    assert not url.is_token


def test_a_token_and_its_names_are_taken_apart() -> None:
    url = influx("influxdb://:a%2Fb==@h/my%20bucket?org=o%20g&db=d&rp=r&timeout_s=2.5")
    assert url.authorization == "Token a/b=="
    assert url.is_token
    assert (url.base, url.bucket, url.org) == ("http://h:8086", "my bucket", "o g")
    assert (url.database, url.retention_policy, url.timeout_s) == ("d", "r", 2.5)


@pytest.mark.parametrize(
    ("text", "is_gzip"),
    [
        ("influxdb://localhost/d", False),
        ("influxdb://127.0.0.1/d", False),
        ("influxdb://[::1]/d", False),
        ("influxdb://db.example/d", True),
        ("influxdb://localhost/d?gzip=1", True),
        ("influxdb://db.example/d?gzip=0", False),
    ],
)
def test_loopback_is_not_gzipped_unless_asked(text: str, is_gzip: bool) -> None:
    assert influx(text).gzip is is_gzip


def test_tls_is_asked_for_or_follows_from_an_authority() -> None:
    assert influx("influxdb://h/d?tls=1").base == "https://h:8086"
    assert influx("influxdb://h/d?ca=/etc/ca.pem").base == "https://h:8086"
    assert influx("influxdb://[fe80::1]:1/d").base == "http://[fe80::1]:1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "telemetry.db",
        "http://h/d",
        "sqlite://file.db",
        "sqlite:///",
        "sqlite:///f.db?mode=ro",
        "influxdb:///d",
        "influxdb://h",
        "influxdb://h/",
        "influxdb://h:99999/d",
        "influxdb://h/d?gzip=yes",
        "influxdb://h/d?tls=true",
        "influxdb://h/d?timeout_s=0",
        "influxdb://h/d?timeout_s=nan",
        "influxdb://h/d?bucket=b",
        "influxdb://h/d?rp=",
        "influxdb://h/d?rp=a&rp=b",
        "influxdb://hushhush@h/d?org=o",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="telemetry URL"):
        parse_url(text)


def test_no_secret_is_shown() -> None:
    secret = "hushhush"
    shown = [repr(influx(f"influxdb://{who}:{secret}@h/d")) for who in ("", "user")]
    for broken in (
        f"influxdb://:{secret}@h/d?x=1",
        f"influxdb://u:{secret}@h/",
        f"influxdb://{secret}@h/d?org=o",
    ):
        with pytest.raises(ConfigError) as caught:
            parse_url(broken)
        shown.append(str(caught.value))
    assert secret not in "".join(shown)
