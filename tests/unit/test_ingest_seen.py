"""Which batches are new, repeated, or contradict an earlier one."""

from greenwater.kernel.ids import DeviceId, OutboxId, WorkerId
from greenwater.kernel.topics import Up
from greenwater.storage.telemetry.ports import Intake
from ingest.intake import Batch, judge
from ingest.seen import Seen, Verdict

OUTBOX = OutboxId("0123456789abcdef")


def a_batch(number: int, payload: bytes) -> Batch:
    up = Up(DeviceId("box-1"), OUTBOX, number)
    return Batch(up.device, "topic", payload, up, hash(payload))


def test_a_batch_is_new_once_and_repeated_after() -> None:
    seen = Seen()
    first = a_batch(1, b"a")
    assert judge([first], seen, 0) == [first]
    seen.add(OUTBOX, 1, first.digest)
    again = a_batch(1, b"a")
    assert judge([again], seen, 0) == []
    assert again.verdict is Verdict.REPEATED


def test_the_same_batch_twice_in_one_group_is_stored_once() -> None:
    one, two = a_batch(1, b"a"), a_batch(1, b"a")
    assert judge([one, two], Seen(), 0) == [one]
    assert two.verdict is Verdict.REPEATED


def test_another_content_under_a_known_number_is_refused_and_its_bytes_kept() -> None:
    seen = Seen()
    seen.add(OUTBOX, 1, a_batch(1, b"a").digest)
    clone = a_batch(1, b"b")
    assert judge([clone], seen, 0) == [clone]
    assert clone.verdict is Verdict.CONTRADICTED
    assert clone.refusal is not None
    assert "batch 1 of outbox 0123456789abcdef" in clone.refusal
    assert [kept.raw for kept in clone.quarantined] == [b"b"]
    assert not clone.is_accountable


def test_another_content_within_one_group_is_refused_too() -> None:
    one, two = a_batch(1, b"a"), a_batch(1, b"b")
    judge([one, two], Seen(), 0)
    assert (one.verdict, two.verdict) == (Verdict.NEW, Verdict.CONTRADICTED)


def test_what_is_forgotten_counts_as_new() -> None:
    seen = Seen(digests_kept=2)
    for number in range(3):
        seen.add(OUTBOX, number, number)
    assert seen.look(OUTBOX, 0, 0) is Verdict.NEW
    assert seen.look(OUTBOX, 1, 1) is Verdict.REPEATED
    assert seen.look(OUTBOX, 2, 2) is Verdict.REPEATED
    seen.forget()
    assert seen.look(OUTBOX, 2, 2) is Verdict.NEW


def test_what_the_store_tells_of_is_known_after_a_start() -> None:
    seen = Seen()
    rows = [
        Intake(
            WorkerId("w"), n, DeviceId("box-1"), OUTBOX, 70 + n, 900 + n,
            5, 0, 0, 0, 1, 2, 3,
        )
        for n in range(2)
    ]  # fmt: skip
    assert seen.load(rows) == 2
    assert seen.look(OUTBOX, 71, 901) is Verdict.REPEATED
    assert seen.look(OUTBOX, 71, 900) is Verdict.CONTRADICTED
    assert seen.look(OUTBOX, 72, 902) is Verdict.NEW
