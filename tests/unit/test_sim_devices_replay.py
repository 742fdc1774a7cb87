"""Recordings in lockstep: a row stands until it has been read."""

import gzip
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware_sim.devices.modbus import Bench
from firmware_sim.devices.probe import Refusal, VirtualProbe
from firmware_sim.replay import Recording, Replay
from greenwater.kernel.errors import InputError


def a_csv(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def at(minute: int) -> float:
    return datetime(2012, 1, 1, 5, minute, tzinfo=UTC).timestamp()


class Reader:
    """Asks as a box does, at the clock's time."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    def ask(self, probe: VirtualProbe, first: int, count: int) -> list[int] | Refusal:
        answer = probe.read("holding", first, count, self.replay.now_s())
        self.replay.on_read(probe, first, count)
        return answer

    def values(self, probe: VirtualProbe) -> list[float] | Refusal:
        count = 2 * len(probe.map.values)
        words = self.ask(probe, 0, count)
        if isinstance(words, Refusal):
            return words
        raw = b"".join(word.to_bytes(2, "big") for word in words)
        return list(struct.unpack(f">{count // 2}f", raw))


TWO = (
    "time,temperature_c,temperature_c_qc,ph\n"
    "2012-01-01T05:00:00Z,20.5,<0>,8.0\n"
    "2012-01-01T05:15:00Z,,<-2>,nan\n"
)


def test_the_clock_stands_until_every_value_was_read(tmp_path: Path) -> None:
    replay = Replay([Recording(a_csv(tmp_path, "a.csv", TWO))], tmp_path / "clock")
    reader, probe = Reader(replay), replay.probes[0]
    assert [v.channel for v in probe.map.values] == ["temperature", "ph"]
    reader.ask(probe, 0, 2)
    reader.ask(probe, 0, 2)
    assert replay.now_s() == at(0)
    reader.ask(probe, 2, 2)
    assert replay.now_s() == at(15)


def test_empty_and_nan_are_gaps(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "a.csv.gz", TWO)
    replay = Replay([Recording(path)], tmp_path / "clock")
    reader, probe = Reader(replay), replay.probes[0]
    assert reader.values(probe) == [20.5, 8.0]
    gaps = reader.values(probe)
    assert isinstance(gaps, list)
    assert all(value != value for value in gaps)
    assert replay.is_done
    assert replay.served == 2


def test_a_probe_without_a_row_is_busy_and_nobody_waits_for_its_values(
    tmp_path: Path,
) -> None:
    one = a_csv(
        tmp_path, "a.csv", "time,ph\n2012-01-01T05:00Z,8\n2012-01-01T05:30Z,8\n"
    )
    two = a_csv(
        tmp_path, "b.csv", "time,ph\n2012-01-01T05:15Z,7\n2012-01-01T05:30Z,6\n"
    )
    replay = Replay([Recording(one), Recording(two)], tmp_path / "clock")
    reader = Reader(replay)
    seen = []
    while not replay.is_done:
        now_s = replay.now_s()
        seen.append((now_s, *[reader.values(probe) for probe in replay.probes]))
    assert seen == [
        (at(0), [8.0], Refusal.BUSY),
        (at(15), Refusal.BUSY, [7.0]),
        (at(30), [8.0], [6.0]),
    ]


def test_only_the_first_rows_if_asked(tmp_path: Path) -> None:
    recording = Recording(a_csv(tmp_path, "a.csv", TWO), rows=1)
    assert len(list(recording.rows())) == 1


def test_a_spreadsheets_byte_order_mark_and_local_times_are_read(
    tmp_path: Path,
) -> None:
    path = a_csv(tmp_path, "a.csv", "\ufefftime,ph\n2012-01-01T12:00:00+07:00,8\n")
    assert list(Recording(path).rows()) == [(at(0), {"ph": 8.0})]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("when,ph\n", "there is no column 'time'"),
        ("", "there is no column 'time'"),
        ("time,colour\n", "no column is a channel; there are time, colour"),
        ("time,temperature,temperature_c\n", "two columns are one channel"),
    ],
)
def test_a_header_that_does_not_fit_is_told(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Recording(a_csv(tmp_path, "a.csv", text))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("yesterday,8", "line 3: Invalid isoformat string: 'yesterday'"),
        ("2012-01-01T05:15Z,high", "line 3: could not convert string to float: 'high'"),
        ("2012-01-01T05:00Z,8", "line 3: time does not go forward"),
        ("2011-01-01T05:00Z,8", "line 3: time does not go forward"),
    ],
)
def test_a_bad_row_ends_the_replay_with_a_sentence_after_the_good_ones(
    tmp_path: Path, row: str, sentence: str
) -> None:
    path = a_csv(tmp_path, "a.csv", f"time,ph\n2012-01-01T05:00Z,8\n{row}\n")
    replay = Replay([Recording(path)], tmp_path / "clock")
    assert not replay.is_done
    assert Reader(replay).values(replay.probes[0]) == [8.0]
    assert replay.is_done
    assert sentence in str(replay.error)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.csv cannot be read"):
        Recording(tmp_path / "missing.csv")
    torn = a_csv(tmp_path, "a.csv.gz", TWO * 1000)
    torn.write_bytes(torn.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.csv\.gz"):
        list(Recording(torn).rows())
    plain = tmp_path / "plain.csv.gz"
    plain.write_text(TWO)
    with pytest.raises(InputError, match=r"plain\.csv\.gz cannot be read"):
        Recording(plain)


def test_a_long_recording_is_not_held_in_memory(tmp_path: Path) -> None:
    class Counted(Recording):
        read = 0

        def _lines(self) -> Iterator[list[str]]:
            for line in super()._lines():
                Counted.read += 1
                yield line

    rows = "".join(
        f"2012-01-01T05:{m:02d}:{s:02d}Z,8\n" for m in range(60) for s in range(60)
    )
    path = a_csv(tmp_path, "a.csv", "time,ph\n" + rows)
    replay = Replay([Counted(path)], tmp_path / "clock")
    Reader(replay).values(replay.probes[0])
    assert Counted.read <= 5


def test_a_bench_over_a_replay_lists_its_probes(tmp_path: Path) -> None:
    path = a_csv(tmp_path, "a.csv", TWO)
    replay = Replay([Recording(path), Recording(path)], tmp_path / "clock")
    bench = Bench(replay.probes, now_s=replay.now_s, on_read=replay.on_read)
    assert bench.device_ids() == [1, 2]
