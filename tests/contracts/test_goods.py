"""Goods on each registry: mass is kept, hands change, a recall follows."""

import os
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import instant, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Step
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.trace_events.ledger import Entry
from tests.contracts.registries import NOW
from tests.ledgers import trace_events
from traceability.epcis.capture import draft_of
from traceability.epcis.naming import crop_class, party_uri
from traceability.gate.harvest import GateRefusedError
from traceability.gdst.chain import goods_of
from traceability.goods.balance import StepRefusedError
from traceability.goods.exporting import LotChain, export_chain
from traceability.goods.lots import Goods, lot_of_landing
from traceability.goods.steps import (
    Act,
    Dispose,
    Made,
    Merge,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Receive,
    Sell,
    Ship,
    Split,
    Unpack,
)
from traceability.label.labels import Labels, Published
from traceability.label.origins import goods_refusals
from traceability.label.recalls import Recalls, reach_csv, recall_reach
from traceability.ledger.events import lot_class
from traceability.proof.keys import open_signer
from traceability.proof.labelfacts import day_of
from traceability.proof.links import parse_label
from traceability.proof.verify import Code

GTINS = {
    "hoa": "09521234543213",
    "nha-may": "09521234543220",
    "cho": "09521234543237",
}
CRATE = "urn:greenwater:package:thung-1"


class Trade:
    """A farm, a plant and a market, each with a person and a product of shrimp."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.clock = registry, ManualClock(instant(NOW))
        for place, name in enumerate(GTINS):
            registry.add_organisation(name, f"Cơ sở {name}")
            registry.add_person(name, f"Chủ {name}", f"+8490500000{place}")
            registry.add_member(name, name, Role.FARMER)
            registry.add_product(
                GTINS[name], organisation=name, name_vi="Tôm", name_en="Shrimp",
                species="PNV",
            )  # fmt: skip
        self.goods = Goods(registry, self.clock)
        self.recalls = Recalls(registry, self.clock)
        signer = open_signer(folder / "keys", registry, NOW)
        base = "https://nuocxanh.example"
        self.labels = Labels(registry, signer, self.clock, base, os.urandom)
        self.published = Published(registry, signer, self.clock)

    def begin(self, kg: float = 1000.0, name: str = "hoa") -> Lot:
        product = self.registry.get_product(GTINS[name])
        lot = lot_of_landing(
            product, str(uuid.uuid4()), milliseconds(self.clock.now()), kg, NOW, name
        )
        self.registry.add_lot(lot, [])
        return lot

    def do(self, name: str, act: Act, *, id_: str | None = None) -> Step:
        self.clock.advance(timedelta(hours=1))
        at_ms = milliseconds(self.clock.now())
        new = NewStep(
            id=id_ or str(uuid.uuid4()), organisation=name, at_ms=at_ms, act=act
        )
        return self.goods.enter(name, new)

    def made(self, step: Step) -> Sequence[Lot]:
        found = [lot for lot in self.registry.lots() if lot.step == step.id]
        return sorted(found, key=lambda lot: -lot.kg)

    def left(self, lot: str, name: str = "hoa") -> float:
        return sum(one.kg for one in self.registry.holdings_of(lot, name))


@pytest.fixture
def trade(registry: Registry, tmp_path: Path) -> Trade:
    return Trade(registry, tmp_path)


def refused(trade: Trade, name: str, act: Act) -> list[str]:
    with pytest.raises(StepRefusedError) as caught:
        trade.do(name, act)
    return [one.code for one in caught.value.refusals]


def test_kilograms_are_counted_down_and_none_is_used_twice(trade: Trade) -> None:
    lot = trade.begin(1000.0)
    split = trade.do("hoa", Split((Portion(lot.id, 600),), (Made(400), Made(199.5))))
    big, small = trade.made(split)
    process = Process(
        (Portion(big.id, 400),), (Made(250), Made(120, None, True)), "headless"
    )
    main, heads = trade.made(trade.do("hoa", process))

    assert trade.left(lot.id) == 400.0
    assert (trade.left(big.id), trade.left(main.id), trade.left(heads.id)) == (
        0,
        250,
        120,
    )
    assert small.harvested_ms == lot.harvested_ms
    assert refused(trade, "hoa", Sell((Portion(big.id, 0.001),))) == ["not_enough_left"]
    assert refused(trade, "hoa", Sell((Portion(lot.id, 400.001),))) == [
        "not_enough_left"
    ]
    trade.do("hoa", Sell((Portion(lot.id, 400),)))
    assert trade.left(lot.id) == 0


@pytest.mark.parametrize(
    ("act", "codes"),
    [
        (lambda lot: Split((Portion(lot, 500),), (Made(400), Made(101))), ["more_out_than_in"]),
        (lambda lot: Split((Portion(lot, 500),), (Made(200), Made(200))), ["yield_unbelievable"]),
        (lambda lot: Process((Portion(lot, 500),), (Made(25),), "headless"), ["yield_unbelievable"]),
        (lambda lot: Process((Portion(lot, 500),), (Made(490),), "headless"), ["yield_unbelievable"]),
        (lambda lot: Split((Portion(lot, 1500),), (Made(1600),)), ["not_enough_left", "more_out_than_in"]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_every_reason_and_changes_nothing(
    trade: Trade, act: Callable[[str], Act], codes: list[str]
) -> None:
    lot = trade.begin()

    assert refused(trade, "hoa", act(lot.id)) == codes

    assert trade.left(lot.id) == 1000.0
    assert trade.registry.steps() == []
    assert trace_events(trade.registry) == []


def test_what_is_made_keeps_its_species(trade: Trade) -> None:
    lot = trade.begin()
    trade.registry.add_product(
        "09521234543244",
        organisation="hoa",
        name_vi="Cá",
        name_en="Fish",
        species="CBA",
    )
    act = Process((Portion(lot.id, 100),), (Made(60, "09521234543244"),), "other")

    assert "other_species" in refused(trade, "hoa", act)
    act = Process((Portion(lot.id, 100),), (Made(60, GTINS["nha-may"]),), "other")
    assert refused(trade, "hoa", act) == ["product_needed"], "another's product"


def test_the_same_step_again_changes_nothing_and_another_under_its_id_is_refused(
    trade: Trade,
) -> None:
    lot, id_ = trade.begin(), str(uuid.uuid4())
    at_ms = milliseconds(trade.clock.now())
    new = NewStep(
        id=id_, organisation="hoa", at_ms=at_ms, act=Sell((Portion(lot.id, 5),))
    )
    first = trade.goods.enter("hoa", new)

    assert trade.goods.enter("hoa", new) == first
    assert trade.left(lot.id) == 995.0
    with pytest.raises(ConflictError, match="other content"):
        trade.do("hoa", Sell((Portion(lot.id, 6),)), id_=id_)


def test_only_ones_own_goods_and_nothing_before_it_was(trade: Trade) -> None:
    lot = trade.begin()
    act = Sell((Portion(lot.id, 1),))
    assert refused(trade, "nha-may", act) == ["not_enough_left"]
    new = NewStep(id=str(uuid.uuid4()), organisation="hoa", at_ms=NOW - 1, act=act)
    with pytest.raises(StepRefusedError, match="before_it_was"):
        trade.goods.enter("hoa", new)
    with pytest.raises(MissingError, match="moves no goods"):
        trade.goods.enter("nha-may", new)
    with pytest.raises(MissingError, match="is not registered"):
        trade.do("hoa", Sell((Portion("no-such-lot", 1),)))


def test_packed_goods_travel_and_what_arrived_counts(trade: Trade) -> None:
    lot = trade.begin(200)
    trade.do("hoa", Pack((Portion(lot.id, 100),), "thung-1"))
    assert refused(trade, "hoa", Sell((Portion(lot.id, 101),))) == ["not_enough_left"]
    sent = trade.do("hoa", Ship((Portion(lot.id, 50),), ("thung-1",), Party("nha-may")))
    assert trade.left(lot.id) == 50
    with pytest.raises(MissingError, match="not in hand"):
        trade.do("hoa", Unpack("thung-1"))

    (coming,) = trade.registry.shipments_to("nha-may")
    assert (coming.step.id, coming.sender) == (sent.id, "Cơ sở hoa")
    short = (Portion(lot.id, 99, CRATE), Portion(lot.id, 50))
    assert refused(trade, "nha-may", Receive(sent.id, short)) == [
        "difference_needs_reason"
    ]
    over = (Portion(lot.id, 101, CRATE), Portion(lot.id, 50))
    assert refused(trade, "nha-may", Receive(sent.id, over, "x")) == ["more_than_sent"]
    with pytest.raises(MissingError):
        trade.do("cho", Receive(sent.id))
    trade.do("nha-may", Receive(sent.id, short, "rơi vãi"))

    assert trade.registry.shipments_to("nha-may") == ()
    assert trade.left(lot.id, "nha-may") == 149
    with pytest.raises(ConflictError):
        trade.do("nha-may", Receive(sent.id, short, "rơi vãi"))
    trade.do("nha-may", Unpack("thung-1"))
    own = Made(100, GTINS["nha-may"])
    (peeled,) = trade.made(
        trade.do("nha-may", Process((Portion(lot.id, 149),), (own,), "peeled"))
    )
    assert peeled.organisation == "nha-may"
    with pytest.raises(InputError, match="was used before"):
        trade.do("hoa", Pack((Portion(lot.id, 1),), "thung-1"))


def a_long_way(trade: Trade) -> tuple[Lot, Lot, Lot]:
    """Goods that were split, merged, headed, sent, received, peeled and sent on."""
    first, second = trade.begin(500), trade.begin(300)
    (part,) = trade.made(
        trade.do("hoa", Split((Portion(first.id, 400),), (Made(400),)))
    )
    mixed = Merge((Portion(part.id, 400), Portion(second.id, 100)), (Made(500),))
    (lot,) = trade.made(trade.do("hoa", mixed))
    headed = Process((Portion(lot.id, 500),), (Made(310),), "headless")
    (tails,) = trade.made(trade.do("hoa", headed))
    outside = Party(None, "Chợ Đầm", "Nha Trang", "0258 111")
    trade.do("hoa", Ship((Portion(tails.id, 10),), (), outside))
    sent = trade.do("hoa", Ship((Portion(tails.id, 300),), (), Party("nha-may")))
    trade.do("nha-may", Receive(sent.id))
    own = Made(150, GTINS["nha-may"])
    (peeled,) = trade.made(
        trade.do("nha-may", Process((Portion(tails.id, 200),), (own,), "peeled"))
    )
    trade.do("nha-may", Ship((Portion(peeled.id, 40),), (), Party("cho")))
    trade.do("nha-may", Dispose((Portion(peeled.id, 10),), (), "hỏng"))
    return first, second, peeled


def test_a_chain_goes_back_through_every_hand_that_sent_the_goods(trade: Trade) -> None:
    _, _, peeled = a_long_way(trade)
    registry = trade.registry

    def exported(name: str, lot: Lot) -> LotChain:
        goods = lot_class(lot.product, lot.code)
        return export_chain(registry, frozenset({name}), goods, NOW)

    chain = exported("cho", peeled)  # on its way there, from the plant, from the farm
    lots, _ = registry.sources_of(peeled.id)
    classes = {lot_class(one.product, one.code) for one in lots.values()}
    told = {one for event in chain.events for one in goods_of(event)}
    assert classes <= told, "all that a trace finds"
    by = [event["cbvmda:informationProvider"] for event in chain.events]
    assert set(by) == {party_uri("hoa"), party_uri("nha-may")}
    text = str(chain.document)
    assert "Chợ Đầm" not in text, "whom else the farm sold to"
    assert "destroying" not in text, "what the plant did with the rest"
    # The farm's lots were not recorded with a catch or a harvest: there it breaks.
    assert chain.loose_end is not None
    assert (chain.loose_end.why, chain.loose_end.goods in classes) == ("unmade", True)
    everything = export_chain(registry, None, lot_class(peeled.product, peeled.code), 0)
    assert "destroying" in str(everything.document), "the authority sees all"
    # Downstream is not back. And who got something else once opens nobody's book by a
    # claim on goods that went to somebody else.
    with pytest.raises(MissingError):
        exported("hoa", peeled)
    claim = {
        "type": "TransformationEvent", "eventTime": "2026-06-01T00:00:00.000Z",
        "eventTimeZoneOffset": "+07:00", "bizStep": "commissioning",
        "inputQuantityList": [
            {"epcClass": lot_class(one.product, one.code)}
            for one in lots.values()
            if one.organisation == "hoa"
        ],
        "outputQuantityList": [{"epcClass": "urn:mine"}],
    }  # fmt: skip
    got = claim | {"type": "ObjectEvent", "action": "OBSERVE", "bizStep": "receiving"}
    got["quantityList"] = got.pop("inputQuantityList")
    del got["outputQuantityList"]
    drafts = [draft_of(one, None) for one in (claim, got)]
    registry.capture("cho", drafts, now_ms=NOW, is_whole=True)
    forged = export_chain(registry, frozenset({"cho"}), "urn:mine", NOW)
    assert len(forged.events) == 2
    assert forged.loose_end is not None
    assert forged.loose_end.why == "unshipped"


def foreign(step: str, goods: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent", "eventTime": "2026-03-01T00:00:00.000Z",
        "eventTimeZoneOffset": "+07:00", "action": "OBSERVE", "bizStep": step,
        "quantityList": [{"epcClass": goods}], **more,
    }  # fmt: skip


@pytest.mark.parametrize("spelling", [0, 1])
def test_a_chain_meets_parties_and_goods_in_both_spellings(
    trade: Trade, spelling: int
) -> None:
    """What stands in ledgers stays: an entry of before leads on to one of today, and back."""
    registry, seed = trade.registry, "urn:gdst:example.org:product:lot:class:seed.1"
    crops = ("urn:greenwater:crop:vu-1", crop_class("vu-1"))
    before, today = crops[spelling], crops[1 - spelling]
    farm = ("urn:greenwater:organisation:hoa", party_uri("hoa"))[spelling]
    hatched = foreign("urn:gdst:bizStep:hatching", seed, action="ADD")
    to = [{"type": "owning_party", "destination": farm}]
    sent = foreign("shipping", seed, destinationList=to)
    sown = {
        **foreign("commissioning", before), "type": "TransformationEvent",
        "inputQuantityList": [{"epcClass": seed}],
        "outputQuantityList": [{"epcClass": before}],
    }  # fmt: skip
    reaped = sown | {
        "inputQuantityList": [{"epcClass": today}],
        "outputQuantityList": [{"epcClass": "urn:reaped"}],
    }
    for one in (sown, reaped):
        del one["quantityList"], one["action"]
    drafts = [draft_of(hatched, None), draft_of(sent, None)]
    # Before there was one name for both, an index held what was written.
    drafts[1] = msgspec.structs.replace(
        drafts[1],
        entries=tuple(
            Entry(one.name, farm) if one.name == "destination_owning_party" else one
            for one in drafts[1].entries
        ),
    )
    registry.capture("nha-may", drafts, now_ms=NOW, is_whole=True)
    mine = [draft_of(sown, None), draft_of(reaped, None)]
    registry.capture("hoa", mine, now_ms=NOW, is_whole=True)

    chain = export_chain(registry, frozenset({"hoa"}), "urn:reaped", NOW)
    ids = {one.id for one in (*drafts, *mine)}
    assert {one["eventID"] for one in chain.events} == ids
    assert chain.loose_end is None
    for crop in crops:
        back = export_chain(registry, frozenset({"hoa"}), crop, NOW)
        assert {one["eventID"] for one in back.events} == ids - {mine[1].id}
    with pytest.raises(MissingError):
        export_chain(registry, frozenset({"cho"}), "urn:reaped", NOW)


def test_a_recall_finds_everything_downstream_and_who_has_it(trade: Trade) -> None:
    first, second, peeled = a_long_way(trade)

    reach = trade.recalls.recall("hoa", first.id, "kháng sinh", "0905 123 456")

    assert {lot.id for lot in reach.lots} >= {first.id, peeled.id}
    assert second.id not in {lot.id for lot in reach.lots}
    held = {(one.holder, one.where, one.lot): one for one in reach.held}
    codes = {lot.id: lot.code for lot in reach.lots}
    plant = held["Cơ sở nha-may", "in hand", codes[peeled.id]]
    assert (plant.kg, plant.phones) == (100.0, ("+84905000001",))
    market = held["Cơ sở cho", "on its way", codes[peeled.id]]
    assert (market.kg, market.phones) == (40.0, ("+84905000002",))
    (outside,) = [one for one in reach.held if one.where == "outside"]
    assert (outside.holder, outside.place, outside.phones, outside.kg) == (
        "Chợ Đầm", "Nha Trang", ("0258 111",), 10.0,
    )  # fmt: skip
    assert reach.kg == 100 + 100 + 100 + 40 + 10, "farm, plant twice, market, outside"
    assert "Chợ Đầm,Nha Trang,0258 111,outside" in reach_csv(reach)
    with pytest.raises(InputError, match="told to whoever calls them back"):
        trade.recalls.reach("hoa", second.id)
    with pytest.raises(MissingError):
        trade.recalls.reach("nha-may", first.id)


def test_what_is_called_back_is_neither_used_nor_labelled_nor_sold_till_it_ends(
    trade: Trade,
) -> None:
    first, _second, peeled = a_long_way(trade)
    trade.recalls.recall("hoa", first.id, "kháng sinh", "0905 123 456")

    assert refused(trade, "nha-may", Sell((Portion(peeled.id, 1),))) == ["called_back"]
    codes = [one.code for one in goods_refusals(trade.registry, peeled)]
    assert codes == ["called_back"]
    back = Ship((Portion(peeled.id, 1),), (), Party("hoa"), is_return=True)
    trade.do("nha-may", back)
    trade.do("nha-may", Dispose((Portion(peeled.id, 1),), (), "thu hồi"))
    listed = {(one.gtin, one.lot) for one in trade.published.status().recalled}
    assert (peeled.product, peeled.code) in listed
    assert len(listed) == 5, "the lot, its part, the mixed, the tails, the peeled"

    trade.recalls.end("hoa", first.id)
    trade.recalls.end("hoa", first.id)

    assert trade.published.status().recalled == ()
    assert goods_refusals(trade.registry, peeled) == []
    ledger = [one.document for one in trace_events(trade.registry, "nha-may")]
    told = [text for text in ledger if "persistentDisposition" in text]
    assert ['"set"' in text for text in told] == [True, False], "once each"
    trade.do("nha-may", Sell((Portion(peeled.id, 1),)))


def test_every_label_downstream_turns_red_in_whosever_hands(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traceability.label.origins.landing_refusals", lambda *_: [])
    first, second, peeled = a_long_way(trade)
    labels = {
        "hoa": trade.labels.issue("hoa", second.id, 1)[0],
        "nha-may": trade.labels.issue("nha-may", peeled.id, 1)[0],
    }

    def codes() -> dict[str, Code]:
        return {
            name: trade.published.check(one.uri).code for name, one in labels.items()
        }

    assert set(codes().values()) == {Code.VALID}
    trade.recalls.recall("hoa", first.id, "kháng sinh", "0905 123 456")
    assert codes() == {"hoa": Code.VALID, "nha-may": Code.RECALLED}
    verdict = trade.published.check(labels["nha-may"].uri)
    assert (verdict.reason, verdict.phone) == ("kháng sinh", "0905 123 456")
    assert recall_reach(trade.registry, first.id).labels == 1
    trade.recalls.recall("hoa", second.id, "khác", "0905")
    assert set(codes().values()) == {Code.RECALLED}
    trade.recalls.end("hoa", first.id)
    assert set(codes().values()) == {Code.RECALLED}, "the mixed lot is under both"
    trade.recalls.end("hoa", second.id)
    assert set(codes().values()) == {Code.VALID}


def test_a_mixed_lots_label_tells_the_first_and_last_day_and_what_all_share(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traceability.label.origins.landing_refusals", lambda *_: [])
    first = trade.begin()
    trade.clock.advance(timedelta(days=3))
    second = trade.begin()
    both = Merge((Portion(first.id, 100), Portion(second.id, 100)), (Made(200),))
    (mixed,) = trade.made(trade.do("hoa", both))
    facts = parse_label(trade.labels.issue("hoa", mixed.id, 1)[0].uri).facts
    days = [f"{day_of(one.harvested_ms):%y%m%d}" for one in (first, second)]
    assert facts == {"7007": "".join(days), "7008": "PNV", "7010": "01"}
    with pytest.raises(GateRefusedError) as caught:
        trade.labels.issue("hoa", mixed.id, 201, net_kg=1.0)
    assert [one.code for one in caught.value.refusals] == ["labels_outweigh"]
    labels = trade.labels.issue("hoa", mixed.id, 200, net_kg=1.0)
    trade.labels.act("hoa", labels[0].id, "revoked", "in hỏng")
    assert len(trade.labels.issue("hoa", mixed.id, 1, net_kg=1.0)) == 1
    with pytest.raises(GateRefusedError):
        trade.labels.issue("hoa", mixed.id, 1, net_kg=0.1)
