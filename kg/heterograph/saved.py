"""A heterograph in a folder and back: tensors as safetensors, ids as Parquet; both are read without this library."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.heterograph.arrays import NODES, TENSORS
from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation


def save(heterograph: Heterograph, folder: Path) -> None:
    """Write a heterograph into a folder, which is made where it is not there.

    ``graph.safetensors`` holds a tensor ``Drug/fingerprint`` for each feature of nodes, and ``Drug-TARGETS-Gene/src``,
    ``…/dst`` and ``…/dataset`` for the ends and each feature of edges; its metadata lists as JSON what cannot be read
    from these names. ``nodes.parquet`` has a row a node: ``kind`` and ``id``, in the order of the node numbers. It is
    put in place last: a folder whose writing was cut off holds the former graph or none, never half of each.
    """
    folders.make(folder)
    tensors = {
        f"{kind}/{name}": values
        for kind, features in heterograph.nodes.items()
        for name, values in features.items()
    }
    for edge_type, relation in heterograph.relations.items():
        columns = {"src": relation.src, "dst": relation.dst, **relation.features}
        tensors |= {f"{_key(edge_type)}/{name}": values for name, values in columns.items()}
    about = {
        "edge_types": list(heterograph.relations),
        "kinds": list(heterograph.ids),
        "datasets": heterograph.datasets,
        "tissues": heterograph.tissues,
    }
    arrays = {name: np.ascontiguousarray(values.numpy()) for name, values in tensors.items()}
    new_tensors, new_nodes = (folder / f".{name}.new" for name in (TENSORS, NODES))
    try:
        save_file(arrays, new_tensors, metadata={k: json.dumps(v) for k, v in about.items()})
    except SafetensorError as error:  # as on a full disk
        new_tensors.unlink(missing_ok=True)
        raise InputError(f"cannot write {folder} ({error}); free space or change folder") from None
    kinds = [kind for kind, ids in heterograph.ids.items() for _ in ids]
    ids = [str(id_) for of_kind in heterograph.ids.values() for id_ in of_kind]
    table = pa.table({"kind": pa.array(kinds, pa.string()), "id": pa.array(ids, pa.string())})
    pq.write_table(table, new_nodes)
    shutil.copymode(new_nodes, new_tensors)  # the writer of tensors lets nobody else read them
    (folder / NODES).unlink(missing_ok=True)
    new_tensors.replace(folder / TENSORS)
    new_nodes.replace(folder / NODES)


def load(folder: Path) -> Heterograph:
    """Read what `save` wrote.

    Raises
    ------
    InputError
        If the folder does not hold both files, a file is damaged, or DGL wrote the folder.
    """
    if (folder / "graph.bin").is_file() and not (folder / TENSORS).is_file():
        raise InputError(
            f"{folder} holds its graph in DGL's form (graph.bin), which runs no longer have; "
            "train again: cli train, or export again: cli export heterograph"
        )
    if not (folder / TENSORS).is_file() or not (folder / NODES).is_file():
        raise InputError(
            f"{folder} holds no saved heterograph ({TENSORS} and {NODES}); make one with: cli export heterograph"
        )
    try:
        return _read(folder)
    except (SafetensorError, pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        why = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise InputError(
            f"{folder} holds a damaged heterograph ({why}); export it again: cli export heterograph"
        ) from None


def _read(folder: Path) -> Heterograph:
    with safe_open(folder / TENSORS, framework="pt") as file:
        about = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    table = pq.read_table(folder / NODES)

    def features(key: str) -> dict[str, Tensor]:
        return {n.removeprefix(f"{key}/"): values for n, values in tensors.items() if n.startswith(f"{key}/")}

    ids = {
        kind: np.array(table["id"].filter(pc.equal(table["kind"], kind)).to_pylist(), dtype=object)
        for kind in about["kinds"]
    }
    relations = {}
    for edge_type in map(tuple, about["edge_types"]):
        columns = features(_key(edge_type))
        relations[edge_type] = Relation(columns.pop("src"), columns.pop("dst"), columns)
    nodes = {kind: features(kind) for kind in about["kinds"]}
    return Heterograph(ids, nodes, relations, tuple(about["datasets"]), tuple(about["tissues"]))


def _key(edge_type: EdgeType) -> str:
    return "-".join(edge_type)
