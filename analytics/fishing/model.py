"""The portable model of fishing, and the speed rule beside it.

``fishing.skops`` beside this file is made by ``python -m benchmarks.evaluate.track --save``
from 27 vessels of Global Fishing Watch (CC-BY 4.0) and three boats of ICES WKSSFGEO (MIT).
"""

import zipfile
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import pandas as pd
import skops.io
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from analytics.fishing.features import GEARS, TURNS, Floats, Track, features_of
from analytics.fishing.hauls import SLOW_KN
from greenwater.reference.gears import gear_of

TRUSTED: Final = (
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""What boosted trees are made of, beyond what skops trusts by itself."""

TROLLING: Final = "trolling line"


def fit(
    rows: Floats, is_fishing: NDArray[np.bool_], weights: Floats
) -> HistGradientBoostingClassifier:
    """Return a model of labelled rows, learnt also without gear, shore and course."""
    bare, blind = without(rows), without(rows, course=True)
    model = HistGradientBoostingClassifier(
        max_iter=90,
        max_leaf_nodes=8,
        learning_rate=0.07,
        min_samples_leaf=60,
        l2_regularization=5.0,
        max_features=0.4,
        max_bins=63,
        random_state=0,
    )
    return model.fit(
        np.vstack([rows, bare, blind]), np.tile(is_fishing, 3), np.tile(weights, 3)
    )


def without(rows: Floats, *, course: bool = False) -> Floats:
    """Return rows as they are where neither gear nor shore is told, and no course either."""
    bare = rows.copy()
    bare[:, -len(GEARS) - 2 : -1] = 0.0
    bare[:, -1] = 1.0
    bare[:, -len(GEARS) - 2] = np.nan
    if course:
        bare[:, [1, *TURNS]] = np.nan
    return bare


def dumps(model: HistGradientBoostingClassifier) -> bytes:
    """Return a model as bytes of a skops file."""
    written: bytes = skops.io.dumps(
        model, compression=zipfile.ZIP_DEFLATED, compresslevel=9
    )
    return written


@cache
def shipped() -> HistGradientBoostingClassifier:
    """Return the model of this package."""
    content = (resources.files("analytics.fishing") / "fishing.skops").read_bytes()
    return skops.io.loads(content, trusted=list(TRUSTED))


def probability(track: Track) -> Floats:
    """Return the probability of fishing at each fix, in [0, 1]."""
    return probabilities([track])[0]


def probabilities(tracks: Sequence[Track]) -> list[Floats]:
    """Return the same for each of many vessels; asking for many at once is far cheaper."""
    found = [gear_rule(one) for one in tracks]
    asked = [n for n, one in enumerate(found) if one is None]
    if asked:
        rows = features_of([tracks[n] for n in asked])
        said: Floats = shipped().predict_proba(rows)[:, 1]
        ends = np.cumsum([len(tracks[n].times_ms) for n in asked])[:-1]
        for n, part in zip(asked, np.split(said, ends), strict=True):
            found[n] = part
    return [one for one in found if one is not None]


def gear_rule(track: Track) -> Floats | None:
    """Return the probability by the gear's own speed, for the gear that others do not teach.

    Trolling lines are towed at the speed at which others steam, and one troller is too few
    to learn from: theirs is how much of the last three hours was at the speed of
    ``reference/gears.toml``. None for all other gears.
    """
    gear = gear_of(track.gear)
    if gear.name != TROLLING:
        return None
    at = pd.DatetimeIndex(pd.to_datetime(track.times_ms, unit="ms"))
    low, high = gear.work_kn
    is_work = (track.speed_kn >= low) & (track.speed_kn <= high)
    share = pd.Series(is_work.astype(float), at).rolling("3h").mean()
    return np.asarray(0.1 + 0.8 * (share + is_work) / 2, dtype=np.float64)


def speed_rule(speed_kn: Floats) -> NDArray[np.bool_]:
    """Return where a speed alone says fishing."""
    return (speed_kn > SLOW_KN[0]) & (speed_kn < SLOW_KN[1])
