"""What is sent next, and when again."""

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge.outbox import Waiting
from edge.sending import ASK_AGAIN_S, STUCK_FIRST_S, Sending


def batch(number: int) -> Waiting:
    return Waiting(number, 5, b"%d" % number)


def drained(sending: Sending, now_s: float) -> list[int]:
    out = []
    while (one := sending.next(now_s)) is not None:
        out.append(one.batch)
    return out


def test_live_goes_before_backlog() -> None:
    sending = Sending(16)
    sending.offer_backlog([batch(1), batch(2)])
    sending.offer_live([batch(9)])
    assert drained(sending, 0.0) == [9, 1, 2]


def test_the_backlog_never_takes_the_whole_window() -> None:
    sending = Sending(16)
    for round_s in range(100):
        sending.offer_backlog([batch(round_s * 20 + n) for n in range(20)])
        sent = drained(sending, float(round_s))
        sending.acked([(n, n) for n in sent], round_s + 0.1)
    sending.offer_backlog([batch(10_000 + n) for n in range(50)])
    assert len(drained(sending, 200.0)) == 12
    assert sending.takes_live()


def test_so_much_of_the_backlog_is_asked_for_as_has_room_and_not_twice_at_once() -> (
    None
):
    sending = Sending(16)
    assert sending.wants(0.0) == 5
    assert sending.wants(ASK_AGAIN_S - 0.1) == 0, "it was asked for"
    assert sending.wants(ASK_AGAIN_S) == 5, "nothing came"
    sending.offer_backlog([batch(n) for n in range(4)])
    assert sending.wants(ASK_AGAIN_S) == 4, "one more has room: as much as at first"
    sending.offer_backlog([batch(4)])
    assert sending.wants(ASK_AGAIN_S) == 0


def test_live_ones_in_the_air_take_nothing_of_the_backlogs_credit() -> None:
    sending = Sending(16)
    sending.offer_live([batch(n) for n in range(8)])
    sending.offer_backlog([batch(20 + n) for n in range(8)])
    assert drained(sending, 0.0) == [*range(8), *range(20, 24)]


def test_a_slow_link_gets_little_of_the_backlog() -> None:
    sending = Sending(64)
    for round_s in range(0, 100, 10):
        sending.offer_backlog([batch(round_s * 20 + n) for n in range(8)])
        sent = drained(sending, float(round_s))
        sending.acked([(n, n) for n in sent], round_s + 8.0)
    assert sending.credit == 1.0
    sending.connected(100.0)  # it was cut, and is as slow as before
    assert sending.credit == 1.0


def test_what_is_unacknowledged_comes_again_after_60_s_doubling_to_15_min() -> None:
    sending = Sending(16)
    sending.offer_live([batch(1)])
    sent_s = []
    for now_s in range(4_000):
        if drained(sending, float(now_s)):
            sent_s.append(now_s)
    pauses = [b - a for a, b in pairwise(sent_s)]
    assert pauses == [60, 120, 240, 480, 900, 900, 900]


def test_a_new_connection_sends_again_what_was_in_the_air() -> None:
    sending = Sending(16)
    sending.offer_live([batch(3), batch(4)])
    assert drained(sending, 0.0) == [3, 4]
    sending.connected(1.0)
    assert drained(sending, 1.0) == [3, 4]


def test_memory_is_bounded_by_a_network_that_comes_and_goes_unheard() -> None:
    sending, offered = Sending(8), 0
    for now_s in range(500):  # a broker without a platform behind it
        sending.connected(float(now_s))
        while sending.takes_live():
            sending.offer_live([batch(offered)])
            offered += 1
            drained(sending, float(now_s))
    assert offered <= 4 * 8
    sending.acked([(0, offered)], 500.0)
    drained(sending, 500.0)
    assert sending.takes_live(), "once the platform is back, live ones go first again"


def test_an_ack_for_what_was_never_sent_settles_nothing() -> None:
    sending = Sending(16)
    sending.offer_backlog([batch(1)])
    assert sending.acked([(0, 10**18)], 0.0) == []
    assert drained(sending, 0.0) == [1]


def test_a_batch_acknowledged_before_it_was_sent_again_is_not() -> None:
    sending = Sending(16)
    sending.offer_live([batch(1)])
    drained(sending, 0.0)
    sending.send_all_again()
    assert sending.acked([(1, 1)], 0.5) == [1]
    assert drained(sending, 1.0) == []


def test_a_connection_without_progress_is_given_up_ever_more_rarely() -> None:
    sending = Sending(4)
    sending.connected(0.0)
    sending.offer_live([batch(1)])
    drained(sending, 0.0)
    assert not sending.is_stuck(STUCK_FIRST_S - 1)
    assert sending.is_stuck(STUCK_FIRST_S)
    sending.connected(STUCK_FIRST_S)
    drained(sending, STUCK_FIRST_S)
    assert not sending.is_stuck(STUCK_FIRST_S * 2.5)
    assert sending.is_stuck(STUCK_FIRST_S * 3)


class Traffic(RuleBasedStateMachine):
    """Nothing offered is ever forgotten before it is acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.sending, self.now_s, self.number = Sending(6), 0.0, 0
        self.open: set[int] = set()
        self.sent: set[int] = set()

    @rule(count=st.integers(1, 4), is_live=st.booleans())
    def offer(self, count: int, is_live: bool) -> None:
        some = [batch(self.number + n) for n in range(count)]
        self.number += count
        self.open.update(one.batch for one in some)
        (self.sending.offer_live if is_live else self.sending.offer_backlog)(some)

    @rule()
    def send(self) -> None:
        one = self.sending.next(self.now_s)
        if one is not None:
            assert one.batch in self.open
            self.sent.add(one.batch)

    @rule(first=st.integers(0, 40), length=st.integers(0, 10))
    def ack(self, first: int, length: int) -> None:
        done = set(self.sending.acked([(first, first + length)], self.now_s))
        assert done == self.sent & self.open & set(range(first, first + length + 1))
        self.open -= done

    @rule(passed_s=st.sampled_from([0.1, 3.0, 70.0, 1000.0]))
    def wait(self, passed_s: float) -> None:
        self.now_s += passed_s

    @rule()
    def reconnect(self) -> None:
        self.sending.connected(self.now_s)

    @invariant()
    def the_air_holds_no_more_than_the_window(self) -> None:
        assert len(self.sending.air) <= 6

    def teardown(self) -> None:
        arrived: set[int] = set()
        for _ in range(200):
            self.now_s += 1000.0
            while (one := self.sending.next(self.now_s)) is not None:
                arrived.add(one.batch)
                self.sending.acked([(one.batch, one.batch)], self.now_s)
        assert self.open <= arrived


TestTraffic = Traffic.TestCase
