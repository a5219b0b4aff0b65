"""Reads the folder layout of the drGT paper: labels, expression, structures, and omics and targets if present.

DIR/drugAct.csv               drug × cell line; 1 sensitive, 0 resistant, empty untested
DIR/gene_exp_part*.csv.gz     gene × cell line, in one part or several
DIR/mut.csv, cnv.csv, meth.csv  gene × cell line, if present
DIR/drug2smiles.csv           Drug, SMILES; or, where drugs are NSC numbers,
nsc_cid_smiles_class_name.csv in DIR or its parent
full_table.csv                known targets, in DIR or its parent, if present
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.expression import Statistics, has_spread, statistics, z_scores
from pharmagraph.ingest.longform import table_rows
from pharmagraph.ingest.matrix import Matrix, join_parts, read_matrix
from pharmagraph.ingest.names import aliases_of, cell_line_id, drug_id, is_gene_symbol, unmatched_note
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import chemistry, structures
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.fingerprints import morgan
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.reading.text import existing, shown

_STRUCTURES = "the drGT layout keeps the structures there"
_OMICS = {"mut.csv": "MUTATED", "cnv.csv": "COPY_NUMBER", "meth.csv": "METHYLATED"}
_CITATION = (
    "drGT, arXiv:2405.08979; and the screen behind it (NCI-60: Reinhold et al. 2012; GDSC: Iorio et al. 2016)"
)
_LICENCE = "as the folder's own; the paper's files are MIT"


@dataclass(frozen=True)
class _Drug:
    name: str
    smiles: str | None = None
    pubchem_cid: int | None = None
    mechanism: str | None = None


def read(
    folder: Path,
    rejections: Rejections,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    without_smiles: bool = False,
) -> Bundle:
    """Read a folder into a bundle.

    Parameters
    ----------
    folder
        A folder with the layout above.
    rejections
        Collects bad cells and rows.
    name
        Id of the dataset; by default the folder's name.
    share
        Share of the genes kept as EXPRESSES edges for each cell line.
    neighbours
        SIMILAR_TO edges kept for each node.
    without_smiles
        Keep drugs that have no structure.

    Raises
    ------
    InputError
        If a file is missing or cannot be read.
    RowError
        At the first bad cell or row, unless rows are being rejected.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder; give one with drugAct.csv and gene_exp_part*.csv.gz in it"
        )
    name = name or folder.resolve().name
    labels = read_matrix(
        existing(folder / "drugAct.csv", what="the drGT layout keeps the labels there"),
        rejections,
        kind="TESTED_ON",
        expected="is not 0, 1 or empty",
        allowed=lambda v: v in (0.0, 1.0),
    )
    cells = _unique_ids(labels.columns, shown(folder / "drugAct.csv"))
    nsc = all(label.isdigit() for label in labels.rows)
    drugs = _drugs(folder, labels, nsc, rejections)
    labels, ids = _usable(labels, nsc, drugs, rejections, without_smiles)
    genes, z, of_genes, notes = _expression(folder, cells, rejections)
    cell_ids = list(cells)
    edges = {
        ("SIMILAR_TO", ("Drug", "Drug")): assemble.similar_structures(
            ids, morgan([drugs[i].smiles for i in ids]), neighbours=neighbours, dataset=name
        ),
        ("SIMILAR_TO", ("CellLine", "CellLine")): assemble.similar_profiles(
            cell_ids, z, neighbours=neighbours, dataset=name
        ),
        ("EXPRESSES", ("CellLine", "Gene")): assemble.expresses(
            cell_ids, genes, z, share=share, dataset=name
        ),
        ("TESTED_ON", ("Drug", "CellLine")): _responses(labels, ids, cell_ids, name),
    }
    profiles = [Profiles.of(name, "expression", cell_ids, genes, z)]
    for file, type_ in _OMICS.items():
        if (folder / file).is_file():
            measured, values = _omics(folder / file, type_, cells, rejections)
            edges[type_, ("CellLine", "Gene")] = assemble.valued(cell_ids, measured, values, dataset=name)
            if type_ == "COPY_NUMBER":
                profiles.append(Profiles.of(name, "copy_number", cell_ids, measured, values))
    edges["SIMILAR_TO", ("Gene", "Gene")] = assemble.similar_profiles(
        genes, z.T, neighbours=neighbours, dataset=name
    )
    cards = [
        DatasetCard(name, f"drGT folder {folder.resolve().name}", None, _LICENCE, _CITATION, _sha256(folder))
    ]
    if (table := _beside(folder, "full_table.csv")) is not None:
        edges["TARGETS", ("Drug", "Gene")] = _targets(table, ids, drugs, f"{name}-targets", rejections)
        cards.append(
            DatasetCard(
                f"{name}-targets",
                "full_table.csv of the drGT paper, from DrugBank",
                licence="DrugBank: research benchmarking only, never redistribute",
                citation="Knox et al., DrugBank 6.0, Nucleic Acids Res. 52 (2024) D1265",
                sha256=_file_sha256(table),
                part_of=name,
            )
        )
    to_genes = [t for (_, ends), t in edges.items() if ends[1] == "Gene" and ends[0] != "Gene"]
    nodes = {
        "Drug": _drug_nodes(ids, drugs),
        "Gene": assemble.gene_table(assemble.all_genes(to_genes, profiles), genes, of_genes),
        "CellLine": assemble.node_table(
            "CellLine",
            {
                "id": cell_ids,
                "name": list(cells.values()),
                "aliases": [aliases_of(c, kind="cell_line") or None for c in cell_ids],
            },
        ),
    }
    return Bundle(name, tuple(cards), nodes, edges, tuple(rejections.rejected), tuple(notes), tuple(profiles))


def _unique_ids(names: Sequence[str], file: str) -> dict[str, str]:
    """Id → name of the cell lines in the header."""
    ids: dict[str, str] = {}
    for name in names:
        id_ = cell_line_id(name)
        if not name.strip():
            raise InputError(f"{file}, row 1: a column has no name; name the cell line or delete the column")
        if id_ in ids:
            raise InputError(
                f'{file}, row 1: columns "{ids[id_]}" and "{name}" are the same cell line; keep one'
            )
        ids[id_] = name
    return ids


def _beside(folder: Path, file: str) -> Path | None:
    for path in (folder / file, folder.resolve().parent / file):
        if path.is_file():
            return path
    return None


def _drugs(folder: Path, labels: Matrix, nsc: bool, rejections: Rejections) -> dict[str, _Drug]:
    """Structures and names of the tested drugs, from the structure file."""
    file = "nsc_cid_smiles_class_name.csv" if nsc else "drug2smiles.csv"
    path = _beside(folder, file) if nsc else folder / file
    if path is None or not path.is_file():
        where = f"{folder} or its parent" if nsc else str(folder)
        raise InputError(f"{where} has no {file}; the drGT layout keeps the structures there")
    name = shown(path)
    wanted = {_drug_of(label, nsc): label for label in labels.rows}
    rows: list[tuple[int, str, str]] = []
    drugs = {id_: _Drug(label) for id_, label in wanted.items()}
    columns = ("NSC", "CID", "SMILES", "MECHANISM", "NAME") if nsc else ("Drug", "SMILES")
    for line, row in table_rows(path, columns, rejections, kind="Drug", what=_STRUCTURES):
        label = row["NSC"] if nsc else row["Drug"]
        id_ = _drug_of(label, nsc)
        if id_ not in wanted:
            continue
        rows.append((line, id_, row["SMILES"]))
        if nsc:
            cid = row["CID"]
            if cid and not cid.isdigit():
                rejections.bad("Drug", name, line, "CID", cid, "is not a PubChem number or empty")
                cid = ""
            number = int(cid) if cid and int(cid) else None
            drugs[id_] = _Drug(row["NAME"] or label, None, number, row["MECHANISM"] or None)
    for id_, smiles in structures(rows, rejections, file=name, column="SMILES").items():
        old = drugs[id_]
        drugs[id_] = _Drug(old.name, smiles, old.pubchem_cid, old.mechanism)
    return drugs


def _drug_of(label: str, nsc: bool) -> str:
    return f"NSC{int(label)}" if nsc and label.isdigit() else drug_id(label)


def _usable(
    labels: Matrix, nsc: bool, drugs: dict[str, _Drug], rejections: Rejections, without_smiles: bool
) -> tuple[Matrix, list[str]]:
    """The rows of the drugs that are loaded, and the drugs' ids."""
    ids: list[str] = []
    lines: dict[str, int] = {}
    keep = np.zeros(len(labels.rows), dtype=bool)
    for i, label in enumerate(labels.rows):
        id_ = _drug_of(label, nsc)
        tested = int((~np.isnan(labels.values[i])).sum())
        if id_ in lines:
            rejections.bad(
                "TESTED_ON",
                labels.file[i],
                labels.lines[i],
                None,
                label,
                f"is the same drug as row {lines[id_]}; keep one",
                rows=tested,
            )
        elif drugs[id_].smiles is None and not without_smiles:
            rejections.set_aside(
                "TESTED_ON", labels.file[i], labels.lines[i], label, "drug without SMILES", rows=tested
            )
        else:
            keep[i] = True
            lines[id_] = labels.lines[i]
            ids.append(id_)
    return labels.keep(keep), ids


def _expression(
    folder: Path, cells: dict[str, str], rejections: Rejections
) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float64]], Statistics, tuple[str, ...]]:
    """Genes, their z scores ``(cell lines, genes)`` in the order of ``cells``, what these were made with, and notes."""
    paths = sorted(folder.glob("gene_exp_part*.csv*")) or sorted(folder.glob("gene_exp.csv*"))
    if not paths:
        raise InputError(f"{folder} has no gene_exp_part*.csv.gz; the drGT layout keeps the expression there")
    matrix = join_parts([read_matrix(p, rejections, kind="EXPRESSES") for p in paths])
    values, notes = _in_order(matrix, cells, shown(paths[0]))
    spread = has_spread(values)
    keep = np.zeros(len(matrix.rows), dtype=bool)
    for i, gene in enumerate(matrix.rows):
        if not is_gene_symbol(gene):
            rejections.bad(
                "EXPRESSES",
                matrix.file[i],
                matrix.lines[i],
                None,
                gene,
                "is not a gene symbol; use HGNC symbols",
            )
        elif not spread[i]:
            rejections.bad(
                "EXPRESSES",
                matrix.file[i],
                matrix.lines[i],
                None,
                gene,
                "has the same value in every cell line, so it has no z score; delete the row",
            )
        else:
            keep[i] = True
    genes = [g for g, kept in zip(matrix.rows, keep, strict=True) if kept]
    return genes, z_scores(values[:, keep]), statistics(values[:, keep]), notes


def _in_order(
    matrix: Matrix, cells: dict[str, str], file: str
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], tuple[str, ...]]:
    """Values ``(cell lines, genes)`` in the order of ``cells``; NaN for cell lines that the matrix lacks."""
    column = {id_: i for i, id_ in enumerate(_unique_ids(matrix.columns, file))}
    values = np.full((len(cells), len(matrix.rows)), np.nan)
    for i, id_ in enumerate(cells):
        if id_ in column:
            values[i] = matrix.values[:, column[id_]]
    lacking = [name for id_, name in cells.items() if id_ not in column]
    extra = [matrix.columns[i] for id_, i in column.items() if id_ not in cells]
    notes = (
        *unmatched_note("cell lines", lacking, f"are not in {file}"),
        *unmatched_note("cell lines", extra, f"appear in {file} without responses and are left out"),
    )
    return values, notes


def _omics(
    path: Path, type_: str, cells: dict[str, str], rejections: Rejections
) -> tuple[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Genes, and values ``(cell lines, genes)`` in the order of ``cells``."""
    matrix = read_matrix(path, rejections, kind=type_)
    for row, line in zip(matrix.rows, matrix.lines, strict=True):
        if not is_gene_symbol(row):
            rejections.bad(type_, shown(path), line, None, row, "is not a gene symbol; use HGNC symbols")
    matrix = matrix.keep(np.array([is_gene_symbol(r) for r in matrix.rows], dtype=bool))
    return matrix.rows, _in_order(matrix, cells, shown(path))[0]


def _responses(labels: Matrix, ids: list[str], cells: list[str], dataset: str) -> pa.Table:
    drug, cell = np.nonzero(~np.isnan(labels.values))
    return assemble.edge_table(
        assemble.taken(ids, drug),
        assemble.taken(cells, cell),
        {
            "response": labels.values[drug, cell].astype(np.int64),
            "threshold": "label as the file gives it",
            "dataset": dataset,
        },
    )


def _targets(
    path: Path, ids: list[str], drugs: dict[str, _Drug], dataset: str, rejections: Rejections
) -> pa.Table:
    """Known targets of the loaded drugs, by NSC number or by name."""
    by_name: dict[str, list[str]] = {}
    for id_ in ids:
        by_name.setdefault(drug_id(drugs[id_].name), []).append(id_)
    known = set(ids)
    pairs: dict[tuple[str, str], None] = {}
    columns = ("Drug Name", "Gene", "NSC")
    for line, row in table_rows(
        path, columns, rejections, kind="TARGETS", what="a table of targets is needed"
    ):
        gene = row["Gene"]
        if not gene:
            continue
        matches = set(by_name.get(drug_id(row["Drug Name"]), ()))
        number = row["NSC"].removesuffix(".0")
        if number and not number.isdigit():
            raise RowError(shown(path), line, "NSC", row["NSC"], "is not a number or empty")
        if number and f"NSC{int(number)}" in known:
            matches.add(f"NSC{int(number)}")
        if matches and not is_gene_symbol(gene):
            rejections.set_aside(
                "TARGETS", shown(path), line, gene, "target that is not a human gene", rows=1
            )
            continue
        for id_ in sorted(matches):
            pairs[id_, gene] = None
    src, dst = [p[0] for p in pairs], [p[1] for p in pairs]
    return assemble.edge_table(
        pa.array(src, pa.string()), pa.array(dst, pa.string()), {"source": "DrugBank", "dataset": dataset}
    )


def _drug_nodes(ids: list[str], drugs: dict[str, _Drug]) -> pa.Table:
    chosen = [drugs[i] for i in ids]
    return assemble.node_table(
        "Drug",
        {
            "id": ids,
            "name": [d.name for d in chosen],
            **chemistry(ids, {i: smiles for i in ids if (smiles := drugs[i].smiles) is not None}),
            "aliases": [aliases_of(i, kind="drug") or None for i in ids],
            "pubchem_cid": [d.pubchem_cid for d in chosen],
            "mechanism": [d.mechanism for d in chosen],
        },
    )


def _sha256(folder: Path) -> str:
    """One checksum over the folder's files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(path.name.encode() + b"\0" + _file_sha256(path).encode())
    return digest.hexdigest()


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
