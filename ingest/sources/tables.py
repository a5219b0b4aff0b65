"""Makes a user's own screen, read from tables (`screen_files`), into a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import statistics, z_scores
from pharmagraph.ingest.long_table import LongTable
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.sources.screen_files import FILES, read_screen
from pharmagraph.ingest.threshold import DEFAULT, Rule, labels, limits, parse, recorded, unlabelled_note
from pharmagraph.kg.fingerprints import inchikey, morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.schema import Ends

_PROPERTIES = {
    "Drug": ("pubchem_cid", "max_phase", "mechanism"),
    "CellLine": ("tissue", "cosmic_id", "depmap_id", "cellosaurus_id"),
}


def read(
    folder: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = DEFAULT,
    without_smiles: bool = False,
) -> Bundle:
    """Read tables into a bundle.

    Parameters
    ----------
    folder
        A folder with the layout of `screen_files`.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the folder's name.
    share, neighbours
        Share of the genes kept for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled in rows without ``response`` (`ingest.threshold`).
    without_smiles
        Keep drugs that have no structure.

    Raises
    ------
    InputError
        If the folder or responses.csv is missing, a file lacks a column, no response is left, or no cell line has both
        responses and expression.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    name = name or folder.resolve().name
    rule = parse(threshold)
    screen = read_screen(folder, rejections, without_smiles=without_smiles)
    drug_ids, cell_ids = screen.drug_ids, screen.cell_ids
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan([screen.smiles.get(d) for d in drug_ids]), neighbours=neighbours, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): _tested_on(screen.responses, rule, name),
    }
    gene_nodes = assemble.node_table("Gene", {"id": []})
    profiles: tuple[Profiles, ...] = ()
    if screen.levels is not None:
        genes, z = screen.levels.genes, z_scores(screen.levels.values)
        edges["SIMILAR_TO", ("CellLine", "CellLine")] = assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        )
        edges["SIMILAR_TO", ("Gene", "Gene")] = assemble.similar_profiles(
            genes, z.T, neighbours=neighbours, dataset=name
        )
        edges["EXPRESSES", ("CellLine", "Gene")] = assemble.expresses(
            cell_ids, genes, z, share=share, dataset=name
        )
        gene_nodes = assemble.gene_table(genes, genes, statistics(screen.levels.values))
        profiles = (Profiles.of(name, "expression", cell_ids, genes, z),)
    nodes = {
        "Drug": _nodes("Drug", drug_ids, screen.drug_names, screen.drugs, screen.smiles),
        "Gene": gene_nodes,
        "CellLine": _nodes("CellLine", cell_ids, screen.cell_names, screen.cells, None),
    }
    unlabelled = unlabelled_note(edges["TESTED_ON", ("Drug", "CellLine")], screen.drug_names, rule)
    notes = (*unlabelled, *screen.notes)
    card = DatasetCard(name, f"tables in {folder.resolve().name}", sha256=_sha256(screen.files))
    return Bundle(name, (card,), nodes, edges, tuple(rejections.rejected), notes, profiles)


def _tested_on(table: LongTable, rule: Rule, dataset: str) -> pa.Table:
    drugs, drug = table.texts["drug"].numbered(drug_id)
    cells, cell = table.texts["cell_line"].numbered(cell_line_id)
    ln_ic50, given = table.numbers["ln_ic50"], table.numbers["response"]
    measured, labelled = ~np.isnan(ln_ic50), ~np.isnan(given)
    limit = limits(ln_ic50[measured], drug[measured], len(drugs), rule)
    by_rule = labels(ln_ic50, limit[drug])
    response = np.where(labelled, given, by_rule.to_numpy(zero_copy_only=False).astype(np.float64))
    texts = [*(recorded(rule, value) for value in limit), "label as the file gives it"]
    which = np.where(labelled, len(drugs), np.where(np.isnan(response), -1, drug))
    return assemble.edge_table(
        assemble.taken(drugs, drug),
        assemble.taken(cells, cell),
        {
            "ln_ic50": ln_ic50,
            "auc": table.numbers["auc"],
            "response": pa.array(response, from_pandas=True).cast(pa.int64()),
            "threshold": assemble.taken(texts, which),
            "dataset": dataset,
        },
    )


def _nodes(
    label: str,
    ids: Sequence[str],
    names: dict[str, str],
    table: LongTable | None,
    smiles: dict[str, str] | None,
) -> pa.Table:
    """Nodes with what their table says of them."""
    kind, folding = ("drug", drug_id) if label == "Drug" else ("cell_line", cell_line_id)
    row_of = {folding(r[kind]): r for r in table} if table is not None else {}
    structure = smiles if smiles is not None else {}
    chemistry = {
        "smiles": [structure.get(i) for i in ids],
        "inchikey": [inchikey(structure[i]) if i in structure else None for i in ids],
    }
    return assemble.node_table(
        label,
        {
            "id": ids,
            "name": [names[i] for i in ids],
            **(chemistry if smiles is not None else {}),
            "aliases": [aliases_of(i, kind=kind) or None for i in ids],
            **{p: [row_of[i][p] if i in row_of else None for i in ids] for p in _PROPERTIES[label]},
        },
    )


def _sha256(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for kind in FILES:
        if kind in files:
            digest.update(f"{files[kind].name}\0{checksum(files[kind])}".encode())
    return digest.hexdigest()
