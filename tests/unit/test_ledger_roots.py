"""An altered byte anywhere in a ledger is found and named; roots hold what is older."""

import json
import random
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.main import build
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.trace_events.ledger import EventDraft
from tests.ledgers import trace_events
from traceability.goods.lots import lot_of_landing
from traceability.ledger.events import draft_of, event_of
from traceability.ledger.roots import (
    LedgerCheck,
    check_export,
    check_registry,
    day_before,
    export_ledger,
    make_root,
)
from traceability.proof.keys import KeysDocument, Signer, keys_document, open_signer

NOW = 1_780_000_000_000
DAY = 24 * 3600 * 1000


class Ledgers:
    """Two ledgers of three days with a root after each of the first two."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/registry.db"
        self.registry: Registry = open_registry(self.url)
        self.signer: Signer = open_signer(folder / "keys", self.registry, NOW)

    def fill(self) -> None:
        for name in ("hoa", "may"):
            self.registry.add_organisation(name, name)
            self.registry.add_person(name, name)
        product = {"organisation": "hoa", "name_vi": "Tôm", "name_en": "Shrimp"}
        self.registry.add_product("09521234543213", **product, species="PNV")
        lot = lot_of_landing(
            self.registry.get_product("09521234543213"), "x", NOW, 1.0, NOW, "hoa"
        )
        self.registry.add_lot(lot, [])
        for day in range(3):
            for name in ("hoa", "may"):
                self._write(lot.id, name, NOW + day * DAY, 3)
            if day < 2:
                assert make_root(self.registry, self.signer, NOW + (day + 1) * DAY)

    def _write(self, lot: str, name: str, at_ms: int, count: int) -> None:
        drafts = [draft(at_ms + n) for n in range(count)]
        recall = Recall(lot, "x", "y", at_ms, "hoa", None)
        self.registry.call_back(recall, lambda _lots: {name: drafts})
        self.registry.end_call_back(lot, lambda _lots: {}, at_ms)

    @property
    def keys(self) -> KeysDocument:
        return keys_document(self.registry.signing_keys())

    def check(self) -> LedgerCheck:
        return check_registry(self.registry, self.keys)

    def alter(self, statement: str, **values: object) -> None:
        """Change a row as somebody with the database's password would."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            for table in ("trace_event", "ledger_root"):
                for act in ("update", "delete"):
                    connection.execute(
                        sa.text(f"DROP TRIGGER IF EXISTS {table}_no_{act}")
                    )
            connection.execute(sa.text(statement), values)
        engine.dispose()


def draft(at_ms: int) -> EventDraft:
    event = event_of(
        "ObjectEvent", f"urn:uuid:{uuid.uuid4()}", at_ms, action="OBSERVE",
        bizStep="inspecting", quantityList=[{"epcClass": "urn:greenwater:crop:vu-1"}],
    )  # fmt: skip
    return draft_of(event, at_ms, None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all: making it takes longer than looking at it."""
    folder = tmp_path_factory.mktemp("ledgers")
    made = Ledgers(folder)
    made.fill()
    made.registry.close()
    return folder


@pytest.fixture
def ledgers(tmp_path: Path, whole: Path) -> Iterator[Ledgers]:
    """Two ledgers of one's own, to be altered."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    made = Ledgers(tmp_path)
    yield made
    made.registry.close()


def test_a_day_has_one_root_and_a_whole_ledger_is_whole(ledgers: Ledgers) -> None:
    assert make_root(ledgers.registry, ledgers.signer, NOW + 2 * DAY + 5) is None
    assert [one.day for one in ledgers.registry.ledger_roots()] == [
        day_before(NOW + DAY), day_before(NOW + 2 * DAY),
    ]  # fmt: skip
    assert ledgers.check() == LedgerCheck(18, 2, None)


ALTERED = (
    ("UPDATE trace_event SET document = replace(document, 'vu-1', 'vu-2') "
     "WHERE organisation = 'may' AND number = 2", "may", 2, "not what was recorded"),
    ("UPDATE trace_event SET previous = :zero WHERE organisation = 'hoa' AND number = 5",
     "hoa", 5, "does not name the event before"),
    ("UPDATE trace_event SET hash = :zero WHERE organisation = 'hoa' AND number = 9",
     "hoa", 9, "not what was recorded"),
    ("UPDATE trace_event SET event_ms = event_ms + 1 WHERE organisation = 'may' AND number = 8",
     "may", 8, "at another time"),
    ("UPDATE trace_event SET id = 'urn:uuid:0' WHERE organisation = 'may' AND number = 7",
     "may", 7, "under another id"),
    ("UPDATE trace_event SET recorded_ms = recorded_ms + 1 WHERE organisation = 'may' AND number = 6",
     "may", 4, "among events 4 to 6"),
    ("UPDATE trace_event SET subject = 'x' WHERE organisation = 'hoa' AND number = 1",
     "hoa", 1, "among events 1 to 3"),
    ("UPDATE ledger_root SET document = replace(document, 'may', 'hoa')",
     "", 0, "root of"),
    ("UPDATE ledger_root SET signature = replace(signature, substr(signature, 1, 1), '_')",
     "", 0, "root of"),
)  # fmt: skip


@pytest.mark.parametrize(("statement", "organisation", "number", "why"), ALTERED)
def test_what_was_altered_in_the_database_is_found_and_named(
    ledgers: Ledgers, statement: str, organisation: str, number: int, why: str
) -> None:
    values = {"zero": "0" * 64} if ":zero" in statement else {}
    ledgers.alter(statement, **values)

    found = ledgers.check().altered

    assert found is not None
    assert (found.organisation, found.number) == (organisation, number)
    assert why in found.why


def test_a_ledger_written_anew_from_some_event_on_is_found_by_the_roots(
    ledgers: Ledgers,
) -> None:
    """Whoever has the database can make a chain that fits; not the signature."""
    from greenwater.storage.registry.trace_events.ledger import GENESIS, link_hash

    rows = trace_events(ledgers.registry, "may")
    previous = GENESIS
    for row in rows:
        text = row.document.replace("vu-1", "vu-9") if row.number >= 2 else row.document
        digest = link_hash(previous, text)
        ledgers.alter(
            "UPDATE trace_event SET document = :text, previous = :previous, hash = :hash "
            "WHERE organisation = 'may' AND number = :number",
            text=text, previous=previous, hash=digest, number=row.number,
        )  # fmt: skip
        previous = digest

    found = ledgers.check().altered

    assert found is not None
    assert (found.organisation, found.number) == ("may", 3)
    assert "not what the root of" in found.why


def test_a_ledger_that_was_cut_short_is_found_by_the_roots(ledgers: Ledgers) -> None:
    ledgers.alter("DELETE FROM epcis_entry")
    ledgers.alter("DROP TRIGGER epcis_event_no_delete")
    ledgers.alter("DELETE FROM epcis_event")
    ledgers.alter("DELETE FROM trace_event WHERE organisation = 'hoa' AND number > 5")

    found = ledgers.check().altered

    assert found is not None
    assert (found.organisation, found.number) == ("hoa", 6)
    assert "it ends with 5" in found.why


def test_any_byte_of_an_export_that_is_altered_is_found_and_named(
    ledgers: Ledgers,
) -> None:
    make_root(ledgers.registry, ledgers.signer, NOW + 3 * DAY)
    lines = list(export_ledger(ledgers.registry, "may"))
    assert check_export(lines, ledgers.keys) == LedgerCheck(9, 3, None)
    rng = random.Random(7)
    for row, old in enumerate(lines):
        event = json.loads(old).get("event")
        for at in rng.sample(range(len(old)), 30):
            new = f"{old[:at]}{'0' if old[at] != '0' else '1'}{old[at + 1 :]}"
            told = first_fault([*lines[:row], new, *lines[row + 1 :]], ledgers.keys)
            where = (row, old[max(0, at - 20) : at + 20], told)
            if event is None:
                assert told.startswith(("line", "root", "altered")), where
            else:
                # What a root signs as a whole is named by where its stretch begins;
                # of times of record that go back either may be the wrong one.
                n = event["number"]
                named = {
                    n,
                    (n - 1) // 3 * 3 + 1,
                    n + 1 if "time of record" in told else n,
                }
                ways = (f"line {row + 1} ", *(f"event {one}:" for one in named))
                assert told.startswith(ways), where


def test_what_does_not_say_whose_ledger_it_is_is_no_export(ledgers: Ledgers) -> None:
    first, event, *_ = export_ledger(ledgers.registry, "may")
    for lines in ([], [first.replace("may", "")], [first.replace("ledger", "book")]):
        with pytest.raises(InputError, match="line 1 does not say whose"):
            check_export(lines, ledgers.keys)
    with pytest.raises(InputError, match="line 2 is no event of hoa"):
        check_export([first.replace("may", "hoa"), event], ledgers.keys)


def first_fault(lines: list[str], keys: KeysDocument) -> str:
    """Return what the check says of an export; empty: it takes it for whole."""
    try:
        found = check_export(lines, keys).altered
    except InputError as exc:
        return str(exc)
    if found is None:
        return ""
    return f"event {found.number}: {found.why}" if found.number else found.why


def test_greenwater_verify_names_it(ledgers: Ledgers, tmp_path: Path) -> None:
    lines = list(export_ledger(ledgers.registry, "hoa"))
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text("\n".join(lines))
    bad.write_text(
        "\n".join([*lines[:5], lines[5].replace("vu-1", "vu-7"), *lines[6:]])
    )
    keys = tmp_path / "keys.json"
    keys.write_bytes(msgspec.json.encode(ledgers.keys))
    run = CliRunner()

    whole = run.invoke(build([]), ["verify", str(good), "--keys", str(keys)])
    broken = run.invoke(build([]), ["verify", str(bad), "--keys", str(keys)])

    both = run.invoke(build([]), ["verify", str(bad), str(good), "--keys", str(keys)])

    assert (both.exit_code, both.output) == (1, broken.output + whole.output)
    assert (whole.exit_code, whole.output) == (0, "whole: 9 events, 2 signed roots\n")
    assert broken.exit_code == 1
    assert broken.output.startswith("altered: hoa event 5 urn:uuid:")


def test_the_end_of_a_day_is_vietnams() -> None:
    assert instant(NOW).isoformat() == "2026-05-28T20:26:40+00:00"
    assert day_before(NOW) == "2026-05-28", "it is the 29th in Khánh Hòa"


def test_greenwater_ledger_signs_once_and_exports_what_verify_reads(
    ledgers: Ledgers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path))
    monkeypatch.setenv("GREENWATER_CLOCK", "2026-06-02T00:00:00Z")
    run, file = CliRunner(), tmp_path / "ledger.jsonl"

    told = [run.invoke(build([]), ["ledger", "root"]).output for _ in range(2)]
    written = run.invoke(build([]), ["ledger", "export", "hoa", str(file)])
    checked = [run.invoke(build([]), ["verify", one]) for one in ("ledger", str(file))]

    assert told[0].startswith("root of 2026-06-01, signed by ")
    assert told[1] == "that day has its root already\n"
    assert written.exit_code == 0
    assert [one.output for one in checked] == [
        "whole: 18 events, 3 signed roots\n", "whole: 9 events, 3 signed roots\n",
    ]  # fmt: skip
