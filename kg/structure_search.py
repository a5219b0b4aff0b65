"""Finds drugs by structure: the same one, those alike by Tanimoto's coefficient, and those that contain it.

It knows no names; which drug a text means is decided in `kg.names` and ranked in `kg.search`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from pharmagraph.kg import structures
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.fingerprints import inchikey, is_structure, morgan
from pharmagraph.kg.kept import kept
from pharmagraph.kg.names import PARENT
from pharmagraph.kg.similarity import tanimoto
from pharmagraph.kg.store import GraphStore

How = Literal["exact", "similar", "substructure"]
"""Ways to look for a structure."""
LEAST_SIMILAR = 0.3
"""Tanimoto's coefficient from which drugs count as similar unless asked otherwise."""

_COLUMNS = ("id", "name", "smiles", "inchikey", PARENT)


@dataclass(frozen=True)
class StructureHit:
    """A drug that was found by a structure.

    Attributes
    ----------
    id, name, smiles
        Of the drug.
    similarity
        Tanimoto's coefficient of Morgan fingerprints (radius 2, 2,048 bits) with the structure that was asked for.
    """

    id: str
    name: str
    smiles: str
    similarity: float


class StructureIndex:
    """The structures of all drugs.

    Parameters
    ----------
    drugs
        Rows with ``id``, ``name``, ``smiles``, ``inchikey`` and ``parent_inchikey``; those whose SMILES cannot be read
        are not found.
    """

    def __init__(self, drugs: Iterable[Mapping[str, Any]]) -> None:
        from rdkit import Chem
        from rdkit.Chem.rdSubstructLibrary import CachedMolHolder, PatternHolder, SubstructLibrary

        readable = (d for d in drugs if d["smiles"] and is_structure(d["smiles"]))
        self._drugs = sorted(readable, key=lambda drug: drug["id"])
        self._bits = morgan([drug["smiles"] for drug in self._drugs])
        self._keys: dict[str, list[int]] = {}
        self._molecules = SubstructLibrary(CachedMolHolder(), PatternHolder())
        for n, drug in enumerate(self._drugs):
            self._molecules.AddMol(Chem.MolFromSmiles(drug["smiles"]))
            for key in {drug["inchikey"], drug[PARENT], _key(drug["smiles"])} - {None, ""}:
                self._keys.setdefault(key, []).append(n)

    def find(self, smiles: str, how: How, *, at_least: float = LEAST_SIMILAR) -> list[StructureHit]:
        """Drugs by a structure, the most similar first.

        Parameters
        ----------
        smiles
            The structure; of a salt or a mixture its parent is taken.
        how
            ``exact`` finds the same canonical structure, or the salt of it; ``similar`` those alike; ``substructure``
            those that contain it, whatever its stereochemistry.
        at_least
            Tanimoto's coefficient from which a drug is similar, in [0, 1].

        Raises
        ------
        InputError
            If the text is no structure (`kg.structures.read`), or ``at_least`` is out of its range.
        NotFoundError
            If there is no such way to look.
        """
        if how not in get_args(How):
            raise NotFoundError(
                "way to look for a structure", how, get_args(How), f"there are {', '.join(get_args(How))}"
            )
        if not 0 <= at_least <= 1:
            raise InputError(f"a similarity of at least {at_least:g}: give a number from 0 to 1")
        asked = structures.read(smiles)
        similarity = tanimoto(morgan([asked.smiles]), self._bits)[0]
        if how == "exact":
            keys = {*asked.inchikeys, _key(smiles), _key(asked.smiles)}
            at: Sequence[int] = sorted({n for key in keys for n in self._keys.get(key, ())})
        elif how == "similar":
            at = np.flatnonzero(similarity >= np.float32(at_least)).tolist()
        else:
            at = self._containing(asked.smiles)
        ordered = sorted(at, key=lambda n: (-similarity[n], n))
        return [self._hit(n, float(similarity[n])) for n in ordered]

    def _containing(self, smiles: str) -> list[int]:
        from rdkit import Chem

        if not self._drugs:
            return []
        part, most = Chem.MolFromSmiles(smiles), len(self._drugs)
        found = self._molecules.GetMatches(part, useChirality=False, numThreads=1, maxResults=most)
        return [int(n) for n in found]

    def _hit(self, n: int, similarity: float) -> StructureHit:
        drug = self._drugs[n]
        return StructureHit(drug["id"], drug["name"] or drug["id"], drug["smiles"], similarity)


def index(graph: GraphStore) -> StructureIndex:
    """The structures of a store's drugs, read anew when its data sets change."""
    return kept(graph, "structures", lambda: StructureIndex(graph.node_rows("Drug", list(_COLUMNS))))


def _key(smiles: str) -> str:
    """The InChIKey, which all ways of writing a structure share, or of what InChI cannot write the canonical SMILES."""
    from rdkit import Chem

    return inchikey(smiles) or Chem.MolToSmiles(Chem.MolFromSmiles(smiles))
