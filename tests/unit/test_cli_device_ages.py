"""When a box was heard, in words: a demo's clock runs ahead of the machine's."""

from cli.device import _age


def test_a_box_of_a_clock_that_runs_ahead_has_an_instant_and_no_negative_age() -> None:
    at = "2026-11-28T22:44:46+07:00"
    assert _age(None, None) == "never heard"
    assert _age(12, at) == "12 s ago"
    assert _age(-71_000, at) == f"at {at} by its platform's clock"
