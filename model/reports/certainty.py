"""Makes `docs/certainty.md` from the rows in `docs/certainty.json`.

``python -m pharmagraph.model.reports.certainty`` prints the page;
``python -m pharmagraph.model.reports.certainty add ROWS.json "COMMAND" ["PART"]`` adds rows that
`cli evaluate-certainty --out ROWS.json` wrote, with the command and the machine; PART says, in words, of which part of
the data they are, where it is not all.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pharmagraph.kg.provenance import git_fingerprint
from pharmagraph.model.evaluation.certainty_figures import means
from pharmagraph.model.reports.measured import NOT_RUN, table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "certainty.json"

DATASETS = {"nci60": "classification", "GDSC1": "regression", "GDSC2": "regression"}
SPLITS = ("random", "unseen-drug", "unseen-cell", "unseen-both", "unseen-tissue")

GOALS = """\
| figure | goal |
|---|---|
| coverage at 90%, random pairs | 0.88 to 0.92 |
| coverage at 90%, unseen drugs, cell lines, tissues | 0.87 to 0.93 |
| least coverage at 90% within a tissue and within thirds of potency | 0.84 |
| mean width at 90%, over that of the random forest | 0.9 |
| error of the flagged tenth, over that of the rest | 2 |
| expected calibration error, random and unseen | 0.01 and 0.03 |
"""

_ABOUT = """\
# How sure predictions are

`python -m pharmagraph.model.reports.certainty` prints this page from `certainty.json`, which holds the rows with the
command and machine that made them. How intervals are made: [decisions/certainty.md](decisions/certainty.md).

An interval at 90% should hold 90% of the responses that are measured later. Figures are of pairs that were held out of
training and of calibration, means over folds. A third of potency is a third of the held-out pairs by their measured
ln IC50, the most potent first; the least tissue is the one with the lowest coverage, of those with 50 pairs or more.
`flagged-error` is the mean absolute error of the tenth with the widest intervals, over that of the rest. `answered-50%`
leaves all but the surest half of the pairs out. `random-forest` is the usual recipe: split conformal intervals whose
errors are scaled by a second forest.

## Goals

"""


def markdown(document: dict[str, Any]) -> str:
    """The page of a document of measurements; what was not run says so."""
    text = _ABOUT + GOALS
    there = set()
    for measurement in document["measurements"]:
        rows = measurement["rows"]
        first = rows[0]
        part = measurement.get("part")
        if part is None:
            there.add((first["dataset"], first["split"]))
        n_folds = len({row["fold"] for row in rows})
        found = means(rows)
        models = list(found[0])[2:]
        body = [[row["metric"], row["grouping"], *(_figure(row[model]) for model in models)] for row in found]
        text += (
            f"\n## {first['dataset']}, {first['split']}, {first['task']}{f': {part}' if part else ''}\n\n"
            f"`{measurement['command']}`\n({measurement['commit']}, {measurement['machine']}; folds: {n_folds})\n\n"
            + table(["figure", "of", *models], body)
        )
    missing = [
        f"- {dataset}, {split}, {task}: {NOT_RUN}"
        for dataset, task in DATASETS.items()
        for split in SPLITS
        if (dataset, split) not in there
    ]
    return text + ("\n## Not run\n\n" + "\n".join(missing) + "\n" if missing else "")


def _figure(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def add(document: dict[str, Any], rows: list[dict[str, Any]], command: str, part: str | None = None) -> None:
    """Put a measurement in, in place of one of the same command; ``part`` names a part of the data."""
    kept = [m for m in document["measurements"] if m["command"] != command]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    kept.append(
        {"command": command, "commit": git_fingerprint(), "machine": machine, "part": part, "rows": rows}
    )
    document["measurements"] = kept


def main(arguments: Sequence[str]) -> None:
    """Print the page, or add rows to the JSON file."""
    document = json.loads(PAGE.read_text()) if PAGE.exists() else {"measurements": []}
    if not arguments:
        print(markdown(document), end="")
        return
    if len(arguments) not in {3, 4} or arguments[0] != "add":
        raise SystemExit('give nothing, or: add ROWS.json "COMMAND" ["PART"]')
    add(document, json.loads(Path(arguments[1]).read_text()), *arguments[2:])
    unfinished = PAGE.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(document, indent=1) + "\n")
    unfinished.replace(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
