"""Fishing or not on vessels not trained on, beside the speed rule; ``--save`` the model.

Nine folds of whole vessels. Figures of one vessel that has one class only have no AUC.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from analytics.fishing import model
from analytics.fishing.features import features
from analytics.fishing.hauls import Fix, HaulState
from analytics.score.fixes import tracks_of
from analytics.score.table import read_table
from analytics.score.track import MAX_GAP_MS
from greenwater.reference.gears import gear_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "fishing"
FOLDS = 9
DRAWS = 200
HOURS = (-1, 2, 4, 6, 8, 12, 24, np.inf)
KINDS = ("all", "any", "off", "sea", "bare", "blind")
"""``all``: what the file tells; ``any``: without the gear; ``off``: without the shore; ``sea``: as the
loop asks; ``bare``: neither gear nor shore; ``blind``: speed alone."""
FAR_OUT = (11.0, 112.0)
"""Where no zone is closed: these vessels' places are not told."""


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
                    "time_ms": one.times_ms,
                    "gear": one.gear or "not told",
                    "speed_kn": one.speed_kn,
                    "share": share.to_numpy()[at],
                }
            )
            part["row"] = list(features(one))
            part["gear_share"] = model.gear_share(one)
            part["told"] = one.gear
            part["hours"] = np.diff(one.times_ms, prepend=-np.inf) / 3_600_000
            part["is_small"] = column != "fishing"
            parts.append(part[part["share"].notna()])
    return pd.concat(parts, ignore_index=True)


def weights_of(vessels: pd.Series) -> np.ndarray:
    """Return a weight a row: a long track says less a row than a short one."""
    return np.asarray(1 / np.sqrt(vessels.map(vessels.value_counts())))


def folds_of(vessels: pd.Series) -> np.ndarray:
    """Return the fold of each row, whole vessels in each."""
    order = np.random.default_rng(0).permutation(vessels.unique())
    return np.asarray(vessels.map({name: i % FOLDS for i, name in enumerate(order)}))


def held_out(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the probability of each fix by a model that has not seen its vessel.

    ``KINDS``, and ``alone``: ``all`` without the gear's own speed beside the model.
    """
    rows, truth = np.vstack(frame["row"].to_list()), truth_of(frame)
    weights = weights_of(frame["vessel"])
    fold = folds_of(frame["vessel"])
    found = {kind: np.empty(len(frame)) for kind in KINDS}
    for k in range(FOLDS):
        held = fold == k
        fitted = model.fit(rows[~held], truth[~held], weights[~held])
        seen = {
            "all": rows[held],
            "any": model.no_gear(rows[held]),
            "off": model.off_shore(rows[held]),
            "sea": model.at_sea(rows[held]),
            "bare": model.without(rows[held]),
            "blind": model.without(rows[held], course=True),
        }
        for kind, some in seen.items():
            found[kind][held] = fitted.probability(some)
    found["alone"] = found["all"].copy()
    for gear in frame["told"].unique():
        at = (frame["told"] == gear).to_numpy()
        share = frame["gear_share"].to_numpy()[at]
        for kind in ("all", "off", "sea"):
            found[kind][at] = model.with_gear(gear, found[kind][at], share)
        if gear_of(gear).name == model.TROLLING:
            found["alone"][at] = share
    return found


def truth_of(frame: pd.DataFrame) -> np.ndarray:
    """Return where most experts said fishing."""
    return np.asarray(frame["share"] > 0.5)


def told(frame: pd.DataFrame, found: dict[str, np.ndarray]) -> None:
    """Print the table of fixes."""
    truth = truth_of(frame)
    rule = model.speed_rule(frame["speed_kn"].to_numpy())
    small = frame["is_small"].to_numpy()
    troll = (frame["gear"] == "Trollers").to_numpy()
    rows = [
        ("27 vessels", ~small, "all"),
        ("27 vessels, gear's speed not beside the model", ~small, "alone"),
        ("without the one troller", ~small & ~troll, "all"),
        ("small boats", small, "all"),
        ("small boats, gear's speed not beside the model", small, "alone"),
    ]
    for gear in frame["gear"].unique():
        rows.append((gear, (frame["gear"] == gear).to_numpy(), "all"))
    for name, at in (("27 vessels", ~small), ("small boats", small)):
        rows.append((f"{name}, gear not told", at, "any"))
        rows.append((f"{name}, shore not told", at, "off"))
        rows.append((f"{name}, as the loop asks", at, "sea"))
        rows.append((f"{name}, gear and shore not told", at, "bare"))
        rows.append((f"{name}, speed alone", at, "blind"))
    print(
        "| vessels not trained on | vessels | fixes | F1 | AUC | F1 of the speed rule |"
    )
    print("|---|---|---|---|---|---|")
    for name, at, kind in rows:
        chance = found[kind][at]
        print(
            f"| {name} | {frame['vessel'][at].nunique()} | {at.sum()} | "
            f"{f1_score(truth[at], chance > 0.5):.3f} | "
            f"{roc_auc_score(truth[at], chance):.3f} | "
            f"{f1_score(truth[at], rule[at]):.3f} |"
        )


def told_spread(frame: pd.DataFrame, found: dict[str, np.ndarray]) -> None:
    """Print between which figures 27 vessels lie, were others like them drawn (5 to 95 %)."""
    told, truth = frame[~frame["is_small"]], truth_of(frame)
    rows = [one.index.to_numpy() for _, one in told.groupby("vessel")]
    random = np.random.default_rng(0)
    draws = [
        np.concatenate([rows[i] for i in random.integers(0, len(rows), len(rows))])
        for _ in range(DRAWS)
    ]
    print("\n| 27 vessels drawn anew | F1 | AUC |")
    print("|---|---|---|")
    for kind in KINDS:
        chance = found[kind]
        both = [
            (
                f1_score(truth[at], chance[at] > 0.5),
                roc_auc_score(truth[at], chance[at]),
            )
            for at in draws
        ]
        low, high = np.quantile(both, [0.05, 0.95], axis=0)
        print(f"| {kind} | {low[0]:.3f}-{high[0]:.3f} | {low[1]:.3f}-{high[1]:.3f} |")


def told_gaps(frame: pd.DataFrame, chances: np.ndarray) -> None:
    """Print 27 vessels by the hours since the fix before, and what not to judge them costs."""
    large = ~frame["is_small"].to_numpy()
    hours, truth = frame["hours"].to_numpy()[large], truth_of(frame)[large]
    said = chances[large] > 0.5
    rule = model.speed_rule(frame["speed_kn"].to_numpy()[large])
    print("\n| hours | fixes | fishing | F1 | F1 of the speed rule |")
    print("|---|---|---|---|---|")
    for low, high in pairwise(HOURS):
        at = (hours > low) & (hours <= high)
        print(
            f"| {low:g} to {high:g} | {at.sum()} | {truth[at].mean():.2f} | "
            f"{f1_score(truth[at], said[at]):.3f} | "
            f"{f1_score(truth[at], rule[at]):.3f} |"
        )
    for most in (4, MAX_GAP_MS / 3_600_000):
        judged = f1_score(truth, said & (hours <= most))
        print(f"\nunknown beyond {most:g} h: F1 of the words {judged:.3f}")


def told_small(frame: pd.DataFrame) -> None:
    """Print each small boat by itself, by a model that learnt from every vessel but it."""
    rows, truth = np.vstack(frame["row"].to_list()), truth_of(frame)
    weights = weights_of(frame["vessel"])
    rule = model.speed_rule(frame["speed_kn"].to_numpy())
    print(
        "\n| small boat left out | gear | fixes | fishing | F1 | AUC | F1 of the speed rule |"
    )
    print("|---|---|---|---|---|---|---|")
    for vessel, one in frame[frame["is_small"]].groupby("vessel"):
        held = (frame["vessel"] == vessel).to_numpy()
        fitted = model.fit(rows[~held], truth[~held], weights[~held])
        said = fitted.probability(rows[held])
        share = one["gear_share"].to_numpy()
        chance = model.with_gear(one["told"].iloc[0], said, share)
        print(
            f"| {vessel} | {one['gear'].iloc[0]} | {held.sum()} | "
            f"{truth[held].mean():.2f} | {f1_score(truth[held], chance > 0.5):.3f} | "
            f"{roc_auc_score(truth[held], chance):.3f} | "
            f"{f1_score(truth[held], rule[held]):.3f} |"
        )


def told_hauls(frame: pd.DataFrame, chances: np.ndarray) -> None:
    """Print how many stretches at a gear's speed were fishing, and after the model's word, as the loop asks it.

    A stretch was fishing where experts call most of its fixes so. Vessels not trained on.
    """
    print("\n| gear | stretches at its speed | fishing | left by the model | fishing |")
    print("|---|---|---|---|---|")
    found: list[tuple[str, bool, bool]] = []
    for _, one in frame.assign(chance=chances).groupby("vessel"):
        kind, state, truth = (
            gear_of(one["gear"].iloc[0]),
            HaulState(),
            one["share"] > 0.5,
        )
        works = []
        for at_ms, kn, chance in one[["time_ms", "speed_kn", "chance"]].to_numpy():
            fix = Fix(int(at_ms), *FAR_OUT, float(kn))
            works.append(state.take(fix, kind, None, float(chance)))
        for work in [*works, state.stop(kind)]:
            if work is not None:
                is_in = one["time_ms"].between(work.began_ms, work.last_ms)
                was = bool(truth[is_in].mean() > 0.5)
                found.append((one["gear"].iloc[0], was, not work.is_doubted))
    for gear in [*dict.fromkeys(gear for gear, _, _ in found), "all"]:
        some = [one for one in found if gear in (one[0], "all")]
        left = [was for _, was, is_left in some if is_left]
        print(
            f"| {gear} | {len(some)} | {sum(was for _, was, _ in some)} | "
            f"{len(left)} | {sum(left)} |"
        )


def main() -> int:
    """Print the tables; with --save write the model from all vessels."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    frame = labelled()
    if "--save" in sys.argv:
        rows, weights = np.vstack(frame["row"].to_list()), weights_of(frame["vessel"])
        content = model.dumps(model.fit(rows, truth_of(frame), weights))
        Path(model.__file__).with_name("fishing.skops").write_bytes(content)
        print(f"{len(content)} bytes")
        return 0
    found = held_out(frame)
    told(frame, found)
    told_spread(frame, found)
    told_gaps(frame, found["all"])
    told_small(frame)
    told_hauls(frame, found["sea"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
