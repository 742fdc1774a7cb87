"""The shrimp's story after the harvest, on each registry: from a lot to a recall."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.contracts.test_books import Farm
from traceability.gate.harvest import GateRefusedError
from traceability.goods.lots import Goods
from traceability.goods.steps import (
    Act,
    Made,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Receive,
    Ship,
    Split,
    Unpack,
)
from traceability.label.passport import Passport, passport_of
from traceability.label.places import StoryPlace
from traceability.label.recalls import recall_reach
from traceability.label.telling import tell_recalls
from traceability.proof.verify import Code

PLANT = "09521234543220"


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    opened = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield opened
    opened.close()


@pytest.fixture
def farm(registry: Registry, telemetry: Telemetry, tmp_path: Path) -> Farm:
    made = Farm(registry, telemetry, tmp_path).open()
    registry.add_organisation("may", "Nhà máy Cam Ranh")
    registry.add_site(
        "may", organisation="may", name="Xưởng", latitude=11.93, longitude=109.17,
        commune="22480",
    )  # fmt: skip
    registry.add_person("bay", "Bảy", "+84905000077")
    registry.add_member("bay", "may", Role.TECHNICIAN)
    registry.add_product(
        PLANT, organisation="may", name_vi="Tôm bóc vỏ", name_en="Peeled shrimp",
        species="PNV",
    )  # fmt: skip
    return made


def do(farm: Farm, person: str, organisation: str, act: Act) -> list[Lot]:
    farm.clock.advance(timedelta(hours=1))
    new = NewStep(
        id=str(uuid.uuid4()), organisation=organisation,
        at_ms=milliseconds(farm.clock.now()), act=act,
    )  # fmt: skip
    Goods(farm.registry, farm.clock).enter(person, new)
    made = [one for one in farm.registry.lots() if one.step == new.id]
    return sorted(made, key=lambda lot: -lot.kg)


def test_from_a_harvest_to_a_recall_in_two_hands(farm: Farm) -> None:
    lot = farm.a_lot()  # 2,500 kg, its water's evidence frozen in
    rest, part = do(
        farm, "lan", "hoa", Split((Portion(lot.id, 2500),), (Made(1500), Made(1000)))
    )
    headed = Process(
        (Portion(part.id, 1000),), (Made(620), Made(350, None, True)), "headless"
    )
    tails, _heads = do(farm, "lan", "hoa", headed)
    do(farm, "lan", "hoa", Pack((Portion(tails.id, 500),), "thung-1"))
    (ours,) = farm.labels.issue("lan", tails.id, 1)
    with pytest.raises(GateRefusedError, match="nothing_left"):
        farm.labels.issue("lan", part.id, 1)
    do(farm, "lan", "hoa", Ship((), ("thung-1",), Party("may")))
    (coming,) = farm.registry.shipments_to("may")
    do(farm, "bay", "may", Receive(coming.step.id))
    do(farm, "bay", "may", Unpack("thung-1"))
    peeling = Process((Portion(tails.id, 500),), (Made(410, PLANT),), "peeled")
    (peeled,) = do(farm, "bay", "may", peeling)
    (theirs,) = farm.labels.issue("bay", peeled.id, 1)
    do(
        farm,
        "bay",
        "may",
        Ship(
            (Portion(peeled.id, 30),),
            (),
            Party(None, "Chợ Đầm", "Nha Trang", "0258 111"),
        ),
    )

    def passports() -> dict[str, Passport]:
        return {
            one.id: passport_of(
                farm.registry, found.product, found.code, one.id,
                farm.published.check(one.uri),
            )
            for one, found in ((ours, tails), (theirs, peeled))
        }  # fmt: skip

    before = passports()
    assert {one.verdict.code for one in before.values() if one.verdict} == {Code.VALID}
    shown = before[theirs.id]
    assert (shown.producer, shown.product.vi, shown.unit) == (
        "Nhà máy Cam Ranh", "Tôm bóc vỏ", "Ao 1",
    )  # fmt: skip
    assert shown.evidence is not None, "the water of the pond it came from"
    assert [one.lot for one in shown.origins] == [lot.code]
    kinds = [stage.kind for stage in shown.stages]
    assert kinds == [
        "stocking", "feed_use", "harvest", "split", "process", "receive", "process",
    ]  # fmt: skip

    worked = StoryPlace("processing", "Nhà máy Cam Ranh", 0, (11.9, 109.1, 12.0, 109.2))
    assert replace(shown.places[-1], at_ms=0) == worked, "its square, as the farm's is"
    moved_ms = milliseconds(farm.clock.now()) + 1
    farm.registry.change_site(
        "may", name="Xưởng", commune="22546", person="bay", at_ms=moved_ms
    )
    assert passports()[theirs.id].places == shown.places, "where it was then"

    # What was printed says what was so then, whatever the farm is called now.
    unit, later_ms = str(lot.unit), milliseconds(farm.clock.now()) + 1
    site = farm.registry.get_unit(unit).site
    farm.registry.change_unit(
        unit, name="Ao Mới", raft=None, species="GIT", area_m2=1.0, depth_m=None,
        person="lan", at_ms=later_ms,
    )  # fmt: skip
    farm.registry.change_site(
        site, name="Trại Mới", commune="22363", person="lan", at_ms=later_ms
    )
    assert passports() == before

    for organisation, person in (("hoa", "lan"), ("may", "bay")):
        farm.registry.add_contact(organisation, person, f"tgram://{person}")
    farm.labels.recall("lan", lot.id, "kháng sinh", "0905 123 456")
    now_ms = milliseconds(farm.clock.now())
    for _ in range(2):  # said to the end by whoever comes after, once all the same
        tell_recalls(farm.registry, now_ms)
    (notice,) = farm.registry.due_copies(now_ms)
    assert (notice.person, notice.url) == ("bay", "tgram://bay"), "the caller knows"
    for part_of_it in (f"{peeled.code} (380 kg)", "kháng sinh", "0905 123 456"):
        assert part_of_it in notice.text

    for one in passports().values():
        assert one.verdict is not None
        assert (one.verdict.code, one.verdict.reason) == (Code.RECALLED, "kháng sinh")
    for who, what in (("lan", rest), ("bay", peeled)):
        with pytest.raises(GateRefusedError, match="called_back"):
            farm.labels.issue(who, what.id, 1)
    reach = recall_reach(farm.registry, lot.id)
    assert reach.labels == 2
    assert {(one.holder, one.lot, one.kg) for one in reach.held} == {
        ("Hộ hoa", rest.code, 1500.0), ("Hộ hoa", tails.code, 120.0),
        ("Hộ hoa", _heads.code, 350.0), ("Nhà máy Cam Ranh", peeled.code, 380.0),
        ("Chợ Đầm", peeled.code, 30.0),
    }  # fmt: skip
    farm.registry.copy_sent(notice.id, now_ms)
    farm.labels.end_recall("lan", lot.id)
    (over,) = farm.registry.due_copies(now_ms)
    assert (over.person, "kết thúc" in over.text) == ("bay", True)
    assert {one.verdict.code for one in passports().values() if one.verdict} == {
        Code.VALID
    }


def test_what_the_farms_book_says_later_holds_for_what_others_made_of_it(
    farm: Farm,
) -> None:
    lot = farm.a_lot()
    do(farm, "lan", "hoa", Ship((Portion(lot.id, 100),), (), Party("may")))
    (coming,) = farm.registry.shipments_to("may")
    do(farm, "bay", "may", Receive(coming.step.id))
    (cut,) = do(
        farm,
        "bay",
        "may",
        Process((Portion(lot.id, 100),), (Made(60, PLANT),), "peeled"),
    )
    assert farm.labels.issue("bay", cut.id, 1)

    farm.clock.advance(timedelta(hours=1))
    late = farm.new("drug_chem_use", product="x", substance="chloramphenicol",
                    amount="1 kg", reason="x")  # fmt: skip
    farm.books.record("lan", late)

    with pytest.raises(GateRefusedError, match="banned_substance"):
        farm.labels.issue("bay", cut.id, 1)
