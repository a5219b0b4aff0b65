"""The folder of a run: its files, the number of its format, and its training pairs; torch is not loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.folders import not_its_own
from pharmagraph.model.predictor.predictor import GENE_ATTENTION
from pharmagraph.model.predictor.reading import reading

CONFIG, WEIGHTS, PAIRS, GRAPH = "config.json", "weights.safetensors", "training_pairs.parquet", "graph"
FORMAT = 4
"""Number of the folder's format; raised when files or names of weights change. Folders of format 1 have no number."""

__all__ = [
    "CONFIG",
    "FORMAT",
    "GENE_ATTENTION",
    "GRAPH",
    "PAIRS",
    "WEIGHTS",
    "checked",
    "reading",
    "training_pairs",
]


def training_pairs(folder: Path) -> pa.Table:
    """The pairs that a run was fitted to: ``drug``, ``cell_line`` (ids), ``label`` (0 or 1), ``ln_ic50`` (ln µmol/l).

    Where any was censored also ``censored`` (above, below or null) and ``bound``; ``ln_ic50`` is then the expectation.

    Raises
    ------
    ModelError
        As `load_graph`.
    """
    checked(folder)
    with reading(folder / PAIRS):
        table = pq.read_table(folder / PAIRS)
        for name in ("drug", "cell_line", "label"):
            if not table.num_rows or table[name].null_count:
                raise ValueError(f"it holds no pairs, or some without {name}")
        if not pc.all(pc.is_finite(table["label"])).as_py():
            raise ValueError("a label is no finite number")
        return table


def checked(folder: Path) -> dict[str, Any]:
    """What is in a folder's ``config.json``, once its format and its files are those of a run that can be loaded."""
    if (other := not_its_own(folder)) is not None:
        raise ModelError(f"{other} is no file of the run's own; put a copy of the file in its place")
    if not (folder / CONFIG).is_file():
        raise ModelError(
            f"{folder} holds no trained run (no {CONFIG}); bring it back, or train again: cli train"
        )
    with reading(folder / CONFIG):
        about: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        found = about.get("format", 1)
        files = [folder / name for name in about["files"]] if found == FORMAT else []
        if not all(file.resolve().is_relative_to(folder.resolve()) for file in files):
            raise ValueError("it names a file outside of the folder")
    if found != FORMAT:
        newer = "update pharmagraph, or " if isinstance(found, int) and found > FORMAT else ""
        raise ModelError(
            f"{folder} was written in format {found} of a run's folder, this version reads format {FORMAT}; "
            f"{newer}train again: cli train"
        )
    for file in files:
        if not file.exists():
            raise ModelError(f"{folder} lacks {file.name}; bring it back, or train again: cli train")
    return about
