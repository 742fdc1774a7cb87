"""Charts and boats in words and drawings, ready for a template."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from greenwater.derived.unit_water import Made
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Gap, Reading, local
from greenwater.storage.registry.places import VesselInfo
from web.views import tracks
from web.views.cards import (
    box_views,
    device_notices,
    is_simulated,
    probe_views,
    state_of,
)
from web.views.charts import Line, Marked, Window, draw, extremes, holes
from web.views.facts import Facts, Hanging
from web.views.formats import (
    age,
    amount,
    clock_time,
    day,
    moment,
    number,
    position,
    unit_of,
)
from web.views.shown import ChartView, VesselView
from web.words import Lang, channel_name, say

HOLES_TOLD: Final = 4
REASONS: Final = frozenset({"thinned", "torn", "clock"})


def chart_view(
    lang: Lang,
    place: tuple[str, str],
    channel: Channel,
    lines: Sequence[Line],
    window: Window,
    *,
    marks: Marked | None = None,
    name: str = "",
) -> ChartView:
    """Return a chart; ``place`` is ("unit", id) or ("vessel", id), ``name`` what it is called."""
    hours = round((window.end_ms - window.start_ms) / 3_600_000)
    name, period = name or channel_name(lang, channel), period_name(lang, hours)
    found = extremes(lines) or (marks.extremes() if marks else None)
    if found is None:
        alt = say(lang, "chart_empty", channel=name, period=period)
    else:
        low, high = (amount(lang, channel, value) for value in found)
        alt = say(lang, "chart_alt", channel=name, period=period, low=low, high=high)
    svg = draw(
        lines,
        window,
        alt=alt,
        name_value=lambda value: amount(lang, channel, value).split("\xa0")[0],
        name_time=lambda ms: axis_time(ms, hours),
        marks=marks,
    )
    source = urlencode({"channel": channel.value, "hours": hours})
    return ChartView(
        name,
        unit_of(channel),
        svg if found else Markup(""),
        alt,
        f"/{place[0]}s/{place[1]}/chart.json?{source}&lang={lang}",
        tuple(line.label for line in lines),
        tuple(_notes(lang, lines, window)),
        channel.value,
    )


def period_name(lang: Lang, hours: int) -> str:
    """Return ``24 giờ qua`` or ``7 ngày qua``."""
    if hours <= 48:
        return say(lang, "last_hours", hours=hours)
    return say(lang, "last_days", days=hours // 24)


def axis_time(ms: int, hours: int) -> str:
    """Return what stands under a time axis that long: of more than half a day, its day."""
    if hours <= 12:
        return clock_time(ms)
    return local(ms).strftime("%H:%M %d/%m" if hours <= 48 else "%d/%m")


def _notes(lang: Lang, lines: Sequence[Line], window: Window) -> list[str]:
    found = []
    for line in lines:
        missing = holes(line, window)[-HOLES_TOLD:]
        if missing:
            told = ", ".join(_stretch(lang, a, b, window.end_ms) for a, b in missing)
            sentence = say(lang, "holes", stretches=told)
            found.append(f"{line.label}: {sentence}" if len(lines) > 1 else sentence)
        if line.made is not Made.TOLD:
            sentence = say(lang, f"chart_{line.made}")
            found.append(f"{line.label}: {sentence}" if len(lines) > 1 else sentence)
    confessed = {gap for line in lines for gap in line.gaps}
    ordered = sorted(confessed, key=lambda gap: gap.start_ms)[-HOLES_TOLD:]
    return found + [_confession(lang, gap, window.end_ms) for gap in ordered]


def _stretch(lang: Lang, start_ms: int, end_ms: int, now_ms: int) -> str:
    end = clock_time(end_ms)
    if day(start_ms) != day(end_ms):
        end = moment(lang, end_ms, now_ms)
    return say(lang, "stretch", start=moment(lang, start_ms, now_ms), end=end)


def _confession(lang: Lang, gap: Gap, now_ms: int) -> str:
    reason = gap.reason if gap.reason in REASONS else "unknown"
    return say(
        lang,
        "lost" if gap.count else "lost_unknown",
        count=number(lang, gap.count),
        start=moment(lang, gap.start_ms, now_ms),
        end=moment(lang, gap.end_ms, now_ms),
        reason=say(lang, f"reason_{reason}"),
    )


def vessel_view(
    lang: Lang,
    facts: Facts,
    vessel: VesselInfo,
    track: Sequence[tracks.Fix],
    window: Window,
) -> VesselView:
    """Return a boat with its last position and a sketch of where it has been."""
    hanging = facts.on_vessels.get(vessel.id, ())
    last = _last(hanging)
    at_ms = last[Channel.LATITUDE].taken_ms if Channel.LATITUDE in last else None
    state = state_of(at_ms, facts.now_ms)
    course = last[Channel.COURSE].value if Channel.COURSE in last else None
    drawing = tracks.sketch(
        track,
        window.every_ms,
        course=course,
        alt=say(lang, "track_alt"),
        north=say(lang, "north"),
    )
    hours = round((window.end_ms - window.start_ms) / 3_600_000)
    return VesselView(
        vessel.id,
        vessel.name,
        f"/vessels/{vessel.id}",
        state,
        say(lang, "no_position")
        if at_ms is None
        else say(lang, "position", time=moment(lang, at_ms, facts.now_ms)),
        _where(lang, last),
        "" if at_ms is None else age(lang, at_ms, facts.now_ms),
        _motion(lang, last),
        tuple(_vessel_notices(lang, facts, hanging, at_ms)),
        is_simulated(facts, hanging),
        drawing.svg,
        _sketch_note(lang, hours, drawing.scale_nm) if track else "",
        probe_views(lang, hanging, facts.now_ms) + box_views(lang, facts, vessel.id),
    )


def _last(hanging: Sequence[Hanging]) -> dict[Channel, Reading]:
    found: dict[Channel, Reading] = {}
    for one in hanging:
        for reading in one.readings:
            known = found.get(reading.channel)
            if reading.value is not None and (
                known is None or known.taken_ms < reading.taken_ms
            ):
                found[reading.channel] = reading
    return found


def _value(last: dict[Channel, Reading], channel: Channel) -> float | None:
    return last[channel].value if channel in last else None


def _where(lang: Lang, last: dict[Channel, Reading]) -> str:
    latitude, longitude = (
        _value(last, Channel.LATITUDE),
        _value(last, Channel.LONGITUDE),
    )
    if latitude is None or longitude is None:
        return ""
    return position(lang, latitude, longitude)


def _motion(lang: Lang, last: dict[Channel, Reading]) -> str:
    speed, course = _value(last, Channel.SPEED), _value(last, Channel.COURSE)
    if speed is None:
        return ""
    told = amount(lang, Channel.SPEED, speed)
    if course is None:
        return told
    heading = amount(lang, Channel.COURSE, course)
    return say(lang, "speed_course", speed=told, course=heading)


def _vessel_notices(
    lang: Lang, facts: Facts, hanging: Sequence[Hanging], at_ms: int | None
) -> list[str]:
    found = []
    if at_ms is not None and state_of(at_ms, facts.now_ms) == "silent":
        since = moment(lang, at_ms, facts.now_ms)
        return [say(lang, "coverage", time=since)]
    found += device_notices(lang, facts, hanging)
    return found


def _sketch_note(lang: Lang, hours: int, scale_nm: float) -> str:
    miles = number(lang, scale_nm, 0 if scale_nm >= 1 else 1)
    return f"{say(lang, 'track', hours=hours)} · ─ {say(lang, 'nautical_miles', count=miles)}"
