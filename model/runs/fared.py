"""How a run's predictions fared: reads what the store has measured of pairs that it was not trained on; no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg import run_register
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.certainty.certainty import LEVELS, Certainty
from pharmagraph.model.certainty.intervals import ANSWERS
from pharmagraph.model.certainty.outcomes import HELD_OUT, LATER, UNUSED, Outcomes
from pharmagraph.model.presets.choices import Task
from pharmagraph.model.runs.certain import WITHOUT, certainty_of
from pharmagraph.model.runs.folder import GRAPH, checked, reading, training_pairs

ENDS = ("Drug", "CellLine")
_MEASURED = ["src", "dst", "dataset", "ln_ic50", "censored", "response", "gone"]
_PREDICTED = ["src", "dst", "probability", "ln_ic50", "calibrated", "low", "high", "level"]
_COLUMN: dict[Task, str] = {"classification": "response", "regression": "ln_ic50"}
EITHER = ANSWERS.index("either")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Pairs:
    """The drugs and cell lines of a run's graph; a pair has one number, -1 where the graph lacks an end."""

    drugs: list[str]
    cell_lines: list[str]

    def numbers(self, table: pa.Table, drug: str, cell_line: str) -> Numbers:
        d, c = _at(table[drug], self.drugs), _at(table[cell_line], self.cell_lines)
        return np.where((d >= 0) & (c >= 0), self.number(d, c), -1)

    def number(self, drug: Numbers, cell_line: Numbers) -> Numbers:
        return cell_line * len(self.drugs) + drug

    def sides(self, pair: Numbers) -> tuple[Numbers, Numbers]:
        """Node numbers of drugs and of cell lines."""
        cell_line, drug = np.divmod(pair, len(self.drugs))
        return drug, cell_line


def fared(store: GraphStore, run_id: str, *, note: Callable[[str], None]) -> Outcomes:
    """Predictions of a run beside measured responses of pairs that it was not trained on.

    Parameters
    ----------
    store
        Open.
    run_id
        Of the run. Its folder has the training pairs, and the graph that it was trained on.
    note
        Is told what is left out.

    Raises
    ------
    NotFoundError
        If there is no such run.
    ModelError
        If its folder is gone or damaged, it has no intervals, or no such pair was measured.
    """
    run = run_register.find(store, run_id)
    if not run["folder"]:
        raise ModelError(
            f"run {run_id} has no folder, so its training pairs are not known; train again: cli train"
        )
    folder = Path(run["folder"])
    about, trained_on = checked(folder), training_pairs(folder)
    certainty = certainty_of(folder, about, None)
    predictions = store.read_edges("PREDICTED", ENDS, _PREDICTED, equals={"run_id": run_id})
    if certainty is None or predictions["low"].null_count == predictions.num_rows:
        raise ModelError(f"{run_id}: {WITHOUT}")
    with reading(folder / GRAPH):
        graph = _Graph.of(folder / GRAPH, certainty.task)
    predicted = _Predicted(graph.pairs, predictions, certainty)
    measured = _measured(store, certainty.task)
    pair = graph.pairs.numbers(measured, "src", "dst")
    trained = np.isin(pair, graph.pairs.numbers(trained_on, "drug", "cell_line")) & (pair >= 0)
    foreign = ~trained & ~predicted.has(pair)
    bare = ~trained & ~foreign & ~predicted.has_interval(pair)
    kept = ~trained & ~foreign & ~bare
    for which, why in (
        (trained, "are of pairs that the run was trained on"),
        (
            foreign,
            "are of pairs that it did not predict, as those of drugs or cell lines that its graph lacks",
        ),
        (bare, "are of pairs for which it has no interval"),
    ):
        if which.any():
            note(f"left out: {which.sum():,} of {len(pair):,} measured responses {why}")
    if certainty.task == "regression":
        bound = kept & np.array(measured["censored"].is_valid())
        _tell_bounds(measured.filter(pa.array(bound)), predicted, pair[bound], note)
        kept &= ~bound
    if not kept.any():
        raise ModelError(
            f"{run_id} predicted no pair with a measured response outside its {trained_on.num_rows:,} training pairs; "
            "load new measurements, as with cli ingest tables FOLDER, and ask again"
        )
    measured, pair = measured.filter(pa.array(kept)), pair[kept]
    return _outcomes(store, run, predicted, measured, pair, graph.had(measured, pair))


@dataclass(frozen=True)
class _Graph:
    """What a run's graph had: its drugs and cell lines, and its measurements, sorted by ``number``."""

    task: Task
    pairs: _Pairs
    datasets: list[str]
    number: Numbers
    value: npt.NDArray[np.float64]

    @classmethod
    def of(cls, folder: Path, task: Task) -> _Graph:
        graph, of_type = SavedArrays(folder), (ENDS[0], "TESTED_ON", ENDS[1])
        pairs, datasets = _Pairs(graph.ids("Drug"), graph.ids("CellLine")), list(graph.about["datasets"])
        drug, cell_line = graph.edges(*of_type)
        number = _with_dataset(
            pairs.number(drug, cell_line), graph.edge_feature(*of_type, "dataset"), len(datasets)
        )
        order, name = np.argsort(number, kind="stable"), _COLUMN[task]
        value = graph.edge_feature(*of_type, name).astype(np.float64)
        return cls(task, pairs, datasets, number[order], value[order])

    def had(self, measured: pa.Table, pair: Numbers) -> npt.NDArray[np.bool_]:
        """Whether the graph had each measurement, with the same value, bool (n,)."""
        wanted = _with_dataset(pair, _at(measured["dataset"], self.datasets), len(self.datasets))
        at = np.minimum(np.searchsorted(self.number, wanted), len(self.number) - 1)
        same = np.isclose(self.value[at], _value(measured, self.task), rtol=1e-5, atol=1e-5)  # of float32
        found: npt.NDArray[np.bool_] = (self.number[at] == wanted) & same
        return found


class _Predicted:
    """A run's predictions, by the numbers of their pairs."""

    def __init__(self, pairs: _Pairs, table: pa.Table, certainty: Certainty) -> None:
        number = pairs.numbers(table, "src", "dst")
        order = np.argsort(number, kind="stable")
        order = order[number[order] >= 0]
        self.pairs, self.certainty, self.number = pairs, certainty, number[order]
        name = "probability" if certainty.task == "classification" else "ln_ic50"
        self.value, self.calibrated, self.low, self.high, self.level = (
            _floats(table[column])[order] for column in (name, "calibrated", "low", "high", "level")
        )

    def rows(self, pair: Numbers) -> Numbers:
        """Where a pair's prediction is; of a pair without one, anywhere."""
        return np.minimum(np.searchsorted(self.number, pair), max(len(self.number) - 1, 0))

    def has(self, pair: Numbers) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = (pair >= 0) & (self.number[self.rows(pair)] == pair)
        return found

    def has_interval(self, pair: Numbers) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = np.isfinite(self.low[self.rows(pair)])
        return found

    def judged(self, pair: Numbers, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Low and high ends, and answers of classes, of pairs at a level; NaN and -1 where there is none."""
        drug, cell_line = self.pairs.sides(pair)
        drugs, at_drug = np.unique(drug, return_inverse=True)
        cell_lines, at_line = np.unique(cell_line, return_inverse=True)
        table = np.full((len(cell_lines), len(drugs)), float(self.value.mean()))  # others are not read
        table[at_line, at_drug] = self.value[self.rows(pair)]
        known = (
            self.certainty.tables["known_drugs"][drugs],
            self.certainty.tables["known_cell_lines"][cell_lines],
        )
        situation = self.certainty.situation(table, drugs, cell_lines)
        found = self.certainty.intervals(situation, table, *known, level)
        answer = np.full(table.shape, -1) if found.answer is None else found.answer
        return found.low[at_line, at_drug], found.high[at_line, at_drug], answer[at_line, at_drug]


def _outcomes(
    store: GraphStore,
    run: dict[str, Any],
    predicted: _Predicted,
    measured: pa.Table,
    pair: Numbers,
    known: npt.NDArray[np.bool_],
) -> Outcomes:
    task, rows = predicted.certainty.task, predicted.rows(pair)
    value, level, inside_at = _value(measured, task), predicted.level[rows], {}
    if task == "regression":
        inside = (predicted.low[rows] <= value) & (value <= predicted.high[rows])
        for at in LEVELS:
            low, high, _ = predicted.judged(pair, at)
            inside_at[at] = np.where(np.isfinite(low), (low <= value) & (value <= high), np.nan)
    else:
        inside = np.zeros(len(pair), bool)
        for at in np.unique(level):
            of_level = level == at
            answer = predicted.judged(pair[of_level], float(at))[2]
            inside[of_level] = (answer == EITHER) | (answer == value[of_level])
    loaded = {
        row["id"]: row["ingested_at"] or "" for row in store.node_rows("Dataset", ["id", "ingested_at"])
    }
    dataset = _texts(measured["dataset"])
    since = np.array([loaded.get(name, "") >= (run["started_at"] or "") for name in dataset])
    drugs = {row["id"]: row["name"] for row in store.node_rows("Drug", ["id", "name"])}
    lines = {row["id"]: row for row in store.node_rows("CellLine", ["id", "name", "tissue"])}
    cell_line = measured["dst"].to_pylist()
    return Outcomes(
        str(run["id"]), task, value,
        (predicted.calibrated if task == "classification" else predicted.value)[rows], inside, level,
        np.array([drugs[id_] for id_ in measured["src"].to_pylist()]),
        np.array([lines[id_]["name"] for id_ in cell_line]),
        np.array([lines[id_]["tissue"] or "" for id_ in cell_line]),
        dataset, np.where(known, HELD_OUT, np.where(since, LATER, UNUSED)), inside_at,
    )  # fmt: skip


def _measured(store: GraphStore, task: Task) -> pa.Table:
    """Measured responses that have a value for a task and are not marked as gone."""
    table = store.read_edges("TESTED_ON", ENDS, _MEASURED)
    return table.filter(pc.and_(table["gone"].is_null(), table[_COLUMN[task]].is_valid()))


def _value(measured: pa.Table, task: Task) -> npt.NDArray[np.float64]:
    return _floats(measured[_COLUMN[task]])


def _with_dataset(pair: Numbers, dataset: Numbers, n_datasets: int) -> Numbers:
    """One number for a pair and the position of a data set, -1 for none."""
    return pair * (n_datasets + 1) + dataset + 1


def _tell_bounds(bounds: pa.Table, predicted: _Predicted, pair: Numbers, note: Callable[[str], None]) -> None:
    """Say how many censored responses are left out, and how many of them contradict their intervals."""
    if not bounds.num_rows:
        return
    rows, value = predicted.rows(pair), _value(bounds, "regression")
    above = np.array(bounds["censored"]) == "above"
    outside = np.where(above, value > predicted.high[rows], value < predicted.low[rows])
    note(
        f"left out: {len(value):,} censored responses, of which a bound alone is known; {int(outside.sum()):,} of the "
        "bounds rule the interval out, the others agree with it"
    )


def _at(names: Any, among: list[str]) -> Numbers:
    """The position of each name of an Arrow column, -1 where it is not there."""
    found = pc.index_in(names.cast(pa.string()), value_set=pa.array(among, pa.string()))
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def _floats(column: Any) -> npt.NDArray[np.float64]:
    return np.array(column.cast(pa.float64()).to_numpy(), np.float64)


def _texts(column: Any) -> np.ndarray:
    return np.array([text or "" for text in column.to_pylist()])
