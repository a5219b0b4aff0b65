"""Finds the drugs that a prediction is asked for: known ones by name, new ones by structure; it predicts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pharmagraph.kg import structures
from pharmagraph.kg.errors import ModelError, shortened
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import Names
from pharmagraph.model.inputs.edits import NEW_DRUG, with_new_drug

NONE = np.empty(0, np.int64)
"""No node of the run's graph."""

Note = Callable[[str], None]
"""Takes a sentence for the user."""

_SKELETON = 14
"""Characters of an InChIKey that code the skeleton, without stereochemistry, isotopes and charge."""


@dataclass(frozen=True)
class Asked:
    """Entities of one side that are predicted in one graph.

    Attributes
    ----------
    numbers
        Nodes of the run's graph, (n,); none for a new entity.
    add
        Puts the new entity at the end of the graph. Each is alone there: what is predicted of it does not depend on
        what else is asked.
    name
        Of the new entity, in the rows.
    """

    numbers: np.ndarray
    add: Callable[[Heterograph], Heterograph] | None = None
    name: str = ""

    def nodes(self, graph: Heterograph, kind: str) -> np.ndarray:
        """Their numbers in the graph that they were added to."""
        return self.numbers if self.add is None else np.array([graph.n_nodes(kind) - 1])

    def names(self, graph: Heterograph, kind: str) -> list[str]:
        """What rows call them."""
        return [str(id_) for id_ in graph.ids[kind][self.numbers]] if self.add is None else [self.name]


def asked_drugs(
    graph: Heterograph, drugs: Sequence[str] | None, smiles: Sequence[str] | None, names: Names, note: Note
) -> list[Asked]:
    """Known drugs together, then each new one, which is called by its SMILES where there are several.

    Parameters
    ----------
    graph
        Of the run.
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
        return [Asked(np.arange(graph.n_nodes("Drug")))]
    known: list[int] = []
    new: dict[str, Asked] = {}
    texts = [text.strip() for text in smiles or ()]
    for drug in drugs or ():
        if names.find(drug) is None:
            _require_structure(drug, names)
            texts.append(drug)
        else:
            known.append(position(graph, "Drug", names, drug))
    for text in texts:
        structure = structures.read(text)
        if structure.parts > 1:
            note(f"{shortened(text)} has {structure.parts} parts; its parent is taken: {structure.smiles}")
        id_ = _same(graph, text, structure, names, note)
        if id_ is not None:
            known.append(position(graph, "Drug", names, id_))
        else:
            new[text] = Asked(NONE, partial(with_new_drug, smiles=structure.smiles), text)
    if len(new) == 1:
        new = {text: replace(asked, name=NEW_DRUG) for text, asked in new.items()}
    return together(known, list(new.values()))


def _require_structure(text: str, names: Names) -> None:
    """Refuse a text that no drug has as a name, unless it is a SMILES and no name."""
    reason = structures.unreadable(text)
    if not reason:
        if structures.may_be_a_name(text):
            raise names.not_found(text, instead=f"for the structure pass --smiles {text} (smiles= in Python)")
        return
    meant = structures.may_be_meant_as_structure(text)
    raise names.not_found(text, instead=f"nor is it a structure: {reason}" if meant else "")


def _same(
    graph: Heterograph, text: str, structure: structures.Structure, names: Names, note: Note
) -> str | None:
    """The drug of the run's graph that has a structure; what is like it, or came later, is noted."""
    shown = shortened(text)
    same = list(dict.fromkeys(id_ for key in structure.inchikeys for id_ in names.starting_with(key)))
    in_run = [id_ for id_ in same if (graph.ids["Drug"] == id_).any()]
    if in_run:
        others = f" (so have {', '.join(in_run[1:])})" if in_run[1:] else ""
        note(f"{shown} has the InChIKey of {in_run[0]}{others}: predicted as this drug of the graph")
        return in_run[0]
    if same:
        note(f"{shown} is {same[0]}, which came into the graph after this run was trained: predicted as new")
        return None
    alike = sorted({i for key in structure.inchikeys for i in names.starting_with(key[:_SKELETON] + "-")})
    if alike:
        note(
            f"{shown} has the skeleton of {', '.join(alike)} (first block of the InChIKey) with other stereochemistry, "
            "isotopes or charge: predicted as new"
        )
    return None


def together(known: Sequence[int], new: Sequence[Asked]) -> list[Asked]:
    """The known ones as one, each once, and the new ones after them."""
    return ([Asked(np.array(list(dict.fromkeys(known))))] if known else []) + list(new)


def numbered(name: str, before: int) -> str:
    """``(new cell line)``, then ``(new cell line 2)`` and so on."""
    return name if not before else f"{name[:-1]} {before + 1})"


def position(graph: Heterograph, kind: str, names: Names, name: str) -> int:
    """The number in the run's graph of the node that has a name.

    Raises
    ------
    NotFoundError
        If the store has no such name.
    AmbiguousNameError
        If several nodes have it.
    ModelError
        If the node came into the store after the run was trained.
    """
    id_ = names.require(name)
    where = np.flatnonzero(graph.ids[kind] == id_)
    if not len(where):
        raise ModelError(
            f"{names.what} {id_} came into the graph after this run was trained; train again: cli train"
        )
    return int(where[0])
