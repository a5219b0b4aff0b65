"""A run's folder that a stranger made runs no code, reads and writes nothing outside, and keeps no command waiting.

Each trick is played on a folder that was sound. Then it is predicted with and promoted, some are checked and backed up,
and what lies outside is as before.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pharmagraph.kg import digests, runs
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed
from tests.faults.conftest import CHECKOUT, one_line
from tests.faults.test_damaged_runs import DRUG, LINE, config

pytestmark = pytest.mark.once
SECRET = "Th3Secret"
RAN = "code-was-run"
Trick = Callable[[Path, Path], object]
"""Called with the run's folder and one outside of it, which holds a secret."""


class Calls:
    """A pickle of it calls the shell where it is read."""

    def __init__(self, outside: Path) -> None:
        self.file = outside / RAN

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.system, (f"touch '{self.file}'",)


def python_type(name: str) -> Trick:
    """A column of an extension type that old releases of Arrow unpickled while they read the schema."""

    def play(folder: Path, outside: Path) -> None:
        table = pq.read_table(folder / name)
        field = table.schema.field(0)
        noted = {b"ARROW:extension:name": b"arrow.py_extension_type"}
        noted[b"ARROW:extension:metadata"] = pickle.dumps(Calls(outside))
        fields = [field.with_metadata(noted), *list(table.schema)[1:]]
        pq.write_table(pa.Table.from_arrays(table.columns, schema=pa.schema(fields)), folder / name)

    return play


def link(name: str, to: str) -> Trick:
    def play(folder: Path, outside: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to(Path(to) if to.startswith("/") else outside / to)

    return play


def pipe(name: str) -> Trick:
    def play(folder: Path, outside: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return play


def tensors(header: bytes, rest: bytes = b"") -> Trick:
    return lambda folder, _: (folder / "weights.safetensors").write_bytes(
        struct.pack("<Q", len(header)) + header + rest
    )


def listed(*names: str) -> Trick:
    return lambda folder, _: config(lambda about: about.update(files=list(names)))(folder)


def option(change: Callable[[dict[str, Any]], None]) -> Trick:
    return lambda folder, _: config(change)(folder)


def module(folder: Path, _: Path) -> None:
    for name in ("yaml", "numpy", "conftest", "sitecustomize", "__init__"):
        (folder / f"{name}.py").write_text(f"open({RAN!r}, 'w')\n")
    (folder / "weights.safetensors").write_bytes(b"")


REFUSED: dict[str, Trick] = {
    "weights are a pickle": lambda folder, outside: (folder / "weights.safetensors").write_bytes(
        pickle.dumps(Calls(outside))
    ),
    "weights are torch's file": lambda folder, outside: torch.save(
        {"a": Calls(outside)}, folder / "weights.safetensors"
    ),
    "pairs are a pickle": lambda folder, outside: (folder / "training_pairs.parquet").write_bytes(
        pickle.dumps(Calls(outside))
    ),
    "config is a pickle": lambda folder, outside: (folder / "config.json").write_bytes(
        pickle.dumps(Calls(outside))
    ),
    "config is YAML that calls": lambda folder, _: (folder / "config.json").write_text(
        f"!!python/object/apply:os.system ['touch {RAN}']"
    ),
    "config names a class": option(
        lambda about: about["config"].update({"py/reduce": [{"py/function": "os.system"}, f"touch {RAN}"]})
    ),
    "graph is a pickle": lambda folder, outside: (folder / "graph" / "graph.safetensors").write_bytes(
        pickle.dumps(Calls(outside))
    ),
    "weights are a link": link("weights.safetensors", "secret.json"),
    "config is a link": link("config.json", "secret.json"),
    "pairs are a link": link("training_pairs.parquet", "secret.json"),
    "graph is a link": link("graph", "folder"),
    "attention is a link": link("attention", "folder"),
    "a link to a device": link("training_pairs.parquet", "/dev/zero"),
    "a link to itself": lambda folder, _: (
        (folder / "config.json").unlink(),
        (folder / "config.json").symlink_to(folder / "config.json"),
    ),
    "files above": listed("weights.safetensors", "../../../secret.json"),
    "files of the root": listed("weights.safetensors", "/etc/passwd"),
    "weights are a pipe": pipe("weights.safetensors"),
    "pairs are a pipe": pipe("training_pairs.parquet"),
    "config is a pipe": pipe("config.json"),
    "config is deep": lambda folder, _: (folder / "config.json").write_text("[" * 200_000),
    "config has a long number": lambda folder, _: (folder / "config.json").write_text(
        '{"format": ' + "9" * 100_000
    ),
    "a header of exabytes": lambda folder, _: (folder / "weights.safetensors").write_bytes(
        struct.pack("<Q", 2**62) + b"{}"
    ),
    "tensors beyond the file": tensors(
        b'{"0.a":{"dtype":"F32","shape":[4000000000],"data_offsets":[0,16000000000]}}', b"\0" * 16
    ),
    "tensors of one place": tensors(
        b'{"0.a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"0.b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        b"\0" * 12,
    ),
    "a network without end": option(lambda about: about["config"]["network"].update(channels=10**9)),
    "networks without end": option(
        lambda about: about.update(members=[{"best_epoch": 1, "validation": 0.1}] * 100_000)
    ),
    "a task above": option(lambda about: about["scale"].update(task="../../x")),
    "modules in the folder": module,
}
HARMLESS: dict[str, Trick] = {
    "a type of Python's in pairs": python_type("training_pairs.parquet"),
    "a type of Python's in nodes": python_type("graph/nodes.parquet"),
    "a type of Python's in attention": python_type("attention/Drug-Gene.parquet"),
    "digests above": lambda folder, outside: (folder / digests.DIGESTS).write_text(
        json.dumps({"sha256": {"../../../outside/secret.json": "0" * 64}})
    ),
}
"""What is read as data, or not read by a prediction: all the same, nothing happens."""


CHECKED = {"weights are a link", "graph is a link", "pairs are a pipe", *HARMLESS}
"""Tricks with which the store is also checked and backed up, which read no file of a run but by its digest."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "folder").mkdir(parents=True)
    (folder / "secret.json").write_text(json.dumps({"format": SECRET, "key": SECRET}))
    (folder / "folder" / "secret.txt").write_text(SECRET)
    return folder


@pytest.mark.parametrize("name", [*REFUSED, *HARMLESS])
def test_a_trick_of_a_stranger_does_nothing(trained: Path, outside: Path, name: str) -> None:
    (folder,) = (trained / "runs").iterdir()
    (REFUSED | HARMLESS)[name](folder, outside)
    before = {path: path.stat().st_mtime_ns for path in outside.rglob("*")}
    begun = time.process_time()
    told = []
    for words in (
        ("predict", "--drug", DRUG, "--cell", LINE),
        ("runs", "promote", folder.name),
        *([("check",), ("backup", "kept")] if name in CHECKED else []),
    ):
        done = typed(*words)
        assert "Traceback" not in done.stderr and SECRET not in done.stdout + done.stderr, (words, done)
        told.append(done)
    assert time.process_time() - begun < 30
    if name in REFUSED and name != "attention is a link":
        one_line(told[0])
    if name == "attention is a link":
        one_line(told[1])
    assert {path: path.stat().st_mtime_ns for path in outside.rglob("*")} == before
    assert not list(trained.rglob(RAN)), "code of the folder was run"


def test_a_module_beside_the_store_is_not_taken_for_the_program_s(trained: Path) -> None:
    for name in ("yaml", "numpy", "typer", "sitecustomize"):
        (trained / f"{name}.py").write_text(f"open({RAN!r}, 'w')\n")
    program = Path(sys.executable).with_name("cli")
    done = subprocess.run([program, "status"], cwd=trained, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert trained != CHECKOUT and not (trained / RAN).exists()


@pytest.mark.parametrize("name", ["../../escaped", "..", "/tmp/escaped-run", "a/../../b"])
def test_a_backup_with_a_run_that_is_named_like_a_path_writes_nothing_outside(
    small: Path, tmp_path: Path, name: str
) -> None:
    backup = tmp_path / "theirs"
    (backup / "runs").mkdir(parents=True)
    shutil.copy(small, backup / "graph.lbug")
    payload = (backup / "runs" / name).resolve()
    with open_store(f"ladybug://{backup / 'graph.lbug'}") as store:
        drug, line = (store.read_nodes(kind, ["id"])["id"][:1] for kind in ("Drug", "CellLine"))
        predicted = pa.table({"src": drug, "dst": line, "probability": [0.5]})
        place = tmp_path / "made"
        runs.register(store, {"id": name, "preset": "fast"}, {}, predicted, folder=place)
    if payload.is_relative_to(tmp_path):
        payload.mkdir(parents=True, exist_ok=True)
        (payload / "payload.txt").write_text("theirs")
    digests.write(backup)
    words = ("restore", "theirs", "--store", "ladybug://in/new.lbug", "--runs", "in/deep/runs")
    assert "no name for a folder" in one_line(typed(*words))
    assert not list((tmp_path / "in").rglob("payload.txt"))
    assert "no name for a folder" in one_line(
        typed("backup", "ours", "--store", f"ladybug://{backup / 'graph.lbug'}")
    )
