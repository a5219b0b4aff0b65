"""Small heterographs with planted structure, for the tests of the model."""

from __future__ import annotations

import numpy as np
import torch

from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.kg.heterograph import Heterograph, Relation

TESTED_ON = ("Drug", "TESTED_ON", "CellLine")


def screen(
    n_drugs: int = 24,
    n_cell_lines: int = 20,
    n_genes: int = 30,
    *,
    seed: int = 0,
    measured: float = 0.7,
    datasets: int = 1,
    whole: bool = False,
) -> Heterograph:
    """A screen in which drugs of one family act on cell lines that express the family's gene.

    Drugs of a family share most fingerprint bits; each family's target is the gene of the same number. A ``whole``
    screen has profiles of the expression, in which one gene and one value lack, beside the edges of its tails.
    """
    generator = np.random.default_rng(seed)
    n_families = 4
    family = np.arange(n_drugs) % n_families
    bits = generator.random((n_families, 64)) < 0.3
    fingerprint = bits[family] ^ (generator.random((n_drugs, 64)) < 0.05)
    z = generator.normal(size=(n_cell_lines, n_genes)).astype(np.float32)
    score = 2 * z[:, :n_families][:, family].T + 0.3 * generator.normal(size=(n_drugs, n_cell_lines))
    drug, cell_line = np.nonzero(generator.random((n_drugs, n_cell_lines)) < measured)
    ln_ic50 = (-score[drug, cell_line] + family[drug]).astype(np.float32)
    common = fingerprint.astype(float) @ fingerprint.T.astype(float)
    size = fingerprint.sum(1)
    tanimoto = common / (size[:, None] + size[None] - common)
    near = np.argwhere(np.triu(tanimoto, 1) > 0.4)
    pairs = np.argwhere(np.triu(np.corrcoef(z), 1) > 0.2)
    strong = np.argwhere(np.abs(z) > 0.8)
    links = np.argwhere(np.triu(generator.random((n_genes, n_genes)) < 0.1, 1))
    edges = {
        ("Drug", "SIMILAR_TO", "Drug"): (near, {"similarity": tanimoto[near[:, 0], near[:, 1]]}),
        ("CellLine", "SIMILAR_TO", "CellLine"): (pairs, {"similarity": np.corrcoef(z)[pairs[:, 0], pairs[:, 1]]}),
        ("Gene", "SIMILAR_TO", "Gene"): (np.empty((0, 2), int), {"similarity": np.empty(0)}),
        ("Drug", "TARGETS", "Gene"): (np.stack([np.arange(n_drugs), family], 1), {}),
        ("CellLine", "EXPRESSES", "Gene"): (strong, {"z": z[strong[:, 0], strong[:, 1]]}),
        ("CellLine", "MUTATED", "Gene"): (strong[:5], {"value": np.ones(5)}),
        ("CellLine", "COPY_NUMBER", "Gene"): (np.empty((0, 2), int), {"value": np.empty(0)}),
        ("CellLine", "METHYLATED", "Gene"): (np.empty((0, 2), int), {"value": np.empty(0)}),
        ("Drug", "TESTED_ON", "CellLine"): (
            np.stack([drug, cell_line], 1),
            {"ln_ic50": ln_ic50, "auc": np.full(len(drug), np.nan)},
        ),
        ("Gene", "INTERACTS_WITH", "Gene"): (links, {}),
        ("Gene", "MEMBER_OF", "Pathway"): (np.empty((0, 2), int), {}),
    }  # fmt: skip
    relations = {
        edge_type: Relation(
            torch.tensor(ends[:, 0]),
            torch.tensor(ends[:, 1]),
            {
                "dataset": torch.zeros(len(ends), dtype=torch.int64),
                **{name: torch.tensor(value, dtype=torch.float32) for name, value in features.items()},
            },
        )
        for edge_type, (ends, features) in edges.items()
    }
    tested = relations["Drug", "TESTED_ON", "CellLine"].features
    tested["response"] = (tested["ln_ic50"] < torch.tensor(family[drug]).float()).to(torch.int8)
    tested["dataset"] = torch.tensor(generator.integers(0, datasets, len(drug)))
    nodes = {
        "Drug": {
            **{view: torch.tensor(fingerprint.astype(np.uint8)) for view in FINGERPRINTS},
            "scaffold": torch.tensor(family),
            "has_structure": torch.ones(n_drugs, dtype=torch.bool),
        },
        "CellLine": {"tissue": torch.tensor(np.arange(n_cell_lines) % 3)},
    }
    if whole:
        expression = torch.tensor(z)
        expression[:, -1] = expression[0, -2] = torch.nan
        nodes["CellLine"]["expression"] = expression
    ids = {
        "Drug": np.array([f"NSC{i + 1}" for i in range(n_drugs)], dtype=object),
        "CellLine": np.array([f"LINE{i:02d}" for i in range(n_cell_lines)], dtype=object),
        "Gene": np.array([f"GENE{i:03d}" for i in range(n_genes)], dtype=object),
        "Pathway": np.array([], dtype=object),
    }
    return Heterograph(ids, nodes, relations, tuple(f"set{i}" for i in range(datasets)), ("a", "b", "c"))


def without_structure(heterograph: Heterograph, drugs: list[int]) -> Heterograph:
    """The same graph in which nothing is known of some drugs but their responses and targets."""
    features = {name: values.clone() for name, values in heterograph.nodes["Drug"].items()}
    for view in FINGERPRINTS:
        features[view][drugs] = 0
    features["scaffold"][drugs], features["has_structure"][drugs] = -1, False
    similar = heterograph.relations["Drug", "SIMILAR_TO", "Drug"]
    bare = torch.tensor(drugs)
    others = similar.take(~torch.isin(similar.src, bare) & ~torch.isin(similar.dst, bare))
    return heterograph.with_features("Drug", features).with_relation(("Drug", "SIMILAR_TO", "Drug"), others)


def with_alterations(heterograph: Heterograph, *, seed: int = 0) -> Heterograph:
    """The same graph with mutations and copy numbers: a third of the genes mutated, half with a copy number."""
    generator = np.random.default_rng(seed)
    shape = (heterograph.n_nodes("CellLine"), heterograph.n_nodes("Gene"))
    for type_, share in (("MUTATED", 1 / 3), ("COPY_NUMBER", 1 / 2)):
        src, dst = np.nonzero(generator.random(shape) < share)
        value = np.ones(len(src)) if type_ == "MUTATED" else generator.normal(size=len(src))
        features = {
            "dataset": torch.zeros(len(src), dtype=torch.int64),
            "value": torch.tensor(value, dtype=torch.float32),
        }
        relation = Relation(torch.tensor(src), torch.tensor(dst), features)
        heterograph = heterograph.with_relation(("CellLine", type_, "Gene"), relation)
    return heterograph


def censored(heterograph: Heterograph, above: float) -> Heterograph:
    """The screen with ln IC50 above a value known as that bound."""
    tested = heterograph.relations[TESTED_ON]
    ln_ic50 = tested.features["ln_ic50"]
    side = (ln_ic50 > above).to(torch.int8)
    return heterograph.with_relation(
        TESTED_ON, tested.with_features({"ln_ic50": ln_ic50.clamp(max=above), "censored": side})
    )
