"""Backup and restore of everything: no acknowledged reading missing, nothing goes back."""

import contextlib
import functools
import io
import itertools
import os
import random
import resource
import secrets
import signal
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from cli.after_restore import Given
from cli.main import build, status_of
from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    PlatformError,
    UnavailableError,
)
from greenwater.kernel.findings import Episode, EpisodeKind, Forecast, Outlook
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import ClockQuality, Gap, Reading, milliseconds
from greenwater.storage.backup import archive as archive_module
from greenwater.storage.backup import registry_part, restoring, telemetry_part
from greenwater.storage.backup.archive import Archive, Told, writing
from greenwater.storage.backup.making import Platform, back_up
from greenwater.storage.backup.mark import UNFINISHED, refuse_unfinished
from greenwater.storage.backup.restoring import restore
from greenwater.storage.registry import migrate
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.contracts.platforms import (
    LICENCE,
    Servers,
    a_farm_of,
    a_platform,
    running,
)
from tests.servers import Influx
from tests.templates import empty_registry
from traceability.book.photos import Album
from traceability.gate.harvest import GateRefusedError
from traceability.label import carried
from traceability.label.labels import Labels, Published
from traceability.proof.keys import open_signer
from traceability.proof.verify import Code, Status, StatusDocument, publish_status

BASE = "https://nuocxanh.example"
T0 = 1_780_000_000_000
KINDS = ["files", pytest.param("servers", marks=pytest.mark.live)]


def silent(what: str, done: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> Servers:
    """The session's servers, started by the first who asks."""
    return request.getfixturevalue


@pytest.fixture(autouse=True)
def _migrated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new registry file is a copy of one that was migrated: it takes no second."""

    def fast(url: str) -> None:
        path = registry_part.sqlite_path(url)
        if path is not None:
            empty_registry(path)
        else:
            migrate(url)

    monkeypatch.setattr(registry_part, "migrate", fast)


def put_back(
    file: Path,
    to: Platform,
    now_ms: int,
    status: bytes | None = None,
    told: Told = silent,
) -> list[str]:
    """Restore as the command does; return what it says."""
    archive, given = Archive(file), Given(status, None, ())
    archive.verify(silent)
    restore(archive, to, lambda r, m: given.amend(r, m, now_ms), told)
    return given.lines


def the_same_to_us(before: Path, after: Path) -> dict[str, tuple[int, int]]:
    """Return the tables of two copies of a registry that differ in their numbers of rows."""
    one, other = registry_part.counts_in(before), registry_part.counts_in(after)
    return {
        name: (one.get(name, 0), other.get(name, 0))
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_platform_comes_back_with_all_that_was_acknowledged_and_published(
    kind: str, tmp_path: Path, servers: Servers
) -> None:
    old = a_platform(kind, tmp_path / "old", servers)
    new = a_platform(kind, tmp_path / "new", servers)
    file = tmp_path / "kept.zip"
    with running(old) as here:
        farm, box = a_farm_of(here, tmp_path)
        lot = farm.a_lot()
        early, late, gone = farm.labels.issue("lan", lot.id, 3)
        farm.labels.act("lan", gone.id, "revoked", "in hỏng")
        farm_ms = milliseconds(farm.clock.now())
        here.registry.open_session(
            "a" * 43, "lan", now_ms=farm_ms, expires_ms=farm_ms + 2**40
        )
        box.measure()
        box.deliver(here)
        # While boxes deliver, the backup is made.
        stop = threading.Event()

        def deliver() -> None:
            while not stop.is_set():
                box.measure()
                box.deliver(here)

        busy = threading.Thread(target=deliver)
        busy.start()
        try:
            manifest = back_up(old, file, farm.clock, silent)
        finally:
            stop.set()
            busy.join()
        kept = tmp_path / "registry-then.db"
        Archive(file).extract("registry.db", kept, silent)

        # A day of which the backup knows nothing.
        farm.clock.advance(timedelta(hours=9))
        box.measure(100)
        box.deliver(here)
        assert not box.outbox.backlog(1, set())
        farm.labels.act("lan", late.id, "revoked", "rách")
        unknown, lost = farm.labels.issue("lan", lot.id, 2)
        farm.labels.act("lan", unknown.id, "revoked", "mất cuộn tem")
        farm.labels.recall("lan", lot.id, "dư lượng", "0905")
        published = msgspec.json.encode(farm.published.status_document())
        uris = [one.uri for one in (early, late, gone, unknown, lost)]
        old_codes = [farm.published.check(uri).code for uri in uris]
    assert old_codes == [Code.RECALLED] * 5
    farm.clock.advance(timedelta(minutes=10))

    lines = put_back(file, new, milliseconds(farm.clock.now()), published)

    assert any("2 acts" in line and "1 kept" in line for line in lines), lines
    refuse_unfinished(new.home)
    assert (new.home / "photos" / "a.jpg").read_bytes() == (
        old.home / "photos" / "a.jpg"
    ).read_bytes()
    assert not (new.home / "logs").exists()
    assert not (new.home / "outbox.db").exists()
    assert all(
        path.stat().st_mode & 0o077 == 0 for path in (new.home / "keys").glob("*.pem")
    )
    with running(new) as here:
        # Photos on records: their rows, and their files.
        (photo,) = here.registry.vessel_photos(LICENCE.id)
        shown = Album(here.registry, farm.clock, new.home / "photos")
        assert len(shown.read(photo.digest)) == photo.size == 100

        # Readings: boxes are asked, send again, and nothing confirmed is missing.
        missing = box.confirmed.keys() - here.readings(box.device).keys()
        assert missing, "the day after the backup is not in it"
        assert box.obey(here) > 0
        box.deliver(here)
        stored = here.readings(box.device)
        assert {k: stored.get(k) for k in box.confirmed} == box.confirmed
        sequences = [row.sequence for row in here.telemetry.intake_after({}, 10_000)]
        assert len(set(sequences)) == len(sequences)
        assert manifest.counts["readings"] <= len(stored) + 720

        # Labels: nothing goes back, and no serial is made twice.
        signer = open_signer(new.home / "keys", here.registry, 0)
        assert signer.kid == farm.signer.kid
        now = Published(here.registry, signer, farm.clock)
        assert now.check(early.uri).code is Code.RECALLED
        status = now.status()
        assert {late.id, gone.id, unknown.id} <= set(status.revoked)
        assert [one.lot for one in status.recalled] == [lot.code]
        assert now.check(unknown.uri).code is Code.RECALLED
        labels = Labels(here.registry, signer, farm.clock, BASE, os.urandom)
        with pytest.raises(GateRefusedError):
            labels.issue("lan", lot.id, 1)  # it is recalled
        labels.end_recall("lan", lot.id)
        assert now.check(unknown.uri).code is Code.REVOKED
        assert now.check(late.uri).code is Code.REVOKED
        assert now.check(early.uri).code is Code.VALID
        assert now.check(lost.uri).code is Code.NOT_FOUND
        (fresh,) = labels.issue("lan", lot.id, 1)
        assert fresh.uri not in uris
        # Numbers that the database gives go on behind those that are there.
        labels.act("lan", fresh.id, "suspended", "thử")
        here.registry.new_epoch()
        assert here.registry.find_session("a" * 43, farm_ms) is None, "signed out"
        with pytest.raises(ConflictError):
            here.registry.add_labels([early], (), 0)

        # The registry is the backup's, but for what a restore adds.
        back_up(new, tmp_path / "again.zip", farm.clock, silent)
    again = tmp_path / "registry-now.db"
    Archive(tmp_path / "again.zip").extract("registry.db", again, silent)
    told = the_same_to_us(kept, again)
    assert told.pop("label") == (3, 4)
    assert told.pop("label_act") == (1, 3)
    assert told.pop("session") == (1, 0)
    assert set(told) == {
        "person", "recall", "trace_event", "operator_alarm", "command", "ingest_epoch",
        "epcis_event", "epcis_entry", "epcis_meeting",
    }, told  # fmt: skip


def test_without_the_published_list_no_label_is_issued_until_somebody_confirms(
    tmp_path: Path, servers: Servers
) -> None:
    old = a_platform("files", tmp_path / "old", servers)
    new = a_platform("files", tmp_path / "new", servers)
    with running(old) as here:
        farm, box = a_farm_of(here, tmp_path)
        box.outbox.close()
        lot = farm.a_lot()
        back_up(old, tmp_path / "kept.zip", farm.clock, silent)
        lines = put_back(tmp_path / "kept.zip", new, milliseconds(farm.clock.now()))
    assert any(line.startswith("WARNING: without --status") for line in lines)
    with running(new) as here:
        labels = Labels(here.registry, farm.signer, farm.clock, BASE, os.urandom)
        with pytest.raises(GateRefusedError) as caught:
            labels.issue("lan", lot.id, 1)
        assert [one.code for one in caught.value.refusals] == ["restored"]
        assert carried.confirm(here.registry, 1) == 1
        assert labels.issue("lan", lot.id, 1)


def a_child(act: Callable[[Told], object], at: int) -> int:
    """Do something in a child that is killed at its ``at``-th step; return its status.

    A step is whatever is told of progress, and each rename that must survive.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = itertools.count(1)

    def step(*_: object) -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    status = 70
    with contextlib.suppress(BaseException):
        for module in (archive_module, registry_part, telemetry_part, restoring):
            module.sync_folder = step  # type: ignore[attr-defined]
        act(step)
        status = 0
    os._exit(status)


class Kept:
    """A small platform, its backup, and what was published after it."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self.platform = a_platform("files", folder / "old", servers)
        self.file = folder / "kept.zip"
        with running(self.platform) as here:
            farm, box = a_farm_of(here, folder)
            box.measure()
            box.deliver(here)
            box.outbox.close()
            self.clock, self.readings = farm.clock, here.readings(box.device)
            back_up(self.platform, self.file, farm.clock, silent)
            self.published = msgspec.json.encode(farm.published.status_document())
        self.now_ms = milliseconds(farm.clock.now())
        self.device = box.device


@pytest.fixture(scope="module")
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Kept:
    """One for the tests that only read it."""
    return Kept(tmp_path_factory.mktemp("kept"), request.getfixturevalue)


def test_a_restore_killed_anywhere_leaves_nothing_that_starts_and_goes_on(
    kept: Kept, tmp_path: Path, servers: Servers
) -> None:
    killed = 0
    for at in itertools.count(1, 2):
        new = a_platform("files", tmp_path / f"new{at}", servers)
        again = functools.partial(put_back, kept.file, new, kept.now_ms, None)
        status = a_child(again, at)
        is_there = (new.home / "registry.db").exists()
        is_marked = (new.home / UNFINISHED).exists()
        if status == 0:
            break
        assert status == -signal.SIGKILL
        killed += 1
        if is_marked:
            with pytest.raises(ConfigError, match="not finished"):
                refuse_unfinished(new.home)
        else:
            assert is_there == (new.home / "telemetry.db").exists(), "all or nothing"
        if is_marked or not is_there:
            put_back(kept.file, new, kept.now_ms)
        refuse_unfinished(new.home)
        with running(new) as here:
            assert here.readings(kept.device) == kept.readings
            (alarm,) = here.registry.operator_alarms("restored")
            assert len(here.registry.commands_due(kept.now_ms)) == 1
        assert not list(new.home.glob(".*")), "nothing is left beside"
        assert alarm.subject == Archive(kept.file).manifest.id
    assert killed > 4


def test_a_backup_killed_anywhere_leaves_no_file_and_the_next_one_is_whole(
    kept: Kept, tmp_path: Path
) -> None:
    for at in itertools.count(1, 2):
        target = tmp_path / f"b{at}.zip"
        make = functools.partial(back_up, kept.platform, target, kept.clock)
        status = a_child(make, at)
        if status == 0:
            break
        if target.exists():
            Archive(target).verify(silent)
    assert at > 4
    back_up(kept.platform, tmp_path / "whole.zip", kept.clock, silent)
    Archive(tmp_path / "whole.zip").verify(silent)
    left = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".zip")}
    assert not {one for one in left if not one.startswith(".greenwater-backup-")}


def test_an_altered_or_cut_backup_is_refused_in_a_sentence(
    kept: Kept, tmp_path: Path
) -> None:
    whole = kept.file.read_bytes()
    rng, wrong = random.Random(7), tmp_path / "wrong.zip"
    manifest = Archive(kept.file).manifest
    for _ in range(60):
        at = rng.randrange(len(whole))
        wrong.write_bytes(whole[:at])
        with pytest.raises(InputError, match=r"wrong\.zip"):
            Archive(wrong)
        wrong.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(InputError):
            altered = Archive(wrong)
            altered.verify(silent)
            assert altered.manifest == manifest, "a date in ZIP's own directory, say"
    with pytest.raises(InputError, match="there is no backup"):
        Archive(tmp_path / "nothing.zip")


def rewritten(kept: Kept, to: Path, **changed: object) -> Path:
    """Write the same backup with another manifest."""
    manifest = msgspec.structs.replace(Archive(kept.file).manifest, **changed)
    with zipfile.ZipFile(kept.file) as old, zipfile.ZipFile(to, "w") as new:
        for part in manifest.parts:
            new.writestr(part.name, old.read(part.name))
        new.writestr("manifest.json", msgspec.json.encode(manifest))
    return to


def test_other_formats_newer_schemas_and_paths_that_lead_out_are_refused(
    kept: Kept, tmp_path: Path, servers: Servers
) -> None:
    with pytest.raises(InputError, match="format 2, this program reads 1"):
        Archive(rewritten(kept, tmp_path / "f.zip", format=2))
    new = a_platform("files", tmp_path / "new", servers)
    newer = tmp_path / "newer.db"
    Archive(kept.file).extract("registry.db", newer, silent)
    with contextlib.closing(sqlite3.connect(newer)) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    data = newer.read_bytes()
    with (
        writing(tmp_path / "n.zip", silent) as archive,
        zipfile.ZipFile(kept.file) as old,
    ):
        archive.add("telemetry.db", io.BytesIO(old.read("telemetry.db")))
        archive.add("registry.db", io.BytesIO(data))
        archive.add("home/../../etc/passwd", io.BytesIO(b"x"))
        archive.add_manifest(
            msgspec.structs.replace(
                Archive(kept.file).manifest, parts=tuple(archive.parts)
            )
        )
    with pytest.raises(InputError, match="leads out of the folder"):
        put_back(tmp_path / "n.zip", new, kept.now_ms)
    part = Archive(kept.file)
    with pytest.raises(ConfigError, match="migration 9999"):
        restoring._prepare_registry(part, newer, lambda registry, manifest: None)
    assert not list(new.home.iterdir())


def test_what_is_there_already_is_never_overwritten(
    kept: Kept, tmp_path: Path, servers: Servers
) -> None:
    with pytest.raises(ConflictError, match=r"registry .* is not empty"):
        put_back(kept.file, kept.platform, kept.now_ms)
    new = a_platform("files", tmp_path / "new", servers)
    with pytest.raises(ConflictError, match=r"telemetry store .* is not empty"):
        put_back(
            kept.file,
            msgspec.structs.replace(new, telemetry_url=kept.platform.telemetry_url),
            kept.now_ms,
        )
    (new.home / "photos").mkdir()
    (new.home / "photos" / "a.jpg").write_bytes(b"another one")
    with pytest.raises(ConflictError, match=r"a\.jpg is there and is another one"):
        put_back(kept.file, new, kept.now_ms)
    assert (new.home / "photos" / "a.jpg").read_bytes() == b"another one"
    with pytest.raises(ConflictError, match="exists already"):
        back_up(kept.platform, kept.file, kept.clock, silent)
    (new.home / "photos" / "a.jpg").unlink()
    (new.home / UNFINISHED).write_text("another\n")
    with pytest.raises(ConfigError, match="another restore"):
        put_back(kept.file, new, kept.now_ms)


def test_a_full_disk_leaves_nothing_and_is_said(kept: Kept, tmp_path: Path) -> None:
    """The system refuses to write more than a little: as a full disk does."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        status = 70
        try:
            back_up(kept.platform, tmp_path / "full.zip", kept.clock, silent)
        except UnavailableError as exc:
            status = 0 if "cannot" in str(exc) else 71
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not list(tmp_path.iterdir())


def test_the_list_must_be_ours_and_newer_and_roots_tell_of_a_rewound_ledger(
    kept: Kept, tmp_path: Path, servers: Servers
) -> None:
    new = a_platform("files", tmp_path / "new", servers)
    document = msgspec.json.decode(kept.published, type=StatusDocument)
    forged = msgspec.json.encode(
        msgspec.structs.replace(document, payload=document.payload + " ")
    )
    with pytest.raises(InputError, match="not signed"):
        put_back(kept.file, new, kept.now_ms, forged)
    with running(kept.platform) as here:
        signer = open_signer(kept.platform.home / "keys", here.registry, 0)
    old = msgspec.json.encode(publish_status(Status(1_000), signer))
    with pytest.raises(ConflictError, match="older than the backup"):
        put_back(kept.file, new, kept.now_ms, old)
    assert not list(new.home.iterdir()), "nothing was begun"

    roots = carried.read_roots(
        b'{"roots": [{"day": "2099-01-01", "sha256": "00", "key": "", "signature": ""}]}'
    )
    archive, given = Archive(kept.file), Given(kept.published, None, roots)
    restore(archive, new, lambda r, m: given.amend(r, m, kept.now_ms), silent)
    assert any("rewound: 1 days" in line for line in given.lines), given.lines
    with running(new) as here:
        assert not carried.is_held(here.registry)


def test_what_a_saved_batch_had_refused_is_saved_though_it_came_between_the_two(
    tmp_path: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = a_platform("files", tmp_path / "old", servers)
    new = a_platform("files", tmp_path / "new", servers)
    with running(old) as here:
        farm, box = a_farm_of(here, tmp_path)
        numbers = itertools.count(1_000)

        def a_bad_batch() -> None:
            number = next(numbers)
            raw = b'[{"n":"top/ph","v":%d,"u":"kelvin"}]' % number
            here.take_in(box, [(number, raw)], milliseconds(farm.clock.now()))

        # One before, between and after each of the two, whichever is saved first.
        for module, name in (
            (telemetry_part, "save_telemetry"),
            (registry_part, "save_registry"),
        ):
            save = getattr(module, name)

            def saving(*args: Any, save: Callable[..., None] = save) -> None:
                a_bad_batch()
                save(*args)
                a_bad_batch()

            monkeypatch.setattr(module, name, saving)
        back_up(old, tmp_path / "kept.zip", farm.clock, silent)
        box.outbox.close()
        put_back(tmp_path / "kept.zip", new, milliseconds(farm.clock.now()))
        assert len(here.registry.list_quarantine()) >= 1
    with running(new) as here:
        refused = sum(row.quarantined for row in here.telemetry.intake_after({}, 100))
        kept = here.registry.list_quarantine(limit=100)
        assert 0 < refused <= len(kept)


@pytest.mark.live
def test_readings_move_from_store_to_store_with_flags_gaps_findings_and_roll_ups(
    tmp_path: Path, servers: Servers
) -> None:
    influx = servers("influx")
    assert isinstance(influx, Influx)
    first = open_telemetry(f"sqlite:///{tmp_path}/first.db")
    middle = open_telemetry(influx.url(f"moved_{secrets.token_hex(4)}"))
    last = open_telemetry(f"sqlite:///{tmp_path}/last.db")
    series = Series(DeviceId("box-1"), ProbeId("top"))
    everything = Span(series, 0, 2**50)
    hour = 3_600_000
    some = [
        Reading(
            *series, Channel.PH, T0 + n * 600_000, None if n % 7 == 3 else n / 8,
            ClockQuality.NTP,
        )
        for n in range(60)
    ]  # fmt: skip
    first.write(some, [Gap(*series, T0 + 5, T0 + 9, 2, "thinned")])
    first.write_flags([Flagged(*series, Channel.PH, T0 + 30 * 600_000, Flag.GOOD, 11)])
    first.findings.write(
        [Forecast(*series, Channel.PH, T0, (Outlook(1.0, 7, 6, 8, 7, "naive"),))],
        [
            Episode(
                *series, "e1", EpisodeKind.WATER, "crash", T0, T0 + 9, False, 0.5,
                (Channel.PH,),
            )
        ],
    )  # fmt: skip
    first.record([Intake(WorkerId("w1"), 7, series.device, "o" * 16, 1, 5, 1, 0, 0, 0, T0, T0, T0)])  # fmt: skip
    first.retain(Measurement.WATER, T0 - T0 % hour + 4 * hour)
    first.write(
        [Reading(*series, Channel.PH, T0 + 7, 1.0)]
    )  # late, for a given-up hour

    def all_of(store: Telemetry) -> list[object]:
        return [
            list(store.read(everything)),
            store.gaps(everything),
            store.flags(everything),
            store.findings.forecasts(everything),
            store.findings.episodes(everything),
            list(store.intake_after({}, 100)),
            [
                (b.start_ms, b.number, b.minimum, round(b.mean, 9), b.maximum)
                for b in store.downsample(everything, Channel.PH, hour)
            ],
        ]

    told = all_of(first)
    assert all(told), "something of each kind"
    for source, target in ((first, middle), (middle, last), (first, middle)):
        telemetry_part.copy_all_but_intake(source, target, silent)
        telemetry_part.copy_intake(source, target, silent)
        assert all_of(target) == told
    for store in (first, middle, last):
        store.close()


def test_the_commands_say_what_to_do(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(build(words), list(words))
        if isinstance(done.exception, PlatformError):
            return status_of(done.exception), str(done.exception)
        return done.exit_code, done.output

    monkeypatch.setenv("GREENWATER_HOME", str(kept.platform.home))
    status, text = run("backup", str(tmp_path))
    assert status == 0, text
    assert "readings" in text
    (made,) = tmp_path.glob("greenwater-*.zip")
    assert made.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path / "new"))
    assert run("restore", str(made))[0] == 2
    assert "--status" in run("restore", str(made))[1]
    assert run("restore", str(made), "--check")[0] == 0
    assert run("restore", str(made), "--without-status")[0] == 0
    assert run("restore", str(made), "--without-status")[0] == 2, "not empty any more"
    (tmp_path / "new" / UNFINISHED).write_text("x")
    assert run("doctor")[0] == 78
    (tmp_path / "new" / UNFINISHED).unlink()
    assert run("restore", "--confirm")[0] == 0
    assert run("restore", "--confirm")[0] == 78
    assert run("backup", str(tmp_path / "nowhere" / "x.zip"))[0] == 2
