"""Reads a user's own screen from tables in long form: responses, and drugs, cell lines and expression if present.

DIR/responses.csv    drug, cell_line, and ln_ic50, auc or response (1 sensitive, 0 resistant)
DIR/drugs.csv        drug, smiles, pubchem_cid, max_phase, mechanism
DIR/cells.csv        cell_line, tissue, cosmic_id, depmap_id, cellosaurus_id
DIR/expression.csv   cell_line, gene, value
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import checksum
from pharmagraph.ingest.expression import Statistics, has_spread, statistics, z_scores
from pharmagraph.ingest.longform import Row, read_long
from pharmagraph.ingest.matrix import shown
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id, is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import structures
from pharmagraph.ingest.threshold import DEFAULT, limits, parse, recorded
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import inchikey, morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.schema import Ends

_FILES = ("responses.csv", "drugs.csv", "cells.csv", "expression.csv")


def read(
    folder: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = DEFAULT,
) -> Bundle:
    """Read tables into a bundle.

    Parameters
    ----------
    folder
        A folder with the layout above.
    rejections
        Collects bad rows.
    name
        Id of the dataset; by default the folder's name.
    share, neighbours
        Share of the genes kept for each cell line; SIMILAR_TO edges kept for each node.
    threshold
        Rule by which ln IC50 is labelled in rows without ``response`` (`ingest.threshold`).

    Raises
    ------
    InputError
        If the folder or responses.csv is missing, or a file lacks a column.
    RowError
        At the first bad row, unless rows are being rejected.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with responses.csv in it")
    name = name or folder.resolve().name
    responses = _unique(
        read_long(folder / "responses.csv", "responses", rejections, kind="TESTED_ON"),
        lambda r: (drug_id(r["drug"]), cell_line_id(r["cell_line"])),
        rejections,
        "TESTED_ON",
        folder / "responses.csv",
    )
    drugs = _optional(folder / "drugs.csv", "drugs", rejections, "Drug")
    cells = _optional(folder / "cells.csv", "cells", rejections, "CellLine")
    expression = _optional(folder / "expression.csv", "expression", rejections, "EXPRESSES")
    drug_names = {
        drug_id(n): n for n in [*(r["drug"] for r in reversed(responses)), *(r["drug"] for r in drugs)]
    }
    cell_names = {
        cell_line_id(n): n
        for n in [
            *(r["cell_line"] for r in (*reversed(responses), *expression)),
            *(r["cell_line"] for r in cells),
        ]
    }
    smiles = structures(
        [(r.line, drug_id(r["drug"]), r["smiles"] or "") for r in drugs],
        rejections,
        file=shown(folder / "drugs.csv"),
        column="smiles",
    )
    drug_ids, cell_ids = sorted(drug_names), sorted(cell_names)
    edges: dict[tuple[str, Ends], pa.Table] = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            drug_ids, morgan([smiles.get(d) for d in drug_ids]), neighbours=neighbours, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): _tested_on(
            responses, rejections, folder / "responses.csv", threshold, name
        ),
    }
    gene_nodes = assemble.node_table("Gene", {"id": []})
    profiles: tuple[Profiles, ...] = ()
    if expression:
        genes, z, of_genes = _standardised(expression, cell_ids, rejections, folder / "expression.csv")
        edges["SIMILAR_TO", ("CellLine", "CellLine")] = assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        )
        edges["SIMILAR_TO", ("Gene", "Gene")] = assemble.similar_profiles(
            genes, z.T, neighbours=neighbours, dataset=name
        )
        edges["EXPRESSES", ("CellLine", "Gene")] = assemble.expresses(
            cell_ids, genes, z, share=share, dataset=name
        )
        gene_nodes = assemble.gene_table(genes, genes, of_genes)
        profiles = (Profiles.of(name, "expression", cell_ids, genes, z),)
    by_drug = {drug_id(r["drug"]): r for r in drugs}
    by_cell = {cell_line_id(r["cell_line"]): r for r in cells}
    nodes = {
        "Drug": assemble.node_table(
            "Drug",
            {
                "id": drug_ids,
                "name": [drug_names[d] for d in drug_ids],
                "smiles": [smiles.get(d) for d in drug_ids],
                "inchikey": [inchikey(smiles[d]) if d in smiles else None for d in drug_ids],
                "aliases": [aliases_of(d, kind="drug") or None for d in drug_ids],
                **{
                    p: [by_drug[d][p] if d in by_drug else None for d in drug_ids]
                    for p in ("pubchem_cid", "max_phase", "mechanism")
                },
            },
        ),
        "Gene": gene_nodes,
        "CellLine": assemble.node_table(
            "CellLine",
            {
                "id": cell_ids,
                "name": [cell_names[c] for c in cell_ids],
                "aliases": [aliases_of(c, kind="cell_line") or None for c in cell_ids],
                **{
                    p: [by_cell[c][p] if c in by_cell else None for c in cell_ids]
                    for p in ("tissue", "cosmic_id", "depmap_id", "cellosaurus_id")
                },
            },
        ),
    }
    notes = unmatched_note("drugs", [drug_names[d] for d in drug_ids if d not in smiles], "have no structure")
    card = DatasetCard(name, f"tables in {folder.resolve().name}", sha256=_sha256(folder))
    return Bundle(name, (card,), nodes, edges, tuple(rejections.rejected), notes, profiles)


def _optional(path: Path, contract: str, rejections: Rejections, kind: str) -> list[Row]:
    if not path.is_file():
        return []
    rows = read_long(path, contract, rejections, kind=kind)
    if contract == "expression":
        return _unique(rows, lambda r: (cell_line_id(r["cell_line"]), r["gene"]), rejections, kind, path)
    folded = (
        (lambda r: (drug_id(r["drug"]), ""))
        if contract == "drugs"
        else (lambda r: (cell_line_id(r["cell_line"]), ""))
    )
    return _unique(rows, folded, rejections, kind, path)


def _unique(
    rows: list[Row], key_of: Callable[[Row], tuple[str, str]], rejections: Rejections, kind: str, path: Path
) -> list[Row]:
    """The first row for each node or pair; further rows with the same names, once folded, are bad rows."""
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = key_of(row)
        if key in seen:
            text = ", ".join(k for k in key if k)
            rejections.bad(
                kind,
                shown(path),
                row.line,
                None,
                text,
                f"is already in row {seen[key].line} under another spelling; keep one",
            )
        else:
            seen[key] = row
    return list(seen.values())


def _tested_on(rows: list[Row], rejections: Rejections, path: Path, threshold: str, dataset: str) -> pa.Table:
    rule = parse(threshold)
    usable: list[Row] = []
    for row in rows:
        if row["response"] not in (None, 0, 1):
            rejections.bad(
                "TESTED_ON", shown(path), row.line, "response", row["response"], "is not 0, 1 or empty"
            )
        elif row["auc"] is not None and row["auc"] < 0:
            rejections.bad(
                "TESTED_ON", shown(path), row.line, "auc", row["auc"], "is below 0; an area cannot be"
            )
        elif row["ln_ic50"] is None and row["auc"] is None and row["response"] is None:
            rejections.bad(
                "TESTED_ON",
                shown(path),
                row.line,
                None,
                row["drug"],
                "has no ln_ic50, auc or response; fill one or delete the row",
            )
        else:
            usable.append(row)
    drugs = [drug_id(r["drug"]) for r in usable]
    number = {d: i for i, d in enumerate(dict.fromkeys(drugs))}
    ln_ic50 = np.array([np.nan if r["ln_ic50"] is None else r["ln_ic50"] for r in usable], dtype=np.float64)
    drug = np.array([number[d] for d in drugs], dtype=np.int64)
    measured = ~np.isnan(ln_ic50)
    limit = limits(ln_ic50[measured], drug[measured], len(number), rule)
    responses: list[int | None] = []
    texts: list[str | None] = []
    for row, value, i in zip(usable, ln_ic50, drug, strict=True):
        if row["response"] is not None:
            responses.append(row["response"])
            texts.append("label as the file gives it")
        elif not np.isnan(value):
            responses.append(int(value <= limit[i]))
            texts.append(recorded(rule, limit[i]))
        else:
            responses.append(None)
            texts.append(None)
    return assemble.edge_table(
        pa.array(drugs, pa.string()),
        pa.array([cell_line_id(r["cell_line"]) for r in usable], pa.string()),
        {
            "ln_ic50": ln_ic50,
            "auc": pa.array([r["auc"] for r in usable], pa.float64()),
            "response": pa.array(responses, pa.int64()),
            "threshold": pa.array(texts, pa.string()),
            "dataset": dataset,
        },
    )


def _standardised(
    rows: list[Row], cells: list[str], rejections: Rejections, path: Path
) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float64]], Statistics]:
    lines: dict[str, int] = {}
    for row in rows:
        if row["gene"] not in lines:
            if not is_gene_symbol(row["gene"]):
                rejections.bad(
                    "EXPRESSES",
                    shown(path),
                    row.line,
                    "gene",
                    row["gene"],
                    "is not a gene symbol; use HGNC symbols",
                )
                continue
            lines[row["gene"]] = row.line
    gene, cell = {g: i for i, g in enumerate(lines)}, {c: i for i, c in enumerate(cells)}
    values = np.full((len(cells), len(gene)), np.nan)
    for row in rows:
        if row["gene"] in gene:
            values[cell[cell_line_id(row["cell_line"])], gene[row["gene"]]] = row["value"]
    spread = has_spread(values)
    for symbol, kept in zip(lines, spread, strict=True):
        if not kept:
            rejections.bad(
                "EXPRESSES",
                shown(path),
                lines[symbol],
                "gene",
                symbol,
                "has the same value in every cell line, so it has no z score; delete it",
            )
    usable = values[:, spread]
    return [g for g, kept in zip(lines, spread, strict=True) if kept], z_scores(usable), statistics(usable)


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _FILES:
        if (folder / file).is_file():
            digest.update(f"{file}\0{checksum(folder / file)}".encode())
    return digest.hexdigest()
