"""Who is told of a paper that ends soon, and of goods that are called back.

What is told is a message in the registry's outbox, from which analytics' notifier sends it.
Its id says what it is about and whom it is for, so that saying it again says nothing: it
is said once, however often this runs, and a process that dies half-way says the rest
when it runs again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final

from greenwater.kernel.reading import local
from greenwater.storage.registry import Registry
from greenwater.storage.registry.between_organisations import Spread
from greenwater.storage.registry.bulletins import BulletinCopy
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.places import VesselInfo
from traceability.sea.trip_book import in_force
from traceability.sea.vessel_papers import PaperState, paper_states, papers_in

PAPER: Final = "paper"
RECALL: Final = "recall"
RECALL_OVER: Final = "recall-over"
FROM_H: Final = 7
UNTIL_H: Final = 20
"""Nobody is woken for a paper."""

ANSWER: Final = frozenset({Role.BOAT_OWNER, Role.SKIPPER})
"""Who answers for a boat's papers."""

PAPERS: Final[Mapping[str, str]] = {
    "registration": "giấy chứng nhận đăng ký tàu cá",
    "licence": "giấy phép khai thác thủy sản",
    "safety": "giấy chứng nhận an toàn kỹ thuật",
    "vms": "thiết bị giám sát hành trình",
    "food_safety": "giấy chứng nhận an toàn thực phẩm",
    "master": "bằng thuyền trưởng",
    "crew_insurance": "bảo hiểm thuyền viên",
}
"""What papers are called in a message. As on pages: ``sea_papers_…``."""

Addressed = Mapping[str, Sequence[Contact]]
"""Addresses by organisation."""


def tell_papers(registry: Registry, now_ms: int) -> int:
    """Tell owners and skippers of papers that have 30, 15 or 3 days left, each day once.

    Only by day. Returns how many messages stand ready; most of them do already.
    """
    if not FROM_H <= _local(now_ms).hour < UNTIL_H:
        return 0
    to = addressed(registry, ANSWER)
    copies = [
        copy
        for vessel in registry.vessels()
        if to.get(vessel.organisation) and vessel.is_in_service
        for state in _ending(registry, vessel, now_ms)
        for copy in _of_paper(vessel, state, to[vessel.organisation], now_ms)
    ]
    registry.save_bulletins((), copies)
    return len(copies)


def _ending(
    registry: Registry, vessel: VesselInfo, now_ms: int
) -> Iterable[PaperState]:
    records = registry.vessel_records(vessel=vessel.id)
    papers = papers_in(in_force(one for one in records if one.kind == "paper"))
    for state in paper_states(papers, vessel.length_m, now_ms, now_ms):
        if state.warning is not None:
            yield state


def _of_paper(
    vessel: VesselInfo, state: PaperState, to: Sequence[Contact], now_ms: int
) -> Iterable[BulletinCopy]:
    about = f"{PAPER}/{vessel.id}/{state.paper}/{state.until_day}/{state.warning}"
    year, month, day = (state.until_day or "").split("-")
    name = PAPERS.get(state.paper, state.paper)
    left = "hôm nay là ngày cuối" if state.days == 0 else f"còn {state.days} ngày"
    text = (
        f"Tàu {vessel.name} ({vessel.id}): {name} {state.number} {left}, hết hạn "
        f"{day}/{month}/{year}. Gia hạn rồi ghi giấy mới vào sổ tàu."
    )
    for contact in to:
        yield _copy(contact, about, "Giấy tờ sắp hết hạn", text, now_ms)


def addressed(registry: Registry, roles: frozenset[Role]) -> Addressed:
    """Return each organisation's addresses: of people in these roles, else of all it has."""
    held = {
        (organisation, person.id)
        for person in registry.list_people()
        for organisation in person.organisations(roles)
    }
    every: dict[str, list[Contact]] = defaultdict(list)
    for contact in registry.contacts():
        every[contact.organisation].append(contact)
    return {
        organisation: [
            one for one in contacts if (organisation, one.person) in held
        ] or contacts
        for organisation, contacts in every.items()
    }  # fmt: skip


def tell_recalls(registry: Registry, now_ms: int) -> int:
    """Tell whoever has goods that are called back, once; return how many messages.

    Whoever calls them back knows. Holders without an address here, and those outside the
    platform, are on the list that the caller telephones.
    """
    recalls = registry.recalls()
    if not recalls:
        return 0
    to = addressed(registry, frozenset())
    copies = [copy for one in recalls for copy in _of_recall(registry, one, to, now_ms)]
    registry.save_bulletins((), copies)
    return len(copies)


def _of_recall(
    registry: Registry, recall: Recall, to: Addressed, now_ms: int
) -> Iterable[BulletinCopy]:
    spread = registry.spread_of(recall.lot)
    caller = spread.lots[recall.lot].organisation
    about = f"{RECALL}/{recall.lot}/{recall.at_ms}"
    for holder, kilograms in sorted(holders_of(spread).items()):
        if holder == caller:
            continue
        goods = ", ".join(
            f"{spread.lots[lot].code} ({_plain(kg)} kg)"
            for lot, kg in sorted(kilograms.items())
        )
        text = (
            f"{spread.organisations.get(caller, caller)} thu hồi lô {goods}. Lý do: "
            f"{recall.reason}. Ngừng bán, để riêng ra, gọi {recall.phone}."
        )
        for contact in to.get(holder, ()):
            yield _copy(contact, about, "Thu hồi hàng", text, now_ms)


def holders_of(spread: Spread) -> Mapping[str, Mapping[str, float]]:
    """Return kilograms by lot of each organisation that has goods, or is sent them."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for held in spread.holdings:
        if held.kg > 0:
            found[held.organisation][held.lot] += held.kg
    for sent in spread.shipments:
        for flow in sent.flows:
            if sent.step.recipient is not None and flow.lot in spread.lots:
                found[sent.step.recipient][flow.lot] += flow.kg
    return found


def tell_recall_over(registry: Registry, lot: str, at_ms: int, now_ms: int) -> None:
    """Tell those who have the goods that a recall of ``at_ms`` is over, once."""
    spread = registry.spread_of(lot)
    first = spread.lots[lot]
    to = addressed(registry, frozenset())
    caller = spread.organisations.get(first.organisation, first.organisation)
    text = f"{caller} đã kết thúc đợt thu hồi lô {first.code}: hàng được dùng lại."
    registry.save_bulletins(
        (),
        [
            _copy(one, f"{RECALL_OVER}/{lot}/{at_ms}", "Hết thu hồi", text, now_ms)
            for holder in sorted(set(holders_of(spread)) - {first.organisation})
            for one in to.get(holder, ())
        ],
    )


def _copy(
    contact: Contact, about: str, head: str, text: str, now_ms: int
) -> BulletinCopy:
    short = blake2b(contact.url.encode(), digest_size=6).hexdigest()
    return BulletinCopy(
        id=f"{contact.organisation}/{about}/{contact.person}/{short}",
        organisation=contact.organisation,
        person=contact.person,
        url=contact.url,
        head=head,
        text=text,
        due_ms=now_ms,
    )


def _local(now_ms: int) -> datetime:
    return local(now_ms)


def _plain(kg: float) -> str:
    return f"{round(kg, 3):g}".replace(".", ",")
