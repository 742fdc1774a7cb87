"""What hurts now in all that somebody watches over: the top of an officer's board."""

from dataclasses import dataclass
from typing import Final

from greenwater.storage.registry.naming import told_apart
from web.ports import Services
from web.views.alarms import AlarmView, actors_of, alarm_view, worst_first
from web.views.facts import Facts
from web.views.shown import SiteView
from web.words import Lang

MOST: Final = 8


@dataclass(frozen=True)
class Urgent:
    """The gravest alarms that stand, how many more there are, and the farms they are of."""

    alarms: tuple[AlarmView, ...]
    more: int
    marks: dict[str, str]
    """By farm, the mark of its gravest."""

    def first(self, site: SiteView) -> tuple[bool, str]:
        """Return a key that puts farms with an alarm before the others, each by name."""
        return site.id not in self.marks, site.name


def urgent_of(services: Services, facts: Facts, lang: Lang) -> Urgent:
    """Return what stands now and is not explained by something else."""
    standing = [
        one
        for one in worst_first(services.seen.alarms(open_only=True))
        if one.is_active and one.hidden is None
    ]
    shown = standing[:MOST]
    units, names = (
        told_apart(facts.units, facts.sites),
        services.registry.names(actors_of(shown)),
    )
    views = tuple(
        alarm_view(lang, one, units.get(one.unit or ""), facts.now_ms, names)
        for one in shown
    )
    marks: dict[str, str] = {}
    for one in standing:
        if one.site is not None:
            marks.setdefault(one.site, "■" if one.severity == "critical" else "▲")
    return Urgent(views, len(standing) - len(shown), marks)
