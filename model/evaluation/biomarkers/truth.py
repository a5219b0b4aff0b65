"""Reads known response genes from a file: a drug, a gene, what of the gene counts, and which way. No fit is given them.

A pair that cannot be judged, because the graph lacks its drug or its gene or nothing was measured of it, is left out
and said once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.kg.errors import InputError, RowError, none_of
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.names import Names
from pharmagraph.kg.reading.table import rows as rows_of

COLUMNS = ("drug", "gene", "feature", "effect")
FEATURES = {
    "expression": "expression",
    "mutation": "mutation",
    "fusion": "mutation",
    "copy_number": "copy_number",
}
"""What a file may say counts of a gene, and the kind of omics that holds it: fusions are stored as mutations."""
EFFECTS = {"sensitive": 1, "resistant": -1}
"""What more of a gene, or its mutation, makes of a cell line."""
RELATIVES = 3
"""Measured relatives that a message names."""


@dataclass(frozen=True)
class Pair:
    """A known response gene of a drug.

    Attributes
    ----------
    drug, gene
        As the file writes them.
    feature
        As the file writes it, one of `FEATURES`.
    effect
        1 where more of the gene, or its mutation, makes cell lines sensitive; -1 where it makes them resistant.
    drug_number, gene_number
        Nodes of the graph.
    """

    drug: str
    gene: str
    feature: str
    effect: int
    drug_number: int
    gene_number: int

    @property
    def kind(self) -> str:
        """Kind of omics that holds the feature."""
        return FEATURES[self.feature]


@dataclass(frozen=True)
class Truth:
    """The pairs of a file that can be judged.

    Attributes
    ----------
    pairs
        Each once, in the order of the file.
    n_pairs
        All pairs of the file.
    left_out
        Why pairs are left out, a part of a sentence each, with the names.
    """

    pairs: tuple[Pair, ...]
    n_pairs: int
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        said = f"{len(self.pairs)} of {self.n_pairs} pairs are judged"
        return f"{said}; left out: {'; '.join(self.left_out)}" if self.left_out else said


def read_truth(
    path: Path,
    heterograph: Heterograph,
    *,
    names: Names,
    gene_names: Names,
    tested: Sequence[bool],
    measured: Sequence[bool],
) -> Truth:
    """Read a table of response genes.

    Parameters
    ----------
    path
        A table with at least `COLUMNS`; other columns are ignored.
    heterograph
        Gives nodes and homology.
    names, gene_names
        Names that the file may use for drugs and genes.
    tested
        Whether each drug has responses, (n_drugs,).
    measured
        Whether a kind of omics has values of each gene that vary between cell lines, (n_genes,).

    Raises
    ------
    InputError
        If a column is missing, or no pair can be judged.
    RowError
        If a feature or an effect is none that is known, a name is that of several nodes, or two rows of one pair
        contradict each other.
    """
    drug_of = {str(id_): n for n, id_ in enumerate(heterograph.ids["Drug"])}
    gene_of = {str(id_): n for n, id_ in enumerate(heterograph.ids["Gene"])}
    _, rows = rows_of(path, COLUMNS)
    effects: dict[tuple[str, str, str], int] = {}
    pairs: list[Pair] = []
    missing: dict[str, dict[str, None]] = {}
    for line, cells in rows:
        effect = _one_of(EFFECTS, path, line, "effect", cells)
        _one_of(FEATURES, path, line, "feature", cells)
        drug, gene = cells["drug"], cells["gene"]
        drug_id = names.find_in_row(str(path), line, "drug", drug)
        gene_id = gene_names.find_in_row(str(path), line, "gene", gene)
        key = (drug_id or drug, gene_id or gene, FEATURES[cells["feature"]])
        if effects.setdefault(key, effect) != effect:
            raise RowError(
                str(path), line, "effect", cells["effect"],
                f"contradicts another row of {drug}, {gene} and {cells['feature']}; keep one",
            )  # fmt: skip
        d, g = drug_of.get(drug_id or ""), gene_of.get(gene_id or "")
        for what, name, absent in (
            ("drugs that are not in the graph", drug, d is None),
            ("drugs without responses in the graph", drug, d is not None and not tested[d]),
            ("genes that are not in the graph", gene, g is None),
            ("genes that were not measured", gene, g is not None and not measured[g]),
        ):
            if absent:
                known = g is not None and what.endswith("measured")
                shown = name + (_relatives(heterograph, g, measured) if known and g is not None else "")
                missing.setdefault(what, {})[shown] = None
        if d is None or g is None or not tested[d] or not measured[g]:
            continue
        pair = Pair(drug, gene, cells["feature"], effect, d, g)
        if all((p.drug_number, p.gene_number, p.kind) != (d, g, pair.kind) for p in pairs):
            pairs.append(pair)
    left_out = tuple(f"{what}: {', '.join(shown)}" for what, shown in missing.items())
    if not effects:
        raise InputError(f"{path} has no rows below its header; give a drug and a gene a row")
    if not pairs:
        none = none_of(len(effects), "pair", "can", of="its")
        raise InputError(
            f"{path}: {none} be judged ({'; '.join(left_out)}); drugs go by name or id, genes by HGNC symbol"
        )
    return Truth(tuple(pairs), len(effects), left_out)


def _one_of(known: Mapping[str, object], path: Path, line: int, column: str, cells: Mapping[str, str]) -> int:
    if cells[column] not in known:
        raise RowError(str(path), line, column, cells[column], f"is none of {', '.join(known)}")
    value = known[cells[column]]
    return value if isinstance(value, int) else 0


def _relatives(heterograph: Heterograph, gene: int, measured: Sequence[bool]) -> str:
    """The measured genes of most similar protein sequence, in brackets."""
    edges = heterograph.relations.get(("Gene", "HOMOLOGOUS", "Gene"))
    found: dict[int, float] = {}
    if edges is not None:
        ends = zip(edges.src.tolist(), edges.dst.tolist(), edges.features["identity"].tolist(), strict=True)
        for a, b, identity in ends:
            other = b if a == gene else a if b == gene else None
            if other is not None and measured[other]:
                found[other] = identity
    best = sorted(found, key=lambda other: -found[other])[:RELATIVES]
    ids = heterograph.ids["Gene"]
    if not best:
        return " (no measured gene is homologous)"
    return f" (of its family {', '.join(str(ids[b]) for b in best)} {'was' if len(best) == 1 else 'were'})"
