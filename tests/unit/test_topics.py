"""Topic strings: what is built is parsed back, and nothing else is."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel import topics
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import (
    COMMAND_PATTERN,
    DEVICE_PATTERN,
    OUTBOX_PATTERN,
    CommandId,
    DeviceId,
    OutboxId,
)

devices = st.from_regex(DEVICE_PATTERN, fullmatch=True).map(DeviceId)
outboxes = st.from_regex(OUTBOX_PATTERN, fullmatch=True).map(OutboxId)
commands = st.from_regex(COMMAND_PATTERN, fullmatch=True).map(CommandId)


@given(devices, outboxes, st.integers(0, 10**18 - 1))
def test_parsing_undoes_building_a_batch_topic(
    device: DeviceId, outbox: OutboxId, batch: int
) -> None:
    parsed = topics.parse(topics.up(device, outbox, batch))
    assert parsed == topics.Up(device, outbox, batch)


@given(devices, commands)
def test_parsing_undoes_building_a_reply_and_a_status_topic(
    device: DeviceId, command: CommandId
) -> None:
    assert topics.parse(topics.reply(device, command)) == topics.Reply(device, command)
    assert topics.parse(topics.status(device)) == topics.Status(device)


UP = "gw/1/box-7/up/k3v9x2m4q8w1z7t5/12"


@pytest.mark.parametrize(
    "batch",
    ["", "-1", "+1", "01", "00", "1_0", " 1", "1 ", "٣", "1.0", "1e3", "9" * 19],
)
def test_a_batch_number_has_one_spelling(batch: str) -> None:
    assert topics.parse(f"gw/1/box-7/up/k3v9x2m4q8w1z7t5/{'9' * 18}")
    with pytest.raises(InputError, match="batch number"):
        topics.parse(f"gw/1/box-7/up/k3v9x2m4q8w1z7t5/{batch}")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gw",
        "gw/1",
        "gw/1/box-7",
        UP + "/",
        "/" + UP,
        UP + "/more",
        "gw/1/box-7/ack",
        "gw/1/box-7/cmd/c-1",
        "gw/1/platform",
        "xx/1/box-7/status",
        "GW/1/box-7/status",
        "gw/1/box-7/Status",
    ],
)
def test_what_a_device_does_not_publish_is_unknown(topic: str) -> None:
    with pytest.raises(InputError, match="unknown topic"):
        topics.parse(topic)


def test_another_version_is_named() -> None:
    with pytest.raises(InputError, match="unknown wire version '2'"):
        topics.parse("gw/2/box-7/status")


@pytest.mark.parametrize("level", range(6))
@given(
    text=st.sampled_from(["", "+", "#", "Box-7", "é", "a b", "x" * 70, "\x00", "a\n"])
)
def test_one_wrong_level_is_refused(level: int, text: str) -> None:
    levels = UP.split("/")
    levels[level] = text
    with pytest.raises(InputError):
        topics.parse("/".join(levels))


@given(st.text(max_size=80))
def test_any_text_is_a_topic_or_refused(text: str) -> None:
    for topic in (text, f"gw/1/{text}", f"gw/1/box-7/up/{text}"):
        with contextlib.suppress(InputError):
            topics.parse(topic)


def test_a_device_subscribes_to_what_the_platform_publishes() -> None:
    command = topics.command(DeviceId("box-7"), CommandId("c-1"))
    assert topics.all_commands(DeviceId("box-7")) == command.replace("c-1", "+")
