"""A table put through the watchers, some rows at a time: what `score water` writes. Pure.

Columns of several probes have a watcher each, and those that measure the same are held to each
other. Nothing of a row comes from rows after it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.score.probes import alike, pairs_of, probes_of
from analytics.score.table import Floats, Instants, Table, canonical
from analytics.water.episodes import Change, Episode
from analytics.water.watch import Point, Scored, Watcher, WatchState

PIECE: Final = 1000


class Piece(NamedTuple):
    """Some rows of a table, scored: (rows, channels), and what changed in episodes.

    ``signs`` are what a learning detector sees of each reading, row by row.
    """

    start: int
    scores: Floats
    events: NDArray[np.object_]
    changed: Mapping[str, Episode]
    signs: Sequence[Scored]


def scored_pieces(
    table: Table, names: Sequence[str], progress: Callable[[int, int], None]
) -> Iterator[Piece]:
    """Yield a table as the watchers score it, some rows at a time.

    Columns of several probes have a watcher each, and those that measure the same are held
    to each other, row by row.
    """
    watched = _Watched(names)
    rows = len(table)
    for start in range(0, rows, PIECE):
        progress(start, rows)
        columns = {name: table.numbers[name][start : start + PIECE] for name in names}
        yield watched.take(start, table.times_ms[start : start + PIECE], columns)
    progress(rows, rows)


class _Watched:
    """The watchers of a file's probes."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._others = names, alike(names)
        meanings = {name: canonical(name) for name in names}
        self._probes = [
            (mine, Watcher(WatchState(probe=place), names=meanings))
            for place, mine in probes_of(names).items()
        ]

    def take(
        self, start: int, times_ms: Instants, columns: Mapping[str, Floats]
    ) -> Piece:
        """Take the next rows in."""
        step = 1 if self._others else len(times_ms)
        lists = {name: values.tolist() for name, values in columns.items()}
        by_name: dict[str, list[Scored]] = {name: [] for name in self._names}
        changed: dict[str, Episode] = {}
        at = times_ms.tolist()
        for first in range(0, len(at), step):
            rows = range(first, first + step)
            for mine, watcher in self._probes:
                taken = watcher.take(
                    Point(at[row], name, lists[name][row])
                    for row in rows
                    for name in mine
                )
                for one in taken.scored:
                    by_name[one.channel].append(one)
                changes = taken.changes
                if self._others:
                    changes = changes + self._held(
                        watcher, mine, at[first], lists, first
                    )
                changed |= {one.episode.id: one.episode for one in changes}
        signs = [one for row in zip(*by_name.values(), strict=True) for one in row]
        shape = len(at), len(self._names)
        return Piece(
            start,
            np.array([one.score for one in signs]).reshape(shape),
            np.array([one.event for one in signs], dtype=object).reshape(shape),
            changed,
            signs,
        )

    def _held(
        self,
        watcher: Watcher,
        mine: Sequence[str],
        at_ms: int,
        lists: Mapping[str, Sequence[float]],
        row: int,
    ) -> list[Change]:
        values = {name: one[row] for name, one in lists.items()}
        others = {name: self._others[name] for name in mine if name in self._others}
        return watcher.compare(pairs_of(at_ms, values, others))
