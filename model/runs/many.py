"""Predicts many pairs with a saved run: files of drugs, cell lines or pairs, and whole matrices, as Arrow tables.

A table has the pairs of some drugs, so that memory does not grow with their number. Columns are those of rows of
`runs.predictions`; where a file calls a drug or a cell line otherwise than the graph, its id there stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.names import Names
from pharmagraph.kg.wording import option
from pharmagraph.model.certainty.intervals import ANSWERS
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.runs.asked import Asked, Note, asked_cell_lines, asked_drugs
from pharmagraph.model.runs.bad_rows import Told
from pharmagraph.model.runs.block import Block, joined
from pharmagraph.model.runs.certain import WITHOUT, certainty_of
from pharmagraph.model.runs.folder import checked
from pharmagraph.model.runs.listed import Pairs, cell_lines_of_file, drugs_of_file, pairs_of_file
from pharmagraph.model.runs.predictions import (
    BLOCK,
    blocks_of,
    graph_of,
    only_within,
    require_answers,
    tell_unlike,
)
from pharmagraph.model.runs.profiles import RunGenes

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = npt.NDArray[np.int64]

UNLIKE = ("", "structure", "expression", "structure and expression")
TOLD = 5
"""Sentences about drugs and cell lines that are unlike the run's."""


@dataclass(frozen=True)
class Wanted:
    """Which pairs are asked for: each side a file, some names, or all, or a file of pairs.

    Attributes
    ----------
    drugs, cell_lines
        Names; all when None and no file is given.
    smiles
        New drugs.
    drugs_file, cell_lines_file, pairs_file
        As in `runs.listed`.
    within
        Ids of the cell lines to which those of the run are restricted where none are given.
    reject
        Whether bad rows of the files are left out.
    """

    drugs: Sequence[str] | None = None
    cell_lines: Sequence[Any] | None = None
    smiles: Sequence[str] | None = None
    drugs_file: Path | None = None
    cell_lines_file: Path | None = None
    pairs_file: Path | None = None
    within: Collection[str] | None = None
    reject: bool = False


@dataclass(frozen=True)
class Predicted:
    """Predictions that are made while the tables are read.

    Attributes
    ----------
    n_drugs, n_cell_lines, n_pairs
        How many are asked for.
    tables
        One after the other.
    drug_ids, cell_line_ids
        Id in the store of each that has one, by what the tables call it.
    """

    n_drugs: int
    n_cell_lines: int
    n_pairs: int
    tables: Iterator[pa.Table]
    drug_ids: Mapping[str, str]
    cell_line_ids: Mapping[str, str]

    def edges(self) -> Iterator[pa.Table]:
        """The tables as edges PREDICTED: ids ``src`` and ``dst`` in the place of names, and what these edges have.

        Raises
        ------
        ModelError
            If a drug or a cell line is new: edges join nodes of the store.
        """
        for n, ids, what in (
            (self.n_drugs, self.drug_ids, "compounds"),
            (self.n_cell_lines, self.cell_line_ids, "cell lines"),
        ):
            if n > len(ids):
                raise ModelError(
                    f"{what} asked for that are not in the graph, whose edges join what it has: {n - len(ids):,}; load "
                    f"them first, as with cli ingest tables FOLDER, or write a file: {option('out', 'predicted.csv')}"
                )
        return (_edges(table, self.drug_ids, self.cell_line_ids) for table in self.tables)


def predict_many(
    folder: Path,
    wanted: Wanted,
    *,
    drug_names: Names,
    cell_line_names: Names,
    gene_names: Callable[[], Names],
    note: Note,
    top: int | None = None,
    device: str = "auto",
    level: float | None = None,
    at_least: float | None = None,
    intervals: bool = True,
) -> Predicted:
    """Predict the pairs of `Wanted`; other parameters and errors as in `runs.predictions.predict`.

    Parameters
    ----------
    top
        Of each drug only so many cell lines, the most sensitive first; all unless given.
    intervals
        Whether the certainty of each prediction is told.

    Returns
    -------
    Predicted
        Drug after drug as asked, of each the most sensitive cell lines first; pairs of a file in its order.
    """
    graph, drug_ids, line_ids = graph_of(folder)
    pairs = None
    if wanted.pairs_file is not None:
        names = (drug_names, cell_line_names)
        pairs = pairs_of_file(wanted.pairs_file, (drug_ids, line_ids), names, note, reject=wanted.reject)
        drugs, lines = pairs.drugs, pairs.cell_lines
    else:
        drugs = _drugs(wanted, drug_ids, drug_names, note)
        genes = RunGenes(graph, gene_names)
        lines = _lines(wanted, line_ids, cell_line_names, genes, note)
    predictor = Predictor.of(folder, graph)
    certainty = certainty_of(folder, checked(folder), level) if intervals else None
    require_answers(certainty, at_least)
    if certainty is None and intervals:
        note(WITHOUT)

    def blocks(some: Sequence[Asked], of_lines: Sequence[Asked]) -> Iterator[Block]:
        return blocks_of(folder, predictor, some, of_lines, certainty=certainty, level=level, device=device)

    if pairs is not None:
        n_pairs, made = len(pairs.drug), _of_pairs(pairs, blocks)
    else:
        n_pairs, made = len(drugs) * len(lines), _of_all(blocks(drugs, lines), top, at_least)
    of_graph = _Ids(drugs, drug_ids), _Ids(lines, line_ids)
    columns = (_columns(block, d, c, of_graph) for block, d, c in _told(made, at_least, note))
    return Predicted(
        len(drugs), len(lines), n_pairs, columns, _stored(drugs, drug_ids), _stored(lines, line_ids)
    )


def _stored(asked: Sequence[Asked], ids: Sequence[str]) -> dict[str, str]:
    """Ids in the store, by name, of those that have one."""
    found = {one.name: one.stored if one.number is None else ids[one.number] for one in asked}
    return {name: id_ for name, id_ in found.items() if id_ is not None}


def _edges(table: pa.Table, drug_ids: Mapping[str, str], cell_line_ids: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = (("src", "drug", drug_ids), ("dst", "cell_line", cell_line_ids))
    found = {
        end: pa.array([ids[name] for name in table[side].to_pylist()], pa.string()) for end, side, ids in ends
    }
    found |= {
        n: table[n]
        for n in ("probability", "ln_ic50", "calibrated", "low", "high")
        if n in table.column_names
    }
    if "low" in found:
        found["level"] = pc.if_else(pc.is_valid(table["low"]), table["level"], None)
    return pa.table(found)


def best(tables: Iterator[pa.Table], limit: int) -> pa.Table:
    """The most sensitive pairs of all tables, in order; only so many are in memory."""
    import pyarrow as pa

    kept: pa.Table | None = None
    for table in tables:
        both = table if kept is None else pa.concat_tables([kept, table])
        column = "ln_ic50" if "ln_ic50" in both.column_names else "probability"
        strength = both[column].to_numpy() * (-1 if column == "ln_ic50" else 1)
        kept = both.take(np.argsort(-strength, kind="stable")[:limit]).combine_chunks()
    if kept is None:
        raise ModelError("no pair is asked for")
    return kept


def _drugs(wanted: Wanted, ids: list[str], names: Names, note: Note) -> list[Asked]:
    """Those of a file, and those that are named; all where neither is given."""
    named: list[Asked] = []
    if wanted.drugs is not None or wanted.smiles is not None or wanted.drugs_file is None:
        named = asked_drugs(ids, wanted.drugs, wanted.smiles, names, note)
    if wanted.drugs_file is None:
        return named
    return _each_once(named + drugs_of_file(wanted.drugs_file, ids, names, note, reject=wanted.reject))


def _lines(wanted: Wanted, ids: list[str], names: Names, genes: RunGenes, note: Note) -> list[Asked]:
    named: list[Asked] = []
    if wanted.cell_lines is not None or wanted.cell_lines_file is None:
        named = asked_cell_lines(ids, wanted.cell_lines, names, genes, note)
    if wanted.cell_lines_file is None:
        restricted = wanted.cell_lines is None and wanted.within is not None
        return only_within(named, wanted.within or ()) if restricted else named
    file = wanted.cell_lines_file
    return _each_once(named + cell_lines_of_file(file, ids, names, genes, note, reject=wanted.reject))


def _each_once(asked: list[Asked]) -> list[Asked]:
    return list({one.name: one for one in asked}.values())


Chosen = tuple[Block, Numbers, Numbers]
"""A block, and the positions of the pairs that are asked for: of their drugs and of their cell lines."""


def _of_all(blocks: Iterator[Block], top: int | None, at_least: float | None) -> Iterator[Chosen]:
    """Of each drug of a block the cell lines, the most sensitive first."""
    for block in joined(blocks):
        strength = (block.values if block.column == "probability" else -block.values).T
        if top is not None and at_least is not None:
            strength = np.where(_answered(block, at_least).T, strength, -np.inf)
        c = np.argsort(-strength, axis=1, kind="stable")[:, :top]
        yield block, np.repeat(np.arange(len(block.drugs)), c.shape[1]), c.ravel()


def _of_pairs(
    pairs: Pairs, blocks: Callable[[Sequence[Asked], Sequence[Asked]], Iterator[Block]]
) -> Iterator[Chosen]:
    """Pairs of a file, some drugs at a time with the cell lines that these have."""
    order = np.argsort(pairs.drug, kind="stable")
    drug, line = pairs.drug[order], pairs.cell_line[order]
    for start in range(0, len(pairs.drugs), BLOCK):
        first, last = np.searchsorted(drug, [start, start + BLOCK])
        used = np.unique(line[first:last])
        of_lines = [pairs.cell_lines[at] for at in used]
        for block in blocks(pairs.drugs[start : start + BLOCK], of_lines):
            d = _places(pairs.drugs[start : start + BLOCK], block.drugs)[drug[first:last] - start]
            c = _places(of_lines, block.cell_lines)[np.searchsorted(used, line[first:last])]
            here = (d >= 0) & (c >= 0)
            yield block, d[here], c[here]


def _places(asked: Sequence[Asked], names: Sequence[str]) -> Numbers:
    """Where each is in a block; -1 where it is in another."""
    at = {name: place for place, name in enumerate(names)}
    return np.array([at.get(one.name, -1) for one in asked], np.int64)


def _answered(block: Block, at_least: float) -> npt.NDArray[np.bool_]:
    """Which pairs of a block have a likelier class that is likely enough, (n_cell_lines, n_drugs)."""
    assert block.judged is not None and block.judged.interval.probability is not None  # it was required
    calibrated = block.judged.interval.probability
    found: npt.NDArray[np.bool_] = np.maximum(calibrated, 1 - calibrated) >= at_least
    return found


def _told(chosen: Iterator[Chosen], at_least: float | None, note: Note) -> Iterator[Chosen]:
    """The pairs that can be answered; what is unlike the run's is told, the first few in words."""
    told: set[str] = set()
    some = Told(note, TOLD)
    for block, d, c in chosen:
        tell_unlike([block], some, told)
        if at_least is not None:
            kept = _answered(block, at_least)[c, d]
            d, c = d[kept], c[kept]
        yield block, d, c
    if len(told) > TOLD:
        note(f"{len(told) - TOLD:,} more notes like these; the column unlike has which pairs they are of")


class _Ids:
    """Ids in the graph beside what a file calls drugs, or cell lines; none where all are called by their ids."""

    def __init__(self, asked: Sequence[Asked], ids: Sequence[str]) -> None:
        self._of = {one.name: ids[one.number] for one in asked if one.number is not None}
        self.shown = any(name != id_ for name, id_ in self._of.items())

    def column(self, names: Sequence[str], at: Numbers) -> pa.Array:
        """The ids of some; null for new ones."""
        import pyarrow as pa

        found = [self._of.get(name) for name in names]
        words = pa.array([id_ or "" for id_ in found], pa.string())
        lacking = np.array([id_ is None for id_ in found], bool)[at]
        return pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32), mask=lacking), words)


def _columns(block: Block, d: Numbers, c: Numbers, ids: tuple[_Ids, _Ids]) -> pa.Table:
    """The pairs of a block as a table; figures have single precision, as the run's have."""
    import pyarrow as pa

    def words(names: Sequence[str], at: np.ndarray, lacking: np.ndarray | None = None) -> pa.Array:
        return pa.DictionaryArray.from_arrays(
            pa.array(at.astype(np.int32), mask=lacking), pa.array(list(names), pa.string())
        )

    def figures(table: np.ndarray) -> pa.Array:
        return pa.array(table[c, d].astype(np.float32), from_pandas=True)

    found = {"drug": words(block.drugs, d), "cell_line": words(block.cell_lines, c)}
    for name, names, at, of_graph in (
        ("drug_id", block.drugs, d, ids[0]),
        ("cell_line_id", block.cell_lines, c, ids[1]),
    ):
        if of_graph.shown:
            found[name] = of_graph.column(names, at)
    found[block.column] = figures(block.values)
    if (judged := block.judged) is not None:
        interval = judged.interval
        if interval.probability is not None:
            found["calibrated"] = figures(interval.probability)
        found |= {"low": figures(interval.low), "high": figures(interval.high)}
        if interval.answer is not None:
            code = interval.answer[c, d]
            found["answer"] = words(ANSWERS, np.maximum(code, 0), code < 0)
        found["level"] = pa.array(np.full(len(d), judged.level))
        found["unlike"] = words(UNLIKE, judged.unlike_drugs[d] + 2 * judged.unlike_cell_lines[c])
    found["measured"] = pa.array(block.measured[c, d].astype(bool))
    return pa.table(found)
