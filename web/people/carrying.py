"""All that is somebody's own, to take away: a ZIP of JSON and CSV, made as it is sent."""

import contextlib
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import IO, Any, Final

import msgspec

from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.cells import plain_cell
from greenwater.kernel.channels import SPECS
from greenwater.kernel.errors import MissingError
from greenwater.kernel.reading import instant
from greenwater.storage.export import deployed_spans
from greenwater.storage.registry import Registry
from greenwater.storage.registry.devices import Deployed
from web.door.photos import album_of
from web.ports import Services

ROWS_AT_ONCE: Final = 2_000
MOST_NOTED: Final = 100_000
README: Final = """\
Greenwater: dữ liệu của tôi / my own data

account.json    tài khoản, vai trò, phiên đăng nhập, đồng ý / account, roles, sessions, consents
acts.csv        việc đã làm, theo nhật ký truy cập / what the audit log holds of you
HO/records.json sổ của hộ, đơn vị / the book of the organisation HO
HO/vessels.json sổ của tàu / the books of its vessels
HO/photos.json  ảnh trong sổ, của ai, khi nào / photos on records of both, by whom and when
HO/photos/*.jpg các ảnh ấy / those photos, called by the SHA-256 of their bytes
HO/inspections.json lượt kiểm tra tàu, như đã ký / inspections of its vessels, as signed
HO/readings.csv số đo / readings: time in UTC, empty value: the probe answered badly.
                told: như đầu đo gửi / raw, as the probe sent it; value: thật ra trong nước / what
                the water held (made: told, salted = bù độ mặn / put right for salt, derived =
                tính ra / worked out, not sent)
"""
READINGS: Final = (
    "time", "device", "probe", "channel", "value", "unit", "told", "made",
)  # fmt: skip


class _Pipe(io.RawIOBase):
    """Takes what is written and hands it on; a ZIP needs no more of its file."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def own_data(
    services: Services, person: str, organisations: Sequence[str], now_ms: int
) -> Iterator[bytes]:
    """Yield a ZIP of a person's account and acts, and of his organisations' data.

    What others' organisations have is not in it, whatever he may see of them on duty.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        account = _account(services.registry, person, now_ms)
        archive.writestr("account.json", _json(account))
        yield pipe.take()
        with archive.open("acts.csv", "w") as file:
            _rows(file, ("time", "act", "subject", "outcome", "session"))
            _rows_of(file, _acts(services.registry, person))
        for one in organisations:
            for _ in _organisation(archive, services.of_organisation(one), one, now_ms):
                yield pipe.take()
    yield pipe.take()


def _json(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _account(registry: Registry, person: str, now_ms: int) -> Mapping[str, Any]:
    info = registry.get_person(person)
    contacts = [one for one in registry.contacts() if one.person == person]
    factor = registry.find_second_factor(person)
    return {
        "id": info.id,
        "name": info.name,
        "phone": info.phone,
        "roles": [
            {"organisation": where, "role": role} for where, role in info.memberships
        ],
        "second_factor_since_ms": None if factor is None else factor.confirmed_ms,
        "alarms_are_sent_to": contacts,
        "sessions": registry.list_sessions(person, now_ms),
        "consents": registry.consents(person),
    }


def _acts(registry: Registry, person: str) -> Iterator[Sequence[object]]:
    for one in registry.noted(person=person, limit=MOST_NOTED):
        at = instant(one.at_ms).isoformat()
        yield at, one.act, one.subject, one.outcome, one.session


def _organisation(
    archive: zipfile.ZipFile, services: Services, organisation: str, now_ms: int
) -> Iterator[None]:
    """Write an organisation's books and readings, pausing now and then."""
    seen = services.seen
    books = {
        "sites": seen.sites(),
        "units": seen.units(),
        "products": seen.products(),
        "crops": seen.crops(),
        "records": seen.records(),
        "lots": seen.lots(),
    }
    archive.writestr(f"{organisation}/records.json", _json(books))
    yield
    vessels = {one.id: seen.vessel_records(vessel=one.id) for one in seen.vessels()}
    archive.writestr(f"{organisation}/vessels.json", _json(vessels))
    yield
    yield from _photos(archive, services, organisation)
    inspected = seen.vessel_inspections()
    archive.writestr(f"{organisation}/inspections.json", _json(inspected))
    yield
    with archive.open(f"{organisation}/readings.csv", "w") as file:
        _rows(file, READINGS)
        for count, row in enumerate(_readings(services, now_ms), 1):
            _rows(file, row)
            if count % ROWS_AT_ONCE == 0:
                yield
    yield


def _photos(
    archive: zipfile.ZipFile, services: Services, organisation: str
) -> Iterator[None]:
    """Write the photos on an organisation's records; a file that is not there is left out."""
    photos = services.seen.every_photo()
    archive.writestr(f"{organisation}/photos.json", _json(photos))
    if services.photos is None:
        return
    album = album_of(services)
    for digest in sorted({one.digest for one in photos}):
        with contextlib.suppress(MissingError):
            archive.writestr(f"{organisation}/photos/{digest}.jpg", album.read(digest))
        yield


def _readings(services: Services, now_ms: int) -> Iterator[Sequence[object]]:
    seen = services.seen
    hung = seen.deployments(start_ms=0, end_ms=now_ms)
    for place, some in groupby(sorted(hung, key=_place), key=_place):
        there = [*some]
        water = UnitWater(services.telemetry, there if place[0] else ())
        for span in deployed_spans(there, 0, now_ms):
            for one, told, made in water.held(span):
                at = instant(one.taken_ms).isoformat(timespec="milliseconds")
                name, unit = one.channel.value, SPECS[one.channel].unit
                value, raw = _number(one.value), _number(told)
                yield at, one.device, one.probe, name, value, unit, raw, made


def _place(one: Deployed) -> tuple[str, str]:
    return one.unit or "", one.vessel or ""


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _rows(file: IO[bytes], *rows: Sequence[object]) -> None:
    _rows_of(file, rows)


def _rows_of(file: IO[bytes], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([plain_cell(str(one)) for one in row])
    file.write(text.getvalue().encode())
