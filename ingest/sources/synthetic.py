"""Generates a synthetic screen with known targets from a seed, for tests and documentation.

Drugs belong to hidden classes. The drugs of a class share a scaffold and target genes; a cell line that expresses the
targets more is more sensitive. Genes of a class are co-expressed, and tissues shift classes. It is not real biology.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.expression import statistics, z_scores
from pharmagraph.ingest.threshold import labels, limits, parse, recorded
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import inchikey, morgan
from pharmagraph.kg.names import fold
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.wording import named

SCAFFOLDS = (
    "c1ccc2ncncc2c1",
    "c1ccc2[nH]ccc2c1",
    "O=C1CCCN1",
    "c1ccsc1",
    "C1CCOCC1",
    "c1cnc2ccccc2c1",
    "c1ccc2occc2c1",
    "C1CN2CCC1CC2",
    "c1cc[nH]c1",
    "c1ccoc1",
    "c1ccc2scnc2c1",
    "C1CCC2CCCCC2C1",
)
ENDS = ("O", "N", "F", "Cl", "C#N", "C(=O)O", "C(=O)N", "S(=O)(=O)N", "OC", "N(C)C", "c1ccccc1", "C1CC1")
MOST_VALUES = 100_000_000
"""Responses and expression values of a screen; more does not fit a machine's memory."""
TISSUES = ("breast", "lung", "skin", "blood", "colon", "kidney")


@dataclass(frozen=True)
class Planted:
    """The hidden variables of a synthetic screen.

    Parameters
    ----------
    drug_class, gene_class
        Class of each drug ``(drugs,)`` and gene ``(genes,)``; -1 for genes of no class.
    targets
        Gene numbers of each class's targets.
    expression
        ``(cell lines, genes)``, as log2 of abundance.
    ln_ic50
        ``(drugs, cell lines)`` in ln(µmol/l), NaN where not tested.
    tissue
        Number of each cell line's tissue.
    """

    drug_class: npt.NDArray[np.int64]
    gene_class: npt.NDArray[np.int64]
    targets: tuple[npt.NDArray[np.int64], ...]
    expression: npt.NDArray[np.float64]
    ln_ic50: npt.NDArray[np.float64]
    tissue: npt.NDArray[np.int64]


def plant(*, drugs: int, cells: int, genes: int, seed: int) -> Planted:
    """Sample a screen.

    Raises
    ------
    InputError
        If there are too few drugs, cell lines or genes to plant a structure.
    """
    for name, number, least in (("drugs", drugs, 2), ("cells", cells, 4), ("genes", genes, 8)):
        if number < least:
            raise InputError(f"{named(name)} {number} is too few to plant a structure; give at least {least}")
    if (values := cells * (drugs + genes)) > MOST_VALUES:
        raise InputError(
            f"{drugs:,} drugs, {cells:,} cell lines and {genes:,} genes are {values:,} values; "
            f"give fewer, {MOST_VALUES:,} values at most"
        )
    random = np.random.default_rng(seed)
    n_classes = int(np.clip(min(drugs // 5, genes // 4), 2, len(SCAFFOLDS)))
    drug_class = np.sort(np.arange(drugs) % n_classes)
    per_class = max(2, genes // (2 * n_classes))
    gene_class = np.full(genes, -1)
    gene_class[: n_classes * per_class] = np.repeat(np.arange(n_classes), per_class)
    targets = tuple(np.flatnonzero(gene_class == c)[: min(2, per_class)] for c in range(n_classes))
    tissue = np.sort(np.arange(cells) % min(len(TISSUES), max(2, cells // 10)))
    shift = random.normal(0, 0.7, (len(TISSUES), n_classes))
    activity = random.normal(0, 1, (cells, n_classes)) + shift[tissue]
    expression = random.normal(8, 2, genes) + random.normal(0, 1, (cells, genes))
    member = gene_class >= 0
    expression[:, member] += 1.2 * activity[:, gene_class[member]]
    standard = (expression - expression.mean(0)) / expression.std(0)
    drive = np.stack([standard[:, t].mean(1) for t in targets])  # (classes, cell lines)
    potency = random.normal(1.5, 1.0, drugs)
    fitness = random.normal(0, 0.4, cells)
    ln_ic50 = potency[:, None] + fitness - 1.5 * drive[drug_class] + random.normal(0, 0.5, (drugs, cells))
    ln_ic50[random.random((drugs, cells)) < 0.2] = np.nan
    return Planted(drug_class, gene_class, targets, expression, np.round(ln_ic50, 4), tissue)


def smiles(drug_class: npt.NDArray[np.int64]) -> list[str]:
    """A different structure for each drug: the scaffold of its class, a chain and an end group."""
    seen: dict[int, int] = {}
    result = []
    for c in drug_class.tolist():
        i = seen[c] = seen.get(c, -1) + 1
        chain, end = "C" * (1 + i // len(ENDS)), ENDS[i % len(ENDS)]
        # An end group may use the scaffold's ring number again, since that ring is closed by then.
        result.append(f"{SCAFFOLDS[c]}{chain}{end}")
    return result


def read(
    *,
    drugs: int = 60,
    cells: int = 40,
    genes: int = 200,
    seed: int = 0,
    name: str = "synthetic",
    share: float = 0.2,
    neighbours: int = 5,
    threshold: str = "drug-median",
) -> Bundle:
    """Make a synthetic screen as a bundle, with its true targets as TARGETS edges.

    Parameters
    ----------
    drugs, cells, genes, seed
        Size and seed; the same values give the same screen.
    name
        Id of the dataset, and prefix of all names, so that screens stay apart.
    share, neighbours, threshold
        As in `ingest.sources.tables.read`.
    """
    planted = plant(drugs=drugs, cells=cells, genes=genes, seed=seed)
    prefix = fold(name)
    drug_names = [f"{name}-drug-{i + 1:04d}" for i in range(drugs)]
    cell_names = [f"{name}-line-{i + 1:04d}" for i in range(cells)]
    drug_ids, cell_ids = [fold(n) for n in drug_names], [fold(n) for n in cell_names]
    gene_ids = [f"{prefix}G{i + 1:05d}" for i in range(genes)]
    structure = smiles(planted.drug_class)
    z = z_scores(planted.expression)
    n_classes = len(planted.targets)
    pathway_ids = [f"{prefix}P{c + 1:02d}" for c in range(n_classes)]
    members = np.flatnonzero(planted.gene_class >= 0)
    random = np.random.default_rng([seed, 1])
    mutated = (random.random(z.shape) < 0.02).astype(float)
    nodes = {
        "Drug": assemble.node_table(
            "Drug",
            {
                "id": drug_ids,
                "name": drug_names,
                "smiles": structure,
                "inchikey": [inchikey(s) for s in structure],
                "mechanism": [f"planted class {c + 1}" for c in planted.drug_class],
            },
        ),
        "Gene": assemble.gene_table(gene_ids, gene_ids, statistics(planted.expression)),
        "CellLine": assemble.node_table(
            "CellLine",
            {"id": cell_ids, "name": cell_names, "tissue": [TISSUES[t] for t in planted.tissue]},
        ),
        "Pathway": assemble.node_table(
            "Pathway",
            {
                "id": pathway_ids,
                "name": [f"{name} class {c + 1}" for c in range(n_classes)],
                "source": ["synthetic"] * n_classes,
                "licence": ["none needed"] * n_classes,
            },
        ),
    }
    edges = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan(structure), neighbours=neighbours, dataset=name
        ),
        ("SIMILAR_TO", ("CellLine", "CellLine")): assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        ),
        ("SIMILAR_TO", ("Gene", "Gene")): assemble.similar_profiles(
            gene_ids, z.T, neighbours=neighbours, dataset=name
        ),
        ("TARGETS", ("Drug", "Gene")): _targets(planted, drug_ids, gene_ids, name),
        ("EXPRESSES", ("CellLine", "Gene")): assemble.expresses(
            cell_ids, gene_ids, z, share=share, dataset=name
        ),
        ("MUTATED", ("CellLine", "Gene")): assemble.valued(cell_ids, gene_ids, mutated, dataset=name),
        ("TESTED_ON", ("Drug", "CellLine")): _responses(planted, drug_ids, cell_ids, name, threshold),
        ("MEMBER_OF", ("Gene", "Pathway")): assemble.edge_table(
            assemble.taken(gene_ids, members),
            assemble.taken(pathway_ids, planted.gene_class[members]),
            {"dataset": name},
        ),
    }
    card = DatasetCard(
        name, f"synthetic, seed {seed}", f"{drugs} × {cells} × {genes}", "none needed", "pharmagraph"
    )
    profiles = Profiles.of(name, "expression", cell_ids, gene_ids, z)
    return Bundle(name, (card,), nodes, edges, profiles=(profiles,))


def _targets(planted: Planted, drug_ids: list[str], gene_ids: list[str], name: str) -> pa.Table:
    pairs = [(d, g) for d, c in enumerate(planted.drug_class) for g in planted.targets[c]]
    drug, gene = np.array(pairs, dtype=np.int64).T
    return assemble.edge_table(
        assemble.taken(drug_ids, drug),
        assemble.taken(gene_ids, gene),
        {"source": "synthetic", "action": "inhibitor", "evidence": "planted", "dataset": name},
    )


def _responses(
    planted: Planted, drug_ids: list[str], cell_ids: list[str], name: str, threshold: str
) -> pa.Table:
    rule = parse(threshold)
    drug, cell = np.nonzero(~np.isnan(planted.ln_ic50))
    ln_ic50 = planted.ln_ic50[drug, cell]
    limit = limits(ln_ic50, drug, len(drug_ids), rule)
    texts = [recorded(rule, value) for value in limit]
    return assemble.edge_table(
        assemble.taken(drug_ids, drug),
        assemble.taken(cell_ids, cell),
        {
            "ln_ic50": ln_ic50,
            "response": labels(ln_ic50, limit[drug]),
            "threshold": assemble.taken(texts, drug),
            "dataset": name,
        },
    )
