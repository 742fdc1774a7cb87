"""Links, second factors, consents and the audit log, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.accounts import Stage
from greenwater.storage.registry.consents import Purpose
from greenwater.storage.registry.links import LINK_MS, LinkKind
from greenwater.storage.registry.people import OrganisationKind, Role
from tests.contracts.registries import NOW


@pytest.fixture
def people(registry: Registry) -> Registry:
    registry.add_organisation("ho", "Hộ")
    registry.add_organisation("cc", "Chi cục", kind=OrganisationKind.AUTHORITY)
    for person in ("a", "b", "c", "d"):
        registry.add_person(person, person, f"+8490000000{ord(person) % 10}")
    return registry


def invite(registry: Registry, id_: str = "l", role: Role = Role.FARMER) -> str:
    registry.add_link(
        id_, f"token-{id_}", kind=LinkKind.INVITATION, organisation="ho", role=role,
        now_ms=NOW,
    )  # fmt: skip
    return f"token-{id_}"


def test_of_many_who_use_a_link_at_once_one_comes_in(people: Registry) -> None:
    token = invite(people)

    def use(person: str) -> bool:
        try:
            people.use_link(token, person, NOW + 1)
        except MissingError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, "abcd")) == [False, False, False, True]
    members = [one.id for one in people.list_people() if one.memberships]
    assert len(members) == 1


def test_of_many_who_guess_at_once_no_more_go_on_than_one_after_the_other(
    people: Registry,
) -> None:
    people.set_secret("a", "x", is_pin=True)

    def wait_after(failures: int) -> int:
        return 30_000 if failures >= 4 else 0

    with ThreadPoolExecutor(8) as pool:
        turns = [
            one.result()
            for one in [
                pool.submit(people.begin_try, "a", NOW, wait_after) for _ in range(12)
            ]
        ]
    assert sorted(may for may, _ in turns) == [False] * 8 + [True] * 4
    assert {wait_ms for may, wait_ms in turns if not may} == {30_000}
    people.end_try("a", forgives=False)
    assert people.begin_try("a", NOW, wait_after) == (True, 30_000), "three still count"
    people.end_try("a", forgives=True)
    assert people.begin_try("a", NOW, wait_after) == (True, 0)


@pytest.mark.parametrize("later_ms", [LINK_MS, LINK_MS + 1])
def test_a_link_is_good_until_its_end_and_not_at_it(
    people: Registry, later_ms: int
) -> None:
    token = invite(people)
    assert people.find_link(token, NOW + LINK_MS - 1).role == Role.FARMER
    with pytest.raises(MissingError):
        people.find_link(token, NOW + later_ms)
    assert people.open_links(NOW + later_ms) == []


def test_who_has_the_number_already_does_not_use_the_link_up(people: Registry) -> None:
    token, taken = invite(people), people.get_person("a").phone or ""
    with pytest.raises(ConflictError):
        people.join(token, "new", "Mới", taken, NOW)
    people.join(token, "new", "Mới", "+84911111111", NOW)
    assert people.get_person("new").memberships == (("ho", Role.FARMER),)


def test_a_step_is_taken_once_by_whoever_comes_first(people: Registry) -> None:
    people.offer_second_factor("a", "S")
    people.confirm_second_factor("a", 7, ["x"], NOW)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: people.use_step("a", 8), range(4)))
        codes = list(
            pool.map(lambda _: people.use_recovery_code("a", "x", NOW), range(4))
        )
    assert sorted(taken) == sorted(codes) == [False, False, False, True]
    assert not people.use_step("a", 8)
    assert people.use_step("a", 9)
    assert people.recovery_codes_left("a") == 0
    assert people.offer_second_factor("a", "other").secret == "S"


@pytest.mark.parametrize("table", ["audit", "consent"])
@pytest.mark.parametrize("act", ["UPDATE {} SET person = 'b'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_was_said(
    people: Registry, table: str, act: str
) -> None:
    people.note("x", at_ms=NOW, person="a")
    people.say_consent("a", Purpose.MESSAGES, is_given=True, at_ms=NOW)
    with (
        pytest.raises(ConflictError, match="never changed"),
        people._sessions.writing() as session,
    ):
        session.execute(text(act.format(table)))


def test_the_log_is_told_newest_first_by_each_filter(people: Registry) -> None:
    for number in range(6):
        people.note(
            "recall" if number % 2 else "sign_in", f"lot={number}", at_ms=NOW + number,
            person="ab"[number % 2], outcome="failed" if number == 3 else "done",
        )  # fmt: skip

    def subjects(**filters: object) -> list[str]:
        return [one.subject[-1] for one in people.noted(**filters)]  # type: ignore[arg-type]

    assert subjects() == list("543210")
    assert subjects(act="recall") == subjects(person="b") == list("531")
    assert subjects(outcome="failed") == ["3"]
    assert subjects(start_ms=NOW + 2, end_ms=NOW + 4) == list("32")
    assert subjects(before=people.noted()[1].number, limit=2) == list("32")
    assert people.noted_since(NOW + 1) == {"recall": 3, "sign_in": 2}


def test_what_no_database_takes_is_spelt_out_in_the_log(people: Registry) -> None:
    people.note("x", "a\0b\ud800" + "c" * 500, at_ms=NOW)
    (one,) = people.noted()
    assert one.subject.startswith("a\\x00b\\ud800c")
    assert len(one.subject) == 200


def test_sessions_are_ended_one_or_all_but_one(people: Registry) -> None:
    for token, stage in (("s", Stage.WHOLE), ("t", Stage.WHOLE), ("u", Stage.CODE)):
        people.open_session(
            token, "a", now_ms=NOW, expires_ms=NOW + 9, stage=stage, agent="Chrome"
        )
    people.open_session("v", "b", now_ms=NOW, expires_ms=NOW + 9)
    here = people.find_session("s", NOW)
    assert here is not None
    with pytest.raises(MissingError):
        people.end_session("b", here.id)
    people.end_sessions("a", but=here.id)
    assert [one.id for one in people.list_sessions("a", NOW)] == [here.id]
    people.end_session("a", here.id)
    assert people.list_sessions("a", NOW) == []
    assert people.find_session("v", NOW) is not None
    assert people.find_session("v", NOW + 9) is None


def test_a_browser_is_told_as_long_as_somebody_is_signed_in_there(
    people: Registry,
) -> None:
    """Its name holds when the session is another one; each end ends what it is told."""
    people.open_session("s", "a", now_ms=NOW, expires_ms=NOW + 9)
    people.open_session("t", "a", now_ms=NOW, expires_ms=NOW + 9)
    first, second = (people.find_session(one, NOW) for one in "st")
    assert first is not None
    assert second is not None

    def add(phone: str, session: str, person: str = "a") -> None:
        people.add_contact("ho", person, f"to-push://{phone}#{phone}.{session}")

    def told() -> set[str]:
        return {one.url.partition("#")[2] for one in people.contacts()}

    people.add_contact("ho", "a", "to-sms://84901234567")
    add("p1", first.id)
    add("p2", second.id)
    add("p3", "old")
    add("p3", "old", "b")
    people.move_phone("p3", "a", first.id)
    assert told() == {"", f"p1.{first.id}", f"p2.{second.id}", f"p3.{first.id}"}
    people.end_session("a", second.id)
    assert told() == {"", f"p1.{first.id}", f"p3.{first.id}"}
    people.drop_phone("p3")
    assert told() == {"", f"p1.{first.id}"}
    add("p4", "x")
    add("p5", "y")
    people.end_sessions("a", but=first.id, phone="p5")
    assert told() == {"", f"p1.{first.id}", "p5.y"}
    people.close_session("s")
    assert told() == {"", "p5.y"}
    people.say_consent("a", Purpose.MESSAGES, is_given=False, at_ms=NOW)
    assert told() == set()
