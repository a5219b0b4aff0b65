"""Generates a synthetic screen of any size block by block, from a seed; no list of all edges is ever made.

It is for measuring how loading, exporting and training grow. Classes are planted as in `ingest.sources.synthetic`, and
degrees are as in graphs of real screens: a few drugs have many targets, a few genes have many partners, and nearly
every drug is tested on every cell line. It is not real biology. `ingest.sources.large_edges` makes the edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import DatasetCard
from pharmagraph.ingest.similarity import RBF, TANIMOTO
from pharmagraph.ingest.sources import large_edges
from pharmagraph.ingest.sources.large_edges import Columns, Latent
from pharmagraph.ingest.sources.synthetic import ENDS, SCAFFOLDS, TISSUES
from pharmagraph.ingest.threshold import parse, recorded
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.names import fold
from pharmagraph.kg.schema import Ends
from pharmagraph.kg.wording import named

BLOCK = 1 << 16
"""Approximate number of edges in a block."""

Key = tuple[str, Ends]
"""Edge type and the labels that it joins."""

_BRANCHES = ("C(C)", "C(F)", "C(Cl)", "C(N)", "C(O)", "C(=O)", "C(C#N)", "C(S)")
"""Links of a chain; structures of one length differ wherever their links do."""
_WORDS = {"Drug": "DRUG", "CellLine": "LINE", "Gene": "G", "Pathway": "P"}
"""Part of the ids of nodes behind the screen's name."""
_LEAST = {"drugs": 2, "cells": 4, "genes": 8}


@dataclass(frozen=True)
class LargeScreen:
    """A screen of a size, as tables of nodes and as streams of edges.

    Attributes
    ----------
    drugs, cells, genes
        Numbers of nodes.
    density
        Share of the pairs of a drug and a cell line that are tested, above 0 and at most 1.
    share
        Share of the genes with an EXPRESSES edge for each cell line, the strongest \\|z\\| first.
    neighbours
        SIMILAR_TO edges kept for each drug, cell line and gene.
    threshold
        As in `ingest.sources.tables.read`.
    seed, name
        The same seed and sizes give the same screen; ``name`` is the dataset's id and the prefix of all names.

    Raises
    ------
    InputError
        If a number is too small or beyond its bounds.
    """

    drugs: int
    cells: int
    genes: int
    density: float = 0.9
    share: float = 0.2
    neighbours: int = 5
    threshold: str = "drug-median"
    seed: int = 0
    name: str = "synthetic"

    def __post_init__(self) -> None:
        for of, least in _LEAST.items():
            if (number := getattr(self, of)) < least:
                raise InputError(
                    f"{named(of)} {number} is too few to plant a structure; give at least {least}"
                )
            if number >= 2**31:
                raise InputError(
                    f"{named(of)} {number:,} is more than node numbers allow; give fewer than {2**31:,}"
                )
        for of in ("density", "share"):
            if not 0 < (part := getattr(self, of)) <= 1:
                raise InputError(f"{named(of)} {part:g} is not above 0 and at most 1")
        parse(self.threshold)

    @property
    def card(self) -> DatasetCard:
        """Source and size; the same card, the same screen."""
        density, share = (str(float(part)).removesuffix(".0") for part in (self.density, self.share))
        version = (
            f"{self.drugs} × {self.cells} × {self.genes}, density {density}, share {share}, "
            f"neighbours {self.neighbours}, {self.threshold}"
        )
        return DatasetCard(
            self.name, f"synthetic by blocks, seed {self.seed}", version, "none needed", "pharmagraph"
        )

    @cached_property
    def latent(self) -> Latent:
        """What is hidden behind the edges: a few numbers a node."""
        return large_edges.latent(self.drugs, self.cells, self.genes, seed=self.seed)

    @cached_property
    def ids(self) -> dict[str, pa.Array]:
        """Label → ids in order; sorted, so that the number of a node is its position here."""
        of = {
            "Drug": (self.drugs, 4), "CellLine": (self.cells, 4), "Gene": (self.genes, 5),
            "Pathway": (self.latent.n_classes, 2),
        }  # fmt: skip
        return {label: _numbered(self.prefix(label), n, width) for label, (n, width) in of.items()}

    def prefix(self, label: str) -> str:
        """What the ids of a kind of nodes begin with; a number follows."""
        return fold(self.name) + _WORDS[label]

    def nodes(self) -> dict[str, pa.Table]:
        """Label → its nodes."""
        latent, ids = self.latent, {label: of.to_pylist() for label, of in self.ids.items()}
        n = self.latent.n_classes
        return {
            "Drug": assemble.node_table(
                "Drug",
                {
                    "id": ids["Drug"],
                    "name": _numbered(f"{self.name}-drug-", self.drugs, 4).to_pylist(),
                    "smiles": structures(latent.drug_class),
                    "mechanism": [f"planted class {c + 1}" for c in latent.drug_class.tolist()],
                },
            ),
            "Gene": assemble.node_table("Gene", {"id": ids["Gene"]}),
            "CellLine": assemble.node_table(
                "CellLine",
                {
                    "id": ids["CellLine"],
                    "name": _numbered(f"{self.name}-line-", self.cells, 4).to_pylist(),
                    "tissue": [TISSUES[t] for t in latent.tissue.tolist()],
                },
            ),
            "Pathway": assemble.node_table(
                "Pathway",
                {
                    "id": ids["Pathway"],
                    "name": [f"{self.name} class {c + 1}" for c in range(n)],
                    "source": ["synthetic"] * n,
                    "licence": ["none needed"] * n,
                },
            ),
        }  # fmt: skip

    def edges(self, *, block: int = BLOCK) -> dict[Key, Iterator[pa.Table]]:
        """Kind and ends → its edges in blocks, ordered by source; a block holds whole sources.

        Parameters
        ----------
        block
            A block ends with the first source at which it has so many edges. The rows do not depend on it.
        """
        return {key: self._blocks(key, units, block) for key, units in self._units().items()}

    def expected(self) -> dict[Key, float]:
        """Kind and ends → about how many edges there will be, a few per cent off; nothing is sampled."""
        k = self.neighbours
        shown = max(1, round(self.share * self.genes))
        of = {"Drug": self.drugs, "CellLine": self.cells, "Gene": self.genes}
        return {
            **{
                ("SIMILAR_TO", (label, label)): large_edges.SIMILAR_A_NEIGHBOUR * n * k
                for label, n in of.items()
            },
            ("TARGETS", ("Drug", "Gene")): self.drugs * large_edges.TARGETS_A_DRUG,
            ("EXPRESSES", ("CellLine", "Gene")): float(self.cells * shown),
            ("MUTATED", ("CellLine", "Gene")): self.cells * self.genes * large_edges.MUTATED,
            ("TESTED_ON", ("Drug", "CellLine")): self.drugs * self.cells * self.density,
            ("INTERACTS_WITH", ("Gene", "Gene")): self.genes * large_edges.PARTNERS / 2,
            ("MEMBER_OF", ("Gene", "Pathway")): self.genes / 2,
        }

    def _units(self) -> dict[Key, Iterator[Columns]]:
        latent, k, rule = self.latent, self.neighbours, parse(self.threshold)
        similar: dict[Key, Iterator[Columns]] = {
            ("SIMILAR_TO", (label, label)): large_edges.similar(latent.position[label], groups, k)
            for label, groups in (
                ("Drug", latent.drug_class), ("CellLine", latent.tissue), ("Gene", latent.gene_class)
            )
        }  # fmt: skip
        return similar | {
            ("TARGETS", ("Drug", "Gene")): large_edges.targets(latent),
            ("EXPRESSES", ("CellLine", "Gene")): large_edges.expresses(latent, self.share),
            ("MUTATED", ("CellLine", "Gene")): large_edges.mutated(latent),
            ("TESTED_ON", ("Drug", "CellLine")): large_edges.responses(latent, self.density, rule),
            ("INTERACTS_WITH", ("Gene", "Gene")): large_edges.interactions(latent),
            ("MEMBER_OF", ("Gene", "Pathway")): large_edges.members(latent),
        }

    def _blocks(self, key: Key, units: Iterator[Columns], least: int) -> Iterator[pa.Table]:
        held: list[Columns] = []
        for unit in units:
            held.append(unit)
            if sum(len(one["src"]) for one in held) >= least:
                yield self._table(key, held)
                held = []
        if any(len(one["src"]) for one in held):
            yield self._table(key, held)

    def _table(self, key: Key, units: Sequence[Columns]) -> pa.Table:
        (type_, (src, dst)), more = key, {"dataset": self.name}
        columns = {name: np.concatenate([unit[name] for unit in units]) for name in units[0]}
        found = {
            "src": pa.DictionaryArray.from_arrays(columns.pop("src").astype(np.int32), self.ids[src]),
            "dst": pa.DictionaryArray.from_arrays(columns.pop("dst").astype(np.int32), self.ids[dst]),
        }
        if type_ == "SIMILAR_TO":
            more["kernel"] = TANIMOTO if src == "Drug" else RBF
        elif type_ == "TARGETS":
            more |= {"source": "synthetic", "action": "inhibitor", "evidence": "planted"}
        elif type_ == "INTERACTS_WITH":
            more["source"] = "synthetic"
        elif type_ == "TESTED_ON":
            found["threshold"] = self._limits(columns.pop("limit"))
            found["response"] = pa.array(columns.pop("response"), pa.int64(), mask=columns.pop("unlabelled"))
        found |= {name: pa.array(values) for name, values in columns.items()}
        n = len(found["src"])
        return pa.table(found | {name: _repeated(text, n) for name, text in more.items()})

    def _limits(self, limit: npt.NDArray[np.float64]) -> pa.Array:
        """The rule and its value, a text for each different limit; null where a drug has none."""
        rule = parse(self.threshold)
        values, index = np.unique(limit, return_inverse=True)
        texts = [recorded(rule, value) for value in values.tolist()]
        return pa.array(texts, pa.string()).dictionary_encode().take(pa.array(index))


def structures(drug_class: npt.NDArray[np.int64]) -> list[str]:
    """A structure for each drug, (n,): the scaffold of its class, a chain of branches and an end group."""
    most = int(np.bincount(drug_class).max())
    length = 1
    while len(ENDS) * len(_BRANCHES) ** length < most:
        length += 1
    # Without the link before it, an end group and the last branch could change places.
    chains = {c: product(*[_BRANCHES] * length, ["CC"], ENDS) for c in set(drug_class.tolist())}
    return [SCAFFOLDS[c] + "".join(next(chains[c])) for c in drug_class.tolist()]


def _numbered(prefix: str, n: int, width: int) -> pa.Array:
    """``prefix0001`` and so on, with as many digits as the last one needs, so that the order is that of the numbers."""
    width = max(width, len(str(n)))
    return pa.array([f"{prefix}{i:0{width}d}" for i in range(1, n + 1)], pa.string())


def _repeated(text: str, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([text]))
