"""Finds the drugs and cell lines that a prediction is asked for: known ones by name, new ones by structure or
expression. It predicts nothing, and does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pharmagraph.kg.errors import ModelError, NotFoundError
from pharmagraph.kg.fingerprints import is_structure
from pharmagraph.kg.names import find
from pharmagraph.model.inputs.changes import NEW_CELL_LINE, NEW_DRUG
from pharmagraph.model.runs.profiles import read_profile


@dataclass(frozen=True)
class Asked:
    """A drug or a cell line that a prediction is asked for.

    Attributes
    ----------
    name
        What rows call it: the id of a known one.
    number
        Node of the run's graph; None for a new one.
    smiles
        Structure of a new drug.
    z
        Expression of a new cell line: gene symbol → standard deviations.
    """

    name: str
    number: int | None = None
    smiles: str | None = None
    z: Mapping[str, float] | None = field(default=None, repr=False)


def asked_drugs(
    ids: Sequence[str], drugs: Sequence[str] | None, names: Mapping[str, Sequence[str | None]]
) -> list[Asked]:
    """Known drugs, each once, then the new ones; all drugs of the run when None.

    Parameters
    ----------
    ids
        Ids of the drugs of the run's graph, in the order of their numbers.
    drugs
        Names, aliases, ids or SMILES.
    names
        Id → names and aliases, from the store.
    """
    if drugs is None:
        return _all(ids)
    known: list[Asked] = []
    new: list[Asked] = []
    for drug in drugs:
        id_ = find(drug, names)
        if id_ is None and is_structure(drug):
            new.append(Asked(numbered(NEW_DRUG, len(new)), smiles=drug))
        else:
            known.append(_known(ids, "drug", drug, id_, names))
    return list(dict.fromkeys(known)) + new


def asked_cell_lines(
    ids: Sequence[str],
    cell_lines: Sequence[str | Mapping[str, float]] | None,
    names: Mapping[str, Sequence[str | None]],
) -> list[Asked]:
    """The same for cell lines, of which new ones are files or mappings of expression."""
    if cell_lines is None:
        return _all(ids)
    known: list[Asked] = []
    new: list[Asked] = []
    for cell_line in cell_lines:
        id_ = find(cell_line, names) if isinstance(cell_line, str) else None
        if isinstance(cell_line, str) and (id_ is not None or not Path(cell_line).is_file()):
            known.append(_known(ids, "cell line", cell_line, id_, names))
        else:
            z = read_profile(Path(cell_line)) if isinstance(cell_line, str) else cell_line
            new.append(Asked(numbered(NEW_CELL_LINE, len(new)), z=z))
    return list(dict.fromkeys(known)) + new


def numbered(name: str, before: int) -> str:
    """``(new drug)``, then ``(new drug 2)`` and so on."""
    return name if not before else f"{name[:-1]} {before + 1})"


def _all(ids: Sequence[str]) -> list[Asked]:
    return [Asked(id_, number) for number, id_ in enumerate(ids)]


def _known(
    ids: Sequence[str],
    what: str,
    name: str,
    id_: str | None,
    names: Mapping[str, Sequence[str | None]],
) -> Asked:
    if id_ is None:
        every = [n for i, others in names.items() for n in (i, *others) if n]
        raise NotFoundError(what, name, every, "see: cli status")
    try:
        return Asked(id_, list(ids).index(id_))
    except ValueError:
        raise ModelError(
            f"{what} {id_} came into the graph after this run was trained; train again: cli train"
        ) from None
