"""Finds the drugs that a prediction is asked for: known ones by name, new ones by structure; it predicts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pharmagraph.kg.errors import ModelError, NotFoundError
from pharmagraph.kg.fingerprints import is_structure
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import find
from pharmagraph.model.inputs.edits import NEW_DRUG, with_new_drug

NONE = np.empty(0, np.int64)
"""No node of the run's graph."""


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
    graph: Heterograph, drugs: Sequence[str] | None, names: Mapping[str, Sequence[str | None]]
) -> list[Asked]:
    """Known drugs together, then each new one; all drugs of the run when None."""
    if drugs is None:
        return [Asked(np.arange(graph.n_nodes("Drug")))]
    known: list[int] = []
    new: list[Asked] = []
    for drug in drugs:
        id_ = find(drug, names)
        if id_ is None and is_structure(drug):
            new.append(Asked(NONE, partial(with_new_drug, smiles=drug), numbered(NEW_DRUG, len(new))))
        else:
            known.append(position(graph, "Drug", "drug", drug, id_, names))
    return together(known, new)


def together(known: Sequence[int], new: Sequence[Asked]) -> list[Asked]:
    """The known ones as one, each once, and the new ones after them."""
    return ([Asked(np.array(list(dict.fromkeys(known))))] if known else []) + list(new)


def numbered(name: str, before: int) -> str:
    """``(new drug)``, then ``(new drug 2)`` and so on."""
    return name if not before else f"{name[:-1]} {before + 1})"


def position(
    graph: Heterograph,
    kind: str,
    what: str,
    name: str,
    id_: str | None,
    names: Mapping[str, Sequence[str | None]],
) -> int:
    """The number of a node in the run's graph.

    Raises
    ------
    NotFoundError
        If there is no id, because the store has no such name.
    ModelError
        If the node came into the store after the run was trained.
    """
    if id_ is None:
        raise NotFoundError(
            what, name, [n for i, others in names.items() for n in (i, *others) if n], "see: cli status"
        )
    where = np.flatnonzero(graph.ids[kind] == id_)
    if not len(where):
        raise ModelError(
            f"{what} {id_} came into the graph after this run was trained; train again: cli train"
        )
    return int(where[0])
