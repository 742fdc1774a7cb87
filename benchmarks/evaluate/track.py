"""Fishing or not on vessels not trained on, beside the speed rule; ``--save`` the model.

Nine folds of whole vessels. Figures of one vessel that has one class only have no AUC.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from analytics.fishing import model
from analytics.fishing.features import features
from analytics.score.table import read_table
from analytics.score.track import tracks_of

DATA = Path("/work/shared/data/fishing")
FOLDS = 9


def labelled() -> pd.DataFrame:
    """Return all labelled fixes: vessel, gear, is_fishing, speed_kn, row of features."""
    parts = []
    for name, column in (
        ("ais_features_27_vessels.csv.gz", "fishing"),
        ("small_boats_gps_30s.csv.gz", "fish.val"),
    ):
        cells = pd.read_csv(DATA / name)[column]
        share = (
            cells.map({"fish": 1.0, "travel": 0.0}) if column != "fishing" else cells
        )
        table = read_table(
            DATA / name, texts=("vessel", "vessel_id", "gear"), is_sorted=False
        )
        for vessel, (at, one) in tracks_of(table).items():
            part = pd.DataFrame(
                {
                    "vessel": vessel,
                    "gear": one.gear or "not told",
                    "speed_kn": one.speed_kn,
                    "share": share.to_numpy()[at],
                }
            )
            part["row"] = list(features(one))
            part["is_small"] = column != "fishing"
            parts.append(part[part["share"].notna()])
    return pd.concat(parts, ignore_index=True)


def weights_of(vessels: pd.Series) -> np.ndarray:
    """Return a weight a row: a long track says less a row than a short one."""
    return np.asarray(1 / np.sqrt(vessels.map(vessels.value_counts())))


def main() -> int:
    """Print the table; with --save write the model from all vessels."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    frame = labelled()
    rows = np.vstack(frame["row"].to_list())
    truth = (frame["share"] > 0.5).to_numpy()
    weights = weights_of(frame["vessel"])
    if "--save" in sys.argv:
        content = model.dumps(model.fit(rows, truth, weights))
        Path(model.__file__).with_name("fishing.skops").write_bytes(content)
        print(f"{len(content)} bytes")
        return 0
    names = frame["vessel"].unique()
    order = np.random.default_rng(0).permutation(names)
    fold = frame["vessel"].map({name: i % FOLDS for i, name in enumerate(order)})
    chance = np.empty(len(frame))
    for k in range(FOLDS):
        held = (fold == k).to_numpy()
        fitted = model.fit(rows[~held], truth[~held], weights[~held])
        chance[held] = fitted.predict_proba(rows[held])[:, 1]
    rule = model.speed_rule(frame["speed_kn"].to_numpy())
    print(
        "| vessels not trained on | vessels | fixes | F1 | AUC | F1 of the speed rule |"
    )
    print("|---|---|---|---|---|---|")
    small = frame["is_small"].to_numpy()
    troll = (frame["gear"] == "Trollers").to_numpy()
    groups = {
        "27 vessels": ~small,
        "without the one troller": ~small & ~troll,
        "small boats": small,
    }
    for gear in frame["gear"].unique():
        groups[gear] = (frame["gear"] == gear).to_numpy()
    for name, at in groups.items():
        print(
            f"| {name} | {frame['vessel'][at].nunique()} | {at.sum()} | "
            f"{f1_score(truth[at], chance[at] > 0.5):.3f} | "
            f"{roc_auc_score(truth[at], chance[at]):.3f} | {f1_score(truth[at], rule[at]):.3f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
