"""A crop's water as people read it: shares, excursions, gaps. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Bounds
from traceability.book.evidence import ChannelEvidence, Evidence
from web.views.formats import (
    amount,
    clock_time,
    day,
    duration,
    number,
)
from web.words import Lang, channel_name, say

MUCH_UNMEASURED: Final = 0.05
"""Beyond this share of gaps a share inside limits is not said without them."""


@dataclass(frozen=True)
class EvidenceView:
    """One channel; ``width`` is the share of all time seen inside limits, in percent."""

    name: str
    share: str
    width: int
    excursion: str
    gaps: str
    hand: str
    limit: str
    range: str


def evidence_views(lang: Lang, evidence: Evidence | None) -> Sequence[EvidenceView]:
    """Return what is said of each channel."""
    return [_view(lang, one) for one in (evidence.channels if evidence else ())]


def percent(lang: Lang, share: float) -> str:
    """Return a share as people read it; never 100 % of what was not whole."""
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    shown = min(max(share * 100, 0.1), 99.9)
    return f"{number(lang, shown, 1 if shown > 99 or shown < 1 else 0)} %"


def bounds_text(lang: Lang, channel: Channel, bounds: Bounds) -> str:
    """Return limits: "từ 4,0 mg/L", "24,0 °C – 33,0 °C"."""
    low = None if bounds.low is None else amount(lang, channel, bounds.low)
    high = None if bounds.high is None else amount(lang, channel, bounds.high)
    if low is None:
        return say(lang, "at_most", value=high or "")
    if high is None:
        return say(lang, "at_least", value=low)
    return f"{low} – {high}"


def _headline(lang: Lang, one: ChannelEvidence) -> str:
    """Return the share inside limits; with much unmeasured, that comes first."""
    share = percent(lang, one.inside_share or 0.0)
    if one.gap_share <= MUCH_UNMEASURED:
        return say(lang, "passport_share", share=share)
    measured = percent(lang, 1 - one.gap_share)
    return say(lang, "passport_share_of", share=share, measured=measured)


def _how_made(lang: Lang, one: ChannelEvidence) -> str:
    """Return how readings came to be: by a probe or by hand, and what was made of them."""
    hand = percent(lang, one.hand_share)
    told = [
        say(lang, "passport_hand", auto=percent(lang, 1 - one.hand_share), hand=hand)
    ]
    for share, key in (
        (one.salted_share, "passport_salted"),
        (one.derived_share, "passport_derived"),
    ):
        if share:
            told.append(say(lang, key, share=percent(lang, share)))
    return "; ".join(told)


def _view(lang: Lang, one: ChannelEvidence) -> EvidenceView:
    channel = Channel(one.channel)
    share = one.inside_share or 0.0
    worst = one.longest_excursion
    excursion = say(lang, "passport_never")
    if worst is not None:
        when = f"{clock_time(worst.from_ms)} {day(worst.from_ms)}"
        excursion = say(
            lang,
            "passport_worst",
            duration=duration(lang, worst.to_ms - worst.from_ms),
            when=when,
            worst=amount(lang, channel, worst.worst),
        )
    gaps = say(lang, "passport_no_gaps")
    if one.longest_gap is not None and one.gap_share > 0:
        gaps = say(
            lang,
            "passport_gaps",
            share=percent(lang, one.gap_share),
            duration=duration(lang, one.longest_gap[1] - one.longest_gap[0]),
        )
    basis = say(lang, f"basis_{one.basis}")
    if one.basis == "law" and not one.verified:
        basis = say(lang, "passport_reference")
    spread = ""
    if one.minimum is not None and one.maximum is not None:
        low, high = (
            amount(lang, channel, one.minimum),
            amount(lang, channel, one.maximum),
        )
        spread = say(lang, "passport_spread", low=low, high=high)
    return EvidenceView(
        channel_name(lang, channel),
        _headline(lang, one),
        int(share * (1 - one.gap_share) * 100),
        excursion,
        gaps,
        _how_made(lang, one),
        say(
            lang,
            "passport_limit",
            limit=bounds_text(lang, channel, one.limit),
            basis=basis,
        ),
        spread,
    )
