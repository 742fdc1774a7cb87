"""What comes in without a broker: files, and what rested in quarantine."""

import sys
from pathlib import Path

import msgspec
import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.wire.encode import encode
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from ingest.expelling import expel
from ingest.imports import import_csv
from ingest.mapping import Mappings, Profile, load_profile, open_mapped
from ingest.ports import Delivery
from ingest.replay import replay_entries
from tests.contracts.test_ingest_pipeline import (
    BOX,
    NOW,
    T0,
    Numbered,
    batch,
    counts,
    pipeline,
    reading,
    registry,
    stored,
    telemetry,
)

__all__ = ["registry", "telemetry"]  # fixtures
CLOCK = ManualClock(NOW)
HOUR = 3_600_000
WORKER = Numbered("by-hand")
HAND = """time,device,probe,channel,value,unit
2026-05-28T23:26:40+07:00,box-1,pen,ph,"7,9",pH
2026-05-28T23:26:41+07:00,box-1,pen,ph,acid,pH
2026-05-28T23:26:42,box-1,pen,ph,8.0,pH
2026-05-28T23:26:43+07:00,ghost,pen,ph,8.0,pH
2026-05-28T23:26:44+07:00,box-1,pen,ph,8.0,mg/L
2026-05-28T23:26:45+07:00,box-1,pen,salinity_of_the_earth,8.0,pH
2026-05-28T23:26:46+07:00,box-1,pen,ph,inf,pH
2026-05-28T23:26:47+07:00,box-1
2026-05-28T23:26:48+07:00,box-1,pen,ph,8.1,pH
"""
VMS = """time,device,latitude,longitude,speed_kn,course_deg
2026-05-28T23:26:40+07:00,box-1,12.2,109.3,5.5,270
2026-05-28T23:28:40+07:00,box-1,12.21,109.31,,
2026-05-28T23:30:40+07:00,box-1,91.0,109.3,5,270
2125-05-28T23:30:40+07:00,box-1,12.2,109.3,5,270
"""


def replayed(registry: Registry, telemetry: Telemetry, kind: str) -> list[str]:
    numbers = [one.id for one in registry.list_quarantine() if one.kind == kind]
    return [
        said
        for _, said in replay_entries(
            registry, telemetry, numbers, CLOCK, worker=WORKER
        )
    ]


def test_another_makes_payload_is_taken_in_once_its_device_is_known(
    telemetry: Telemetry, registry: Registry
) -> None:
    topic = "application/x/device/a84041000181c061/event/up"
    payload = (
        b'{"deviceInfo": {"devEui": "A84041000181C061"}, "object": {"DO": 6.1},'
        b' "time": "2026-05-28T16:26:40Z"}'
    )
    profile = load_profile("chirpstack_v4")
    unknown = open_mapped(
        profile, Delivery(topic, payload, None), states={}, now_s=NOW.timestamp()
    )
    registry.quarantine(unknown.quarantined)
    (entry,) = registry.list_quarantine()

    def said(*mappings: Profile) -> str:
        ((_, verdict),) = replay_entries(
            registry, telemetry, [entry.id], CLOCK, worker=WORKER,
            mappings=Mappings(mappings),
        )  # fmt: skip
        return verdict

    assert said() == f"still refused: unknown topic {topic!r}"
    assert said(profile) == "still refused: device a84041000181c061 is unknown"
    registry.add_device("a84041000181c061", site="site", now_ms=0)
    assert said(profile) == "1 stored, 0 there already"


def test_a_farmers_file_is_stored_and_every_bad_line_is_named(
    telemetry: Telemetry, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "meter.csv"
    path.write_text(HAND, encoding="utf-8-sig")
    taken = import_csv(path, "hand", registry, telemetry, CLOCK, worker=WORKER)
    assert counts(taken) == (9, 2, 0, 7, 0)
    assert sorted(stored(telemetry, "pen").values(), key=str) == [7.9, 8.1]
    reasons = [one.reason for one in registry.list_quarantine()]
    named = {reason.split(":")[0] for reason in reasons}
    assert named == {f"meter.csv, line {n}" for n in range(3, 10)}


def test_vms_positions_are_a_probe_of_their_own(
    telemetry: Telemetry, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "vms.csv"
    path.write_text(VMS)
    taken = import_csv(path, "vms", registry, telemetry, CLOCK, worker=WORKER)
    assert counts(taken) == (8, 6, 0, 2, 0)
    assert len(stored(telemetry, "vms")) == 6


@pytest.mark.parametrize(("kind", "text"), [("hand", HAND), ("vms", VMS)])
def test_a_file_imported_twice_changes_nothing(
    telemetry: Telemetry, registry: Registry, tmp_path: Path, kind: str, text: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    first = import_csv(path, kind, registry, telemetry, CLOCK, worker=WORKER)
    before = [list(telemetry.read(Span(s, 0, 2**53))) for s in telemetry.series()]
    aside = len(registry.list_quarantine())
    again = import_csv(path, kind, registry, telemetry, CLOCK, worker=WORKER)
    assert (again.stored, again.repeated) == (0, first.stored)
    after = [list(telemetry.read(Span(s, 0, 2**53))) for s in telemetry.series()]
    assert after == before
    assert len(registry.list_quarantine()) == aside


def test_a_file_without_a_column_is_refused_by_the_columns_name(
    telemetry: Telemetry, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("time,device\n")
    with pytest.raises(InputError, match="no column 'probe'"):
        import_csv(path, "hand", registry, telemetry, CLOCK, worker=WORKER)


def test_a_replayed_batch_brings_its_readings_and_its_gaps(
    telemetry: Telemetry, registry: Registry
) -> None:
    gap = Gap(BOX, ProbeId("a"), T0, T0 + 60_000, 12, "thinned")
    pipeline(telemetry, registry).take_in(
        [batch(1, encode([reading(1, 7.0)], [gap]), "box-2")]
    )
    assert replayed(registry, telemetry, "batch") == ["2 stored, 0 there already"]
    span = Span(Series(DeviceId("box-2"), ProbeId("a")), T0 - 1, T0 + 60_001)
    assert [one.value for one in telemetry.read(span)] == [7.0]
    assert [(one.start_ms, one.reason) for one in telemetry.gaps(span)] == [
        (T0, "thinned")
    ]


def test_a_record_that_is_still_bad_stays_and_says_why(
    telemetry: Telemetry, registry: Registry
) -> None:
    bad = b'[{"n":"a/plankton","u":"1","t":1780000001,"v":3}]'
    pipeline(telemetry, registry).take_in([batch(1, bad)])
    (said,) = replayed(registry, telemetry, "record")
    assert said.startswith("still refused: ")
    assert "plankton" in said


def test_replaying_an_overwritten_value_puts_the_other_one_aside(
    telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    run.take_in([batch(1, [reading(1, 7.0)])])
    run.take_in([batch(2, [reading(1, 8.0)])])
    assert replayed(registry, telemetry, "overwritten") == ["1 stored, 0 there already"]
    assert stored(telemetry) == {("ph", 1): 7.0}
    kinds = [one.kind for one in registry.list_quarantine()]
    assert kinds == ["overwritten", "overwritten"]


def test_a_replayed_reading_is_in_intake_for_analytics(
    telemetry: Telemetry, registry: Registry
) -> None:
    pipeline(telemetry, registry).take_in([batch(1, [reading(1, 7.0)], "ghost")])
    before = len(telemetry.intake_after({}, 100))
    replayed(registry, telemetry, "batch")
    rows = telemetry.intake_after({}, 100)[before:]
    assert [(row.worker, row.stored) for row in rows] == [("by-hand", 1)]


def test_values_of_an_older_release_that_no_probe_says_go_into_quarantine(
    registry: Registry, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Span(Series(BOX, ProbeId("a")), T0, T0 + HOUR)
    with monkeypatch.context() as older:
        for module in ("lines", "sqlite"):
            name = f"greenwater.storage.telemetry.{module}.LARGEST"
            older.setattr(name, sys.float_info.max)
        telemetry.write([reading(1, 7.0), reading(2, 1e308), reading(3, 1e308)])
    for count in (2, 0):
        assert expel(registry, telemetry, CLOCK) == count
        assert [one.value for one in telemetry.read(whole)] == [7.0, None, None]
        (hour,) = telemetry.downsample(whole, Channel.PH, HOUR)
        assert (hour.number, hour.mean) == (1, 7.0)
    kept = registry.list_quarantine(kind="overwritten")
    raw = [registry.get_quarantined(one.id).raw for one in kept]
    said = [msgspec.json.decode(one or b"", type=Reading).value for one in raw]
    assert said == [1e308, 1e308]
    assert "no probe can say" in kept[0].reason
