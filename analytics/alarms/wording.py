"""The words of alarms, Vietnamese and English: channels, advice, severities. Data alone.

The voice is the glossary's: advice is an act, in the farmer's words.
"""

from collections.abc import Mapping
from typing import Final

from greenwater.reference.limits import Basis, Severity

CHANNELS: Final[Mapping[str, Mapping[str, tuple[str, str, int]]]] = {
    # channel: name in a sentence, unit, digits behind the point
    "vi": {
        "dissolved_oxygen": ("oxy", "mg/L", 1),
        "temperature": ("nhiệt độ nước", "°C", 1),
        "ph": ("độ pH", "", 1),
        "salinity": ("độ mặn", "‰", 0),
        "ammonia_total": ("tổng amoni (TAN)", "mg/L", 2),
        "nitrite": ("nitrit (NO₂)", "mg/L", 2),
        "alkalinity": ("độ kiềm", "mg/L", 0),
        "transparency": ("độ trong", "cm", 0),
        "orp": ("thế oxy hóa khử", "mV", 0),
        "ammonia_unionised": ("khí độc NH₃", "mg/L", 2),
        "oxygen_saturation": ("độ bão hòa oxy", "%", 0),
        "turbidity": ("độ đục", "NTU", 0),
        "battery": ("pin", "V", 1),
    },
    "en": {
        "dissolved_oxygen": ("oxygen", "mg/L", 1),
        "temperature": ("water temperature", "°C", 1),
        "ph": ("pH", "", 1),
        "salinity": ("salinity", "‰", 0),
        "ammonia_total": ("total ammonia (TAN)", "mg/L", 2),
        "nitrite": ("nitrite (NO₂)", "mg/L", 2),
        "alkalinity": ("alkalinity", "mg/L", 0),
        "transparency": ("transparency", "cm", 0),
        "orp": ("redox potential", "mV", 0),
        "ammonia_unionised": ("unionised ammonia (NH₃)", "mg/L", 2),
        "oxygen_saturation": ("oxygen saturation", "%", 0),
        "turbidity": ("turbidity", "NTU", 0),
        "battery": ("battery", "V", 1),
    },
}

ADVICE: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("dissolved_oxygen/low", "pond"): (
        "Bật thêm quạt nước, ngừng cho ăn.",
        "Switch on more aerators, stop feeding.",
    ),
    ("dissolved_oxygen/low", "tank"): (
        "Tăng sục khí, ngừng cho ăn.",
        "Give more air, stop feeding.",
    ),
    ("dissolved_oxygen/low", "cage"): (
        "Sục khí cho lồng, ngừng cho ăn, giãn bớt lồng.",
        "Aerate the cages, stop feeding, give them room.",
    ),
    ("salinity/low", "cage"): (
        "Hạ lồng xuống dưới 4 m, chưa cho ăn.",
        "Sink the cages below 4 m, do not feed yet.",
    ),
    ("salinity/low", "pond"): (
        "Tháo bớt nước mặt, ngừng lấy nước ngọt.",
        "Drain surface water, take in no fresh water.",
    ),
    ("salinity/high", "pond"): (
        "Thêm nước ngọt từ từ, không quá 3 ‰ mỗi ngày.",
        "Add fresh water slowly, at most 3 ‰ a day.",
    ),
    ("temperature/high", "pond"): (
        "Nâng mực nước, bật quạt nước, bớt thức ăn.",
        "Raise the water level, run the aerators, feed less.",
    ),
    ("temperature/low", "pond"): (
        "Nâng mực nước, bớt thức ăn.",
        "Raise the water level, feed less.",
    ),
    ("ph/high", "pond"): (
        "Thay bớt nước, bật quạt nước ban đêm.",
        "Exchange some water, run the aerators at night.",
    ),
    ("ph/low", "pond"): (
        "Bón vôi liều nhẹ, đo lại sau 2 giờ.",
        "Lime lightly, measure again in two hours.",
    ),
    ("salinity/high", "cage"): (
        "Chưa cho ăn, theo dõi độ mặn mỗi giờ.",
        "Do not feed yet, watch the salinity hourly.",
    ),
    ("temperature/high", "cage"): (
        "Hạ lồng xuống sâu hơn, cho ăn lúc mát.",
        "Sink the cages deeper, feed while it is cool.",
    ),
    ("temperature/low", "cage"): (
        "Hạ lồng xuống sâu hơn, bớt thức ăn.",
        "Sink the cages deeper, feed less.",
    ),
    ("ph/swing", ""): (
        "Thay bớt nước, bón vôi liều nhẹ lúc chiều tối, giảm tảo.",
        "Exchange some water, lime lightly at dusk, thin the algae.",
    ),
    ("ammonia_unionised/high", ""): (
        "Ngừng cho ăn, thay nước đáy, chạy quạt nước, không bón vôi.",
        "Stop feeding, exchange bottom water, run the aerators, do not lime.",
    ),
    ("ammonia_total/high", ""): (
        "Giảm thức ăn, thay nước đáy, đo lại NH₃ và pH buổi chiều.",
        "Feed less, exchange bottom water, measure NH₃ and pH in the afternoon.",
    ),
    ("nitrite/high", ""): (
        "Giảm thức ăn, thay bớt nước, chạy quạt nước.",
        "Feed less, exchange some water, run the aerators.",
    ),
    ("alkalinity/low", ""): (
        "Bón vôi (CaCO₃ hoặc dolomite) từ từ, đo lại ngày mai.",
        "Lime slowly (CaCO₃ or dolomite), measure again tomorrow.",
    ),
    ("transparency/low", ""): (
        "Bớt thức ăn, thay bớt nước, chạy quạt nước ban đêm.",
        "Feed less, exchange some water, run the aerators at night.",
    ),
    ("transparency/high", ""): (
        "Gây màu nước từ từ, đo lại sau 3 ngày.",
        "Bring the algae back slowly, measure again in three days.",
    ),
    ("orp/low", ""): (
        "Giảm thức ăn, hút bớt bùn đáy, chạy quạt nước.",
        "Feed less, take some sludge off the bottom, run the aerators.",
    ),
    ("against", ""): (
        "Đo lại bằng máy cầm tay, vệ sinh đầu đo nào sai.",
        "Measure by hand, clean the probe that is wrong.",
    ),
    ("forecast", "pond"): (
        "Chuẩn bị quạt nước, ngừng cho ăn từ bây giờ.",
        "Get the aerators ready, stop feeding now.",
    ),
    ("forecast", ""): (
        "Chuẩn bị sục khí, ngừng cho ăn từ bây giờ.",
        "Get the air ready, stop feeding now.",
    ),
    ("mains", ""): (
        "Chạy máy phát, bật lại quạt nước, ngừng cho ăn.",
        "Start the generator, switch the aerators on again, stop feeding.",
    ),
    ("aerator", ""): (
        "Kiểm tra cầu dao, dây điện, bật quạt khác thay.",
        "Check the breaker and cable, run another aerator instead.",
    ),
    ("battery", ""): (
        "Kiểm tra nguồn và sạc của hộp đo.",
        "Check the box's supply and charger.",
    ),
    ("episode", ""): (
        "Vệ sinh đầu đo, đo lại bằng máy cầm tay.",
        "Clean the probe, measure again by hand.",
    ),
    ("site_silence", ""): (
        "Ra xem ao, lồng, rồi kiểm tra điện và sóng của trại.",
        "Go and look, then check the site's power and signal.",
    ),
    ("blind", ""): (
        "Ra xem, đo bằng máy cầm tay, rồi kiểm tra đầu đo.",
        "Go and look, measure by hand, then check the probe.",
    ),
    ("silence", "cage"): (
        "Ra xem lồng, rồi kiểm tra pin và sóng của hộp đo.",
        "Go and look, then check the box's battery and signal.",
    ),
    ("silence", ""): (
        "Ra xem ao, rồi kiểm tra điện và sóng của hộp đo.",
        "Go and look, then check the box's power and signal.",
    ),
    ("", ""): (
        "Ra xem và đo lại bằng máy cầm tay.",
        "Go and look, measure again by hand.",
    ),
}

SEVERITIES: Final[Mapping[str, Mapping[Severity, str]]] = {
    "vi": {
        Severity.WATCH: "Theo dõi",
        Severity.WARN: "Cảnh báo",
        Severity.CRITICAL: "Nguy cấp",
    },
    "en": {
        Severity.WATCH: "Watch",
        Severity.WARN: "Warning",
        Severity.CRITICAL: "Critical",
    },
}

BASES: Final[Mapping[str, Mapping[Basis, str]]] = {
    "vi": {
        Basis.LAW: "theo quy chuẩn",
        Basis.STANDARD: "theo tiêu chuẩn",
        Basis.PRACTICE: "kinh nghiệm nuôi",
    },
    "en": {
        Basis.LAW: "law",
        Basis.STANDARD: "standard",
        Basis.PRACTICE: "our practice",
    },
}

PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "pond": ("ao", "pond"),
    "cage": ("lồng", "cage"),
    "tank": ("bể", "tank"),
}
"""What a unit is called within a sentence."""

SAYINGS: Final[Mapping[str, tuple[str, str]]] = {
    "silent": ("không nhận được số đo từ {time}", "no readings since {time}"),
    "blind": ("không có số đo {name} từ {time}", "no {name} readings since {time}"),
    "boxes": ("{count} hộp đo", "{count} boxes"),
    "last": ("Lần cuối {name}", "Last {name}"),
    "unknown": (
        "Không biết hiện ra sao – nên ra xem",
        "Not known how it is now – go and look",
    ),
    "mains": ("mất điện từ {time}", "no mains since {time}"),
    "battery": ("pin hộp đo còn {value}", "battery of the box at {value}"),
    "aerator": (
        "{name} không chạy dù đã ra lệnh bật lúc {time}",
        "{name} does not run though switched on at {time}",
    ),
    "aerator_name": ("quạt nước{number}", "aerator{number}"),
    "now": ("{name} hiện {value}", "{name} now {value}"),
    "forecast": (
        "dự báo {time} {name} còn {value}",
        "{name} forecast to be {value} at {time}",
    ),
    "may_be": ("có thể xuống {value}", "perhaps {value}"),
    "against": (
        "hai đầu đo {name} lệch nhau, {value} và {other}",
        "two {name} probes disagree, {value} and {other}",
    ),
    "swing": (
        "chênh lệch {name} trong ngày {value}",
        "{name} moved by {value} within a day",
    ),
    "fell": (
        "{name} tụt từ {before} xuống {value} trong {hours} giờ",
        "{name} fell from {before} to {value} within {hours} h",
    ),
    "surface": ("{name} tầng mặt", "surface {name}"),
    "lens": (
        "thấp hơn dưới sâu {value}",
        "{value} less than further down",
    ),
    "repeats": ("lần thứ {count}", "for the {count}. time"),
    "limit": ("Ngưỡng {value}", "Limit {value}"),
    "rule": ("Mức báo", "Rule"),
    "own": (
        "ngưỡng riêng của {where}, do {who} đặt ngày {day}",
        "the {where}'s own limit, set by {who} on {day}",
    ),
    "somebody": ("người của trại", "somebody of the farm"),
    "looser": (
        "lỏng hơn mức {value} của loài: {reason}",
        "looser than the species' {value}: {reason}",
    ),
    "stricter": ("mức của loài là {value}", "the species' is {value}"),
    "unverified": ("chưa đối chiếu văn bản", "not verified"),
    "verified": ("đã đối chiếu", "verified"),
}
"""What is said of conditions, Vietnamese and English."""


def saying(key: str, lang: str, **values: object) -> str:
    """Return what ``SAYINGS`` has under a key."""
    return SAYINGS[key][0 if lang == "vi" else 1].format(**values)
