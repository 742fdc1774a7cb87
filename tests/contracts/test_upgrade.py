"""Data of the release before (registry at migration 0005, telemetry file 1) stays whole.

The rows are written as that release wrote them, by SQL, not by today's program.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.exc import DatabaseError

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import instant
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.migrating import HEAD
from greenwater.storage.registry.models import Base
from greenwater.storage.registry.session import open_engine
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span
from greenwater.storage.telemetry.sqlite_file import APPLICATION_ID, STEPS, VERSION
from tests.contracts.registries import NOW, Databases
from tests.ledgers import altered, trace_events
from traceability.label.labels import Published
from traceability.proof.keys import open_signer

PREVIOUS = "0005"
GTIN = "09521234543213"
NAME = "Hộ ông Hòa – ao 1"
SERIALS = ("0123456789AB", "0123456789AC")


def an_event(number: int, previous: str) -> dict[str, Any]:
    """Return a trace event as the ledger of then held it."""
    at = instant(NOW + number).isoformat().replace("+00:00", "Z")
    document = json.dumps(
        {
            "action": "ADD",
            "bizStep": "commissioning",
            "epcList": [f"urn:epc:id:sgtin:952123454.321.{number}"],
            "eventID": f"ni:///sha-256;{number:064x}?ver=CBV2.0",
            "eventTime": at,
            "eventTimeZoneOffset": "+07:00",
            "type": "ObjectEvent",
        },
        separators=(",", ":"),
    )
    return {
        "number": number, "id": f"ni:///sha-256;{number:064x}?ver=CBV2.0",
        "subject": "lot-1", "event_ms": NOW + number, "recorded_ms": NOW + 10,
        "document": document, "previous": previous,
        "hash": hashlib.sha256(f"{previous}\n{document}".encode()).hexdigest(),
    }  # fmt: skip


FIRST = an_event(1, "0" * 64)
ALARM = {
    "id": "alarm-1", "condition": "hoa-ao-1/oxygen", "unit": "ao-1", "kind": "level",
    "channel": "dissolved_oxygen", "side": "low", "severity": "warning",
    "state": "active", "began_ms": NOW, "raised_ms": NOW, "value": 3.5, "worst": 3.1,
    "limit": 4.0, "is_late": False, "is_simulated": False, "detail": {"n": 1},
}  # fmt: skip
RECORD = {
    "unit": "ao-1", "crop": "vu-1", "happened_ms": NOW, "entered_ms": NOW + 5,
    "entered_by": "lan", "source": "person", "digest": "d" * 64,
}  # fmt: skip

ROWS: tuple[tuple[str, list[dict[str, Any]]], ...] = (
    ("organisation", [{"id": "hoa", "name": NAME, "kind": "household"}]),
    ("person", [{"id": "lan", "name": "Lan", "phone": "+84905000001"}]),
    ("membership", [{"person": "lan", "role": "farmer"}]),
    ("account", [{"person": "lan", "secret_hash": "$argon2id$x", "is_pin": True,
                  "failures": 2, "locked_until_ms": 0}]),
    ("site", [{"id": "farm", "name": "Trại Hòa", "kind": "land", "commune": "22450",
               "latitude": 12.5, "longitude": 109.1}]),
    ("raft", [{"id": "raft", "site": "farm", "name": "Bè 1"}]),
    ("unit", [{"id": "ao-1", "site": "farm", "raft": None, "name": "Ao 1",
               "kind": "pond", "species": "PNV", "area_m2": 2000.5, "depth_m": 1.4}]),
    ("vessel", [{"id": "kh-96127", "name": "KH 96127 TS", "length_m": 15.5,
                 "gear": "LLD"}]),
    ("device", [{"id": "box-1", "site": "farm", "name": "", "state": "active",
                 "is_simulated": False, "bcrypt_hash": "b", "pbkdf2_hash": "p",
                 "added_ms": NOW}]),
    ("probe", [{"device": "box-1", "id": "top", "source": "probe"}]),
    ("deployment", [{"device": "box-1", "probe": "top", "unit": "ao-1", "depth_m": 0.5,
                     "from_ms": NOW, "recorded_ms": NOW}]),
    ("command", [{"id": "c1", "device": "box-1", "kind": "switch",
                  "args": {"output": "aerator"}, "created_ms": NOW,
                  "expires_ms": NOW + 9, "settled_ms": NOW + 1, "is_done": True,
                  "message": "ok"}]),
    ("quarantine", [{"device": "box-1", "account": "box-1", "topic": "gw/1/box-1/up",
                     "kind": "record", "reason": "wrong unit", "received_ms": NOW,
                     "digest": "q", "size": 3, "raw": b"\x00\x01\x02"}]),
    ("quarantine_account", [{"account": "box-1", "held_bytes": 3}]),
    ("ingest_epoch", [{"id": "epoch-1"}]),
    ("operator_alarm", [{"kind": "disk", "subject": "platform", "message": "nearly",
                         "raised_ms": NOW}]),
    ("analytics_state", [{"name": "cursor", "document": b"\x80", "saved_ms": NOW}]),
    ("alarm", [ALARM]),
    ("alarm_step", [{"alarm": "alarm-1", "key": "raised", "at_ms": NOW,
                     "kind": "raised", "detail": {}}]),
    ("product", [{"id": GTIN, "name_vi": "Tôm thẻ", "name_en": "Shrimp",
                  "species": "PNV"}]),
    ("crop", [{"id": "vu-1", "unit": "ao-1", "product": GTIN, "species": "PNV",
               "name": "Vụ 1", "started_ms": NOW}]),
    ("record", [
        RECORD | {"id": "r1", "kind": "feed_use", "fields": {"kg": "92.5"}},
        RECORD | {"id": "r2", "kind": "feed_use", "fields": {"kg": "90"},
                  "corrects": "r1"},
        RECORD | {"id": "r3", "kind": "harvest", "fields": {"kg": "2500"}},
    ]),
    ("lot", [{"id": "lot-1", "code": "260602-0A1B2C", "product": GTIN, "crop": "vu-1",
              "unit": "ao-1", "harvest": "r3", "harvested_ms": NOW, "kg": 2500.0,
              "evidence": {"channels": []}, "evidence_digest": "e" * 64,
              "created_ms": NOW, "created_by": "lan"}]),
    ("trace_event", [FIRST, an_event(2, FIRST["hash"])]),
    ("signing_key", [{"id": "g7nzdvvj", "public": "A" * 43, "from_ms": NOW}]),
    ("label", [
        {"id": serial, "lot": "lot-1", "key": "g7nzdvvj", "issued_ms": NOW,
         "issued_by": "lan",
         "uri": f"https://nuocxanh.example/01/{GTIN}/10/260602-0A1B2C/21/{serial}"
                f"?k=g7nzdvvj&s={'A' * 86}"}
        for serial in SERIALS
    ]),
    ("label_act", [{"label": SERIALS[0], "kind": "revoked", "reason": "in hỏng",
                    "at_ms": NOW, "person": "lan"}]),
    ("recall", [{"lot": "lot-1", "reason": "dư lượng", "phone": "0905",
                 "at_ms": NOW, "person": "lan"}]),
)  # fmt: skip
HISTORY = ("record", "lot", "trace_event", "label", "label_act")


def of_then(url: str) -> dict[str, list[dict[str, Any]]]:
    """Make a database as the release before left it; return its rows."""
    engine = open_engine(url)
    config = Config()
    folder = resources.files("greenwater.storage.registry") / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, PREVIOUS)
        for name, rows in ROWS:
            columns = {one["name"] for one in inspect(connection).get_columns(name)}
            for row in rows:
                put(connection, name, ({"organisation": "hoa"} if "organisation"
                    in columns else {}) | row)  # fmt: skip
        found = {name: rows_of(connection, name) for name, _ in ROWS}
    engine.dispose()
    return found


def put(connection: Connection, name: str, row: Mapping[str, Any]) -> None:
    """Insert a row as SQL of that time."""
    is_postgres = connection.dialect.name == "postgresql"
    values = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()}
    marks = ", ".join(
        f"CAST(:{k} AS JSON)" if isinstance(v, dict) and is_postgres else f":{k}"
        for k, v in row.items()
    )
    names = ", ".join(f'"{k}"' for k in row)
    connection.execute(text(f'INSERT INTO "{name}" ({names}) VALUES ({marks})'), values)


def rows_of(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return a table's rows, by whatever columns it has."""
    found = connection.execute(text(f'SELECT * FROM "{name}"')).mappings()
    return sorted((dict(row) for row in found), key=str)


def test_every_row_of_the_release_before_is_there_and_still_guarded(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.bare()
    before = of_then(url)
    with open_registry(url) as registry:
        engine = open_engine(url)
        with engine.connect() as connection:
            assert (
                connection.scalar(text("SELECT version_num FROM alembic_version"))
                == HEAD
            )
            for name, old in before.items():
                now = rows_of(connection, name)
                assert len(now) == len(old), name
                for row in old:
                    assert any(row.items() <= one.items() for one in now), (name, row)
            for table in HISTORY:
                assert_refused(connection, table)
            assert_same_columns(connection)
        engine.dispose()
        # Today's program understands them.
        assert registry.get_lot("lot-1").origin == "harvest"
        assert [
            one.corrects for one in registry.records(crop="vu-1") if one.corrects
        ] == ["r1"]
        assert altered(trace_events(registry, "hoa")) is None
        signer = open_signer(tmp_path / "keys", registry, NOW)
        status = Published(registry, signer, ManualClock(instant(NOW))).status()
        assert status.revoked == (SERIALS[0],)
        assert [one.lot for one in status.recalled] == ["260602-0A1B2C"]
        # Numbers go on, and nothing is taken twice.
        registry.new_epoch()
        registry.end_call_back("lot-1", lambda _lots: {}, NOW + 1)
        assert not registry.recalls()


def assert_refused(connection: Connection, table: str) -> None:
    """Have the database itself refuse to change and to delete rows."""
    column = inspect(connection).get_columns(table)[0]["name"]
    for statement in (
        f'UPDATE "{table}" SET "{column}" = "{column}"',
        f'DELETE FROM "{table}"',
    ):
        with pytest.raises(DatabaseError, match="never changed or deleted"):
            connection.exec_driver_sql(statement)
        connection.rollback()


def assert_same_columns(connection: Connection) -> None:
    """Hold the upgraded schema against the models."""
    table: Table
    for table in Base.metadata.sorted_tables:
        there = {one["name"] for one in inspect(connection).get_columns(table.name)}
        assert there == {column.name for column in table.columns}, table.name


@pytest.mark.parametrize("wal", [True, False], ids=["was-killed", "was-stopped"])
def test_readings_of_the_release_before_are_read_and_added_to(
    tmp_path: Path, wal: bool
) -> None:
    path = tmp_path / "telemetry.db"
    with closing(sqlite3.connect(path)) as file:
        if wal:
            file.execute("PRAGMA journal_mode = WAL")
        file.executescript(STEPS[0])
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        file.execute("PRAGMA user_version = 1")
        file.execute("INSERT INTO channel (id, name) VALUES (1, 'ph')")
        file.execute("INSERT INTO series VALUES (1, 'box-1', 'top')")
        file.execute("INSERT INTO series_channel VALUES (1, 1)")
        file.executemany(
            "INSERT INTO reading VALUES (1, ?, 1, ?, NULL, 1, 11)",
            [(NOW + n * 1000, 7 + n / 100) for n in range(100)],
        )
        file.execute(
            "INSERT INTO intake VALUES ('w1', 9, 'box-1', ?, 4, 5, 100, 0, 0, 0, ?, ?, ?)",
            ("o" * 16, NOW, NOW + 99_000, NOW),
        )
        file.commit()
    assert VERSION > 1
    store = open_telemetry(f"sqlite:///{path}")
    series = Series(DeviceId("box-1"), ProbeId("top"))
    found = list(store.read(Span(series, 0, 2**53)))
    assert [(r.channel, r.taken_ms, r.value) for r in found] == [
        (Channel.PH, NOW + n * 1000, 7 + n / 100) for n in range(100)
    ]
    assert len(store.flags(Span(series, 0, 2**53))) == 100
    assert [row.sequence for row in store.intake_after({}, 10)] == [9]
    assert store.findings.forecasts(Span(series, 0, 2**53)) == []
    store.write(found)
    assert len(list(store.read(Span(series, 0, 2**53)))) == 100
    store.close()
