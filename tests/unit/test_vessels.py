"""Vessels: registration numbers as seen in the field, and the classes of their length."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import InputError
from greenwater.reference.vessels import VesselClass, parse_registration, vessel_class


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        ("BTh 99630TS", "BTH-99630-TS"),
        ("BĐ-95526.TS", "BĐ-95526-TS"),
        ("bđ 94555 ts", "BĐ-94555-TS"),
        ("CM-91968-TS", "CM-91968-TS"),
        ("KH-9512-TS", "KH-9512-TS"),
        ("nt95001ts", "NT-95001-TS"),
    ],
)
def test_a_number_is_kept_in_one_form(seen: str, kept: str) -> None:
    assert parse_registration(seen) == kept
    assert parse_registration(kept) == kept


@pytest.mark.parametrize(
    "text", ["", "KH-95123", "K-95123-TS", "KHAN-95123-TS", "KH-951234-TS",
             "KH-123-TS", "KH-٩٥١٢٣-TS", "KH_95123_TS", "KH-95123-TS\n"],
)  # fmt: skip
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="registration number"):
        parse_registration(text)


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        kept = parse_registration(text)
        assert parse_registration(kept) == kept


@pytest.mark.parametrize(
    ("lmax_m", "kind"),
    [
        (0.1, VesselClass.UNDER_6),
        (5.99, VesselClass.UNDER_6),
        (6, VesselClass.FROM_6),
        (11.99, VesselClass.FROM_6),
        (12, VesselClass.FROM_12),
        (14.99, VesselClass.FROM_12),
        (15, VesselClass.FROM_15),
        (23.99, VesselClass.FROM_15),
        (24, VesselClass.FROM_24),
        (150, VesselClass.FROM_24),
    ],
)
def test_the_class_begins_at_its_lower_limit(lmax_m: float, kind: VesselClass) -> None:
    assert vessel_class(lmax_m) is kind


@pytest.mark.parametrize("lmax_m", [0, -1, 150.1, float("nan"), float("inf")])
def test_no_vessel_has_such_a_length(lmax_m: float) -> None:
    with pytest.raises(InputError, match="cannot have a Lmax"):
        vessel_class(lmax_m)
