"""What vessels' alarms say: closed waters, monitoring silent, nobody heard. Pure.

The place of these alarms is the vessel, which ``detail["place"]`` names. Words are the
glossary's (đánh bắt sai vùng, máy giám sát mất tín hiệu, mất liên lạc).
"""

from collections.abc import Mapping
from typing import Any, Final

from analytics.alarms.claims import Claim
from analytics.alarms.messages import clock
from analytics.fishing.monitoring import Contact, Monitoring, Standing
from analytics.places import Place
from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import instant
from greenwater.kernel.trips import Violation
from greenwater.reference.closed_areas import AREAS, CLOSED
from greenwater.reference.limits import Severity
from greenwater.reference.monitoring import DEADLINES, Deadline
from greenwater.reference.zones import ZONES
from greenwater.storage.registry.places import VesselInfo

ZONES_VI: Final[Mapping[str, str]] = {
    "coastal": "vùng ven bờ",
    "inshore": "vùng lộng",
    "offshore": "vùng khơi",
}
_DUE: Final[Mapping[Monitoring, tuple[Severity, Deadline]]] = {
    Monitoring.LATE: (Severity.WATCH, DEADLINES.late),
    Monitoring.REPORTING: (Severity.WATCH, DEADLINES.report),
    Monitoring.LOST: (Severity.WARN, DEADLINES.report),
    Monitoring.OVERDUE: (Severity.WARN, DEADLINES.port),
}


def zone_alarm(vessel: VesselInfo, place: Place, one: Violation) -> Claim:
    """Return what work of the gear in closed waters means for people.

    The words say "may": nobody has verified the lines, and a person judges.
    """
    return Claim(
        condition=f"area/{vessel.id}/{one.area}" if one.area else f"zone/{vessel.id}",
        kind="zone",
        severity=Severity.WARN,
        place=place,
        began_ms=one.began_ms,
        at_ms=one.until_ms,
        is_over=one.is_over,
        detail={
            "basis": CLOSED.basis if one.area else ZONES.basis,
            "source": one.source,
            "verified": one.is_verified,
            "place": vessel.name,
            "vessel": vessel.id,
            "violation": one.id,
            **_where_words(one),
            **_advice(one),
        },
    )


def _advice(one: Violation) -> dict[str, str]:
    if one.serves:
        return {
            "advice_vi": "Gọi tàu hỏi lại, nếu đang làm hậu cần thì dừng, ra khỏi vùng.",
            "advice_en": "Call the vessel; if it serves others there, it stops and leaves.",
        }
    return {
        "advice_vi": "Gọi tàu hỏi lại, nếu đang thả lưới thì thu lưới, ra khỏi vùng.",
        "advice_en": "Call the vessel; if its gear is out, haul it and leave.",
    }


def _where_words(one: Violation) -> dict[str, str]:
    minutes = round(one.minutes)
    if one.area:
        area = AREAS[one.area]
        return {
            "vi": f"có thể đánh bắt trong khu vực cấm khai thác: {minutes} phút ở "
            f"{area.vi}",
            "en": f"may be fishing in a closed area: {minutes} min in {area.en}",
        }
    here, may = ZONES_VI[one.zone], one.allowed.split()
    there = " và ".join(ZONES_VI[zone] for zone in may)
    if one.serves:
        return {
            "vi": f"có thể làm hậu cần sai vùng: {minutes} phút nằm ở {here}, "
            f"tàu chỉ được làm hậu cần ở {there}",
            "en": f"may be serving others in a zone closed to it: it lay {minutes} min in "
            f"{one.zone} waters, it may serve in {' and '.join(may)} ones",
        }
    return {
        "vi": f"có thể đánh bắt sai vùng: {minutes} phút ở {here}, "
        f"tàu được đánh bắt ở {there}",
        "en": f"may be fishing in a zone closed to it: {minutes} min in {one.zone} "
        f"waters, it may fish in {' and '.join(may)} ones",
    }


def monitoring_alarm(
    vessel: VesselInfo, place: Place, contact: Contact, told: Standing, now_ms: int
) -> Claim:
    """Return what the state of a vessel's monitoring means; over where nothing is due."""
    began_ms = contact.lapses[-1].began_ms if contact.lapses else now_ms
    severity, deadline = _DUE.get(told.state, (Severity.WATCH, DEADLINES.late))
    due_ms = told.report_by_ms or now_ms
    words = f"máy giám sát mất tín hiệu từ {_day(began_ms)}"
    said = f"no signal of monitoring since {_day(began_ms)}"
    if told.state is Monitoring.OVERDUE:
        words, said = f"{words}, quá hạn về cảng", f"{said}, should be in port"
    elif told.state is Monitoring.LOST:
        words = f"{words}, quá hạn báo vị trí {clock(due_ms)}"
        said = f"{said}, its position was due at {clock(due_ms)}"
    else:
        words = f"{words}, phải báo vị trí trước {clock(due_ms)}"
        said = f"{said}, its position is due by {clock(due_ms)}"
    return Claim(
        condition=f"monitoring/{vessel.id}",
        kind="monitoring",
        severity=severity,
        place=place,
        began_ms=began_ms,
        at_ms=now_ms,
        is_over=told.state not in _DUE,
        detail={
            **_grounds(deadline),
            "place": vessel.name,
            "vessel": vessel.id,
            "state": str(told.state),
            "report_by_ms": told.report_by_ms,
            "port_by_ms": told.port_by_ms,
            "vi": words,
            "en": said,
            "advice_vi": "Báo vị trí qua bộ đàm 6 giờ một lần, về cảng trong 10 ngày.",
            "advice_en": "Report the position by voice every 6 h, be in port in 10 days.",
        },
    )


def contact_alarm(
    vessel: VesselInfo, place: Place, contact: Contact, told: Standing, now_ms: int
) -> Claim:
    """Return the alarm about lives: nobody has heard of the vessel at all."""
    last_ms = contact.last_ms or now_ms
    has_vms = contact.is_required or contact.last_vms_ms is not None
    deadline = DEADLINES.contact if has_vms else DEADLINES.contact_without_vms
    return Claim(
        condition=f"contact/{vessel.id}",
        kind="contact",
        severity=Severity.CRITICAL,
        place=place,
        began_ms=last_ms,
        at_ms=now_ms,
        is_over=not told.is_out_of_contact,
        detail={
            **_grounds(deadline),
            "place": vessel.name,
            "vessel": vessel.id,
            "vi": f"mất liên lạc từ {_day(last_ms)}",
            "en": f"out of contact since {_day(last_ms)}",
            "advice_vi": "Gọi bộ đàm, hỏi tàu bạn, báo đồn biên phòng.",
            "advice_en": "Call by radio, ask other vessels, tell the border guard.",
        },
    )


def _grounds(deadline: Deadline) -> dict[str, Any]:
    return {
        "basis": deadline.basis,
        "source": f"{deadline.instrument}; {deadline.source}",
        "verified": deadline.verified,
    }


def _day(ms: int) -> str:
    return instant(ms).astimezone(VIETNAM).strftime("%H:%M %d/%m")
