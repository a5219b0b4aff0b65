"""All that a run knows of how sure its predictions are, and the file that keeps it; neither torch nor scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.certainty.conformal import checked_level, units_needed
from pharmagraph.model.certainty.intervals import Calibration, Interval
from pharmagraph.model.certainty.leverage import Leverage
from pharmagraph.model.certainty.situation import Array, Errors, Situation, kinds_of
from pharmagraph.model.certainty.with_pilots import WithPilots
from pharmagraph.model.predictor.reading import writing
from pharmagraph.model.presets.choices import Split, Task

FILE = "certainty.safetensors"

LEVEL = 0.9
"""Level of intervals unless another is asked for."""

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.8, LEVEL)
"""Levels at which coverage is measured."""

FEWEST_PAIRS, FEWEST_UNITS = 60, 8
"""Hidden pairs of a kind, for classes of each class, without which nothing is fitted; and the hidden drugs or cell
lines that they need to be of. Set by hand."""

_TABLES = (
    "deviation",
    "spread",
    "drug_distance",
    "cell_line_distance",
    "known_drugs",
    "known_cell_lines",
    "tissue",
)


@dataclass(frozen=True)
class Certainty:
    """How sure a run's predictions are.

    Attributes
    ----------
    task, mean, deviation_of_labels
        What is predicted, and the mean and standard deviation of the training ln IC50.
    calibrations
        Of every kind of pairs that had enough of them.
    counts
        Hidden units of every kind: pairs, or groups of drugs or of cell lines; for classes those of the rarer class.
    errors
        Of drugs and cell lines.
    tables
        Of the run's pairs: ``deviation``, ``spread`` (n_cell_lines, n_drugs); of its entities: ``drug_distance``,
        ``cell_line_distance``, ``known_drugs``, ``known_cell_lines``, ``tissue``.
    leverage
        Of the first network's Gaussian process; None without one.
    process_scale
        Absolute scale of that process's output.
    thresholds
        ``drug`` and ``cell_line`` → distance from which one is unlike training; None where coverage gives way nowhere.
    with_pilots
        Calibrations of predictions with pilots; none where the run takes no pilots.
    """

    task: Task
    mean: float
    deviation_of_labels: float
    calibrations: Mapping[Split, Calibration]
    counts: Mapping[Split, int]
    errors: Errors
    tables: Mapping[str, np.ndarray]
    leverage: Leverage | None
    process_scale: float
    thresholds: Mapping[str, float | None]
    with_pilots: WithPilots = field(default_factory=WithPilots)

    def situation(
        self, predicted: Array, drug: npt.NDArray[np.int64], cell_line: npt.NDArray[np.int64]
    ) -> Situation:
        """The situation of every pair of some of the run's drugs and cell lines.

        Parameters
        ----------
        predicted
            Probability, or ln IC50, (n_cell_lines, n_drugs) of those that are asked for.
        drug, cell_line
            Their node numbers.
        """
        of, c = self.tables, cell_line[:, None]
        at = np.ix_(cell_line, drug)
        return Situation(
            drug[None], c, of["tissue"][c], self.outputs(predicted), of["deviation"][at], of["spread"][at],
            of["drug_distance"][drug][None], of["cell_line_distance"][c], self.errors.drug[drug][None],
            self.errors.cell_line[c],
        )  # fmt: skip

    def outputs(self, predicted: Array) -> Array:
        """Logits, or standardised −ln IC50, of predictions."""
        if self.task == "regression":
            standardised: Array = (self.mean - predicted) / self.deviation_of_labels
            return standardised
        inside = np.clip(predicted, 1e-7, 1 - 1e-7)
        logit: Array = np.log(inside / (1 - inside))
        return logit

    def intervals(
        self,
        situation: Situation,
        predicted: Array,
        known_drugs: npt.NDArray[np.bool_],
        known_cell_lines: npt.NDArray[np.bool_],
        level: float = LEVEL,
    ) -> Interval:
        """Intervals of a table of pairs, (n_cell_lines, n_drugs); NaN, and the answer -1, where a kind has too few.

        Parameters
        ----------
        situation, predicted
            Of the pairs.
        known_drugs, known_cell_lines
            Whether anything was measured for each, (n_drugs,) and (n_cell_lines,).
        level
            Between 0 and 1.
        """
        checked_level(level)
        shape, classes = predicted.shape, self.task == "classification"
        low, high, probability = (np.full(shape, np.nan, np.float32) for _ in range(3))
        answer = np.full(shape, -1, np.int64)
        for kind, which in kinds_of(known_drugs, known_cell_lines).items():
            if not which.any() or not self.has(kind, level):
                continue
            whole = bool(which.all())
            some = situation if whole else situation.take(which)
            found = self.calibrations[kind].interval(some, predicted if whole else predicted[which], level)
            at: Any = ... if whole else which
            low[at], high[at] = found.low, found.high
            if found.probability is not None and found.answer is not None:
                probability[at], answer[at] = found.probability, found.answer
        return Interval(low, high, probability, answer) if classes else Interval(low, high)

    def has(self, kind: Split, level: float) -> bool:
        """Whether a kind has enough hidden pairs for a level."""
        return kind in self.calibrations and self.counts[kind] >= units_needed(level)

    def lacking(self, kind: Split, level: float) -> str | None:
        """What a kind lacks for a level, in words with the number needed; None if it has enough."""
        checked_level(level)
        if self.has(kind, level):
            return None
        fewest = FEWEST_PAIRS if kind is Split.random else FEWEST_UNITS
        needed, of_classes = max(units_needed(level), fewest), self.task == "classification"
        of_each = " with pairs of each class" if kind is not Split.random else " of each class"
        return (
            f"an interval for {WORDS[kind]} at level {level:g} needs {needed:,} {UNITS[kind]}"
            f"{of_each if of_classes else ''} that can be hidden from the run, and {FEWEST_PAIRS} pairs in all; the "
            f"run has {self.counts.get(kind, 0):,}"
        )

    def require(self, kind: Split, level: float) -> None:
        """Refuse a level for which a kind has too few hidden units, with the number needed.

        Raises
        ------
        ModelError
            If there are too few.
        """
        if (lacking := self.lacking(kind, level)) is not None:
            raise ModelError(f"{lacking}; give a lower --level, or train on more pairs: cli train")

    def save(self, folder: Path) -> str:
        """Write into a run's folder; returns the file's name."""
        arrays = {f"table/{name}": self.tables[name] for name in _TABLES}
        arrays |= {"error/drug": self.errors.drug, "error/cell_line": self.errors.cell_line}
        if self.leverage is not None:
            arrays |= {f"leverage/{name}": values for name, values in self.leverage.arrays().items()}
        for calibration in self.calibrations.values():
            arrays |= {f"scores/{name}": values for name, values in calibration.arrays().items()}
        arrays |= {f"pilots/{name}": values for name, values in self.with_pilots.arrays().items()}
        about = {
            "task": self.task, "mean": self.mean, "deviation": self.deviation_of_labels,
            "process_scale": self.process_scale, "thresholds": dict(self.thresholds),
            "counts": {kind.value: n for kind, n in self.counts.items()},
            "calibrations": [calibration.to_json() for calibration in self.calibrations.values()],
            "with_pilots": self.with_pilots.to_json(),
        }  # fmt: skip
        contiguous = {
            name: np.ascontiguousarray(
                values.astype(np.float32) if values.dtype == np.float64 else
                values.astype(np.uint8) if values.dtype == bool else values
            )
            for name, values in arrays.items()
        }  # fmt: skip
        with writing(folder / FILE):
            save_file(contiguous, folder / FILE, metadata={"about": json.dumps(about)})
        return FILE

    @classmethod
    def load(cls, folder: Path) -> Certainty:
        """What `save` wrote."""
        with safe_open(folder / FILE, framework="numpy") as opened:
            file: Any = opened
            about = json.loads(file.metadata()["about"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        if foreign := [n for n, a in arrays.items() if a.dtype.kind == "f" and np.isnan(a).any()]:
            raise ValueError(f"{foreign[0]} holds what is no number")
        named = {
            part: {n.removeprefix(f"{part}/"): a for n, a in arrays.items() if n.startswith(f"{part}/")}
            for part in ("table", "error", "leverage", "scores", "pilots")
        }
        tables = named["table"]
        tables |= {name: tables[name].astype(bool) for name in ("known_drugs", "known_cell_lines")}
        read = [Calibration.from_json(one, named["scores"]) for one in about["calibrations"]]
        return cls(
            about["task"], about["mean"], about["deviation"], {one.kind: one for one in read},
            {Split(kind): n for kind, n in about["counts"].items()}, Errors(**named["error"]), tables,
            Leverage.from_arrays(named["leverage"]) if named["leverage"] else None, about["process_scale"],
            about["thresholds"], WithPilots.from_json(about.get("with_pilots", ()), named["pilots"]),
        )  # fmt: skip


WORDS = {
    Split.random: "a known drug and a known cell line", Split.unseen_drug: "a new drug",
    Split.unseen_cell: "a new cell line", Split.unseen_both: "a new drug and a new cell line",
}  # fmt: skip
"""Kinds of pairs, in words."""

UNITS = {
    Split.random: "training pairs", Split.unseen_drug: "drugs (near twins count once)",
    Split.unseen_cell: "cell lines (near twins count once)",
    Split.unseen_both: "drugs, and as many cell lines (near twins count once),",
}  # fmt: skip
"""What is hidden as a whole for each kind, in words."""
