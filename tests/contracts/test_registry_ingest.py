"""What ingest asks of the registry, on both databases: ``ingest.ports.Registry``."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.wire.messages import Reply, Status
from greenwater.storage.registry import Registry, open_registry
from ingest import ports
from tests.contracts.registries import HOUR, NOW, Databases, a_box, a_farm, replies
from tests.examples import examples


def bad(
    raw: bytes = b"?", *, device: str = "hoa-box", reason: str = "not a pack"
) -> Quarantined:
    topic = f"gw/1/{device}/up/k3v9x2m4q8w1z7t5/1"
    return Quarantined(device, topic, "batch", raw, reason, NOW)


def test_the_facade_is_what_ingest_asks_for(registry: Registry) -> None:
    asked: ports.Registry = registry  # mypy holds the signatures against each other
    assert asked.device_states() == {}


def test_every_device_has_its_state(registry: Registry) -> None:
    a_box(registry)
    registry.add_device("second", site="hoa-farm", now_ms=NOW)
    registry.revoke_device("second", NOW)

    assert registry.device_states() == {
        "hoa-box": DeviceState.ACTIVE,
        "second": DeviceState.REVOKED,
    }


def test_an_entry_is_kept_once(registry: Registry) -> None:
    entry = bad(b"\x00\xff")

    registry.quarantine([entry, entry])
    registry.quarantine([entry])

    (one,) = registry.list_quarantine()
    kept = registry.get_quarantined(one.id)
    assert kept.raw == b"\x00\xff"
    assert (kept.device, kept.topic, kept.kind, kept.reason, kept.received_ms) == (
        entry.device,
        entry.topic,
        entry.kind,
        entry.reason,
        entry.received_ms,
    )


def test_other_bytes_reason_kind_or_device_are_another_entry(
    registry: Registry,
) -> None:
    registry.quarantine(
        [
            bad(b"1"),
            bad(b"2"),
            bad(b"1", reason="unknown channel"),
            bad(b"1", device="other"),
            Quarantined("hoa-box", "", "record", b"1", "not a pack", NOW),
        ]
    )

    assert len(registry.list_quarantine()) == 5


def test_beyond_the_budget_the_oldest_lose_their_bytes_never_their_row(
    registry: Registry,
) -> None:
    a_box(registry)
    registry.bytes_per_device = 100
    for number in range(5):
        registry.quarantine([bad(bytes([number]) * 40)])

    entries = registry.list_quarantine(device="hoa-box")
    assert [entry.size for entry in entries] == [40] * 5
    assert [entry.has_bytes for entry in entries] == [False, False, False, True, True]
    assert registry.get_quarantined(entries[0].id).raw is None
    assert registry.get_quarantined(entries[4].id).raw == b"\x04" * 40


def test_one_device_never_costs_another_its_bytes(registry: Registry) -> None:
    a_box(registry, "hoa")
    a_box(registry, "ba")
    registry.bytes_per_device = 100
    registry.quarantine([bad(b"x" * 90, device="hoa-box")])

    registry.quarantine([bad(bytes([n]) * 60, device="ba-box") for n in range(9)])

    (entry,) = registry.list_quarantine(device="hoa-box")
    assert entry.has_bytes


def test_all_strangers_share_one_budget(registry: Registry) -> None:
    registry.bytes_per_device = 100
    for number in range(20):
        registry.quarantine([bad(b"x" * 40, device=f"nobody-{number}")])

    held = [entry.has_bytes for entry in registry.list_quarantine()]
    assert held == [False] * 18 + [True] * 2


def test_an_entry_larger_than_the_budget_keeps_its_row(registry: Registry) -> None:
    registry.bytes_per_device = 10
    registry.quarantine([bad(b"x" * 1000), bad(b"y" * 5)])

    assert [e.has_bytes for e in registry.list_quarantine()] == [False, True]


def test_a_group_larger_than_a_statement_is_kept_whole(registry: Registry) -> None:
    registry.quarantine([bad(b"%d" % number) for number in range(2_345)])

    assert len(registry.list_quarantine(limit=10_000)) == 2_345


@pytest.mark.parametrize("text", ["nul \0 in it", "half a \ud800 pair", "x" * 70_000])
def test_what_no_database_takes_is_quarantined_all_the_same(
    registry: Registry, text: str
) -> None:
    registry.quarantine([Quarantined(text, text, text[:9], b"", text, NOW)])
    registry.quarantine([Quarantined(text, text, text[:9], b"", text, NOW)])
    registry.raise_operator_alarm("kind", text, text, NOW)
    registry.raise_operator_alarm("kind", text, text, NOW)
    registry.clear_operator_alarm("kind", text, NOW)

    assert len(registry.list_quarantine()) == 1
    assert registry.operator_alarms() == []


def test_an_entry_says_that_it_was_replayed(registry: Registry) -> None:
    registry.quarantine([bad()])
    (entry,) = registry.list_quarantine()

    registry.mark_replayed(entry.id, NOW + 5)

    assert registry.get_quarantined(entry.id).replayed_ms == NOW + 5


def test_what_is_not_in_quarantine_is_missing(registry: Registry) -> None:
    with pytest.raises(MissingError, match="id 17"):
        registry.get_quarantined(17)
    with pytest.raises(MissingError, match="id 17"):
        registry.mark_replayed(17, NOW)


def test_quarantine_is_listed_by_device_and_kind_page_by_page(
    registry: Registry,
) -> None:
    registry.quarantine([bad(b"%d" % n) for n in range(5)] + [bad(device="other")])

    first = registry.list_quarantine(device="hoa-box", kind="batch", limit=3)
    rest = registry.list_quarantine(device="hoa-box", after=first[-1].id)
    assert [len(first), len(rest)] == [3, 2]
    assert registry.list_quarantine(kind="record") == []


def test_workers_that_quarantine_at_once_keep_everything_once(
    databases: Databases,
) -> None:
    url = databases.migrated()
    entries = [bad(b"%d" % n, device=f"box-{n % 3}") for n in range(60)]

    def work(order: int) -> None:
        with open_registry(url) as registry:
            for at in range(0, 60, 6):
                registry.quarantine(entries[at : at + 6][:: 1 if order % 2 else -1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with open_registry(url) as registry:
        assert len(registry.list_quarantine(limit=1000)) == 60


def test_the_latest_status_is_kept(registry: Registry) -> None:
    box = a_box(registry)
    said = Status(True, "boot-1", outbox_depth=12, days_left=30.5, unhealthy=("top",))

    registry.save_statuses({box: Status(True, "boot-0")}, NOW)
    registry.save_statuses({box: said}, NOW + 1)
    registry.save_statuses({box: Status(False, "late")}, NOW - 1)

    assert registry.statuses() == {box: (NOW + 1, said)}


@pytest.mark.parametrize(
    "said", [Status(False, "boot-1"), Status(True, "boot-1", at_ms=NOW)]
)
def test_a_status_that_the_broker_hands_over_again_is_no_news(
    registry: Registry, said: Status
) -> None:
    box = a_box(registry)
    registry.save_statuses({box: said}, NOW)
    registry.save_statuses({box: said}, NOW + HOUR)
    assert registry.statuses() == {box: (NOW, said)}
    other = Status(not said.online, "boot-1", at_ms=NOW)
    registry.save_statuses({box: other}, NOW + HOUR)
    assert registry.statuses() == {box: (NOW + HOUR, other)}


def test_what_a_stranger_says_of_itself_is_not_kept(registry: Registry) -> None:
    registry.save_statuses({DeviceId("stranger"): Status(True, "boot")}, NOW)

    assert registry.statuses() == {}


def test_a_command_is_due_until_it_is_settled_or_expires(registry: Registry) -> None:
    box = a_box(registry)
    later, soon = NOW + 2 * HOUR, NOW + HOUR
    args = {"interval_s": 60, "note": "mưa lớn"}
    registry.add_command("b", box, "set", args, now_ms=NOW, expires_ms=later)
    registry.add_command("a", box, "on", {}, now_ms=NOW + 1, expires_ms=soon)

    first, second = registry.commands_due(NOW + 1)
    assert (first.device, first.command.id, first.command.args) == (box, "b", args)
    assert second.command.expires_ms == soon
    assert [due.command.id for due in registry.commands_due(soon)] == ["b"]

    registry.save_reply(box, Reply("b", True, "done"), NOW + 2)
    assert registry.commands_due(soon) == []
    assert replies(registry)["b"] == Reply("b", True, "done")


def test_a_second_reply_changes_nothing(registry: Registry) -> None:
    box = a_box(registry)
    registry.add_command("c", box, "on", {}, now_ms=NOW, expires_ms=NOW + 1)
    registry.save_reply(box, Reply("c", False, "no such output"), NOW)

    registry.save_reply(box, Reply("c", True), NOW + 9)

    assert replies(registry)["c"] == Reply("c", False, "no such output")


def test_only_the_device_that_was_asked_settles_a_command(registry: Registry) -> None:
    box, other = a_box(registry, "hoa"), a_box(registry, "ba")
    registry.add_command("c", box, "on", {}, now_ms=NOW, expires_ms=NOW + 9)

    registry.save_reply(other, Reply("c", True), NOW)
    registry.save_reply(box, Reply("unknown", True), NOW)

    assert [due.command.id for due in registry.commands_due(NOW)] == ["c"]
    assert replies(registry)["c"] is None


def test_the_same_command_again_is_harmless_and_another_is_a_conflict(
    registry: Registry,
) -> None:
    box = a_box(registry)
    for created_ms in (NOW, NOW + 5):
        registry.add_command(
            "c", box, "on", {"output": 1}, now_ms=created_ms, expires_ms=NOW + 9
        )

    with pytest.raises(ConflictError, match="args"):
        registry.add_command(
            "c", box, "on", {"output": 2}, now_ms=NOW, expires_ms=NOW + 9
        )
    assert [one.created_ms for one in registry.list_commands(box)] == [NOW]


def test_nobody_commands_a_box_that_is_unknown_or_revoked(registry: Registry) -> None:
    box = a_box(registry)
    registry.revoke_device(box, NOW)

    with pytest.raises(ConflictError, match="revoked"):
        registry.add_command("c", box, "on", {}, now_ms=NOW, expires_ms=NOW + 9)
    with pytest.raises(MissingError, match="device stranger"):
        registry.add_command("c", "stranger", "on", {}, now_ms=NOW, expires_ms=NOW)


def test_an_alarm_is_open_once_until_it_is_cleared(registry: Registry) -> None:
    registry.raise_operator_alarm("disk", "platform", "500 MB left", NOW)
    registry.raise_operator_alarm("disk", "platform", "400 MB left", NOW + 1)

    (alarm,) = registry.operator_alarms()
    assert (alarm.message, alarm.raised_ms) == ("400 MB left", NOW)

    registry.clear_operator_alarm("disk", "platform", NOW + 2)
    registry.clear_operator_alarm("disk", "platform", NOW + 3)
    assert registry.operator_alarms() == []

    registry.raise_operator_alarm("disk", "platform", "300 MB left", NOW + 4)
    assert [a.cleared_ms for a in registry.operator_alarms(with_cleared=True)] == [
        None,
        NOW + 2,
    ]


def test_workers_that_raise_the_same_alarm_at_once_open_one(
    databases: Databases,
) -> None:
    url, together = databases.migrated(), threading.Barrier(4)

    def work(_: int) -> None:
        with open_registry(url) as registry:
            together.wait(90)
            for number in range(10):
                registry.raise_operator_alarm("lag", "ingest", f"{number}", NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with open_registry(url) as registry:
        assert len(registry.operator_alarms()) == 1


def test_every_start_has_an_epoch_of_its_own(registry: Registry) -> None:
    assert len({registry.new_epoch() for _ in range(20)}) == 20


messages = st.text(max_size=30) | st.sampled_from(["\0", "\ud800", "😀" * 600])


@settings(
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=messages, days=st.floats())
def test_whatever_a_box_says_is_kept_or_spelt_out(
    registry: Registry, text: str, days: float
) -> None:
    if not registry.device_states():
        a_box(registry)
    box = DeviceId("hoa-box")
    registry.add_command("c", box, "on", {}, now_ms=NOW, expires_ms=NOW)

    registry.save_reply(box, Reply("c", True, text), NOW)
    if "\ud800" not in text:  # the wire's decoder refuses half a pair
        registry.save_statuses({box: Status(True, text, days_left=days)}, NOW)
        assert registry.statuses()[box].status.boot == text


def test_a_farm_without_a_box_has_no_states(registry: Registry) -> None:
    a_farm(registry)

    assert registry.device_states() == {}
