"""Places, people, and who sees what: one organisation never sees another's."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import delete
from sqlalchemy.orm import Session

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.reference.limits import Bounds
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.models import Base, Organisation, Tenanted
from greenwater.storage.registry.models.changes import PlaceChangeRow
from greenwater.storage.registry.models.unit_limits import UnitLimitRow
from greenwater.storage.registry.people import OrganisationKind, Role, reach
from greenwater.storage.registry.watching import Pass
from tests.contracts.registries import HOUR, NOW, a_box, a_farm

PLATFORM_TABLES = {
    "organisation", "person", "quarantine", "quarantine_account", "operator_alarm",
    "ingest_epoch", "analytics_state", "account", "session", "signing_key",
    # Of a person, not of a tenant.
    "second_factor", "recovery_code", "one_time_link", "consent", "inspector_key",
    # Of the platform and its authorities.
    "audit", "api_write", "ledger_root", "office", "sanction", "pulse",
}  # fmt: skip

PASSING = {("lot_step", "lot_step"), ("lot_flow", "lot")}
"""Goods pass from one to the other, and only they (storage/registry/passing.py)."""


def two_households(registry: Registry) -> None:
    """Hoa and Ba, each with a farm, a box in its pond, a boat and a person."""
    for number, name in enumerate(("hoa", "ba")):
        box = a_box(registry, name)
        registry.add_raft(f"{name}-raft", site=f"{name}-farm", name="Bè 1")
        registry.deploy(
            box, "top", unit=f"{name}-ao-1", depth_m=0.5, from_ms=NOW, now_ms=NOW
        )
        registry.add_vessel(f"KH-9000{number}-TS", organisation=name, name=name)
        registry.add_command(
            f"c-{name}", box, "on", {}, now_ms=NOW, expires_ms=NOW + HOUR
        )
        registry.add_person(f"{name}-person", f"Cô {name}", f"090123456{number}")
        registry.add_member(f"{name}-person", name, Role.FARMER)
        registry.change_unit(
            f"{name}-ao-1", name="Ao 1", raft=f"{name}-raft", species="PNV",
            area_m2=None, depth_m=None, person=f"{name}-person", at_ms=NOW,
        )  # fmt: skip
        registry.set_unit_limits(
            f"{name}-ao-1", OwnLimits(channel=Channel.PH, warn=Bounds(7.5)),
            person=f"{name}-person", at_ms=NOW,
        )  # fmt: skip
        registry.save_pass(Pass(saved_ms=NOW, states={}, alarms=[an_alarm(name)]))


def an_alarm(name: str) -> Alarm:
    return Alarm(
        id=f"{name}-alarm",
        organisation=name,
        condition=f"silence/{name}-box",
        kind="silence",
        severity="critical",
        state=AlarmState.RAISED,
        began_ms=NOW,
        raised_ms=NOW,
        site=f"{name}-farm",
    )


HASH = re.compile(r"'[^' ]*\$[^']*'")
"""What is kept of a password: any letters may stand in it."""

Question = Callable[[Scope], object]
QUESTIONS: list[Question] = [
    lambda scope: scope.sites(),
    lambda scope: scope.rafts(),
    lambda scope: scope.units(),
    lambda scope: scope.vessels(),
    lambda scope: scope.devices(),
    lambda scope: scope.list_devices(),
    lambda scope: scope.list_probes(),
    lambda scope: scope.deployments(),
    lambda scope: scope.alarms(),
    lambda scope: [
        change
        for name in ("hoa", "ba")
        for change in scope.place_changes("unit", f"{name}-ao-1")
    ],
    lambda scope: [
        one for name in ("hoa", "ba") for one in scope.limit_changes(f"{name}-ao-1")
    ],
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_organisation_never_sees_anothers(
    registry: Registry, question: Question
) -> None:
    two_households(registry)

    hoa, ba = (
        HASH.sub("", repr(question(registry.visible_to(f"{name}-person"))))
        for name in ("hoa", "ba")
    )

    assert hoa != "[]"
    assert "ba" not in hoa.replace("probe", "")
    assert "hoa" not in ba
    everything = repr(question(registry.visible_to(None)))
    assert "hoa" in everything
    assert "ba" in everything


def test_asking_for_anothers_by_name_is_as_asking_for_nothing(
    registry: Registry,
) -> None:
    two_households(registry)
    hoa = registry.visible_to("hoa-person")

    with pytest.raises(MissingError):
        hoa.get_unit("ba-ao-1")
    with pytest.raises(MissingError):
        hoa.get_device("ba-box")
    with pytest.raises(MissingError):
        hoa.get_vessel("KH-90001-TS")
    assert hoa.where("ba-box", "top", NOW) is None
    assert hoa.deployments(unit="ba-ao-1") == []
    assert hoa.list_probes("ba-box") == []
    assert hoa.get_unit("hoa-ao-1").name == "Ao 1"


def test_statuses_are_seen_by_whose_box_it_is(registry: Registry) -> None:
    from greenwater.kernel.wire.messages import Status

    two_households(registry)
    for device in registry.devices():
        registry.save_statuses({device: Status(True, "boot")}, NOW)

    assert list(registry.visible_to("hoa-person").statuses()) == ["hoa-box"]


def test_every_table_is_somebodys_or_the_platforms() -> None:
    mappers = list(Base.registry.mappers)
    somebodys = [one for one in mappers if issubclass(one.class_, Tenanted)]
    tables = {one.class_.__tablename__ for one in mappers}
    others = tables - {one.class_.__tablename__ for one in somebodys}
    assert others == PLATFORM_TABLES, (
        f"{others ^ PLATFORM_TABLES}: a table of an organisation's own is Tenanted "
        "(models/core.py); else it stands in PLATFORM_TABLES here"
    )

    for mapper in somebodys:
        for reference in mapper.class_.__table__.foreign_key_constraints:
            goes_to = reference.referred_table.name
            within = {column.name for column in reference.columns}
            link = mapper.class_.__tablename__, goes_to
            assert goes_to in (*PLATFORM_TABLES, "raft", "probe") or (
                "organisation" in within or link in PASSING
            ), f"{mapper.class_.__tablename__} may leave its organisation by {goes_to}"


def test_a_person_of_two_organisations_sees_both(registry: Registry) -> None:
    two_households(registry)
    registry.add_member("hoa-person", "ba", Role.TECHNICIAN)

    assert len(registry.visible_to("hoa-person").sites()) == 2

    registry.drop_member("hoa-person", "ba", Role.TECHNICIAN)
    registry.drop_member("hoa-person", "ba", Role.TECHNICIAN)
    assert len(registry.visible_to("hoa-person").sites()) == 1


def test_a_person_of_none_sees_nothing(registry: Registry) -> None:
    two_households(registry)
    registry.add_person("guest", "Khách")

    guest = registry.visible_to("guest")
    assert [list(guest.sites()), list(guest.vessels()), list(guest.units())] == [[]] * 3
    with pytest.raises(MissingError, match="person nobody"):
        registry.visible_to("nobody")


def test_officers_of_an_authority_see_the_province(registry: Registry) -> None:
    two_households(registry)
    registry.add_organisation(
        "so-nnmt", "Sở Nông nghiệp và Môi trường", kind=OrganisationKind.AUTHORITY
    )
    registry.add_person("officer", "Anh Nam")
    registry.add_member("officer", "so-nnmt", Role.OFFICER)

    assert len(registry.visible_to("officer").sites()) == 2


A, H = OrganisationKind.AUTHORITY, OrganisationKind.HOUSEHOLD


@pytest.mark.parametrize(
    ("memberships", "seen"),
    [
        ([], frozenset()),
        ([("hoa", H, Role.ADMIN)], {"hoa"}),
        # An internal inspector of a household is no inspector of the province.
        ([("hoa", H, Role.INSPECTOR), ("hoa", H, Role.OFFICER)], {"hoa"}),
        ([("so", A, Role.TECHNICIAN), ("hoa", H, Role.FARMER)], {"so", "hoa"}),
        ([("so", A, Role.INSPECTOR)], None),
        ([("hoa", H, Role.FARMER), ("so", A, Role.OFFICER)], None),
    ],
)
def test_only_the_duty_of_an_authority_reaches_beyond_its_own(
    memberships: list[tuple[str, OrganisationKind, Role]], seen: set[str] | None
) -> None:
    assert reach(memberships) == seen


def test_adding_a_place_twice_changes_nothing(registry: Registry) -> None:
    for _ in range(2):
        a_farm(registry)
        registry.add_raft("be-1", site="hoa-farm", name="Bè 1")
        registry.add_person("hoa-person", "Cô Hoa", "0901 234 567")
        registry.add_vessel("KH-95123-TS", organisation="hoa", name="Hải Âu")

    assert (
        len(registry.sites()) == len(registry.units()) == len(registry.vessels()) == 1
    )


def test_what_contradicts_a_place_is_a_conflict_that_names_both(
    registry: Registry,
) -> None:
    a_farm(registry)
    registry.add_unit("long-1", site="hoa-farm", name="Lồng 1", kind="cage", depth_m=6)

    with pytest.raises(ConflictError, match=r"unit long-1 .* depth_m 6.0, not 5"):
        registry.add_unit(
            "long-1", site="hoa-farm", name="Lồng 1", kind="cage", depth_m=5
        )
    with pytest.raises(ConflictError, match="organisation hoa"):
        registry.add_organisation("hoa", "Hộ khác")


def test_a_telephone_number_belongs_to_one_person(registry: Registry) -> None:
    registry.add_person("hoa", "Cô Hoa", "+84 901 234 567")

    with pytest.raises(ConflictError, match="person ba"):
        registry.add_person("ba", "Chú Ba", "0901.234.567")
    with pytest.raises(InputError, match="telephone number"):
        registry.add_person("tu", "Chú Tư", "12")


def test_names_are_kept_composed(registry: Registry) -> None:
    registry.add_organisation("khanh-hoa", " Khánh Hoà ")
    registry.add_organisation("khanh-hoa", "Khánh Hoà")
    with pytest.raises(InputError, match="1 to 200 characters"):
        registry.add_organisation("x", "  ")
    with pytest.raises(InputError, match="control characters"):
        registry.add_organisation("x", "a\0b")


@pytest.mark.parametrize("text", ["", "Ao 1", "ao_1", "-ao", "a" * 65, "ao\n"])
def test_what_is_no_id_is_refused_by_name(registry: Registry, text: str) -> None:
    a_farm(registry)
    with pytest.raises(InputError, match=r"id .* does not match"):
        registry.add_unit(text, site="hoa-farm", name="Ao")


def test_a_place_says_what_cannot_be(registry: Registry) -> None:
    a_farm(registry, "hoa")
    a_farm(registry, "ba")
    registry.add_raft("ba-raft", site="ba-farm", name="Bè")

    with pytest.raises(InputError, match=r"latitude 109\.2 is not from -90 to 90"):
        registry.add_site(
            "s", organisation="hoa", name="S", latitude=109.2, longitude=12.2
        )
    with pytest.raises(InputError, match="commune code 'Nha Trang'"):
        registry.add_site("s", organisation="hoa", name="S", commune="Nha Trang")
    with pytest.raises(InputError, match="'lake' is not one of pond, cage, tank"):
        registry.add_unit("u", site="hoa-farm", name="U", kind="lake")
    with pytest.raises(InputError, match="raft ba-raft is not at site hoa-farm"):
        registry.add_unit("u", site="hoa-farm", name="U", raft="ba-raft")
    with pytest.raises(InputError, match="depth in m nan"):
        registry.add_unit("u", site="hoa-farm", name="U", depth_m=float("nan"))
    with pytest.raises(MissingError, match="site nowhere is not registered"):
        registry.add_unit("u", site="nowhere", name="U")
    with pytest.raises(MissingError, match="organisation nobody is not registered"):
        registry.add_site("s", organisation="nobody", name="S")


def test_the_database_itself_refuses_what_crosses_organisations(
    registry: Registry,
) -> None:
    from greenwater.storage.registry.models import Deployment, Unit

    two_households(registry)
    crossing: list[Base] = [
        Unit(id="x", organisation="ba", site="hoa-farm", name="X", kind="pond"),
        Deployment(
            organisation="ba", device="ba-box", probe="top", unit="hoa-ao-1",
            from_ms=1, to_ms=2, recorded_ms=NOW,
        ),
    ]  # fmt: skip

    for row in crossing:
        with (
            pytest.raises(ConflictError, match=r"(?i)foreign key"),
            registry._sessions.writing() as session,
        ):
            session.add(row)


def test_a_scope_cannot_write(registry: Registry) -> None:
    two_households(registry)
    hoa = registry.visible_to("hoa-person")

    with (
        pytest.raises(RuntimeError, match="does not write"),
        hoa._sessions.writing() as session,
    ):
        session.add(Organisation(id="x", name="x", kind="household"))


def test_looking_leaves_nothing_in_memory(registry: Registry) -> None:
    """A class for each visitor was never forgotten by SQLAlchemy: the site grew."""
    two_households(registry)
    before = len(Session.__subclasses__())
    looks = [registry.visible_to(f"{name}-person") for name in ("hoa", "ba") * 5]
    assert [len(one.sites()) for one in looks] == [1] * 10
    assert len(Session.__subclasses__()) == before


def test_what_a_place_was_can_be_told_after_it_was_changed(registry: Registry) -> None:
    two_households(registry)
    change = partial(registry.change_unit, "hoa-ao-1", raft=None, area_m2=None, depth_m=1.5)  # fmt: skip
    for at_ms, name in ((NOW + HOUR, "Ao Đầu"), (NOW + 2 * HOUR, "Ao Cuối")):
        for _ in range(2):  # the second time nothing differs
            change(name=name, species="NUR", person="hoa-person", at_ms=at_ms)
    registry.change_site(
        "hoa-farm", name="Trại Mới", commune="22363", person="hoa-person", at_ms=NOW
    )

    told = [
        (registry.unit_then("hoa-ao-1", at_ms).name, registry.unit_then("hoa-ao-1", at_ms).species)
        for at_ms in (NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR, NOW + 3 * HOUR)
    ]  # fmt: skip
    assert told == [
        ("Ao 1", None), ("Ao 1", "PNV"), ("Ao 1", "PNV"), ("Ao Đầu", "NUR"), ("Ao Cuối", "NUR"),
    ]  # fmt: skip
    assert registry.site_then("hoa-farm", NOW - 1).name == "Trại hoa"
    assert registry.get_site("hoa-farm").commune == "22363"
    newest = registry.place_changes("unit", "hoa-ao-1")[0]
    assert (newest.was, newest.became) == ({"name": "Ao Đầu"}, {"name": "Ao Cuối"})
    with pytest.raises(InputError, match="raft ba-raft is not at site"):
        registry.change_unit(
            "hoa-ao-1", name="x", raft="ba-raft", species=None, area_m2=None,
            depth_m=None, person="hoa-person", at_ms=NOW,
        )  # fmt: skip
    with (
        pytest.raises(ConflictError, match="never changed"),
        registry._sessions.writing() as session,
    ):
        session.execute(delete(PlaceChangeRow))


def test_a_ponds_own_limits_have_a_history_that_is_never_changed(
    registry: Registry,
) -> None:
    two_households(registry)
    ours = partial(registry.set_unit_limits, "hoa-ao-1", person="hoa-person")
    oxygen = OwnLimits(channel=Channel.DISSOLVED_OXYGEN, warn=Bounds(4.5))

    assert ours(oxygen, at_ms=NOW + HOUR)
    assert not ours(oxygen, at_ms=NOW + 2 * HOUR)  # the same again is no news
    held = registry.get_unit("hoa-ao-1").limits
    assert [one.limits for one in registry.units() if one.id == "hoa-ao-1"] == [held]
    assert [(one.channel, one.species, one.warn, one.set_ms) for one in held] == [
        (Channel.DISSOLVED_OXYGEN, "PNV", Bounds(4.5), NOW + HOUR),
        (Channel.PH, "PNV", Bounds(7.5), NOW),
    ]
    with pytest.raises(InputError, match="say why it is looser"):
        ours(replace(oxygen, warn=Bounds(3.6)), at_ms=NOW + 3 * HOUR)
    with pytest.raises(InputError, match="no limits are set for battery"):
        ours(replace(oxygen, channel=Channel.BATTERY), at_ms=NOW + 3 * HOUR)
    assert ours(replace(oxygen, warn=Bounds()), at_ms=NOW + 4 * HOUR)

    assert registry.get_unit("hoa-ao-1").limits == held[1:]
    back, first, _ = registry.limit_changes("hoa-ao-1")
    assert (back.was, back.became.is_empty) == (held[0], True)
    assert (first.was, first.became) == (None, held[0])
    assert len(registry.limit_changes("hoa-ao-1", "ph")) == 1
    with (
        pytest.raises(ConflictError, match="never changed"),
        registry._sessions.writing() as session,
    ):
        session.execute(delete(UnitLimitRow))


def test_a_closed_pond_keeps_what_it_had_and_nothing_hangs_in_it(
    registry: Registry,
) -> None:
    two_households(registry)
    close = partial(registry.close_unit, "hoa-ao-1", person="hoa-person")
    close(at_ms=NOW + HOUR)
    close(at_ms=NOW + 2 * HOUR)

    assert registry.get_unit("hoa-ao-1").closed_ms == NOW + HOUR
    (hung,) = registry.deployments(unit="hoa-ao-1")
    assert (hung.from_ms, hung.to_ms) == (NOW, NOW + HOUR)
    assert "hoa-ao-1" in {one.id for one in registry.units()}
    registry.reopen_unit("hoa-ao-1", person="hoa-person", at_ms=NOW + 3 * HOUR)
    assert registry.get_unit("hoa-ao-1").is_open
    assert not registry.unit_then("hoa-ao-1", NOW + 2 * HOUR).is_open
