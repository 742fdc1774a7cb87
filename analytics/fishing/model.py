"""The portable model of fishing, and the speed rule beside it.

``fishing.skops`` beside this file is made by ``python -m benchmarks.evaluate.track --save``
from 27 vessels of Global Fishing Watch (CC-BY 4.0) and three boats of ICES WKSSFGEO (MIT).
"""

import zipfile
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.fishing.features import (
    GEARS,
    SHORE,
    STILL,
    TURNS,
    Floats,
    Track,
    features_of,
)
from analytics.fishing.hauls import SLOW_KN
from greenwater.reference.gears import GEARS as GEARS_KNOWN
from greenwater.reference.gears import gear_of

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

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
SHARE_MS: Final = 3 * 3_600_000
LEAST_CHANCE: Final = 1e-4


class Models(NamedTuple):
    """Boosted trees for fixes whose distance to shore is told, and for those where it is not.

    One for both was held back by what it had to learn without the other's columns.
    """

    by_shore: "HistGradientBoostingClassifier"
    by_way: "HistGradientBoostingClassifier"

    def probability(self, rows: Floats) -> Floats:
        """Return the probability of fishing of rows of ``features``."""
        is_told, said = ~np.isnan(rows[:, SHORE.start]), np.empty(len(rows))
        if is_told.any():
            said[is_told] = self.by_shore.predict_proba(rows[is_told])[:, 1]
        if not is_told.all():
            way = _way(rows[~is_told])
            said[~is_told] = self.by_way.predict_proba(way)[:, 1]
        return said


def fit(rows: Floats, is_fishing: NDArray[np.bool_], weights: Floats) -> Models:
    """Return models of labelled rows; that without shore learns also without gear and course."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    def trees() -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=90,
            max_leaf_nodes=8,
            learning_rate=0.07,
            min_samples_leaf=60,
            l2_regularization=5.0,
            max_features=0.4,
            max_bins=63,
            random_state=0,
        )

    seen = [at_sea(rows), without(rows), without(rows, course=True)]
    return Models(
        trees().fit(rows, is_fishing, weights),
        trees().fit(
            _way(np.vstack(seen)),
            np.tile(is_fishing, len(seen)),
            np.tile(weights, len(seen)),
        ),
    )


def _way(rows: Floats) -> Floats:
    return np.delete(rows, SHORE, axis=1)


def without(rows: Floats, *, course: bool = False) -> Floats:
    """Return rows as they are where neither gear nor shore is told, and no course either."""
    bare = no_gear(off_shore(rows))
    if course:
        bare[:, [1, *TURNS]] = np.nan
    return bare


def no_gear(rows: Floats) -> Floats:
    """Return rows as they are where the gear is not told."""
    known = rows.copy()
    known[:, -len(GEARS) - 1 :] = [*[0.0] * len(GEARS), 1.0]
    return known


def off_shore(rows: Floats) -> Floats:
    """Return rows as they are where the distance to shore is not told."""
    known = rows.copy()
    known[:, SHORE] = np.nan
    return known


def at_sea(rows: Floats) -> Floats:
    """Return rows as the loop has them: no shore, and nothing of the vessel's time in port."""
    known = off_shore(rows)
    known[:, STILL] = np.nan
    return known


def dumps(models: Models) -> bytes:
    """Return models as bytes of a skops file."""
    import skops.io

    written: bytes = skops.io.dumps(
        list(models), compression=zipfile.ZIP_DEFLATED, compresslevel=9
    )
    return written


@cache
def shipped() -> Models:
    """Return the models of this package."""
    import skops.io  # seconds of imports that no start should wait for

    content = (resources.files("analytics.fishing") / "fishing.skops").read_bytes()
    return Models(*skops.io.loads(content, trusted=list(TRUSTED)))


def asked(rows: Floats) -> Floats:
    """Return what the shipped models alone say of rows of ``features``."""
    with threadpool_limits(1):  # more wait for each other where others work too
        return shipped().probability(rows)


def probability(track: Track) -> Floats:
    """Return the probability of fishing at each fix, in [0, 1]."""
    return probabilities([track])[0]


def probabilities(tracks: Sequence[Track]) -> list[Floats]:
    """Return the same for each of many vessels; asking for many at once is far cheaper."""
    said = asked(features_of(tracks))
    ends = np.cumsum([len(one.times_ms) for one in tracks])[:-1]
    return [
        with_gear(one.gear, part, gear_share(one))
        for one, part in zip(tracks, np.split(said, ends), strict=True)
    ]


def with_gear(gear: str, chance: Floats, share: Floats) -> Floats:
    """Return what the model says of a vessel's fixes together with its gear's own speed.

    Where a gear works at one speed, ``share`` has half a say (the mean of the log odds): few
    vessels of each gear could be learnt from. Gears that are also set at another speed,
    and those not told, are the model's alone. Trolling lines are towed at the speed at
    which others steam, and one troller is too few to learn from: they are ``share`` alone.
    """
    kind = gear_of(gear)
    if kind.name == TROLLING:
        return share
    if kind.set_kn is not None or kind is GEARS_KNOWN.gear[-1]:
        return chance
    odds = np.clip(chance, LEAST_CHANCE, 1 - LEAST_CHANCE)
    odds = np.log(odds / (1 - odds)) + np.log(share / (1 - share))
    return np.asarray(1 / (1 + np.exp(-odds / 2)), dtype=np.float64)


def gear_share(track: Track) -> Floats:
    """Return, in 0.1 to 0.9, how much of the last three hours was at the speed of the gear.

    The fix itself counts as much as the three hours (``reference/gears.toml``).
    """
    low, high = gear_of(track.gear).work_kn
    is_work = (track.speed_kn >= low) & (track.speed_kn <= high)
    since = np.searchsorted(track.times_ms, track.times_ms - SHARE_MS, "right")
    until = np.arange(1, len(is_work) + 1)
    worked = np.concatenate([[0], np.cumsum(is_work)])
    share = (worked[until] - worked[since]) / (until - since)
    return np.asarray(share_of(share, is_work), dtype=np.float64)


def share_of(worked: Any, is_work: Any) -> Any:
    """Return the share in 0.1 to 0.9: of three hours ``worked``, and the fix itself."""
    return 0.1 + 0.8 * (worked + is_work) / 2


def speed_rule(speed_kn: Floats) -> NDArray[np.bool_]:
    """Return where a speed alone says fishing."""
    return (speed_kn > SLOW_KN[0]) & (speed_kn < SLOW_KN[1])
