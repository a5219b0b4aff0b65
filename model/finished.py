"""Files of an evaluation: finished folds, a JSON object a line, and predictions as Parquet; both bear being cut off."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from kg.heterograph import Heterograph
from model.plans import Row
from model.responses import Responses


def prediction_file(folder: Path, key: Row, number: int, model: str) -> Path:
    """Where the predictions of a model on a fold lie; another plan or other data, another file."""
    return folder / f"{key['split']}-{number}-{Path(model).stem}-{digest([key, model])}.parquet"


def digest(value: Any) -> str:
    """Eight characters that differ where plans, data or models do."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def keep(
    file: Path, heterograph: Heterograph, test: Responses, target: np.ndarray, predicted: np.ndarray
) -> None:
    """Write predictions, whole or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "drug": pa.array(heterograph.ids["Drug"][test.drug], pa.string()),
            "cell_line": pa.array(heterograph.ids["CellLine"][test.cell_line], pa.string()),
            "target": target.astype(np.float64),
            "predicted": pa.array(predicted, mask=~np.isfinite(predicted)),
        }
    )
    unfinished = file.with_suffix(".unfinished")
    parquet.write_table(table, unfinished)
    unfinished.replace(file)


def entries(path: Path | None, key: Row | None = None) -> list[Row]:
    """The last word on each fold and model in a file, of one plan or of all.

    A model that was fitted again, since its preset changed, wrote over its predictions: what was said before is of none
    that are still there. The line that was being written at the end is none.
    """
    found: dict[str, Row] = {}
    if path is None or not path.is_file():
        return []
    wanted = json.loads(json.dumps(key))
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if key is None or entry["of"] == wanted:
            found[json.dumps([entry["of"], entry["fold"], entry["model"]], sort_keys=True)] = entry
    return list(found.values())


def append(path: Path | None, entry: Row) -> None:
    """Add a finished fold at once."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("\n" if path.stat().st_size and not path.read_text().endswith("\n") else "")
        file.write(json.dumps(entry) + "\n")
