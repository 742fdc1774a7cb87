"""How far the figures of ``track`` go: the same vessels, changed (``track_changed``).

Nothing is chosen here. Nine folds of whole vessels; each model learnt from the vessels as
they are, and is asked of the ones it has not seen, changed.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from analytics.fishing import model
from analytics.fishing.features import Track, features
from analytics.fishing.model import Models
from analytics.score.fixes import tracks_of
from analytics.score.table import Table
from benchmarks.evaluate.track import DATA, folds_of, labelled, truth_of, weights_of
from benchmarks.evaluate.track_changed import CHANGES, OF_PLACES, Change

KINDS: Final = ("all", "any", "off", "bare")
"""As in ``track``: what the file tells; without the gear; without the shore; without both."""
COLUMNS: Final = (
    "speed_kn",
    "course_change_deg",
    "course_deg",
    "distance_to_shore_km",
    "latitude",
    "longitude",
)
_FILES: Final = {
    "ais_features_27_vessels.csv.gz": {"fishing": "share"},
    "small_boats_gps_30s.csv.gz": {
        "vessel_id": "vessel",
        "lat": "latitude",
        "lon": "longitude",
        "bearing": "course_deg",
        "speed": "speed_kn",
        "fish.val": "share",
    },
}


def main() -> None:
    """Print both tables."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}\n")
        return
    models = fitted()
    large, small = (vessels_of(name) for name in _FILES)
    told(large, models, CHANGES, KINDS)
    told(small, models, {**CHANGES, **OF_PLACES}, ("all", "bare"))


def fitted() -> dict[str, Models]:
    """Return of each vessel the model that has not seen it."""
    frame = labelled()
    rows, truth = np.vstack(frame["row"].to_list()), truth_of(frame)
    weights, fold = weights_of(frame["vessel"]), folds_of(frame["vessel"])
    found: dict[str, Models] = {}
    for k in np.unique(fold):
        held = fold == k
        learnt = model.fit(rows[~held], truth[~held], weights[~held])
        found |= dict.fromkeys(frame["vessel"][held].unique(), learnt)
    return found


def vessels_of(file: str) -> list[pd.DataFrame]:
    """Return the rows of each vessel in a shared file, as ``track_changed`` takes them."""
    rows = pd.read_csv(DATA / file, parse_dates=["time"]).rename(columns=_FILES[file])
    if "vessel_id" in _FILES[file]:
        rows["share"] = rows["share"].map({"fish": 1.0, "travel": 0.0})
    times = pd.DatetimeIndex(rows["time"]).tz_localize(None)
    rows["time_ms"] = times.as_unit("ms").asi8
    rows["gear"] = rows["gear"].fillna("")
    kept = [
        one for one in ("vessel", "time_ms", "gear", "share", *COLUMNS) if one in rows
    ]
    return [
        one.sort_values("time_ms", kind="stable")
        for _, one in rows[kept].groupby("vessel")
    ]


def told(
    vessels: list[pd.DataFrame],
    models: Mapping[str, Models],
    changes: Mapping[str, Change],
    kinds: tuple[str, ...],
) -> None:
    """Print F1 and AUC of labelled fixes of all vessels, for each change; the rule's F1 last."""
    print(
        "| changed | fixes | "
        + " | ".join(f"{k} F1 | AUC" for k in kinds)
        + " | rule |"
    )
    print("|---|---|" + "---|---|" * len(kinds) + "---|")
    for what, change in changes.items():
        parts = [said(change(one), models, kinds) for one in vessels]
        frame = pd.concat(parts, ignore_index=True)
        truth = frame["share"] > 0.5
        cells = []
        for kind in kinds:
            chance = frame[kind]
            cells += [f1_score(truth, chance > 0.5), roc_auc_score(truth, chance)]
        cells.append(f1_score(truth, frame["rule"]))
        shown = " | ".join(f"{cell:.3f}" for cell in cells)
        print(f"| {what} | {len(frame)} | {shown} |", flush=True)
    print()


def said(
    rows: pd.DataFrame, models: Mapping[str, Models], kinds: tuple[str, ...]
) -> pd.DataFrame:
    """Return of each labelled fix of a vessel what each kind says, by what did not see it."""
    track, vessel = track_of(rows), str(rows["vessel"].iloc[0])
    found = pd.DataFrame(
        {"share": rows["share"].to_numpy(), "rule": model.speed_rule(track.speed_kn)}
    )
    is_told = found["share"].notna().to_numpy()
    if is_told.any():
        row, share = features(track)[is_told], model.gear_share(track)[is_told]
        for kind in kinds:
            found.loc[is_told, kind] = _chance(
                models[vessel], kind, row, share, track.gear
            )
    return found[is_told]


def _chance(
    learnt: Models, kind: str, row: np.ndarray, share: np.ndarray, gear: str
) -> np.ndarray:
    if kind == "any":
        return learnt.probability(model.no_gear(row))
    if kind == "bare":
        return learnt.probability(model.without(row))
    row = model.off_shore(row) if kind == "off" else row
    return model.with_gear(gear, learnt.probability(row), share)


def track_of(rows: pd.DataFrame) -> Track:
    """Return a vessel's track as ``score track`` would read it from a file of these rows."""
    table = Table(
        rows["time_ms"].to_numpy(),
        {one: rows[one].to_numpy(float) for one in COLUMNS if one in rows},
        {one: rows[one].to_list() for one in ("vessel", "gear")},
        np.arange(len(rows)),
        [],
    )
    ((_, track),) = tracks_of(table).values()
    return track


if __name__ == "__main__":
    main()
