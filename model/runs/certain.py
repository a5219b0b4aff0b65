"""How sure the predictions of a saved run are, for known and new drugs and cell lines; torch is not loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.wording import named
from pharmagraph.model.certainty.certainty import FILE, LEVEL, Certainty
from pharmagraph.model.certainty.conformal import checked_level
from pharmagraph.model.certainty.intervals import ANSWERS, Interval
from pharmagraph.model.certainty.situation import Array, Errors, Situation, kinds_of
from pharmagraph.model.predictor import Entity, Predictor, doubt
from pharmagraph.model.runs.folder import reading

STRUCTURE, EXPRESSION = 0, 1
"""Similarities by which the nearest drug and the nearest cell line are found: positions in `DRUG_KERNELS` (Tanimoto)
and `CELL_LINE_KERNELS` (cosine)."""


NEIGHBOURS, TOLD = 3, 5
"""Nearest ones that are named, and drugs or cell lines, at most, of which they are."""

WORDS = {"drug": "drugs", "cell_line": "cell lines"}
SIMILARITY = {"drug": "Tanimoto similarity", "cell_line": "cosine of expression"}


@dataclass(frozen=True)
class Judged:
    """What is said of a table of pairs beside the predictions, (n_cell_lines, n_drugs).

    Attributes
    ----------
    interval
        Ends and, of classes, calibrated probability and answer.
    level
        Of the interval.
    unlike_drugs, unlike_cell_lines
        Whether each is unlike the run's, bool (n_drugs,) and (n_cell_lines,).
    sentences
        Which are, and what is nearest to them, for the user.
    """

    interval: Interval
    level: float
    unlike_drugs: npt.NDArray[np.bool_]
    unlike_cell_lines: npt.NDArray[np.bool_]
    sentences: tuple[str, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[Judged]) -> Judged:
        """Those of some drugs for several groups of cell lines as one."""
        first, of = parts[0], [part.interval for part in parts]
        probability = [part.probability for part in of if part.probability is not None]
        answer = [part.answer for part in of if part.answer is not None]
        interval = Interval(
            np.concatenate([part.low for part in of]), np.concatenate([part.high for part in of]),
            np.concatenate(probability) if probability else None, np.concatenate(answer) if answer else None,
        )  # fmt: skip
        lines = np.concatenate([part.unlike_cell_lines for part in parts])
        sentences = dict.fromkeys(sentence for part in parts for sentence in part.sentences)
        return cls(interval, first.level, first.unlike_drugs, lines, tuple(sentences))

    def columns(self, c: int, d: int) -> dict[str, Any]:
        """Values of one pair's row."""
        interval, found = self.interval, dict[str, Any]()
        if interval.probability is not None:
            found["calibrated"] = _given(interval.probability[c, d])
        found |= {"low": _given(interval.low[c, d]), "high": _given(interval.high[c, d])}
        if interval.answer is not None:
            code = int(interval.answer[c, d])
            found["answer"] = ANSWERS[code] if code >= 0 else None
        unlike = (self.unlike_drugs[d], self.unlike_cell_lines[c])
        words = [word for word, is_it in zip(("structure", "expression"), unlike, strict=True) if is_it]
        return found | {"level": self.level, "unlike": " and ".join(words)}


def _given(value: float) -> float | None:
    """A number; None where there is none."""
    return float(value) if np.isfinite(value) else None


WITHOUT = (
    "this run has no intervals: it was made before runs had them, or had too few pairs to hide; cli train makes one "
    "that has"
)


def certainty_of(folder: Path, about: dict[str, Any], level: float | None) -> Certainty | None:
    """A run's certainty; None where it has none (`WITHOUT`).

    Raises
    ------
    InputError
        If the level is not between 0 and 1.
    ModelError
        If there is none and a level is asked for, or it cannot be read.
    """
    checked_level(LEVEL if level is None else level)
    if FILE not in about["files"]:
        if level is not None:
            raise ModelError(f"{named('level')} {level:g}: {WITHOUT}")
        return None
    with reading(folder / FILE):
        return Certainty.load(folder)


def judged(
    certainty: Certainty,
    predictor: Predictor,
    drugs: Sequence[Entity],
    cell_lines: Sequence[Entity],
    predicted: Array,
    names: tuple[Sequence[str], Sequence[str]],
    level: float | None,
) -> Judged:
    """What is said of a table of pairs, (n_cell_lines, n_drugs), predicted by a run's predictor.

    ``names`` are those of the drugs and of the cell lines.

    Raises
    ------
    ModelError
        If a level is asked for and a kind of pairs that is asked for had too few hidden pairs.
    """
    situation, known_drugs, known_cell_lines = situation_of(
        certainty, predictor, drugs, cell_lines, predicted
    )
    found = said(certainty, situation, predicted, known_drugs, known_cell_lines, level)
    told = all_unlike(certainty, predictor, drugs, cell_lines, situation, names)
    return replace(found, sentences=(*found.sentences, *told))


def situation_of(
    certainty: Certainty,
    predictor: Predictor,
    drugs: Sequence[Entity],
    cell_lines: Sequence[Entity],
    predicted: Array,
) -> tuple[Situation, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The situation of pairs, and whether anything was measured for each drug and each cell line; as in `judged`."""
    numbers = [np.array([-1 if e.number is None else e.number for e in side]) for side in (drugs, cell_lines)]
    known = _known(certainty, *numbers)
    if all(e.as_trained for e in (*drugs, *cell_lines)):
        return certainty.situation(predicted, *numbers), *known
    return _of_new(certainty, predictor, drugs, cell_lines, predicted), *known


def all_unlike(
    certainty: Certainty,
    predictor: Predictor,
    drugs: Sequence[Entity],
    cell_lines: Sequence[Entity],
    situation: Situation,
    names: tuple[Sequence[str], Sequence[str]],
) -> list[str]:
    """Which drugs and cell lines are unlike the run's, in words; as in `judged`."""
    return unlike_sentences(
        certainty, "drug", names[0], situation.drug_distance.ravel(),
        lambda n: _row(predictor, drugs[int(n)], "drug")[:, STRUCTURE], predictor.ids("drug"),
    ) + unlike_sentences(
        certainty, "cell_line", names[1], situation.cell_line_distance.ravel(),
        lambda n: _row(predictor, cell_lines[n], "cell_line")[:, EXPRESSION], predictor.ids("cell_line"),
    )  # fmt: skip


def _row(predictor: Predictor, entity: Entity, kind: str) -> Array:
    """Similarities of a drug or a cell line to the run's, (n, n_kernels)."""
    if entity.similarities is not None:
        return entity.similarities
    assert entity.number is not None  # or it has similarities
    features = predictor.features
    if kind == "drug":
        return features.similarities_of(entity.number)
    return features.cell_line_similarities(features.omics(entity.number))


def said(
    certainty: Certainty,
    situation: Situation,
    predicted: Array,
    known_drugs: npt.NDArray[np.bool_],
    known_cell_lines: npt.NDArray[np.bool_],
    level: float | None,
) -> Judged:
    """As `judged`, of pairs whose situation is known."""
    at, lacking = LEVEL if level is None else level, []
    for kind, which in kinds_of(known_drugs, known_cell_lines).items():
        if which.any():
            if level is not None:
                certainty.require(kind, level)
            elif (sentence := certainty.lacking(kind, at)) is not None:
                lacking.append(f"no interval: {sentence}")
    interval = certainty.intervals(situation, predicted, known_drugs, known_cell_lines, at)
    drug, cell_line = situation.drug_distance.ravel(), situation.cell_line_distance.ravel()
    unlike = beyond(certainty, "drug", drug), beyond(certainty, "cell_line", cell_line)
    return Judged(interval, at, *unlike, tuple(lacking))


def beyond(certainty: Certainty, side: str, distance: Array) -> npt.NDArray[np.bool_]:
    """Whether entities are at a distance at which coverage gave way, bool (n,)."""
    limit = certainty.thresholds.get(side)
    return np.zeros(len(distance), bool) if limit is None else distance > limit


def _known(
    certainty: Certainty, drug: npt.NDArray[np.int64], cell_line: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether anything was measured for each."""
    of_drugs = (drug >= 0) & certainty.tables["known_drugs"][drug]
    return of_drugs, (cell_line >= 0) & certainty.tables["known_cell_lines"][cell_line]


def _of_new(
    certainty: Certainty,
    predictor: Predictor,
    drugs: Sequence[Entity],
    cell_lines: Sequence[Entity],
    predicted: Array,
) -> Situation:
    """The situation of pairs of which an end is new."""
    of_drugs = _Side(certainty, drugs, "drug", STRUCTURE)
    of_cell_lines = _Side(certainty, cell_lines, "cell_line", EXPRESSION)
    deviation: Array = np.zeros(predicted.shape)
    if certainty.leverage is not None:
        rows_c, own_c = doubt.kernel_rows(predictor, cell_lines, "cell_line")
        rows_d, own_d = doubt.kernel_rows(predictor, drugs, "drug")
        variance = certainty.leverage.variance(rows_c, own_c, rows_d, own_d)
        deviation = np.sqrt(variance) * certainty.process_scale * doubt.drug_scales(predictor, drugs)
    spread = doubt.spread(predictor, drugs, cell_lines)
    of_run = certainty.tables["spread"][np.ix_(of_cell_lines.at, of_drugs.at)]
    spread = np.where(np.outer(~of_cell_lines.is_new, ~of_drugs.is_new), of_run, spread)
    tissue = np.where(of_cell_lines.is_new, -1, certainty.tables["tissue"][of_cell_lines.at])
    numbers = [np.where(side.is_new, -1, side.at) for side in (of_drugs, of_cell_lines)]
    return Situation(
        numbers[0][None], numbers[1][:, None], tissue[:, None], certainty.outputs(predicted), deviation,
        spread, of_drugs.distance[None], of_cell_lines.distance[:, None],
        of_drugs.error[None], of_cell_lines.error[:, None],
    )  # fmt: skip


class _Side:
    """Distances to what was measured, and errors, of drugs or of cell lines."""

    def __init__(self, certainty: Certainty, entities: Sequence[Entity], name: str, similarity: int) -> None:
        self.at = np.array([e.number or 0 for e in entities], np.int64)
        self.is_new = np.array([e.number is None for e in entities])
        known, errors = certainty.tables[f"known_{name}s"], getattr(certainty.errors, name)
        self.distance = certainty.tables[f"{name}_distance"][self.at].astype(np.float32)
        self.error = errors[self.at].astype(np.float32)
        for n in np.flatnonzero(self.is_new):
            row = entities[int(n)].similarities
            assert row is not None  # it is new
            near = row[:, similarity]
            self.distance[n] = np.clip(1 - near[known].max(initial=0), 0, 1)
            self.error[n] = Errors.of_new(near[None], errors)[0]


def unlike_sentences(
    certainty: Certainty,
    kind: str,
    names: Sequence[str],
    distance: Array,
    similarity: Callable[[int], Array],
    ids: Sequence[str],
) -> list[str]:
    """For each drug, or cell line (``cell_line``), that is unlike the run's, which are nearest, in words.

    Parameters
    ----------
    names, distance
        Of those that are asked for, (n_asked,).
    similarity
        Gives the similarities of one of them, by its position, to the run's, (n,).
    ids
        Of the run's.
    """
    found, known, limit = [], certainty.tables[f"known_{kind}s"], certainty.thresholds.get(kind) or 0.0
    for n in np.flatnonzero(beyond(certainty, kind, distance))[:TOLD]:
        row = np.where(known, similarity(int(n)), -np.inf)
        best = np.argsort(-row, kind="stable")[:NEIGHBOURS]
        near = ", ".join(f"{ids[at]} ({row[at]:.2f})" for at in best)
        found.append(
            f"{names[n]} is unlike all {WORDS[kind]} that the run was trained on; the nearest by {SIMILARITY[kind]} "
            f"are {near}; below {1 - limit:.2f} held-out errors were larger: its interval is wider, and may still hold "
            "less often"
        )  # fmt: skip
    return found
