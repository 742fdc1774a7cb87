"""Where probes hung when: moving one rewrites nothing, correcting one hides nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.export import deployed_spans
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.models import Deployment
from tests.contracts.registries import HOUR, NOW, Databases, a_box, a_farm
from tests.examples import examples

T1, T2, T3, T4 = (NOW + n * HOUR for n in range(1, 5))
BOX = "hoa-box"


@pytest.fixture(autouse=True)
def _farm(registry: Registry) -> None:
    a_box(registry, probes="top bottom")
    registry.add_unit("hoa-ao-2", site="hoa-farm", name="Ao 2")


def units(registry: Registry, *instants: int, probe: str = "top") -> list[str | None]:
    found = [registry.where(BOX, probe, at_ms) for at_ms in instants]
    return [None if one is None else one.unit for one in found]


def on_record(registry: Registry) -> list[tuple[str | None, int, int | None]]:
    """Return all that was ever recorded: unit, when, and since when it does not count."""
    with registry._sessions.reading() as session:
        rows = session.scalars(select(Deployment).order_by(Deployment.id))
        return [(one.unit, one.recorded_ms, one.superseded_ms) for one in rows]


def deploy(registry: Registry, unit: str, from_ms: int, to_ms: int | None) -> None:
    registry.deploy(
        BOX, "top", unit=unit, depth_m=0.5, from_ms=from_ms, to_ms=to_ms, now_ms=NOW
    )


def test_a_probe_hangs_where_it_was_put_from_then_on(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, None)

    assert units(registry, T1 - 1, T1, T4) == [None, "hoa-ao-1", "hoa-ao-1"]


def test_moving_a_probe_leaves_the_past_where_it_was(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, None)
    deploy(registry, "hoa-ao-2", T3, None)

    assert units(registry, T2, T3 - 1, T3) == ["hoa-ao-1", "hoa-ao-1", "hoa-ao-2"]


def test_readings_of_a_unit_are_spans_of_series(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, None)
    deploy(registry, "hoa-ao-2", T3, None)
    registry.deploy(BOX, "bottom", unit="hoa-ao-1", depth_m=2.0, from_ms=T2, now_ms=NOW)

    def spans(unit: str, start_ms: int, end_ms: int) -> list[tuple[str, int, int]]:
        hung = registry.deployments(unit=unit, start_ms=start_ms, end_ms=end_ms)
        found = deployed_spans(hung, start_ms, end_ms)
        return [(one.series.probe, one.start_ms, one.end_ms) for one in found]

    assert spans("hoa-ao-1", T1 + 5, T4) == [("top", T1 + 5, T3), ("bottom", T2, T4)]
    assert spans("hoa-ao-1", NOW, T1) == []
    assert spans("hoa-ao-2", T1, T3) == []


def test_the_same_deployment_again_changes_nothing(registry: Registry) -> None:
    for _ in range(2):
        deploy(registry, "hoa-ao-1", T1, None)
    deploy(registry, "hoa-ao-2", T3, None)
    deploy(registry, "hoa-ao-2", T3, None)

    assert len(registry.deployments(device=BOX)) == 2


@pytest.mark.parametrize(
    ("from_ms", "to_ms"), [(T1, T3), (T2, T4), (T1, T4), (T2, T2 + 1), (T1, None)]
)
def test_a_probe_never_hangs_in_two_places(
    registry: Registry, from_ms: int, to_ms: int | None
) -> None:
    deploy(registry, "hoa-ao-1", T2, T3)

    with pytest.raises(ConflictError, match="hangs in hoa-ao-1 from 2026-"):
        deploy(registry, "hoa-ao-2", from_ms, to_ms)
    assert [one.unit for one in registry.deployments()] == ["hoa-ao-1"]


def test_deployments_may_touch(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T2, T3)
    deploy(registry, "hoa-ao-2", T1, T2)
    deploy(registry, "hoa-ao-2", T3, None)

    assert units(registry, T1, T2, T3) == ["hoa-ao-2", "hoa-ao-1", "hoa-ao-2"]


def test_a_refused_move_leaves_the_open_deployment_open(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T3, None)

    with pytest.raises(ConflictError):
        deploy(registry, "hoa-ao-2", T2, None)

    assert units(registry, T4) == ["hoa-ao-1"]


def test_two_who_deploy_one_probe_at_once_never_both_succeed(
    databases: Databases,
) -> None:
    url = databases.migrated()
    with open_registry(url) as registry:
        a_box(registry)

    def work(number: int) -> bool:
        with open_registry(url) as registry:
            try:
                registry.deploy(
                    BOX, "top", unit="hoa-ao-1", depth_m=float(number),
                    from_ms=T1, to_ms=T2, now_ms=NOW,
                )  # fmt: skip
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1


def test_a_probe_taken_out_hangs_nowhere(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, None)
    registry.end_deployment(BOX, "top", T2)
    registry.end_deployment(BOX, "top", T3)

    assert units(registry, T2 - 1, T2) == ["hoa-ao-1", None]
    with pytest.raises(MissingError, match="hoa-box/nobody"):
        registry.end_deployment(BOX, "nobody", T2)


def test_a_probe_is_not_taken_out_before_it_was_put_in(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T2, None)

    with pytest.raises(InputError, match="ends before it begins"):
        registry.end_deployment(BOX, "top", T2)


def test_a_correction_holds_for_the_whole_stay_and_is_on_record(
    registry: Registry,
) -> None:
    deploy(registry, "hoa-ao-1", T1, T3)

    registry.correct_deployment(BOX, "top", T2, unit="hoa-ao-2", depth_m=1.5, now_ms=T4)

    assert units(registry, T1, T3 - 1, T3) == ["hoa-ao-2", "hoa-ao-2", None]
    assert registry.deployments(unit="hoa-ao-1") == []
    assert on_record(registry) == [("hoa-ao-1", NOW, T4), ("hoa-ao-2", T4, None)]


def test_an_open_deployment_is_corrected_and_stays_open(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, None)

    registry.correct_deployment(BOX, "top", T2, unit="hoa-ao-2", now_ms=T4)

    assert units(registry, T1, T4 + HOUR) == ["hoa-ao-2", "hoa-ao-2"]


def test_what_never_was_is_withdrawn_and_stays_on_record(registry: Registry) -> None:
    deploy(registry, "hoa-ao-1", T1, T3)

    registry.withdraw_deployment(BOX, "top", T2, now_ms=T4)

    assert units(registry, T2) == [None]
    assert on_record(registry) == [("hoa-ao-1", NOW, T4)]
    deploy(registry, "hoa-ao-2", T1, T3)
    with pytest.raises(MissingError, match="hung nowhere at 2026-"):
        registry.withdraw_deployment(BOX, "top", T4, now_ms=T4)


def test_a_deployment_never_leaves_its_organisation(registry: Registry) -> None:
    a_farm(registry, "ba")

    with pytest.raises(ConflictError, match="belongs to hoa"):
        deploy(registry, "ba-ao-1", T1, None)
    deploy(registry, "hoa-ao-1", T1, None)
    with pytest.raises(ConflictError, match="belongs to hoa"):
        registry.correct_deployment(BOX, "top", T2, unit="ba-ao-1", now_ms=T4)
    assert units(registry, T2) == ["hoa-ao-1"]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({}, "in one of them"),
        ({"unit": "hoa-ao-1", "vessel": "KH-95123-TS"}, "in one of them"),
        ({"vessel": "boat 7"}, "registration number"),
    ],
)
def test_a_probe_hangs_in_a_unit_or_aboard_a_vessel(
    registry: Registry, place: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        registry.deploy(BOX, "top", from_ms=T1, now_ms=NOW, **place)  # type: ignore[arg-type]


def test_what_a_deployment_names_must_be_there(registry: Registry) -> None:
    with pytest.raises(MissingError, match="unit hoa-ao-9 is not registered"):
        deploy(registry, "hoa-ao-9", T1, None)
    with pytest.raises(MissingError, match="vessel KH-95123-TS is not registered"):
        registry.deploy(BOX, "top", vessel="kh95123ts", from_ms=T1, now_ms=NOW)


def test_what_is_aboard_is_found_by_any_spelling(registry: Registry) -> None:
    registry.add_vessel("KH-95123-TS", organisation="hoa", name="Hải Âu")
    registry.deploy(BOX, "top", vessel="KH 95123 TS", from_ms=T1, now_ms=NOW)

    (one,) = registry.deployments(vessel="kh-95123.ts", start_ms=T2, end_ms=T3)
    assert one.vessel == "KH-95123-TS"


class OneProbe(RuleBasedStateMachine):
    """Any history of calls leaves one place, or none, at each instant: as a plain list."""

    registry: Registry

    @initialize()
    def begin(self) -> None:
        self.hours: list[str | None] = [None] * 12
        self.open_from: int | None = None
        for one in self.registry.deployments(device=BOX):
            self.registry.withdraw_deployment(BOX, "top", one.from_ms, now_ms=NOW)

    @rule(
        unit=st.sampled_from(["hoa-ao-1", "hoa-ao-2"]),
        start=st.integers(0, 10),
        length=st.none() | st.integers(1, 4),
    )
    def put(self, unit: str, start: int, length: int | None) -> None:
        end = 12 if length is None else min(start + length, 12)
        to_ms = None if length is None else NOW + end * HOUR
        # An open deployment that began earlier gives way; all else forbids.
        gives_way = self.open_from is not None and self.open_from < start
        taken = not gives_way and any(self.hours[start:end])
        before = list(self.hours)
        try:
            deploy(self.registry, unit, NOW + start * HOUR, to_ms)
        except ConflictError:
            assert taken
            assert self.hours == before
            return
        if taken:  # only the very same deployment again
            assert self.hours[start:end] == [unit] * (end - start)
            return
        if gives_way:
            self.hours[start:] = [None] * (12 - start)
            self.open_from = None
        self.hours[start:end] = [unit] * (end - start)
        if length is None:
            self.open_from = start

    @rule(at=st.integers(0, 11))
    def take_out(self, at: int) -> None:
        if self.open_from is None or at <= self.open_from:
            return
        self.registry.end_deployment(BOX, "top", NOW + at * HOUR)
        self.hours[at:] = [None] * (12 - at)
        self.open_from = None

    @invariant()
    def same(self) -> None:
        if hasattr(self, "hours"):
            instants = [NOW + at * HOUR for at in range(12)]
            assert units(self.registry, *instants) == self.hours


@pytest.mark.hypothesis
def test_any_history_of_deployments_is_as_a_plain_list(registry: Registry) -> None:
    machine = type("Machine", (OneProbe,), {"registry": registry})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(12), stateful_step_count=12, deadline=None
        ),
    )
