"""Two who write at one moment on PostgreSQL: the second comes before the first has committed.

On SQLite there is one writer, who waits before he looks; here he may look first.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from greenwater.kernel.errors import ConflictError
from greenwater.reference.procedures import Task
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.accounts import Proof
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.dossiers import Dossier, DossierStep
from greenwater.storage.registry.inspections import Inspection, InspectorKey
from greenwater.storage.registry.labels import Label, Recall
from greenwater.storage.registry.overrides import Override
from greenwater.storage.registry.photos import Photo
from greenwater.storage.registry.trace_events.ledger import GENESIS
from greenwater.storage.registry.vessel_books import VesselRecord
from greenwater.storage.registry.watching import Pass
from tests.contracts.registries import HOUR, NOW, Databases, a_farm
from tests.contracts.test_goods import Trade
from tests.contracts.test_registry_alarms import URL, a_message, an_alarm
from traceability.goods.steps import Dispose, NewStep, Portion

BOAT = "KH-90001-TS"
BLOCKED = sa.text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def trade(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trade]:
    """A registry for all of them, with goods, a boat and an alarm."""
    folder = tmp_path_factory.mktemp("twins")
    url = Databases("postgresql", folder, lambda: postgres).migrated()
    with open_registry(url) as registry:
        made = Trade(registry, folder)
        a_farm(registry, "lan")
        registry.add_vessel(BOAT, organisation="hoa", name="Hòa")
        registry.add_device("lan-box", site="lan-farm", now_ms=NOW)
        registry.add_probe("lan-box", "top")
        yield made


@pytest.fixture
def registry(trade: Trade) -> Registry:
    return trade.registry


def at_once(
    registry: Registry, first: Callable[[], Any], second: Callable[[], Any]
) -> list[Any]:
    """Begin ``second`` when ``first`` has all but committed; return what each gave or raised.

    The commit goes on once the second waits for it, or is done without waiting.
    """
    engine, later = registry._sessions.engine, list[Future[Any]]()
    watching = sa.create_engine(engine.url, isolation_level="AUTOCOMMIT")

    def hold(_connection: Any) -> None:
        if later:
            return
        later.append(pool.submit(second))
        with watching.connect() as asking:
            while not later[0].done() and not asking.scalar(BLOCKED):
                threading.Event().wait(0.002)

    with ThreadPoolExecutor(1) as pool:
        sa.event.listen(engine, "commit", hold)
        try:
            done = [first()]
        finally:
            sa.event.remove(engine, "commit", hold)
            watching.dispose()
        try:
            done.append(later[0].result(timeout=20))
        except ConflictError as exc:
            done.append(exc.key or str(exc))
    return done


def twins(registry: Registry, act: Callable[[], Any]) -> list[Any]:
    return at_once(registry, act, act)


def a_record(id_: str) -> Record:
    return Record(
        id_, "lan", "lan-ao-1", None, "water_by_hand", NOW, NOW, "hoa", "form", {},
        None, f"digest of {id_}",
    )  # fmt: skip


def a_photo(record: str, digest: str = "d1") -> Photo:
    return Photo(record, digest, 4, 3, 100, NOW, "hoa")


def test_a_record_that_comes_twice_at_once_is_entered_once(registry: Registry) -> None:
    assert twins(registry, lambda: registry.add_record(a_record("r"))) == [True, False]
    other = replace(a_record("r2"), digest="another")
    assert at_once(
        registry,
        lambda: registry.add_record(a_record("r2")),
        lambda: registry.add_record(other),
    ) == [True, "record_other"]


def test_a_boats_record_that_comes_twice_at_once_is_entered_once(
    registry: Registry,
) -> None:
    record = VesselRecord(
        id="v", organisation="hoa", vessel=BOAT, trip=None, kind="landing",
        happened_ms=NOW, entered_ms=NOW, received_ms=NOW, entered_by="hoa",
        entered_for="hoa", source="phone", fields={}, corrects=None, digest="d",
    )  # fmt: skip
    enter = twins(registry, lambda: registry.add_vessel_records([record]))
    assert enter == [[True], [False]]


def test_a_record_is_confirmed_once_and_gets_no_photo_too_many(
    registry: Registry,
) -> None:
    registry.add_record(a_record("p"))
    confirm = twins(registry, lambda: registry.confirm_record("p", "hoa", now_ms=NOW))
    assert confirm == [True, False]
    same = twins(registry, lambda: registry.add_photo(a_photo("p"), most=2))
    assert same == [True, False]
    two = at_once(
        registry,
        lambda: registry.add_photo(a_photo("p", "d2"), most=2),
        lambda: registry.add_photo(a_photo("p", "d3"), most=2),
    )
    assert two == [True, "photos_many"]


def test_a_step_that_comes_twice_at_once_is_not_refused_for_what_it_took_itself(
    trade: Trade,
) -> None:
    lot = trade.begin(100.0)
    new = NewStep(
        id=str(uuid.uuid4()), organisation="hoa", at_ms=NOW,
        act=Dispose((Portion(lot.id, 100.0),), reason="hỏng"),
    )  # fmt: skip
    first, second = twins(trade.registry, lambda: trade.goods.enter("hoa", new))
    assert first == second
    assert trade.left(lot.id) == 0


def test_a_lot_that_is_made_twice_at_once_is_one(trade: Trade) -> None:
    lot = replace(trade.begin(1.0), id="twin", code="TWIN", landing="other")
    assert twins(trade.registry, lambda: trade.registry.add_lot(lot, [])) == [None] * 2


def test_the_end_of_a_recall_is_recorded_once(trade: Trade) -> None:
    lot, asked = trade.begin(1.0), list[int]()

    def drafts(lots: Any) -> dict[str, Any]:
        asked.append(len(lots))
        return {}

    recall = Recall(lot.id, "mùi lạ", "+84905000000", NOW, "hoa", None)
    trade.registry.call_back(recall, lambda _lots: {})
    twins(trade.registry, lambda: trade.registry.end_call_back(lot.id, drafts, NOW))
    assert asked == [1]


def test_scans_that_tell_their_place_at_once_are_all_counted(trade: Trade) -> None:
    lot, registry = trade.begin(1.0), trade.registry
    key = registry.signing_keys()[0].id
    label = Label("s1", "hoa", lot.id, key, "https://x.example/s1", NOW, "hoa")
    registry.add_labels([label], [], NOW)
    hour_ms = NOW // HOUR * HOUR
    for _ in range(2):
        registry.note_scan("s1", hour_ms)
    twins(registry, lambda: registry.place_scan("s1", hour_ms, "22411"))
    assert [(one.place, one.count) for one in registry.scans_of("s1")] == [("22411", 2)]


def test_an_inspection_that_comes_twice_at_once_is_kept_once(trade: Trade) -> None:
    lot = trade.begin(1.0)
    trade.registry.add_inspector_key(InspectorKey("k", "hoa", "p", "Máy", NOW))
    found = Inspection(
        "i1", "hoa", lot.id, None, "hoa", "k", "conformant", "", "signed", NOW, NOW
    )
    keep = twins(trade.registry, lambda: trade.registry.add_inspection(found, []))
    assert keep == [True, False]


def test_two_pages_that_offer_a_second_factor_offer_the_same(
    registry: Registry,
) -> None:
    secrets = iter(("first", "second"))
    offered = twins(
        registry, lambda: registry.offer_second_factor("hoa", next(secrets)).secret
    )
    assert offered == ["first", "first"]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_session_does_not_outlive_the_secret_that_opened_it(
    registry: Registry, is_first: bool
) -> None:
    registry.set_secret("hoa", "old", is_pin=True)

    def come_in() -> None:
        registry.open_session(
            "token", "hoa", now_ms=NOW, expires_ms=NOW + HOUR, proof=Proof("old")
        )

    def set_other() -> None:
        registry.set_secret("hoa", "new", is_pin=True)

    acts = (come_in, set_other) if is_first else (set_other, come_in)
    assert at_once(registry, *acts) == [None, None if is_first else "proof_over"]
    assert registry.find_session("token", NOW) is None


def test_who_is_signed_out_while_he_shows_a_code_stays_out(registry: Registry) -> None:
    for first, then in (("owed", "whole"), ("owed2", "whole2")):
        registry.open_session(first, "hoa", now_ms=NOW, expires_ms=NOW + HOUR)

        def come_in(first: str = first, then: str = then) -> None:
            registry.open_session(
                then, "hoa", now_ms=NOW, expires_ms=NOW + HOUR, proof=Proof(token=first)
            )

        def sign_out() -> None:
            registry.end_sessions("hoa")

        acts = (come_in, sign_out) if first == "owed" else (sign_out, come_in)
        assert at_once(registry, *acts)[0] is None
        assert not registry.list_sessions("hoa", NOW)


def test_what_two_agree_to_at_once_is_agreed_to(registry: Registry) -> None:
    asked = Override(
        id="o", organisation="hoa", subject="crop/x", code="c", reason="vì", person="hoa",
        at_ms=NOW,
    )  # fmt: skip
    registry.ask_override(asked)
    numbers = iter(("a1", "a2"))
    agreed = twins(
        registry,
        lambda: registry.agree_to_override(
            "o", agreement=next(numbers), person="cho", remark="", at_ms=NOW
        ),
    )
    assert agreed == [None, None]


def test_of_two_next_steps_of_a_dossier_the_second_is_told_to_open_it_again(
    registry: Registry,
) -> None:
    registry.add_office("cho", Task.DECIDE)
    draft = Dossier(
        id="d", organisation="lan", procedure="vietgap", site="lan-farm", crop=None,
        decider="cho", checker=None, created_ms=NOW, created_by="hoa",
    )  # fmt: skip
    registry.add_dossier(draft)
    step = DossierStep(
        dossier="d", number=1, kind="submit", code="1", at_ms=NOW, person="hoa",
        document="{}", previous=GENESIS, hash="h", key=registry.signing_keys()[0].id, signature="s",
    )  # fmt: skip
    twice = twins(registry, lambda: registry.add_dossier_step(step))
    assert twice == [None, "dossier_step"]
    others = [replace(draft, id=one) for one in ("d1", "d2")]
    begun = at_once(
        registry,
        *(lambda one=one: registry.add_dossier(one, beside=["d"]) for one in others),
    )
    assert begun == [None, "dossier_begun"], "two touches of one button"
    registry.add_dossier(others[1], beside=["d", "d1"])
    sent = (replace(step, dossier=one, code="2") for one in ("d1", "d2"))
    numbered = at_once(
        registry, *(lambda one=one: registry.add_dossier_step(one) for one in sent)
    )
    assert numbered == [None, "row_taken"], "a number is one dossier's"


def test_what_is_ended_stays_ended_when_it_was(registry: Registry) -> None:
    registry.add_api_token(
        "t", "s", organisation="hoa", name="Máy", scopes=frozenset({"goods:read"}),
        now_ms=NOW, expires_ms=NOW + HOUR,
    )  # fmt: skip
    crop = Crop("c", "lan", "lan-ao-1", "09521234540007", "PNV", "Vụ", NOW, None)
    registry.add_product(
        crop.product, organisation="lan", name_vi="Tôm", name_en="Shrimp", species="PNV"
    )
    registry.add_crop(crop)
    at_once(
        registry,
        lambda: registry.end_crop("c", NOW + 1),
        lambda: registry.end_crop("c", NOW + 2),
    )
    at_once(
        registry,
        lambda: registry.revoke_api_token("t", now_ms=NOW + 1),
        lambda: registry.revoke_api_token("t", now_ms=NOW + 2),
    )
    assert registry.get_crop("c").ended_ms == NOW + 1
    assert registry.list_api_tokens("hoa")[0].revoked_ms == NOW + 1


def test_of_two_crops_opened_at_once_the_second_is_told_of_the_first(
    registry: Registry,
) -> None:
    registry.add_unit("lan-ao-2", site="lan-farm", name="Ao 2")
    registry.add_product(
        "09521234540014",
        organisation="lan",
        name_vi="Tôm",
        name_en="Shrimp",
        species="PNV",
    )
    crop = Crop("c1", "lan", "lan-ao-2", "09521234540014", "PNV", "Vụ", NOW, None)
    opened = at_once(
        registry,
        lambda: registry.add_crop(crop),
        lambda: registry.add_crop(replace(crop, id="c2")),
    )
    assert opened == [None, "crop_unit_busy"]


def test_of_two_senders_of_one_message_one_has_it(registry: Registry) -> None:
    message = replace(
        a_message("m-twice"), organisation="lan", person="hoa", alarm="twice"
    )
    alarm = replace(
        an_alarm("twice"), organisation="lan", site="lan-farm", unit="lan-ao-1",
        device="lan-box", condition="twice",
    )  # fmt: skip
    registry.save_pass(
        Pass(saved_ms=NOW, states={}, alarms=[alarm], notifications=[message])
    )
    taken = twins(registry, lambda: registry.take_notification("m-twice", NOW))
    assert taken == [True, False]


def test_an_address_dropped_while_something_is_sent_there_breaks_nothing(
    registry: Registry,
) -> None:
    message = a_message()
    alarm = replace(
        an_alarm(), organisation="lan", site="lan-farm", unit="lan-ao-1",
        device="lan-box",
    )  # fmt: skip
    here = replace(message, organisation="lan", person="hoa")
    done: list[Callable[[], None]] = [
        lambda: registry.notification_sent(here, NOW),
        lambda: registry.notification_failed(here, "no", next_ms=None, at_ms=NOW),
        lambda: registry.renew_contact(Contact("lan", "hoa", URL, 0), "json://other"),
    ]
    for then in done:
        registry.add_contact("lan", "hoa", URL)
        registry.save_pass(
            Pass(saved_ms=NOW, states={}, alarms=[alarm], notifications=[here])
        )
        dropped = at_once(
            registry, lambda: registry.drop_contact("lan", "hoa", URL), then
        )
        assert dropped == [None, None]
        assert not registry.contacts()


def test_a_write_forgotten_while_its_twin_asks_is_asked_about_again(
    registry: Registry,
) -> None:
    engine = registry._sessions.engine
    assert registry.begin_write("k", "d", now_ms=NOW) is None
    inserted = threading.Event()

    def forget(*told: Any) -> None:
        if "INSERT INTO api_write" in told[2] and not inserted.is_set():
            inserted.set()
            with ThreadPoolExecutor(1) as other:
                other.submit(registry.forget_write, "k").result(timeout=20)

    sa.event.listen(engine, "after_cursor_execute", forget)
    try:
        with pytest.raises(ConflictError, match="failed"):
            registry.begin_write("k", "d", now_ms=NOW)
    finally:
        sa.event.remove(engine, "after_cursor_execute", forget)
    assert inserted.is_set()
    assert registry.begin_write("k", "d", now_ms=NOW) is None, "it is to be done"
