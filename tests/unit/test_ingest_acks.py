"""Acknowledgements: ranges cover exactly the batches, one message per outbox."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.ids import DeviceId, OutboxId
from greenwater.kernel.topics import Up
from greenwater.kernel.wire.messages import Ack, decode_message
from ingest.acks import AckBook, ranges


@given(numbers=st.lists(st.integers(0, 60)))
def test_ranges_cover_exactly_the_numbers(numbers: list[int]) -> None:
    found = ranges(numbers)
    covered = [n for first, last in found for n in range(first, last + 1)]
    assert covered == sorted(set(numbers))
    assert all(b[0] > a[1] + 1 for a, b in pairwise(found))


def test_one_message_per_outbox_says_stored_and_refused() -> None:
    book = AckBook()
    box, outbox = DeviceId("box-1"), OutboxId("0123456789abcdef")
    for number in (3, 1, 2, 7):
        book.stored(Up(box, outbox, number))
    book.refused(Up(box, outbox, 5), "not a list of records")
    book.refused(Up(box, outbox, 6), "y" * 201)
    ((topic, payload),) = book.messages()
    ack = decode_message(payload, Ack)
    assert topic == "gw/1/box-1/ack"
    assert ack.stored == ((1, 3), (7, 7))
    assert [(one.batch, one.reason) for one in ack.refused] == [
        (5, "not a list of records"), (6, "y" * 200),
    ]  # fmt: skip
