"""Fitted models on disk, one file a place: written whole or not at all, read with care.

skops writes a zip of arrays and a description; reading builds only the types listed here,
so a file from a stranger runs nothing.
"""

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from analytics.oxygen.forecaster import Model
from analytics.oxygen.learner import Learner, Target
from greenwater.kernel.errors import ConflictError, InputError, MissingError

VERSION: Final = 3
"""Of the file's content; another is refused, and the place is fitted again."""

TRUSTED: Final = (
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""What boosted trees are made of, beyond what skops trusts by itself."""


def save(model: Model, path: Path) -> None:
    """Write a model; a reader sees the old file or the new one, never half of one."""
    import skops.io  # seconds of imports that no start should wait for

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(skops.io.dumps(_written(model)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(path: Path) -> Model:
    """Read a model.

    Raises:
        MissingError: there is no such file.
        InputError: it is no model, or holds a type that is not TRUSTED.
        ConflictError: it is of another version.
    """
    if not path.is_file():
        raise MissingError(f"there is no model {path}: fit one")
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        content = skops.io.loads(path.read_bytes(), trusted=list(TRUSTED))
    except UntrustedTypesFoundException as exc:
        raise InputError(f"{path} holds what no model of ours holds: {exc}") from exc
    except Exception as exc:
        raise InputError(f"{path} is no model: {exc}") from exc
    if not isinstance(content, dict) or "version" not in content:
        raise InputError(f"{path} is no oxygen model")
    if content["version"] != VERSION:
        raise ConflictError(f"{path} has version {content['version']}: fit it again")
    return _read(content)


_RIDGE: Final = ("gram", "moment", "mean", "weight", "limit", "offset")
_BAND: Final = ("pool", "outside", "usual", "is_sized", "seen")
_LEARNER: Final = (
    *("tried", "recent", "issued_square", "issued_naive", "simple_square"),
)


def _written(model: Model) -> dict[str, Any]:
    return {
        "version": VERSION,
        "fitted_ms": model.fitted_ms,
        "step_ms": model.step_ms,
        "channels": list(model.channels),
        "threshold": model.threshold,
        "warn_at": [[hours, chance] for hours, chance in model.warn_at.items()],
        "learners": [_learner_written(one) for one in model.learners],
    }


def _learner_written(one: Learner) -> dict[str, Any]:
    return {
        "hours": one.target.hours,
        "is_minimum": one.target.is_minimum,
        "day": one.day,
        "ridges": [_parts(ridge, _RIDGE) for ridge in one.ridges],
        "sizes": _parts(one.band.sizes, _RIDGE),
        "band": _parts(one.band, _BAND),
        "mixture": _parts(one.mixture, ("products", "count")),
        "own": _parts(one, _LEARNER),
        "trees": one.trees.model,
        "learnt_rows": one.trees.learnt_rows,
    }


def _read(content: dict[str, Any]) -> Model:
    return Model(
        fitted_ms=content["fitted_ms"],
        step_ms=content["step_ms"],
        channels=tuple(content["channels"]),
        threshold=content["threshold"],
        warn_at={hours: chance for hours, chance in content["warn_at"]},
        learners=[_learner_read(one) for one in content["learners"]],
    )


def _learner_read(one: dict[str, Any]) -> Learner:
    width = len(one["ridges"][0]["weight"])
    learner = Learner(
        Target(one["hours"], one["is_minimum"]),
        width,
        len(one["sizes"]["weight"]),
        one["day"],
    )
    for ridge, parts in zip(learner.ridges, one["ridges"], strict=True):
        _take(ridge, parts, _RIDGE)
    _take(learner.band.sizes, one["sizes"], _RIDGE)
    _take(learner.band, one["band"], _BAND)
    _take(learner.mixture, one["mixture"], ("products", "count"))
    _take(learner, one["own"], _LEARNER)
    learner.trees.model = one["trees"]
    learner.trees.learnt_rows = one["learnt_rows"]
    return learner


def _parts(thing: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Return those attributes, numbers as plain ones; arrays as they are."""
    found = {name: getattr(thing, name) for name in names}
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in found.items()
    }


def _take(thing: object, parts: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        setattr(thing, name, parts[name])
