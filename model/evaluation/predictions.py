"""Files of predictions, one Parquet file per model and fold; a file appears complete or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.evaluation.journal import digest
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.responses.measured import Responses


def prediction_file(folder: Path, key: Row, number: int, model: str) -> Path:
    """The file of a model's predictions of a fold; its name has a hash of plan, data and model."""
    return folder / f"{key['split']}-{number}-{Path(model).stem}-{digest([key, model])}.parquet"


def keep(
    file: Path, heterograph: Heterograph, test: Responses, target: np.ndarray, predicted: np.ndarray
) -> None:
    """Write the predictions of a fold, with no target where it is NaN; the file appears complete or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "drug": heterograph.names("Drug", test.drug),
            "cell_line": heterograph.names("CellLine", test.cell_line),
            "target": pa.array(target.astype(np.float64), mask=~np.isfinite(target)),
            "predicted": pa.array(predicted, mask=~np.isfinite(predicted)),
        }
    )
    unfinished = file.with_suffix(".unfinished")
    parquet.write_table(table, unfinished)
    unfinished.replace(file)
