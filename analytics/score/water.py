"""`greenwater score water`: flags, scores and episodes on anyone's recording.

One row a reading: its QARTOD flag, its anomaly score in [0, 1] and the id of its episode. The
score of a reading, and its episode, are made of readings up to its own; they come from the very
``Watcher`` that the platform runs. With ``--label`` a detector learns from the labelled
rows before ``--train-until`` and the rows from there on have its score.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analytics.score.flags import Flags, flags_of
from analytics.score.limits import limit_lines
from analytics.score.names import is_verdict
from analytics.score.pieces import PIECE, Piece, scored_pieces
from analytics.score.probes import alike
from analytics.score.table import (
    Floats,
    Table,
    canonical,
    format_instants,
    parse_instant,
    read_table,
)
from analytics.water import learned
from analytics.water.episodes import Episode
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError
from greenwater.reference.species import SPECIES

LISTED: Final = 20


class ScoredTable(NamedTuple):
    """Scores and episode ids by channel, row by row, and every episode; with the signs."""

    scores: Mapping[str, Floats]
    events: Mapping[str, list[str]]
    episodes: Sequence[Episode]
    features: Floats


def score_water(
    file: Path,
    out: Path,
    *,
    channels: str,
    limits: str,
    label: Path | None,
    train_until: str,
    progress: Callable[[int, int], None],
) -> str:
    """Write a row a reading; return the summary to print.

    Raises:
        InputError: the file is no such recording, or an option names what is not there.
    """
    species = _species(limits)
    table = read_table(file)
    names = channels_of(table, channels)
    notes = list(table.notes) + _compared(names)
    flags = flags_of(table, names, species)
    parts = 1 if species is None else 2

    def told(done: int, whole: int) -> None:
        progress(done, parts * whole)

    found: Sequence[Episode]
    if label is None:
        episodes: dict[str, Episode] = {}
        pieces = _noted(scored_pieces(table, names, told), episodes)
        write_rows(table, names, flags, pieces, out)
        found = _in_order(episodes)
    else:
        scored = score_table(table, names, told)
        scored, more = _with_labels(table, names, scored, label, train_until)
        notes += more
        write_rows(table, names, flags, _cut(scored, names), out)
        found = scored.episodes
    beyond = [] if species is None else list(limit_lines(table, names, species))
    progress(len(table), len(table))
    return summary_of(table, names, flags, found, notes, beyond)


def channels_of(table: Table, asked: str) -> list[str]:
    """Return the file's own names of the channels to score: those asked for, or all.

    Columns that are somebody's verdict (``…_qc``, ``…_label``, ``…_corrected``) are left
    out unless they are asked for.

    Raises:
        InputError: one is not there, none is left, or the file has a row a channel.
    """
    _refuse_long(table)
    there = ", ".join(table.numbers) or "none"
    names = []
    for one in (part.strip() for part in asked.split(",")):
        if not one:
            continue
        own = one if one in table.numbers else table.find(canonical(one))
        if own is None:
            raise InputError(
                f"--channels: no column {one!r} with numbers; the file has: {there}"
            )
        names.append(own)
    if not asked.strip():
        names = [name for name in table.numbers if not is_verdict(name)]
    if not names:
        for own in table.texts:
            if canonical(own) in set(Channel):
                table.column(canonical(own))  # says what stands where numbers should
        raise InputError(f"no channel to score; columns with numbers: {there}")
    return list(dict.fromkeys(names))


def _refuse_long(table: Table) -> None:
    """Refuse a file in which a column of text says which channel a row's number is of."""
    if len(table.numbers) != 1 or np.all(np.diff(table.times_ms)):
        return
    for own, cells in table.texts.items():
        said = {one.strip() for one in cells[:LISTED]} - {""}
        if len(said) > 1 and {canonical(one) for one in said} & set(Channel):
            raise InputError(
                f"column {own!r} says of which channel a row is ({', '.join(sorted(said))}): "
                "give every channel a column of its own"
            )


def score_table(
    table: Table, names: Sequence[str], progress: Callable[[int, int], None]
) -> ScoredTable:
    """Put a table through the watcher, in order of time, and keep all that it says."""
    scores, events = [], []
    found: array[float] = array("d")
    episodes: dict[str, Episode] = {}
    for piece in _noted(scored_pieces(table, names, progress), episodes):
        scores.append(piece.scores)
        events.append(piece.events)
        for one in piece.signs:
            found.extend(learned.features(one))
    whole, ids = np.concatenate(scores), np.concatenate(events)
    return ScoredTable(
        {name: whole[:, number] for number, name in enumerate(names)},
        {name: ids[:, number].tolist() for number, name in enumerate(names)},
        _in_order(episodes),
        np.array(found).reshape(len(table), len(names) * learned.WIDTH),
    )


def _noted(pieces: Iterator[Piece], episodes: dict[str, Episode]) -> Iterator[Piece]:
    """Yield pieces on, and remember their episodes."""
    for piece in pieces:
        episodes |= piece.changed
        yield piece


def _cut(scored: ScoredTable, names: Sequence[str]) -> Iterator[Piece]:
    scores = np.column_stack([scored.scores[one] for one in names])
    events = np.array([scored.events[one] for one in names], dtype=object).T
    for start in range(0, len(scores), PIECE):
        rows = slice(start, start + PIECE)
        yield Piece(start, scores[rows], events[rows], {}, [])


def _in_order(episodes: Mapping[str, Episode]) -> list[Episode]:
    return sorted(episodes.values(), key=lambda one: (one.start_ms, one.channel))


def _compared(names: Sequence[str]) -> list[str]:
    """Say which columns are held to each other."""
    others = alike(names)
    if not others:
        return []
    return [f"held to each other, as probes in the same water: {', '.join(others)}"]


def _with_labels(
    table: Table,
    names: Sequence[str],
    scored: ScoredTable,
    label: Path,
    train_until: str,
) -> tuple[ScoredTable, list[str]]:
    if not train_until:
        raise InputError("--label needs --train-until: learn from what is before it")
    until_ms = parse_instant(train_until, "--train-until")
    labels = read_labels(label, table)
    plain = np.max(np.column_stack([scored.scores[one] for one in names]), axis=1)
    found = learned.learn(table.times_ms, scored.features, labels, until_ms, plain)
    if found.scores is None:
        return scored, [
            f"labels not used: {found.note}; the scores are those without labels"
        ]
    first = int(np.searchsorted(table.times_ms, until_ms))
    scores = {}
    for name in names:
        mixed = scored.scores[name].copy()
        is_there = ~np.isnan(table.numbers[name][first:])
        mixed[first:] = np.where(
            is_there, found.scores[first:], np.maximum(mixed[first:], 0)
        )
        scores[name] = mixed
    return scored._replace(scores=scores), [found.note]


def read_labels(path: Path, table: Table) -> Floats:
    """Return 0, 1 or NaN (not labelled) for every row of a table.

    Raises:
        InputError: it is no file of ``time`` and one column of 0 and 1.
    """
    labels = read_table(path)
    columns = [one for one in labels.numbers.values() if not np.isnan(one).all()]
    is_text = not columns
    if is_text:
        columns = [_yes_or_no(cells) for cells in labels.texts.values()]
    if len(columns) != 1:
        raise InputError(
            f"{path} needs 'time' and one column of 0 and 1; it has: "
            + ", ".join([*labels.numbers, *labels.texts])
        )
    values = columns[0]
    bad = ~np.isnan(values) & (values != 0) & (values != 1)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        cell = next(iter(labels.texts.values()))[at] if is_text else f"{values[at]:g}"
        raise InputError(
            f"{path} line {labels.lines[at]}: label {cell!r} is neither 0 nor 1"
        )
    known = pd.Series(values, index=labels.times_ms)
    known = known[~known.index.duplicated(keep="last")]
    found: Floats = known.reindex(table.times_ms).to_numpy(np.float64)
    if np.isnan(found).all():
        raise InputError(f"{path} has no time that is in the recording")
    return found


def _yes_or_no(cells: Sequence[str]) -> Floats:
    """Return 1 for true and yes, 0 for false and no, NaN for empty cells, 2 for others."""
    known = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0, "": np.nan}
    return np.array([known.get(one.strip().lower(), 2.0) for one in cells])


def write_rows(
    table: Table,
    names: Sequence[str],
    flags: Mapping[str, Flags],
    pieces: Iterable[Piece],
    out: Path,
) -> None:
    """Write one row a reading, by time and then as the file has its columns.

    Raises:
        InputError: there is no such folder, or it may not be written.
    """
    is_fine = bool(np.any(table.times_ms % 1000))
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            file.write("time,channel,value,flag,score,event\n")
            for piece in pieces:
                _frame(table, names, flags, piece, is_fine=is_fine).to_csv(
                    file, index=False, header=False
                )
    except OSError as exc:
        raise InputError(f"--out {out} cannot be written: {exc.strerror}") from exc


def _frame(
    table: Table,
    names: Sequence[str],
    flags: Mapping[str, Flags],
    piece: Piece,
    *,
    is_fine: bool,
) -> pd.DataFrame:
    rows = slice(piece.start, piece.start + len(piece.scores))
    count, width = len(piece.scores), len(names)
    times = format_instants(table.times_ms[rows], is_fine=is_fine)
    return pd.DataFrame(
        {
            "time": np.repeat(times, width),
            "channel": np.tile(np.array(names, dtype=object), count),
            "value": np.column_stack(
                [table.numbers[one][rows] for one in names]
            ).ravel(),
            "flag": np.column_stack([flags[one][rows] for one in names]).ravel(),
            "score": piece.scores.round(4).ravel(),
            "event": piece.events.ravel(),
        }
    )


def summary_of(
    table: Table,
    names: Sequence[str],
    flags: Mapping[str, Flags],
    episodes: Sequence[Episode],
    notes: Sequence[str],
    beyond: Sequence[str],
) -> str:
    """Return the printed page: rows, flags by channel, what was beyond limits, episodes."""
    lines = [*(f"note: {note}" for note in notes)]
    lines.append(f"{len(table)} rows, {len(names)} channels")
    lines.append(
        "channel                        good  unknown  suspect     fail  missing"
    )
    for name in names:
        counts = [int((flags[name] == flag).sum()) for flag in (1, 2, 3, 4, 9)]
        lines.append(f"{name:26s}" + "".join(f"{count:9d}" for count in counts))
    lines += beyond
    lines.append(f"{len(episodes)} episodes, the most probable and longest:")
    longest = sorted(episodes, key=lambda one: one.probability, reverse=True)
    listed = sorted(
        sorted(
            longest[: LISTED * 5],
            key=lambda one: one.end_ms - one.start_ms,
            reverse=True,
        )[:LISTED],
        key=lambda one: one.start_ms,
    )
    return "\n".join([*lines, *(_episode_line(one) for one in listed)])


def _episode_line(one: Episode) -> str:
    start, end = format_instants(np.array([one.start_ms, one.end_ms]))
    return (
        f"  {start} to {end}  {one.channel}: {one.words_en} "
        f"({one.kind}, p {one.probability:.2f}, compared with {one.compared})"
    )


def _species(code: str) -> str | None:
    if not code:
        return None
    if code not in SPECIES:
        raise InputError(f"--limits {code!r} is none of {', '.join(SPECIES)}")
    return code
