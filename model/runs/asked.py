"""Finds the drugs and cell lines that a prediction is asked for: known ones by name, new ones by structure or
expression. It predicts nothing, and does not load torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pharmagraph.kg import structures
from pharmagraph.kg.errors import ModelError, shortened
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.wording import option
from pharmagraph.model.inputs.changes import NEW_CELL_LINE, NEW_DRUG
from pharmagraph.model.runs.profiles import RunGenes, read_profile

Note = Callable[[str], None]
"""Takes a sentence for the user."""

TABLES = (".csv", ".tsv", ".txt", ".gz", ".xlsx")
"""Endings by which a text is taken for the name of a file of expression."""

_SKELETON = 14
"""Characters of an InChIKey that code the skeleton, without stereochemistry, isotopes and charge."""


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
        Expression of a new cell line: gene id → standard deviations.
    stored
        Id in the store of a drug that is new to the run alone.
    """

    name: str
    number: int | None = None
    smiles: str | None = None
    z: Mapping[str, float] | None = field(default=None, repr=False)
    stored: str | None = None


def asked_drugs(
    ids: Sequence[str], drugs: Sequence[str] | None, smiles: Sequence[str] | None, names: Names, note: Note
) -> list[Asked]:
    """Known drugs, each once, then the new ones, which are called by their SMILES where there are several.

    Parameters
    ----------
    ids
        Ids of the drugs of the run's graph, in the order of their numbers.
    drugs
        Names, or SMILES that are no names.
    smiles
        SMILES, whatever else they may mean. All drugs of the run where both are None.
    names
        Of the store's drugs.
    note
        Is told what is read otherwise than typed: the parent of a salt, and a drug of the graph under another name.

    Raises
    ------
    NotFoundError
        If a name is not known and no structure, or a structure that may be meant as a name.
    AmbiguousNameError
        If several drugs have a name.
    InputError
        If a structure cannot be read or is too large.
    ModelError
        If the run's graph lacks a drug.
    """
    if drugs is None and smiles is None:
        return _all(ids)
    finder = DrugFinder(ids, names, note)
    known: list[Asked] = []
    new: dict[str, Asked] = {}
    found = [finder.by_name(drug.strip()) for drug in drugs or ()]
    found += [finder.by_structure(text.strip()) for text in smiles or ()]
    for one in found:
        if one.number is None:
            new[one.name] = one
        else:
            known.append(one)
    if len(new) == 1:
        new = {text: replace(asked, name=NEW_DRUG) for text, asked in new.items()}
    return [*dict.fromkeys(known), *new.values()]


class DrugFinder:
    """Finds the drug that a name or a structure means; parameters and errors as in `asked_drugs`."""

    def __init__(self, ids: Sequence[str], names: Names, note: Note) -> None:
        self.names, self._note = names, note
        self.known = Known(ids, names)

    def by_name(self, text: str) -> Asked:
        """A known drug, or a new one where the text is a SMILES and no name."""
        if self.names.find(text) is not None:
            return self.known.by_name(text)
        _require_structure(text, self.names)
        return self.by_structure(text)

    def by_structure(self, text: str) -> Asked:
        """A known drug that has a structure, or a new one, which is called by its SMILES."""
        structure = structures.read(text)
        whole = [id_ for key in structure.inchikeys[:1] for id_ in self.names.starting_with(key)]
        if structure.parts > 1 and not any(id_ in self.known for id_ in whole):
            self._note(
                f"{shortened(text)} has {structure.parts} parts; its parent is taken: {structure.smiles}"
            )
        id_ = self._same(text, structure)
        if id_ is None or id_ not in self.known:
            return Asked(text, smiles=structure.smiles, stored=id_)
        return self.known.by_name(id_)

    def _same(self, text: str, structure: structures.Structure) -> str | None:
        """The drug of the store that has a structure; what is like it, or came after the run, is noted."""
        shown, names, note = shortened(text), self.names, self._note
        same = list(dict.fromkeys(id_ for key in structure.inchikeys for id_ in names.starting_with(key)))
        in_run = [id_ for id_ in same if id_ in self.known]
        if in_run:
            others = f" (so have {', '.join(in_run[1:])})" if in_run[1:] else ""
            note(f"{shown} has the InChIKey of {in_run[0]}{others}: predicted as this drug of the graph")
            return in_run[0]
        if same:
            note(
                f"{shown} is {same[0]}, which came into the graph after this run was trained: predicted as new"
            )
            return same[0]
        alike = sorted({i for key in structure.inchikeys for i in names.starting_with(key[:_SKELETON] + "-")})
        if alike:
            note(
                f"{shown} has the skeleton of {', '.join(alike)} (first block of the InChIKey) with other "
                "stereochemistry, isotopes or charge: predicted as new"
            )
        return None


class Known:
    """The drugs, or the cell lines, of a run's graph, found by name."""

    def __init__(self, ids: Sequence[str], names: Names) -> None:
        self._names, self._number = names, {id_: number for number, id_ in enumerate(ids)}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._number

    def has(self, name: str) -> bool:
        """Whether a name is of one node of the store, without what is near."""
        return self._names.find(name) is not None

    def by_name(self, name: str) -> Asked:
        """The one that has a name.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            As `Names.require`.
        ModelError
            If the run's graph lacks it.
        """
        id_ = self._names.require(name)
        if id_ not in self._number:
            raise ModelError(
                f"{self._names.what} {id_} came into the graph after this run was trained; train again: cli train"
            )
        return Asked(id_, self._number[id_])


def _require_structure(text: str, names: Names) -> None:
    """Refuse a text that no drug has as a name, unless it is a SMILES and no name."""
    reason = structures.unreadable(text)
    if not reason:
        if structures.may_be_a_name(text):
            raise names.not_found(text, instead=f"for the structure pass {option('smiles', text)}")
        return
    meant = structures.may_be_meant_as_structure(text)
    raise names.not_found(text, instead=f"nor is it a structure: {reason}" if meant else "")


def asked_cell_lines(
    ids: Sequence[str],
    cell_lines: Sequence[str | Mapping[str, float] | Table] | None,
    names: Names,
    genes: RunGenes,
    note: Note,
) -> list[Asked]:
    """The same for cell lines, of which new ones are files or tables of expression, or mappings of gene to z.

    ``note`` is told what the values of a file or a table are taken for, and how many of the run's genes it has.
    """
    if cell_lines is None:
        return _all(ids)
    of_run, known = Known(ids, names), list[Asked]()
    new: list[Asked] = []
    for cell_line in cell_lines:
        if isinstance(cell_line, Table):
            z = read_profile(cell_line, genes, note)
        elif not isinstance(cell_line, str):
            z = genes.by_id(cell_line)
        elif (path := _profile(cell_line, names)) is not None:
            z = read_profile(Table.of_file(path), genes, note)
        else:
            known.append(of_run.by_name(cell_line))
            continue
        new.append(Asked(numbered(NEW_CELL_LINE, len(new)), z=z))
    return list(dict.fromkeys(known)) + new


def _profile(text: str, names: Names) -> Path | None:
    """The file of expression that a text names; None where the text names a cell line.

    A stored name that is spelled exactly comes before a file. A path with a folder comes before a name that it matches
    only without its punctuation.

    Raises
    ------
    NotFoundError
        If it is neither, and can only be meant as a file.
    """
    path, in_folder = Path(text), os.sep in text
    try:
        is_file, exists = path.is_file(), path.exists()
    except (OSError, ValueError):  # too long for a file's name, or with a character that none has
        return None
    if is_file and in_folder and not names.has(text):
        return path
    if names.find(text) is not None:
        return None
    if not is_file and (exists or in_folder or path.suffix.lower() in TABLES):
        what = (
            "what is there is no file that can be read as a table" if exists else "nor is there such a file"
        )
        raise names.not_found(text, instead=what)
    return path if is_file else None


def numbered(name: str, before: int) -> str:
    """``(new cell line)``, then ``(new cell line 2)`` and so on."""
    return name if not before else f"{name[:-1]} {before + 1})"


def _all(ids: Sequence[str]) -> list[Asked]:
    return [Asked(id_, number) for number, id_ in enumerate(ids)]
