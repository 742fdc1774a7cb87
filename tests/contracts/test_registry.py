"""The registry's promises, on SQLite and on PostgreSQL."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.wire.messages import Reply, Status
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.credentials import make_credentials
from greenwater.storage.registry.places import Role, parse_vessel
from ingest.ports import Quarantined
from ingest.ports import Registry as AskedByIngest
from tests.servers import Postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.live)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.db"
    server: Postgres = request.getfixturevalue("postgres")
    name = f"t{secrets.token_hex(8)}"
    admin = server.url().replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url(name)


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    with open_registry(url) as opened:
        yield opened


def a_farm(registry: Registry, organisation: str = "org") -> None:
    registry.add_organisation(organisation, f"Hộ {organisation}")
    registry.add_site(f"{organisation}-site", organisation=organisation, name="Trại")
    for number in (1, 2):
        registry.add_unit(
            f"{organisation}-ao-{number}",
            site=f"{organisation}-site",
            name=f"Ao {number}",
        )


def a_device(registry: Registry, device: str = "box-1", site: str = "org-site") -> None:
    credentials = make_credentials(secrets.token_bytes)
    registry.add_device(device, site=site, credentials=credentials, now_ms=5)


def entry(raw: bytes, device: str = "box-1", reason: str = "bad") -> Quarantined:
    return Quarantined(device, "topic", "record", raw, reason, 7)


def test_it_is_what_ingest_asks_for(registry: Registry) -> None:
    asked: AskedByIngest = registry
    assert asked.device_states() == {}


def test_opening_twice_migrates_once_and_keeps_what_is_there(url: str) -> None:
    with open_registry(url) as first:
        a_farm(first)
    with open_registry(url) as again:
        assert [unit.name for unit in again.visible_to(None).units()] == [
            "Ao 1",
            "Ao 2",
        ]


def test_a_device_is_active_until_it_is_revoked(registry: Registry) -> None:
    a_farm(registry)
    a_device(registry)
    assert registry.device_states() == {DeviceId("box-1"): DeviceState.ACTIVE}
    registry.revoke_device("box-1", 9)
    assert registry.device_states() == {DeviceId("box-1"): DeviceState.REVOKED}


def test_a_device_is_registered_once_and_somewhere_that_exists(
    registry: Registry,
) -> None:
    a_farm(registry)
    a_device(registry)
    with pytest.raises(ConflictError, match="box-1 is registered already"):
        a_device(registry)
    with pytest.raises(MissingError, match="site nowhere is not registered"):
        a_device(registry, "box-2", "nowhere")
    with pytest.raises(InputError, match="device id 'Box 3'"):
        a_device(registry, "Box 3")
    with pytest.raises(MissingError, match="device ghost is not registered"):
        registry.revoke_device("ghost", 1)


def test_no_password_is_kept(registry: Registry) -> None:
    a_farm(registry)
    credentials = make_credentials(secrets.token_bytes)
    registry.add_device("box-1", site="org-site", credentials=credentials, now_ms=1)
    (info,) = registry.list_devices()
    assert credentials.password not in repr(info)
    assert info.bcrypt_hash.startswith("$2a$04$")
    assert info.pbkdf2_hash.startswith("$7$101$")


def test_adding_a_place_again_changes_nothing_and_contradicting_it_is_a_conflict(
    registry: Registry,
) -> None:
    a_farm(registry)
    a_farm(registry)
    with pytest.raises(
        ConflictError, match="unit org-ao-1 has name 'Ao 1', not 'Ao 9'"
    ):
        registry.add_unit("org-ao-1", site="org-site", name="Ao 9")


def test_nobody_sees_another_organisations_anything(registry: Registry) -> None:
    for organisation in ("one", "two"):
        a_farm(registry, organisation)
        a_device(registry, f"box-{organisation}", f"{organisation}-site")
        registry.add_raft(
            f"{organisation}-raft", site=f"{organisation}-site", name="Bè"
        )
        registry.add_vessel(
            f"KH-9512{len(organisation + organisation[:1])}-TS",
            organisation=organisation,
            name=organisation,
        ) if organisation == "one" else None
        registry.add_person(f"person-{organisation}", organisation)
        registry.add_member(f"person-{organisation}", organisation, Role.FARMER)
    mine = registry.visible_to("person-two")
    assert {site.id for site in mine.sites()} == {"two-site"}
    assert {unit.id for unit in mine.units()} == {"two-ao-1", "two-ao-2"}
    assert list(mine.devices()) == ["box-two"]
    assert [raft[0] for raft in mine.rafts()] == ["two-raft"]
    assert list(mine.vessels()) == []
    assert len(registry.visible_to("person-one").vessels()) == 1


def test_an_inspector_sees_the_province_and_a_stranger_nothing(
    registry: Registry,
) -> None:
    a_farm(registry)
    for person in ("inspector", "stranger"):
        registry.add_person(person, person)
    registry.add_member("inspector", "org", Role.INSPECTOR)
    assert len(registry.visible_to("inspector").sites()) == 1
    assert list(registry.visible_to("stranger").sites()) == []
    with pytest.raises(MissingError, match="person nobody"):
        registry.visible_to("nobody")


def test_moving_a_probe_ends_where_it_hung_and_says_where_it_was_when(
    registry: Registry,
) -> None:
    a_farm(registry)
    a_device(registry)
    registry.deploy("box-1", "p", unit="org-ao-1", depth_m=0.5, from_ms=100)
    registry.deploy("box-1", "p", unit="org-ao-2", depth_m=1.0, from_ms=200)
    places = [
        (found.unit if (found := registry.where("box-1", "p", at)) else None)
        for at in (99, 100, 199, 200, 10**15)
    ]
    assert places == [None, "org-ao-1", "org-ao-1", "org-ao-2", "org-ao-2"]
    (first,) = registry.deployments(unit="org-ao-1", start_ms=0, end_ms=1000)
    assert (first.from_ms, first.to_ms, first.depth_m) == (100, 200, 0.5)
    assert list(registry.deployments(unit="org-ao-1", start_ms=200, end_ms=300)) == []


def test_correcting_a_deployment_moves_its_whole_past(registry: Registry) -> None:
    a_farm(registry)
    a_device(registry)
    registry.deploy("box-1", "p", unit="org-ao-1", from_ms=100)
    registry.correct_deployment("box-1", "p", 150, unit="org-ao-2", depth_m=2.0)
    where = registry.where("box-1", "p", 120)
    assert where is not None
    assert (where.unit, where.depth_m) == ("org-ao-2", 2.0)


def test_one_probe_cannot_hang_in_two_places(registry: Registry) -> None:
    a_farm(registry)
    a_device(registry)
    registry.deploy("box-1", "p", unit="org-ao-1", from_ms=100, to_ms=300)
    with pytest.raises(ConflictError, match="box-1/p hangs in org-ao-1"):
        registry.deploy("box-1", "p", unit="org-ao-2", from_ms=200)
    registry.deploy("box-1", "p", unit="org-ao-2", from_ms=300)
    registry.deploy("box-1", "q", unit="org-ao-2", from_ms=100)  # another probe may


def test_quarantine_keeps_each_entry_once_with_its_bytes(registry: Registry) -> None:
    registry.quarantine([entry(b"\x00\xff"), entry(b"\x00\xff"), entry(b"b")])
    registry.quarantine([entry(b"b")])
    found = registry.list_quarantine()
    assert len(found) == 2
    assert registry.get_quarantined(found[0].id).raw == b"\x00\xff"
    with pytest.raises(MissingError):
        registry.get_quarantined(10**6)


def test_over_budget_the_oldest_lose_their_bytes_never_their_row(
    registry: Registry,
) -> None:
    registry.bytes_per_device = 250
    for number in range(5):
        registry.quarantine([entry(bytes([number]) * 100)])
    registry.quarantine([entry(b"x" * 100, device="other")])
    mine = registry.list_quarantine(device="box-1")
    kept = [registry.get_quarantined(one.id).raw is not None for one in mine]
    assert kept == [False, False, False, True, True]
    assert all(one.size == 100 for one in mine)
    (other,) = registry.list_quarantine(device="other")
    assert registry.get_quarantined(other.id).raw is not None


def test_a_command_is_due_until_it_is_answered_or_expires(registry: Registry) -> None:
    a_farm(registry)
    a_device(registry)
    a_device(registry, "box-2")
    args = {"since_ms": 5}
    registry.add_command("c1", "box-1", "resend", args, now_ms=1, expires_ms=100)
    ((device, command),) = registry.commands_due(50)
    assert (device, command.id, command.args) == ("box-1", "c1", args)
    assert list(registry.commands_due(100)) == []
    registry.save_reply(DeviceId("box-2"), Reply("c1", True, "not mine"), 60)
    assert registry.get_reply("c1") is None
    registry.save_reply(DeviceId("box-1"), Reply("c1", True, "done"), 60)
    registry.save_reply(DeviceId("box-1"), Reply("c1", False, "again"), 61)
    assert registry.get_reply("c1") == Reply("c1", True, "done")
    assert list(registry.commands_due(50)) == []


def test_the_latest_status_stands(registry: Registry) -> None:
    a_farm(registry)
    a_device(registry)
    device = DeviceId("box-1")
    registry.save_status(device, Status(online=True, boot="a", outbox_depth=3), 10)
    registry.save_status(device, Status(online=False, boot="a"), 20)
    assert registry.statuses() == {device: (20, Status(online=False, boot="a"))}


def test_an_operator_alarm_is_raised_once_and_cleared(registry: Registry) -> None:
    registry.raise_operator_alarm("disk", "platform", "400 MB left", 1)
    registry.raise_operator_alarm("disk", "platform", "300 MB left", 2)
    (alarm,) = registry.operator_alarms()
    assert (alarm.message, alarm.raised_ms) == ("300 MB left", 1)
    registry.clear_operator_alarm("disk", "platform", 3)
    assert list(registry.operator_alarms()) == []
    (past,) = registry.operator_alarms(with_cleared=True)
    assert past.cleared_ms == 3


def test_every_start_is_a_new_epoch(registry: Registry) -> None:
    assert len({registry.new_epoch() for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("KH-95123-TS", "KH-95123-TS"),
        ("kh 9512.TS", "KH-9512-TS"),
        ("BĐ-95526.TS", "BĐ-95526-TS"),
    ],
)
def test_registration_numbers_are_kept_one_way(written: str, kept: str) -> None:
    assert parse_vessel(written) == kept


def test_what_is_no_registration_number_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="'Tàu 5' is no registration number"):
        parse_vessel("Tàu 5")
