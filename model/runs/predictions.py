"""Predicts with a saved run: known drugs and cell lines, a new structure, or a new expression profile.

A run's predictor answers without its network. Where a component that needs the network has a part in the predictions,
the network runs on the graph with the new entity in it (`runs.by_network`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.wording import named
from pharmagraph.model.certainty.certainty import Certainty
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.predictor.pilots import Kind
from pharmagraph.model.runs import pilots
from pharmagraph.model.runs.asked import Asked, Note, asked_cell_lines, asked_drugs
from pharmagraph.model.runs.block import Block
from pharmagraph.model.runs.certain import WITHOUT, certainty_of, judged
from pharmagraph.model.runs.folder import GRAPH, checked, reading, training_pairs
from pharmagraph.model.runs.profiles import RunGenes

BLOCK = 256
"""Drugs whose predictions, and whose rows of similarities where they are new, are in memory at once."""


def predict(
    folder: Path,
    *,
    drugs: Sequence[str] | None,
    cell_lines: Sequence[str | Mapping[str, float] | Table] | None,
    drug_names: Names,
    cell_line_names: Names,
    gene_names: Callable[[], Names],
    smiles: Sequence[str] | None = None,
    pilot: Table | None = None,
    note: Note,
    limit: int | None = None,
    device: str = "auto",
    level: float | None = None,
    at_least: float | None = None,
    within: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """Predict pairs with a saved run.

    Parameters
    ----------
    folder
        Of the run.
    drugs
        Names, aliases, ids or SMILES; all drugs of the run when None and no ``smiles`` are given.
    cell_lines
        Names, aliases, ids, files or tables of expression (`runs.profiles.read_profile`), or mappings of gene to z
        (standard deviations); all when None.
    drug_names, cell_line_names
        From the store.
    gene_names
        Gives the names of the store's genes; it is called where a new cell line is asked for.
    smiles
        New drugs; a text is read as a structure even where it is a name, too.
    pilot
        Measured responses of the one drug, or the one cell line, that is asked for (`runs.pilots.read_pilots`); its
        other predictions are made with them.
    note
        Is told what is read otherwise than typed.
    limit
        Rows returned, the most sensitive first; all unless given.
    device
        ``cpu``, ``cuda`` or ``auto``, for runs that need their network.
    level
        Of the interval; `LEVEL` unless given. If it is given, too few held-out pairs are an error.
    at_least
        Of classes: only pairs whose more likely class has at least this calibrated probability.
    within
        Ids of the cell lines to which those of the run are restricted where ``cell_lines`` are not given.

    Returns
    -------
    list of dict
        ``drug``, ``cell_line``, ``probability`` or ``ln_ic50``, what `Judged.columns` gives, and ``measured`` (whether
        the run was trained on the pair), the most sensitive first.

    Raises
    ------
    InputError
        If a level is not between 0 and 1, or ``at_least`` not between a half and 1.
    NotFoundError
        If a name is neither known nor a structure or a file, or is a structure that may be meant as a name.
    AmbiguousNameError
        If several drugs or cell lines have a name.
    InputError
        If a structure cannot be read or is too large, or expression cannot be read or standardised.
    ModelError
        If the run cannot be loaded, both sides are left out, or the run's graph lacks the drug or cell line.
    """
    graph, asked = _asked(
        folder, drugs, smiles, cell_lines, (drug_names, cell_line_names, gene_names), note, within
    )
    predictor = Predictor.of(folder, graph)
    certainty = certainty_of(folder, checked(folder), level)
    require_answers(certainty, at_least)
    if certainty is None:
        note(WITHOUT)
    blocks: Iterable[Block]
    if pilot is not None:
        predictor = pilots.required(predictor)
        names = {"drug": drug_names, "cell_line": cell_line_names}
        sides = {kind: pilots.Side(predictor.ids(kind), names[kind]) for kind in names}
        measured = pilots.read_pilots(pilot, sides, predictor.task, lambda: _range(folder), note)
        left_out = cell_lines is None if measured.kind == "drug" else drugs is None and smiles is None
        by_kind = dict(zip(names, asked, strict=True))
        blocks = [
            pilots.adapted(
                predictor, measured, by_kind, all_others=left_out, certainty=certainty, level=level
            )
        ]
    else:
        blocks = blocks_of(folder, predictor, *asked, certainty=certainty, level=level, device=device)
    blocks = list(blocks)
    tell_unlike(blocks, note, set())
    rows = [row for block in blocks for row in _best(block, limit, at_least)]
    ascending = "ln_ic50" in rows[0] if rows else False
    rows.sort(key=lambda row: row["ln_ic50"] if ascending else -row["probability"])
    return rows[:limit]


def suggest_pilots(
    folder: Path,
    n: int,
    *,
    drugs: Sequence[str] | None,
    cell_lines: Sequence[str | Mapping[str, float] | Table] | None,
    drug_names: Names,
    cell_line_names: Names,
    gene_names: Callable[[], Names],
    smiles: Sequence[str] | None = None,
    note: Note,
) -> list[dict[str, Any]]:
    """Which responses of one drug, or of one cell line, to measure first; parameters and errors as in `predict`.

    Returns
    -------
    list of dict
        As `runs.pilots.suggested`.
    """
    graph, asked = _asked(folder, drugs, smiles, cell_lines, (drug_names, cell_line_names, gene_names), note)
    of_drug = drugs is not None or smiles is not None
    if of_drug and cell_lines is not None:
        raise ModelError("pilots are suggested for a drug or for a cell line; leave one of both out")
    by_kind = {"drug": asked[0], "cell_line": asked[1]}
    kind: Kind = "drug" if of_drug else "cell_line"
    return pilots.suggested(pilots.required(Predictor.of(folder, graph)), by_kind, kind, n)


def _asked(
    folder: Path,
    drugs: Sequence[str] | None,
    smiles: Sequence[str] | None,
    cell_lines: Sequence[str | Mapping[str, float] | Table] | None,
    names: tuple[Names, Names, Callable[[], Names]],
    note: Note,
    within: Collection[str] | None = None,
) -> tuple[SavedArrays, tuple[list[Asked], list[Asked]]]:
    """The run's graph, and the drugs and cell lines that are asked for."""
    if drugs is None and smiles is None and cell_lines is None and within is None:
        raise ModelError("name a drug, a cell line or both: cli predict --drug NAME --cell NAME")
    graph, drug_ids, cell_line_ids = graph_of(folder)
    of_drugs, of_cell_lines, of_genes = names
    lines = asked_cell_lines(cell_line_ids, cell_lines, of_cell_lines, RunGenes(graph, of_genes), note)
    if cell_lines is None and within is not None:
        lines = only_within(lines, within)
    return graph, (asked_drugs(drug_ids, drugs, smiles, of_drugs, note), lines)


def graph_of(folder: Path) -> tuple[SavedArrays, list[str], list[str]]:
    """The graph of a run, and the ids of its drugs and cell lines."""
    checked(folder)
    with reading(folder / GRAPH):
        graph = SavedArrays(folder / GRAPH)
        return graph, graph.ids("Drug"), graph.ids("CellLine")


def only_within(cell_lines: Sequence[Asked], ids: Collection[str]) -> list[Asked]:
    """Those of a run's cell lines that are among some of the store's.

    Raises
    ------
    ModelError
        If none is.
    """
    found = [one for one in cell_lines if one.name in ids]
    if not found:
        raise ModelError(
            "none of the cell lines of this tissue was in the graph when the run was trained; train again: cli train"
        )
    return found


def _range(folder: Path) -> tuple[float, float]:
    """The smallest and the largest ln IC50 of the training pairs."""
    ln_ic50 = training_pairs(folder)["ln_ic50"].to_numpy()
    return float(np.nanmin(ln_ic50)), float(np.nanmax(ln_ic50))


def blocks_of(
    folder: Path,
    predictor: Predictor | None,
    drugs: Sequence[Asked],
    cell_lines: Sequence[Asked],
    *,
    certainty: Certainty | None,
    level: float | None,
    device: str,
) -> Iterator[Block]:
    """Predictions of some drugs at a time for all of the cell lines; parameters as in `predict`."""
    if predictor is None:
        from pharmagraph.model.runs.by_network import predicted

        yield from predicted(folder, drugs, cell_lines, certainty=certainty, level=level, device=device)
        return
    column = "probability" if predictor.task == "classification" else "ln_ic50"
    of_cell_lines = [pilots.entity(predictor, one) for one in cell_lines]
    for start in range(0, len(drugs), BLOCK):
        some = drugs[start : start + BLOCK]
        of_drugs = pilots.entities(predictor, some)
        values = predictor.predict(of_drugs, of_cell_lines)
        measured = predictor.was_measured(of_drugs, of_cell_lines)
        names = [one.name for one in some], [one.name for one in cell_lines]
        sure = None
        if certainty is not None:
            sure = judged(certainty, predictor, of_drugs, of_cell_lines, values, names, level)
        yield Block(*names, column, values, measured, sure)


def _best(block: Block, limit: int | None, at_least: float | None) -> Iterator[dict[str, Any]]:
    """Rows of a block, or only those of its most sensitive pairs, that can be answered."""
    strength = (block.values if block.column == "probability" else -block.values).T.ravel()
    order = np.argsort(-strength, kind="stable")
    if at_least is not None and block.judged is not None and block.judged.interval.probability is not None:
        calibrated = block.judged.interval.probability.T.ravel()[order]
        order = order[np.maximum(calibrated, 1 - calibrated) >= at_least]
    for at in order[:limit]:
        d, c = divmod(int(at), len(block.cell_lines))
        sure = {} if block.judged is None else block.judged.columns(c, d)
        yield {
            "drug": block.drugs[d],
            "cell_line": block.cell_lines[c],
            block.column: float(block.values[c, d]),
            **sure,
            "measured": bool(block.measured[c, d]),
        }


def require_answers(certainty: Certainty | None, at_least: float | None) -> None:
    """Refuse a least probability that nothing can be compared with."""
    if at_least is None:
        return
    if not 0.5 <= at_least < 1:
        raise InputError(
            f"{named('at_least')} {at_least:g} is no probability of the likelier class; give 0.5 or more, below 1"
        )
    if certainty is None or certainty.task == "regression":
        raise ModelError(
            f"{named('at_least')} is for runs that predict classes and are calibrated; train one: "
            "cli train --task classification"
        )


def tell_unlike(blocks: Sequence[Block], note: Note, told: set[str]) -> None:
    """Say which drugs and cell lines are further from the run's than it was measured to be sure of.

    What was told before, ``told``, is not said again.
    """
    for block in blocks:
        if block.judged is None:
            continue
        for sentence in block.judged.sentences:
            if sentence not in told:
                told.add(sentence)
                note(sentence)
