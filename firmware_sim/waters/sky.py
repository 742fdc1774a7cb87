"""Sun, cloud, wind, air and rain over one site: functions of time, seed and weather.

Sun: Spencer's series for declination and the equation of time. Clear sky: Haurwitz 1945.
Cloud: Kasten & Czeplak 1980. The daily course of wind and air is the sea breeze of the
coast of Khánh Hòa, drawn by hand. Local time is UTC+7 all year.
"""

import math
from enum import StrEnum
from typing import Final

from msgspec import Struct

from firmware_sim.noise import smooth, uniform

DAY_S: Final = 86_400.0
LOCAL_S: Final = 7 * 3600.0
_CLOUD_EVERY_S: Final = 2 * 3600.0


class Weather(StrEnum):
    """What a spell of weather changes."""

    OVERCAST = "overcast"  # amount: share of the sky, 0 to 1
    RAIN = "rain"  # amount: mm/h
    WIND = "wind"  # amount: m/s, in place of the sea breeze


class Spell(Struct, frozen=True, forbid_unknown_fields=True):
    """Weather from one hour of the scenario until another, swelling and fading 1 h."""

    kind: Weather
    from_h: float
    to_h: float
    amount: float


class Climate(Struct, frozen=True, forbid_unknown_fields=True):
    """What the weather is like where nothing else is said."""

    air_c: float = 27.5
    air_swing_c: float = 3.5
    cloud: float = 0.35
    breeze_m_s: float = 4.5
    calm_m_s: float = 1.2
    shower_chance: float = 0.0  # of one shower an afternoon


def local_hour(t_s: float) -> float:
    """Return the hour of the day at UTC+7, from 0 up to 24."""
    return (t_s + LOCAL_S) % DAY_S / 3600


def sun_sine(t_s: float, latitude: float, longitude: float) -> float:
    """Return the sine of the sun's elevation: below 0 at night."""
    year = t_s / (365.2422 * DAY_S)  # 1970 began with January, as years do
    angle = 2 * math.pi * (year - math.floor(year))
    declination = (
        0.006918
        - 0.399912 * math.cos(angle)
        + 0.070257 * math.sin(angle)
        - 0.006758 * math.cos(2 * angle)
        + 0.000907 * math.sin(2 * angle)
    )
    minutes = 229.18 * (
        0.000075
        + 0.001868 * math.cos(angle)
        - 0.032077 * math.sin(angle)
        - 0.014615 * math.cos(2 * angle)
        - 0.040849 * math.sin(2 * angle)
    )
    hour = t_s % DAY_S / 3600 + longitude / 15 + minutes / 60
    turned = math.radians(15 * (hour - 12))
    north = math.radians(latitude)
    upright = math.sin(north) * math.sin(declination)
    return upright + math.cos(north) * math.cos(declination) * math.cos(turned)


class Sky:
    """The sky over one place. ``spells`` count their hours from ``start_s``."""

    def __init__(
        self,
        climate: Climate,
        latitude: float,
        longitude: float,
        *,
        seed: int,
        start_s: float,
        spells: tuple[Spell, ...] = (),
    ) -> None:
        self.climate, self.spells = climate, spells
        self._latitude, self._longitude = latitude, longitude
        self._seed, self._start_s = seed, start_s

    def sun_w_m2(self, t_s: float) -> float:
        """Return the sunlight that reaches the water's surface."""
        sine = sun_sine(t_s, self._latitude, self._longitude)
        if sine <= 0:
            return 0.0
        clear = 1098 * sine * math.exp(-0.057 / sine)
        through: float = 1 - 0.75 * self.cloud(t_s) ** 3.4
        return clear * through

    def cloud(self, t_s: float) -> float:
        """Return the share of the sky under cloud, from 0 to 1."""
        swing = 0.22 * smooth(self._seed, "cloud", t_s, every_s=_CLOUD_EVERY_S)
        own = min(max(self.climate.cloud + swing, 0.0), 1.0)
        overcast = self._amount(Weather.OVERCAST, t_s)
        return max(own, overcast, min(self.rain_mm_h(t_s) / 4, 0.97))

    def wind_m_s(self, t_s: float) -> float:
        """Return the wind at 10 m: calm at night, a sea breeze from late morning."""
        climate = self.climate
        breeze = max(0.0, math.sin(math.pi * (local_hour(t_s) - 8.5) / 11.5))
        usual = climate.calm_m_s + (climate.breeze_m_s - climate.calm_m_s) * breeze
        gust = 1 + 0.25 * smooth(self._seed, "wind", t_s, every_s=1800)
        weight, other = self._weight(Weather.WIND, t_s)
        return max(0.1, (usual * (1 - weight) + other * weight) * gust)

    def air_c(self, t_s: float) -> float:
        """Return the air's temperature: highest at 14, cooler under cloud and rain."""
        climate = self.climate
        course = math.cos(2 * math.pi * (local_hour(t_s) - 14) / 24)
        cool = (
            1.5 * (self.cloud(t_s) - climate.cloud) + min(self.rain_mm_h(t_s), 10) / 5
        )
        drift = 0.6 * smooth(self._seed, "air", t_s, every_s=DAY_S / 2)
        return climate.air_c + climate.air_swing_c * course - cool + drift

    def rain_mm_h(self, t_s: float) -> float:
        """Return the rain: the scenario's spells, and a shower some afternoons."""
        return self._amount(Weather.RAIN, t_s) + self._shower(t_s)

    def hours(self, t_s: float) -> float:
        """Return the hours since the scenario began."""
        return (t_s - self._start_s) / 3600

    def _shower(self, t_s: float) -> float:
        if not self.climate.shower_chance:
            return 0.0
        day = math.floor((t_s + LOCAL_S) / DAY_S)
        if uniform(self._seed, "shower", day) > self.climate.shower_chance:
            return 0.0
        begins = 14 + 4 * uniform(self._seed, "shower-hour", day)
        if not begins <= local_hour(t_s) < begins + 0.75:
            return 0.0
        return 4 + 16 * uniform(self._seed, "shower-amount", day)

    def _amount(self, kind: Weather, t_s: float) -> float:
        if not self.spells:
            return 0.0
        hour = self.hours(t_s)
        return sum(
            spell.amount * swell(hour, spell.from_h, spell.to_h)
            for spell in self.spells
            if spell.kind is kind
        )

    def _weight(self, kind: Weather, t_s: float) -> tuple[float, float]:
        hour = self.hours(t_s)
        for spell in self.spells:
            if spell.kind is kind and spell.from_h <= hour < spell.to_h:
                return swell(hour, spell.from_h, spell.to_h), spell.amount
        return 0.0, 0.0


def swell(hour: float, from_h: float, to_h: float) -> float:
    """Return 1 within ``[from_h, to_h)``, rising and falling over an hour inside it."""
    edge = min(1.0, (to_h - from_h) / 2)
    if edge <= 0:
        return 0.0
    return min(max(min(hour - from_h, to_h - hour) / edge, 0.0), 1.0)
