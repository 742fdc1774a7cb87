"""Numbers, dates and places as the province writes them."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InvariantError
from greenwater.reference.records import KINDS
from tests.pages.world import HOUR_MS, MINUTE_MS, NOW_MS
from web.door.acts import ACTS, LOOKS
from web.views.formats import (
    age,
    amount,
    clock_time,
    day,
    exact,
    form_degrees,
    form_number,
    moment,
    number,
    position,
    typed_degrees,
    typed_number,
)
from web.views.seaforms import meant_fields, values_of
from web.words import WORDS, Lang, channel_name, read_words

ROOT = Path(__file__).parents[2] / "web"
VI, EN = Lang.VI, Lang.EN


@pytest.mark.parametrize(
    ("value", "decimals", "vi", "en"),
    [
        (4.2, 1, "4,2", "4.2"),
        (1204, 0, "1.204", "1,204"),
        (1234567.891, 2, "1.234.567,89", "1,234,567.89"),
        (0, 1, "0,0", "0.0"),
        (-0.04, 1, "0,0", "0.0"),
        (-12.5, 1, "-12,5", "-12.5"),
    ],
)
def test_numbers(value: float, decimals: int, vi: str, en: str) -> None:
    assert number(VI, value, decimals) == vi
    assert number(EN, value, decimals) == en


@pytest.mark.parametrize(
    ("typed", "vi", "en"),
    [
        ("2.500", "2500", "2.500"),
        ("2,500", "2.500", "2500"),
        ("300.000", "300000", "300.000"),
        ("1.204.567,89", "1204567.89", "1.204.567,89"),
        ("92,5", "92.5", "92.5"),
        ("92.5", "92.5", "92.5"),
        ("0.125", "0.125", "0.125"),
        ("0,125", "0.125", "0.125"),
        ("2 500", "2500", "2500"),
        ("-1.500", "-1500", "-1.500"),
        ("1.25.000", "1.25.000", "1.25.000"),
        ("năm ký", "năm ký", "năm ký"),
    ],
)
def test_a_point_means_what_it_means_in_the_language_of_the_page(
    typed: str, vi: str, en: str
) -> None:
    assert typed_number(VI, typed) == vi
    assert typed_number(EN, typed) == en


@given(st.decimals(-1_000_000, 1_000_000, places=2))
def test_what_a_page_shows_can_be_typed_again(value: Decimal) -> None:
    for lang in Lang:
        assert float(typed_number(lang, exact(lang, float(value)))) == float(value)


@pytest.mark.parametrize(
    ("channel", "value", "text"),
    [
        (Channel.DISSOLVED_OXYGEN, 4.21, "4,2 mg/L"),
        (Channel.SALINITY, 31.02, "31,0 ‰"),
        (Channel.TEMPERATURE, 28.5, "28,5 °C"),
        (Channel.PH, 7.9, "7,90"),
        (Channel.COURSE, 95.4, "95°"),
        (Channel.ORP, -120.4, "-120 mV"),
        (Channel.AMMONIA_TOTAL, 0.125, "0,12 mg/L N"),
    ],
)
def test_a_unit_of_measure_stands_after_the_number(
    channel: Channel, value: float, text: str
) -> None:
    assert amount(VI, channel, value).replace("\xa0", " ") == text


def test_times_are_khanh_hoas() -> None:
    assert clock_time(NOW_MS) == "03:12"
    assert day(NOW_MS) == "23/11/2026"


@pytest.mark.parametrize(
    ("before_ms", "vi"),
    [
        (0, "03:12"),
        (3 * HOUR_MS, "00:12"),
        (4 * HOUR_MS, "23:12 hôm qua"),
        (28 * HOUR_MS, "23:12 ngày 21/11/2026"),
        (-HOUR_MS, "04:12"),
    ],
)
def test_moments_are_told_from_today(before_ms: int, vi: str) -> None:
    assert moment(VI, NOW_MS - before_ms, NOW_MS) == vi


@pytest.mark.parametrize(
    ("before_ms", "vi"),
    [
        (0, "vừa xong"),
        (59_999, "vừa xong"),
        (-30_000, "vừa xong"),
        (MINUTE_MS, "1 phút trước"),
        (40 * MINUTE_MS, "40 phút trước"),
        (47 * HOUR_MS, "47 giờ trước"),
        (48 * HOUR_MS, "2 ngày trước"),
        (-2 * MINUTE_MS, "03:14"),
    ],
)
def test_ages(before_ms: int, vi: str) -> None:
    assert age(VI, NOW_MS - before_ms, NOW_MS) == vi


@pytest.mark.parametrize(
    ("latitude", "longitude", "vi", "en"),
    [
        (12.198333, 109.195, "12°11,9' B – 109°11,7' Đ", "12°11.9' N – 109°11.7' E"),
        (12.99999, 109.0, "13°00,0' B – 109°00,0' Đ", "13°00.0' N – 109°00.0' E"),
        (-1.5, -0.05, "1°30,0' N – 0°03,0' T", "1°30.0' S – 0°03.0' W"),
    ],
)
def test_positions(latitude: float, longitude: float, vi: str, en: str) -> None:
    assert position(VI, latitude, longitude).replace("\xa0", " ") == vi
    assert position(EN, latitude, longitude).replace("\xa0", " ") == en


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_never_has_sixty_minutes(latitude: float, longitude: float) -> None:
    assert "60,0'" not in position(VI, latitude, longitude)


DEGREES = {
    "12°30'": 12.5, "12° 16,9' B": 12 + 16.9 / 60, "12 16.9": 12 + 16.9 / 60,
    "109°11,7’ Đ": 109 + 11.7 / 60, "12độ 16 phút": 12 + 16 / 60, "12°16.9'N": 12 + 16.9 / 60,
    "12.281": 12.281, " 12,281 ": 12.281, "-12,5": -12.5,
}  # fmt: skip
NO_DEGREES = ("12°60'", "12°16,9' T", "12°16,9' S", "mười hai", "12°", "")


def test_a_position_is_typed_as_a_plotter_shows_it_or_in_degrees() -> None:
    assert {one: float(typed_degrees(one)) for one in DEGREES} == DEGREES
    assert [typed_degrees(one) for one in NO_DEGREES] == list(NO_DEGREES)
    assert form_degrees(VI, 12 + 16.9 / 60) == "12°16,9'"
    assert form_degrees(EN, 12.281734) == "12.281734", "of a satellite, all of it"


@given(st.floats(-180, 180), st.integers(0, 99_999_999))
def test_what_a_form_shows_is_sent_as_it_was(degrees: float, grams: int) -> None:
    for lang in Lang:
        again = float(typed_degrees(form_degrees(lang, degrees)))
        assert again == pytest.approx(degrees, abs=1e-9)
        kg = grams / 1000
        assert float(typed_number(lang, form_number(lang, kg))) == kg


def test_a_correction_that_changes_nothing_changes_nothing() -> None:
    """Seven species, and kilograms whose point would part thousands in Vietnamese."""
    species = ("BET", "YFT", "SKJ", "SWO", "ALB", "DOL", "WAH")
    lines = [
        {"species": one, "kg": 12.345 + at, "discards_kg": 123456.75}
        for at, one in enumerate(species)
    ]
    kept = {"latitude": 12 + 16.9 / 60, "longitude": 109.281, "lines": lines}
    for lang in Lang:
        form = {
            f"f_{name}": text for name, text in values_of(lang, "catch", kept).items()
        }
        meant = meant_fields(lang, "catch", form)
        sent = [
            {
                name: one if name == "species" else float(one)
                for name, one in line.items()
            }
            for line in meant["lines"]
        ]
        assert sent == lines
        assert [float(meant[one]) for one in ("latitude", "longitude")] == [
            kept["latitude"], kept["longitude"],
        ]  # fmt: skip


def test_both_catalogues_say_the_same_things() -> None:
    odd = sorted(WORDS[VI].keys() ^ WORDS[EN].keys())
    assert not odd, f"in one language alone, of web/locale/{{vi,en}}: {odd}"
    for key, words in WORDS[VI].items():
        blanks = {part.split("}")[0] for part in words.split("{")[1:]}
        others = {part.split("}")[0] for part in WORDS[EN][key].split("{")[1:]}
        assert blanks == others, (
            f"{key}: other {{blanks}} in one language: {blanks ^ others}"
        )


ASKED = re.compile(r"""\bt\(["']([\w.]+)["']|\bsay\(\s*[\w.()]+,\s*"([\w.]+)\"""")
"""How templates and pages ask for words by a key that is written out."""


def keys_asked_for() -> Iterator[tuple[str, str]]:
    """Yield (where, key) of words as the source or the data has it; some keys go on behind ``_``."""
    for path in (*ROOT.rglob("*.py"), *ROOT.rglob("*.html")):
        text = path.read_text()
        for one, other in ASKED.findall(text):
            yield path.name, one or other
        if path.suffix == ".html":
            yield from ((path.name, one) for one in re.findall(r"\bwords\.(\w+)", text))
    for act in (*ACTS.values(), *LOOKS.values()):
        yield "door/acts.py", f"act_{act}"
    for kind, about in KINDS.items():
        yield "records.toml", f"record_{kind}"
        for field in about.fields:
            yield "records.toml", f"field_{field.name}"
            yield from (("records.toml", f"choice_{one}") for one in field.choices)


def test_whatever_is_asked_for_has_words() -> None:
    asked = set(keys_asked_for())
    assert len(asked) > 1000, "words are asked for otherwise now"
    begun = {
        key[: end + 1] for key in WORDS[VI] for end, c in enumerate(key) if c == "_"
    }
    missing = sorted(
        asked_for for asked_for in asked if asked_for[1] not in {*WORDS[VI], *begun}
    )
    assert not missing, (
        f"no words for (where, key) {missing}: write each key into a file of "
        "web/locale/vi/LC_MESSAGES and of en"
    )


def test_every_channel_has_a_name_in_both_languages() -> None:
    for lang in Lang:
        for channel in Channel:
            assert channel_name(lang, channel)
            assert channel_name(lang, channel, is_short=True)


def test_the_words_keep_the_glossarys_spelling() -> None:
    """NFC; tones on the traditional vowel; no "bạn", no "đơn vị" for a pond."""
    assert unicodedata.is_normalized("NFC", " ".join(WORDS[VI].values()))
    for wrong in ("hoà", "thuỷ", "huỷ", "khoá", "thoả", "ôxy", "ô-xy", "bạn ",
                  "người dùng", "đơn vị", "hộp thư", "Đã xảy ra lỗi", "ngoại tuyến",
                  "đồng bộ", "hàng thật"):  # fmt: skip
        keys = [key for key, text in WORDS[VI].items() if wrong in text]
        assert not keys, (
            f"{keys}: {wrong!r} is not said here: see its neighbours' words"
        )


COLLISIONS = {
    "thu hồi": (
        "verdict_recalled",
        "recall",
        "record_recall_drill",
        "demo_road",
        "landing_2_lead",
        "link_recall",
        "act_recall",
        "area_recalls",
        "gate_called_back",
        "goods_is_recalled",
        "goods_recalled",
        "reach_title",
        "duty_recalled",
        "refused_harvest_corrected",
        "refused_recall",
        "landing_2_lead",
    ),  # of goods: labels are "hủy"
    "cách ly": (),  # data are "tạm giữ", drugs have "thời gian ngừng thuốc"
}


@pytest.mark.parametrize("words", COLLISIONS)
def test_words_with_two_meanings_stand_only_where_one_is_meant(words: str) -> None:
    for key, text in WORDS[VI].items():
        if words in text.lower():
            assert key.startswith(COLLISIONS[words]), (
                f"{key}: {text!r} has {words!r}, which means goods called back, or people "
                "kept apart: say it otherwise, or add the key to COLLISIONS if it is that"
            )


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a.po", "b.po"):
        (tmp_path / name).write_text('msgid "title"\nmsgstr "x"\n')
    with pytest.raises(InvariantError, match="'title' stands there twice"):
        read_words(tmp_path)
