"""How many streams a visitor holds: a few, the newest, and nobody else's end for them."""

from hypothesis import given
from hypothesis import strategies as st

from web.api.streams import MOST_A_PERSON, MOST_A_SESSION, Held, Streams


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.booleans()), max_size=60))
def test_a_session_and_a_person_hold_the_newest_few(
    moves: list[tuple[str, bool]],
) -> None:
    """Sessions a to f are one person's, g is another's; what is not begun, ends."""
    streams, begun = Streams(), list[tuple[str, Held]]()
    for session, begins in moves:
        mine = [one for name, one in begun if name == session and not one.is_over]
        if begins:
            held = streams.begin(session, "g" if session == "g" else "hoa")
            begun.append((session, held))
        elif mine:
            streams.end(mine[0])
            begun = [one for one in begun if one[1] is not mine[0]]
        alive = [(name, one) for name, one in begun if not one.is_over]
        assert len(streams) == len(alive)
        for name in "abcdefg":
            of_session = [one for other, one in begun if other == name]
            kept = [one for one in of_session if not one.is_over]
            assert len(kept) <= MOST_A_SESSION
            assert kept == of_session[len(of_session) - len(kept) :], "the newest stay"
        assert sum(name != "g" for name, _ in alive) <= MOST_A_PERSON


def test_many_people_have_their_streams_and_leave_nothing_behind() -> None:
    streams = Streams()
    held = [
        streams.begin(f"phone-{one}", f"farmer-{one}")
        for one in range(200)
        for _ in range(MOST_A_SESSION)
    ]
    assert not any(one.is_over for one in held)
    assert len(streams) == len(held)
    with streams.one_more("phone-0", "farmer-0"):
        assert [one.is_over for one in held[:2]] == [True, False]
    for one in held:
        streams.end(one)
    assert len(streams) == 0
    assert streams._open == {}
