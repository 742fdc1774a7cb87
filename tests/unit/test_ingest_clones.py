"""Two boxes under one identity give themselves away, once more after every quiet day."""

from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Status
from ingest.clones import QUIET_MS, Clones

BOX = DeviceId("box-1")


def said(clones: Clones, *boots: str, at_ms: int = 0, is_online: bool = True) -> bool:
    """Have statuses come in; return whether a sign has."""
    for number, boot in enumerate(boots):
        at = at_ms + number if at_ms else 0
        clones.heard(BOX, Status(online=is_online, boot=boot, at_ms=at), 1_000)
    return BOX in clones.signs


def test_a_b_a_is_two_boxes() -> None:
    clones = Clones()
    assert not said(clones, "a", "b")
    assert said(clones, "a")
    assert clones.signs[BOX].why == (
        "two boxes use the identity of box-1: boots b and a"
    )


def test_a_box_that_starts_again_and_again_is_one() -> None:
    assert not said(Clones(), "a", "a", "b", "b", "c", "d", "e", "f", "f")


def test_three_boxes_are_found_too() -> None:
    assert said(Clones(), "a", "b", "c", "a")


def test_the_last_will_of_an_earlier_boot_is_no_sign() -> None:
    clones = Clones()
    said(clones, "a", "b", at_ms=5)
    assert not said(clones, "a", at_ms=50, is_online=False)


def test_statuses_that_the_broker_delivers_once_more_are_no_sign() -> None:
    clones = Clones()
    for _ in range(3):
        assert not said(clones, "a", "a", "b", at_ms=1_780_000_000_000)
    assert said(clones, "a", at_ms=1_780_000_000_100)


def test_a_sign_is_over_after_a_quiet_day_unless_another_came() -> None:
    clones = Clones()
    clones.contradicted(BOX, "batch 7 came with other bytes", 1_000)
    first = clones.signs[BOX]
    assert not first.is_over(1_000 + QUIET_MS - 1)
    assert first.is_over(1_000 + QUIET_MS)
    clones.contradicted(BOX, "batch 9 came with other bytes", 2_000)
    clones.forget(BOX, first)
    assert clones.signs[BOX].why.startswith("batch 9")
    clones.forget(BOX, clones.signs[BOX])
    assert clones.signs == {}


@given(boots=st.lists(st.sampled_from("abc"), max_size=12))
def test_a_boot_that_comes_back_is_a_sign_and_nothing_else_is(boots: list[str]) -> None:
    runs = [b for at, b in enumerate(boots) if at == 0 or boots[at - 1] != b]
    assert said(Clones(), *boots) == (len(set(runs)) < len(runs))
