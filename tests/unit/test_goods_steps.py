"""What is typed about goods, before any book is asked."""

import uuid
from collections.abc import Callable

import pytest

from greenwater.kernel.errors import InputError, PlatformError
from greenwater.reference.yields import YIELDS, processes_of, yield_of
from traceability.goods.steps import (
    Act,
    Dispose,
    Made,
    Merge,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Sell,
    Ship,
    Split,
    tidy,
)


@pytest.mark.parametrize(
    "act",
    [
        lambda: Split((), (Made(1),)),
        lambda: Split((Portion("x", 1), Portion("y", 1)), (Made(2),)),
        lambda: Merge((Portion("x", 1),), (Made(1),)),
        lambda: Sell((Portion("x", float("nan")),)),
        lambda: Sell((Portion("x", -1),)),
        lambda: Sell((Portion("x", 1e9),)),
        lambda: Sell(),
        lambda: Dispose((Portion("x", 1),)),
        lambda: Pack((Portion("x", 1),), "thùng 1"),
        lambda: Pack((Portion("x", 1),), "095212345000000017"),
        lambda: Ship((Portion("x", 1),)),
        lambda: Process((Portion("x", 1, "c1"),), (Made(1),), "headless"),
    ],
)
def test_what_cannot_be_typed_is_refused_in_a_sentence(
    act: Callable[[], Act],
) -> None:
    with pytest.raises(PlatformError, match=r"\w+ \w+"):
        tidy(NewStep(id=str(uuid.uuid4()), organisation="hoa", at_ms=0, act=act()))


def test_what_was_typed_is_brought_into_one_form() -> None:
    twice = (Portion("b", 1.00049), Portion("a", 2), Portion("b", 0.5))
    found = tidy(
        NewStep(
            id="6F1D0F6E-1C0E-4C4C-9A2B-6A1F2D0F9E55", organisation="hoa", at_ms=0,
            act=Ship(twice, ("thung-1", "urn:greenwater:package:thung-1"),
                     Party(None, "  Chợ   Đầm ")),
        )
    )  # fmt: skip
    assert found.id == "6f1d0f6e-1c0e-4c4c-9a2b-6a1f2d0f9e55"
    assert found.act == Ship(
        (Portion("a", 2.0), Portion("b", 1.5)), ("urn:greenwater:package:thung-1",),
        Party(None, "Chợ Đầm"),
    )  # fmt: skip
    assert tidy(found) == found


def test_every_process_has_bounds_that_lose_and_never_make_mass() -> None:
    assert not YIELDS.verified
    for row in YIELDS.process:
        assert 0 < row.low < row.high <= 1
    assert yield_of("headless", "PNV").high < yield_of("headless", "GIT").high + 0.01
    assert "headless" in processes_of("PNV")
    assert "headless" not in processes_of("YFT")
    with pytest.raises(InputError, match="no process of YFT"):
        yield_of("headless", "YFT")
