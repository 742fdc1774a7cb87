"""Settings: the environment or a file into one frozen struct, or a refusal that names."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from greenwater.kernel.errors import FAMILIES, ConfigError, PlatformError
from greenwater.kernel.settings import load, load_toml


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    broker_url: str = "mqtt://localhost"
    sample_every_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    is_loud: bool = False
    names: tuple[str, ...] = ()
    name_domains: tuple[str, ...] = ()


def loaded(**environ: str) -> Wanted:
    return load(Wanted, prefix="GREENWATER_TEST_", environ=environ)


def test_nothing_set_gives_the_defaults() -> None:
    assert loaded(PATH="/bin", HOME="/") == Wanted()


def test_values_are_read_as_their_types() -> None:
    settings = loaded(
        GREENWATER_TEST_SAMPLE_EVERY_S="2.5",
        GREENWATER_TEST_WORKERS="4",
        GREENWATER_TEST_IS_LOUD="true",
    )
    assert settings == Wanted(sample_every_s=2.5, workers=4, is_loud=True)
    assert loaded(GREENWATER_TEST_NAMES="a, b.toml,").names == ("a", "b.toml")
    assert loaded(GREENWATER_TEST_NAMES="").names == ()


def test_a_shared_variable_fills_the_field_of_its_name() -> None:
    assert loaded(GREENWATER_BROKER_URL="mqtt://a").broker_url == "mqtt://a"
    assert loaded(GREENWATER_NAME_DOMAINS="a.vn, b.vn").name_domains == ("a.vn", "b.vn")


def test_a_services_own_variable_beats_the_shared_one() -> None:
    settings = loaded(
        GREENWATER_TEST_BROKER_URL="mqtt://own", GREENWATER_BROKER_URL="mqtt://shared"
    )
    assert settings.broker_url == "mqtt://own"


def test_a_misspelt_variable_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no such setting: GREENWATER_TEST_WROKERS"):
        loaded(GREENWATER_TEST_WROKERS="4")


def test_a_variable_that_is_nobodys_is_refused_with_what_may_be_meant() -> None:
    with pytest.raises(ConfigError, match="ULR; is GREENWATER_TELEMETRY_URL meant"):
        loaded(GREENWATER_TELEMETRY_ULR="sqlite:////x")
    with pytest.raises(ConfigError, match=r"no such setting: GREENWATER_FARMS$"):
        loaded(GREENWATER_FARMS="3")
    # Another service's own, and what only deploy/ reads, are left to them.
    loaded(GREENWATER_WEB_PUBLIC_URL="https://a", GREENWATER_SITE="a.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [("WORKERS", "0"), ("WORKERS", "many"), ("SAMPLE_EVERY_S", "0"), ("IS_LOUD", "2")],
)
def test_a_value_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name.lower()):
        loaded(**{f"GREENWATER_TEST_{name}": value})


def test_a_file_is_read_and_its_unknown_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('workers = 2\nbroker_url = "mqtt://b"\n', encoding="utf-8")
    assert load_toml(Wanted, path) == Wanted(workers=2, broker_url="mqtt://b")
    path.write_text("wrokers = 2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="wrokers"):
        load_toml(Wanted, path)


@pytest.mark.parametrize("content", [b"workers = ", b"\xff\xfe", b"workers = 'x'"])
def test_a_file_that_does_not_fit_is_refused_by_its_path(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "edge.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="edge"):
        load_toml(Wanted, path)


def test_a_missing_file_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml"):
        load_toml(Wanted, tmp_path / "none.toml")


def test_the_families_of_errors_are_exactly_six() -> None:
    """A seventh must make every table of families be read again."""
    assert set(PlatformError.__subclasses__()) >= set(FAMILIES)
    assert len(FAMILIES) == 6
    ours = {
        kind
        for kind in PlatformError.__subclasses__()
        if kind.__module__ == "greenwater.kernel.errors"
    }
    assert ours == set(FAMILIES)
