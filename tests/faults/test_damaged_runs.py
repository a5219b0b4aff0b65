"""A run's folder that was damaged or exchanged is one line that names the file; nothing is promoted or lost by it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pharmagraph.kg import runs
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed
from tests.faults.conftest import one_line

DRUG, LINE = "SYNTHETICDRUG0001", "SYNTHETICLINE0001"


@pytest.fixture
def folder(trained: Path) -> Path:
    """The run's folder."""
    (found,) = (trained / "runs").iterdir()
    return found


def config(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        about = json.loads((folder / "config.json").read_text())
        change(about)
        (folder / "config.json").write_text(json.dumps(about))

    return damage


def content(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:300]) and None


def weights(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        state = load_file(folder / "weights.safetensors")
        change(state)
        save_file(state, folder / "weights.safetensors")

    return damage


def pairs(column: str, value: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "training_pairs.parquet"
        table = pq.read_table(path)
        at = table.column_names.index(column)
        values = [value] * table.num_rows
        pq.write_table(table.set_column(at, column, pa.array(values, table.schema.field(column).type)), path)

    return damage


def no_pairs(folder: Path) -> None:
    path = folder / "training_pairs.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)


def all_nan(state: dict[str, Any]) -> None:
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = torch.full_like(tensor, float("nan"))


def not_numbers(name: str) -> Callable[[Path], None]:
    """NaN in every float of a file, whose metadata stay."""

    def damage(folder: Path) -> None:
        with safe_open(folder / name, framework="pt") as file:
            about = file.metadata()
        state = load_file(folder / name)
        all_nan(state)
        save_file(state, folder / name, metadata=about)

    return damage


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "empty": ("config.json", content("config.json", b"")),
    "cut": ("config.json", cut("config.json")),
    "a list": ("config.json", content("config.json", b"[1]")),
    "nothing": ("runs/", content("config.json", b"{}")),
    "no scale": ("config.json", config(lambda about: about.pop("scale"))),
    "option": ("config.json", config(lambda about: about["config"].update(nonsense=1))),
    "range": ("config.json", config(lambda about: about["config"]["training"].update(epochs=-3))),
    "no members": ("config.json", config(lambda about: about.update(members=[]))),
    "task": ("config.json", config(lambda about: about["scale"].update(task="../../x"))),
    "weights empty": ("weights.safetensors", content("weights.safetensors", b"")),
    "weights cut": ("weights.safetensors", cut("weights.safetensors")),
    "weights random": ("weights.safetensors", content("weights.safetensors", bytes(range(256)) * 20)),
    "weights nan": ("weights.safetensors", weights(all_nan)),
    "weights more": ("weights.safetensors", weights(lambda state: state.update(extra=torch.ones(2)))),
    "pairs CSV": ("training_pairs.parquet", content("training_pairs.parquet", b"a,b\n")),
    "pairs gone": ("training_pairs.parquet", lambda folder: (folder / "training_pairs.parquet").unlink()),
    "pairs unknown": ("training_pairs.parquet", pairs("drug", "NOSUCH")),
    "pairs null": ("training_pairs.parquet", pairs("drug", None)),
    "pairs none": ("training_pairs.parquet", no_pairs),
    "labels": ("training_pairs.parquet", pairs("label", float("inf"))),
    "graph cut": ("graph", cut("graph/graph.safetensors")),
    "nodes cut": ("graph", cut("graph/nodes.parquet")),
    "graph nan": ("graph", not_numbers("graph/graph.safetensors")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_one_line_that_names_the_file(folder: Path, name: str) -> None:
    file, damage = DAMAGES[name]
    damage(folder)
    for words in (("predict",), ("explain", "--silence", "SYNTHETICG00001")):
        told = one_line(typed(*words, "--drug", DRUG, "--cell", LINE))
        assert file in told


@pytest.mark.parametrize("damage", [not_numbers("certainty.safetensors"), cut("certainty.safetensors")])
def test_a_damaged_certainty_is_one_line_that_names_the_file(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder)
    assert "certainty.safetensors" in one_line(typed("predict", "--drug", DRUG, "--cell", LINE))


def test_whoever_reads_the_folder_may_read_the_weights(folder: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert set(modes.values()) == {modes["config.json"]}, modes


@pytest.fixture
def attention(folder: Path) -> Iterator[Path]:
    """The attention of drugs to genes; at the end the run is still the promoted one."""
    yield folder / "attention" / "Drug-Gene.parquet"
    with open_store(f"ladybug://{folder.parents[1] / 'pharmagraph.lbug'}", read_only=True) as store:
        assert [run["promoted"] for run in runs.runs(store)] == [True]


def column(name: str, values: Callable[[int], list[Any]]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(
        table.column_names.index(name), name, pa.array(values(table.num_rows))
    )


@pytest.mark.parametrize(
    "change",
    [
        column("weight", lambda n: ["x"] * n),
        column("weight", lambda n: [-5.0] * n),
        column("weight", lambda n: [1e300] * n),
        column("weight", lambda n: [float("nan")] * n),
        column("weight", lambda n: [None] * n),
        lambda table: table.drop_columns(["weight"]),
        lambda table: pa.concat_tables([table, table]),
        column("src", lambda n: [""] * n),
        lambda table: column("src", lambda n: ["", *table["src"].to_pylist()[1:]])(table),
        column("src", lambda n: [1] * n),
    ],
    ids=["text", "below", "large", "nan", "null", "missing", "doubled", "nobody", "one nobody", "number"],
)
def test_attention_that_is_none_is_refused_before_the_first_write(
    attention: Path, change: Callable[[pa.Table], pa.Table]
) -> None:
    pq.write_table(change(pq.read_table(attention)), attention)
    assert "Drug-Gene.parquet" in one_line(typed("runs", "promote", attention.parents[1].name))


def test_attention_of_another_relation_or_run_is_refused(attention: Path) -> None:
    own = attention.read_bytes()
    attention.write_bytes((attention.parent / "CellLine-Gene.parquet").read_bytes())
    assert "another run or relation" in one_line(typed("runs", "promote", attention.parents[1].name))
    attention.write_bytes(own)
    noted = pq.read_table(attention)
    pq.write_table(noted.replace_schema_metadata({b"pharmagraph.run": b"another"}), attention)
    assert "another run or relation" in one_line(typed("runs", "promote", attention.parents[1].name))
