"""What a page says of the last order to an aerator."""

import pytest

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.wire.messages import Command, Reply
from greenwater.storage.registry.commands import CommandInfo
from web.views.aerators import FOR_S, order_text
from web.words import Lang

AT = 1_780_000_000_000
HOUR = 3_600_000


def ordered(*, on: bool, reply: Reply | None) -> CommandInfo:
    args = {"rule": "quat-1", "on": on, "for_s": FOR_S}
    command = Command("c1", "switch", AT + HOUR, args)
    return CommandInfo(DeviceId("box"), command, AT, None, reply)


DONE = Reply("c1", is_done=True)
REFUSED = Reply("c1", is_done=False, message="no such rule")


@pytest.mark.parametrize(
    ("on", "reply", "hours", "is_running", "said"),
    [
        (True, DONE, 1, True, "Đã bật theo lệnh"),
        (True, DONE, 1, False, "quạt chưa chạy"),
        (False, DONE, 1, False, "Đã tắt theo lệnh"),
        (True, None, 0, False, "chờ hộp đo trả lời"),
        (True, None, 2, False, "không tới được hộp đo"),
        (True, REFUSED, 5, False, "no such rule"),
    ],
)
def test_what_became_of_an_order(
    on: bool, reply: Reply | None, hours: int, is_running: bool, said: str
) -> None:
    order = ordered(on=on, reply=reply)
    assert said in order_text(Lang.VI, order, AT + hours * HOUR, is_running)


@pytest.mark.parametrize("is_running", [True, False])
def test_an_order_that_holds_no_longer_is_not_spoken_of(is_running: bool) -> None:
    order = ordered(on=True, reply=DONE)
    assert order_text(Lang.VI, order, AT + 4 * HOUR - 1, is_running)
    assert order_text(Lang.VI, order, AT + 4 * HOUR, is_running) == ""
