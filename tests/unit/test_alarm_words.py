"""Every kind of alarm, channel and line of history has its words: nothing is guessed."""

from itertools import product
from string import Formatter
from typing import get_args

import pytest

from analytics.alarms.messages import WHAT, advice, matter
from analytics.alarms.signals import levels_of
from analytics.alarms.wording import ADVICE, CHANNELS
from greenwater.kernel.channels import Channel
from greenwater.reference.alarm_rules import change_rules
from greenwater.reference.limits import TABLES
from greenwater.storage.registry.alarm_kinds import ACTS, AlarmKind, Hiding, StepKind
from greenwater.storage.registry.alarms import Alarm, AlarmState
from web.words import Lang, say

KINDS: tuple[AlarmKind, ...] = get_args(AlarmKind)
STEPS = {
    one
    for part in get_args(StepKind)
    for one in (get_args(part) if get_args(part) else (part,))
}
OWN_ADVICE = {"zone", "monitoring", "contact"}
"""Kinds whose alarms bring their advice along (``afloat``)."""


def an_alarm(kind: AlarmKind) -> Alarm:
    return Alarm(
        id="a1", organisation="hoa", condition=f"{kind}/x", kind=kind, severity="warn",
        state=AlarmState.RAISED, began_ms=0, raised_ms=0, channel="dissolved_oxygen",
        side="low", value=2.8, detail={"vi": "tàu im", "en": "silent", "for_ms": 0},
    )  # fmt: skip


def test_every_kind_has_its_words_and_advice_and_there_is_no_other() -> None:
    assert set(WHAT) == set(KINDS)
    for kind, lang in product(KINDS, ("vi", "en")):
        said = matter(an_alarm(kind), lang)
        assert said, kind
        assert "{" not in said, said
        if kind not in {"limit", *OWN_ADVICE}:
            assert (kind, "") in ADVICE, kind
            assert advice(an_alarm(kind), "pond", lang)


def test_a_kind_that_nobody_gave_words_is_refused() -> None:
    unknown: AlarmKind = "flood"  # type: ignore[assignment]
    with pytest.raises(KeyError, match="flood"):
        matter(an_alarm(unknown), "vi")


def test_every_channel_and_side_that_has_a_limit_has_words_and_an_act() -> None:
    asked = {
        (one.channel, level.side)
        for one in TABLES.operating
        for level in levels_of(one.channel, one)
    } | {
        (rule.channel, rule.side)
        for one in TABLES.operating
        for rule in change_rules(one.species, one.channel)
    }
    assert (Channel.SALINITY, "low") in asked
    for channel, side in sorted(asked):
        assert all(channel in CHANNELS[lang] for lang in ("vi", "en")), channel
        acts = {unit for what, unit in ADVICE if what == f"{channel}/{side}"}
        assert acts, f"{channel}/{side} has no advice of its own"


def test_every_line_of_history_has_its_words_in_both_languages() -> None:
    facts = dict.fromkeys(
        ("name", "value", "severity", "probe", "depth", "time", "start", "end"), "x"
    )
    for kind, lang in product(sorted(STEPS), Lang):
        said = say(lang, f"step_{kind}", **facts)
        assert said, kind
        assert said != f"step_{kind}"
        assert not [name for _, name, _, _ in Formatter().parse(said) if name]
    assert set(ACTS.values()) <= STEPS
    assert set(get_args(Hiding)) <= STEPS
