"""Intervals, calibrated probabilities and prediction sets of one kind of pair, fitted to hidden pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.model.certainty.conformal import Scores
from pharmagraph.model.certainty.scales import PENALTY, PENALTY_OF_WHOLE, Latent, Linear, expected_error
from pharmagraph.model.certainty.situation import Array, Situation
from pharmagraph.model.presets.choices import Split, Task

PARTS = 5
"""Parts of the hidden pairs: errors of each are scaled by what the others tell. Pairs of one unit are together."""

ANSWERS = ("resistant", "sensitive", "either")

_ARRAYS = ("values", "at_most", "at_least", "start", "units")
"""Arrays of `Scores`."""


@dataclass(frozen=True)
class Interval:
    """What is said of pairs at one level.

    Attributes
    ----------
    low, high
        Ends, in ln µmol/l, or of the probability.
    probability
        Calibrated, of being sensitive; None in regression.
    answer
        Position in `ANSWERS` of the prediction set; None in regression.
    """

    low: Array
    high: Array
    probability: Array | None = None
    answer: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Calibration:
    """Of one kind of pairs.

    Attributes
    ----------
    task
        The run's.
    kind
        The kind of pairs.
    scale
        Expected absolute error (ln µmol/l) in regression; of classes, `Latent`.
    scores
        In regression one set: errors over their expected size. Of classes two: 1 less the probability of the class, of
        resistant and of sensitive pairs.
    """

    task: Task
    kind: Split
    scale: Linear | Latent
    scores: tuple[Scores, ...]

    @classmethod
    def of(
        cls,
        task: Task,
        kind: Split,
        situation: Situation,
        label: Array,
        predicted: Array,
        unit: npt.NDArray[np.int64] | None = None,
    ) -> Calibration:
        """Fit to hidden pairs.

        Parameters
        ----------
        situation, label
            Of hidden pairs, (n,); labels are classes, or ln IC50.
        predicted
            ln IC50 in regression, (n,); not read for classes.
        unit
            Which hidden drug, or cell line, each pair belongs to, (n,); single pairs unless given.
        """
        single, out = unit is None, np.empty(len(label))
        unit = np.arange(len(label)) if unit is None else np.unique(unit, return_inverse=True)[1]
        importance = 1 / np.bincount(unit)[unit]
        penalty = PENALTY if single else PENALTY_OF_WHOLE
        for held in _parts(unit):
            less, held_out = situation.take(~held), situation.take(held)
            if task == "regression":
                error = label - predicted
                by = expected_error(less, np.abs(error[~held]), importance[~held], penalty)
                out[held] = error[held] / by(held_out)
            else:
                latent = Latent.of(less, label[~held], importance[~held], penalty)
                out[held] = latent.probability(held_out)
        scale: Linear | Latent
        scores: tuple[Scores, ...]
        if task == "regression":
            scale = expected_error(situation, np.abs(label - predicted), importance, penalty)
            scores = (Scores.of(out, situation.drug, situation.tissue, unit),)
        else:
            scale = Latent.of(situation, label, importance, penalty)
            scores = tuple(
                Scores.of(1 - p[is_it], situation.drug[is_it], situation.tissue[is_it], unit[is_it])
                for is_it, p in ((label < 0.5, 1 - out), (label > 0.5, out))
            )
        return cls(task, kind, scale, scores)

    def interval(self, situation: Situation, predicted: Array, level: float) -> Interval:
        """Intervals of pairs, in the shape of the situation; ``predicted`` is ln IC50 in regression.

        Raises
        ------
        ModelError
            If too few pairs were hidden for the level.
        """
        tail = (1 - level) / 2
        if isinstance(self.scale, Linear):
            (scores,) = self.scores
            group, width = scores.groups(situation.drug, situation.tissue), self.scale(situation)
            low = predicted + width * scores.lower_quantile(group, tail)
            return Interval(low, predicted + width * scores.quantile(group, 1 - tail))
        probability = self.scale.probability(situation)
        may_be = []
        for scores, p in zip(self.scores, (1 - probability, probability), strict=True):
            group = scores.groups(situation.drug, situation.tissue)
            may_be.append((1 - p <= scores.quantile(group, level)) | (p >= 0.5))
        answer = np.where(may_be[0] & may_be[1], 2, np.where(may_be[1], 1, 0))
        return Interval(*self.scale.interval(situation, level), probability, answer)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads, beside `arrays`."""
        if isinstance(self.scale, Linear):
            scale: dict[str, Any] = self.scale.to_json()
        else:
            scale = {
                "slope": self.scale.slope, "intercept": self.scale.intercept,
                "deviation": self.scale.deviation.to_json(),
            }  # fmt: skip
        groups = [{"drug": list(s.drug.items()), "tissue": list(s.tissue.items())} for s in self.scores]
        return {"task": self.task, "kind": self.kind.value, "scale": scale, "groups": groups}

    def arrays(self) -> dict[str, np.ndarray]:
        """The scores."""
        found: dict[str, np.ndarray] = {}
        for number, scores in enumerate(self.scores):
            found |= {f"{self.kind.value}/{number}/{n}": getattr(scores, n) for n in _ARRAYS}
        return found

    @classmethod
    def from_json(cls, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Calibration:
        """From `to_json` and `arrays`."""
        kind, scale = Split(about["kind"]), about["scale"]
        scores = []
        for number, groups in enumerate(about["groups"]):
            start = f"{kind.value}/{number}/"
            own = {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
            made = Scores.of_weights if "weight" in own else Scores
            scores.append(made(**own, drug=dict(groups["drug"]), tissue=dict(groups["tissue"])))
        read: Linear | Latent
        if about["task"] == "regression":
            read = Linear.from_json(scale)
        else:
            read = Latent(scale["slope"], scale["intercept"], Linear.from_json(scale["deviation"]))
        return cls(about["task"], kind, read, tuple(scores))


def _parts(unit: npt.NDArray[np.int64]) -> list[np.ndarray]:
    """Which pairs are in each part, bool (n,)."""
    part = np.random.default_rng(0).permutation(int(unit.max(initial=0)) + 1)[unit] % PARTS
    return [part == number for number in np.unique(part)]
