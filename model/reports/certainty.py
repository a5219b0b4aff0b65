"""Makes `docs/certainty.md` and its picture from a folder of `cli evaluate-certainty --folder FOLDER`.

``python -m pharmagraph.model.reports.certainty FOLDER`` writes the rows to `docs/certainty.json`, and the page and the
picture beside it; without a folder it makes both anew from that file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pharmagraph.model.evaluation.certainty_figures import DISTANCES, means
from pharmagraph.model.evaluation.plan import Row
from pharmagraph.model.reports.certainty_folder import OTHERWISE, Measurement
from pharmagraph.model.reports.certainty_picture import write_picture
from pharmagraph.model.reports.kept_rows import of_page
from pharmagraph.model.reports.measured import NOT_RUN, table

DOCS = Path(__file__).resolve().parents[2] / "docs"

DATASETS = {
    "GDSC1": ("regression", "classification"),
    "GDSC2": ("regression", "classification"),
    "nci60": ("classification",),
}
"""Data set → what can be predicted of it: NCI-60 as published has classes alone."""
SPLITS = ("random", "unseen-drug", "unseen-cell", "unseen-both", "unseen-tissue")

_ABOUT = """\
# How sure predictions are

`python -m pharmagraph.model.reports.certainty FOLDER` writes this page from a folder that `cli evaluate-certainty
--folder FOLDER` filled. How intervals are made: [decisions/certainty.md](decisions/certainty.md).

An interval at 90% should hold 90% of the responses that are measured later. Here every figure is of pairs that were
held out of training and of calibration. Coverage is the share of these pairs that their intervals held. Figures are
means over folds.

**The intervals of a new drug hold or fail together.** A structure tells least about how potent a drug is on the whole,
and an error in that is an error for every cell line. Coverage is an average over new drugs: most get nearly all of
their pairs held, a few get hardly any. "Drugs with half of their pairs held" tells how many are served.

**For classes** coverage is that of the answers: the share of pairs whose class `answer` does not rule out. An answer
never rules out the likelier class, so at low levels coverage is the accuracy. The calibration error is the mean
distance between stated probability and share of sensitive pairs, over tenths of the probability.

**Goals:** coverage at 90% from 0.88 to 0.92 for random pairs, from 0.87 to 0.93 for unseen drugs, cell lines and
tissues; expected calibration error at most 0.01 for random pairs and 0.03 for unseen ones; the error of the tenth of
the pairs with the widest intervals at least twice that of the rest; intervals at most 0.9 times as wide as those of
`random-forest`, the usual recipe in the same folds: split conformal intervals on a random forest, normalised by a
second forest (Lei et al., 2018).

**What a flag could reach.** The width of its interval flags a pair as uncertain. "A flag that knows the errors of drugs
and lines" ranks pairs by factors of drugs and of cell lines that are fitted to the held-out errors themselves, which no
prediction can know. Where even this flag hardly reaches a ratio of two, no flag made of a factor a drug and one a cell
line reaches the goal. For unseen drugs it shows what it would be worth to know how potent a new drug is on the whole,
which its structure does not tell. A row of ln IC50 with a dash in this column was measured before the column was added;
its intervals of unseen drugs, cell lines and tissues are wider than those made today.

![Stated and held shares; error and width by distance to training; error of the surest pairs](certainty.svg)

*Left: intervals that hold as often as stated lie on the diagonal; for classes, the share of sensitive pairs by
calibrated probability. Middle: mean absolute error (solid) and width (dashed) by quarters of distance to training.
Right: error, or share of wrong classes, of the surest pairs by the share that is answered.*
"""

_BY = {
    "drugs": "mean over drugs",
    "third-1": "most potent third (by measurement)",
    "third-2": "middle third",
    "third-3": "least potent third",
}


def markdown(measurements: Sequence[Measurement]) -> str:
    """The page; what was not run says so."""
    text, there = _ABOUT + _summary(measurements), set()
    for measurement in measurements:
        first = measurement["rows"][0]
        if not measurement["part"]:
            there.add((first["dataset"], first["split"], first["task"]))
        text += _section(measurement)
    missing = [
        f"- {dataset}, {', '.join(splits)} ({task}), all of the data: {NOT_RUN}"
        for dataset, tasks in DATASETS.items()
        for task in tasks
        if (splits := [split for split in SPLITS if (dataset, split, task) not in there])
    ]
    return text + ("\n## Not run\n\n" + "\n".join(missing) + "\n" if missing else "")


def title(measurement: Measurement) -> str:
    """Data set, split and task."""
    first = measurement["rows"][0]
    return f"{first['dataset']}, {first['split']}, {first['task']}"


def figures(measurement: Measurement) -> dict[tuple[str, str], Mapping[str, float]]:
    """(metric, grouping) → model → mean over folds."""
    return {
        (row["metric"], row["grouping"]): {k: v for k, v in row.items() if k not in {"metric", "grouping"}}
        for row in means(measurement["rows"])
    }


def _summary(measurements: Sequence[Measurement]) -> str:
    rows = []
    for measurement in measurements:
        found, first = figures(measurement), measurement["rows"][0]
        for model in found["coverage-90", "pooled"]:
            cells = [
                found.get((metric, grouping), {}).get(model)
                for metric, grouping in (
                    ("coverage-50", "pooled"), ("coverage-80", "pooled"), ("coverage-90", "pooled"),
                    ("width-90", "pooled"), ("half-covered", "drugs"), ("flagged-error", "pooled"),
                    ("flagged-error-known", "pooled"), ("coverage-90", "unlike"),
                )
            ]  # fmt: skip
            cells.append(_calibration_error(measurement["rows"], model))
            n_folds = len({row["fold"] for row in measurement["rows"] if row["model"] == model})
            of = [first["dataset"], measurement["part"] or "all", first["split"], first["task"], model]
            rows.append([*of, str(n_folds), *map(_figure, cells)])
    head = [
        "data set", "part of it", "held out", "task", "model", "folds", "coverage at 50%", "80%", "90%",
        "width at 90% (ln µmol/l)", "drugs with half of their pairs held",
        "error of the widest tenth over that of the rest",
        "the same by a flag that knows the errors of drugs and lines",
        "90% where called unlike training", "calibration error",
    ]  # fmt: skip
    return "\n## Summary\n\n" + table(head, rows)


def _calibration_error(rows: Sequence[Row], model: str) -> float | None:
    """Expected calibration error of the pairs of all folds together; None in regression."""
    sums: dict[str, dict[str, float]] = {"sensitive": {}, "probability": {}}
    for row in rows:
        if row["model"] == model and row["metric"] in sums:
            of_bins = sums[row["metric"]]
            of_bins[row["grouping"]] = of_bins.get(row["grouping"], 0.0) + row["n"] * row["value"]
    n = sum(row["n"] for row in rows if row["model"] == model and row["metric"] == "sensitive")
    apart = sum(abs(sums["sensitive"][of_bin] - sums["probability"][of_bin]) for of_bin in sums["sensitive"])
    return apart / n if n else None


def _section(measurement: Measurement) -> str:
    rows, found, part = measurement["rows"], figures(measurement), measurement["part"]
    models = list(found["coverage-90", "pooled"])
    of_first = [row for row in rows if row["model"] == models[0]]
    n_folds = len({row["fold"] for row in of_first})
    n_pairs = sum(
        row["n"] for row in of_first if row["metric"] == "coverage-90" and row["grouping"] == "pooled"
    )
    text = f"\n## {title(measurement)}{f': {part}' if part else ''}\n\n"
    text += "".join(
        f"`{one['command']}`\n({one['commit']}, {one['machine']})\n\n" for one in measurement["commands"]
    )
    text += f"{n_pairs:,} held-out pairs in {n_folds} fold{'s' if n_folds > 1 else ''}.\n\n"
    parts = [(words, found.get(("coverage-90", grouping))) for grouping, words in _BY.items()]
    tissues = {
        g.removeprefix("tissue "): v
        for (m, g), v in found.items()
        if m == "coverage-90" and g[:7] == "tissue "
    }
    body = [[words, *(_figure(values.get(model)) for model in models)] for words, values in parts if values]
    for name in _ends(tissues, models[0]):
        body.append([f"tissue {name}", *(_figure(tissues[name].get(model)) for model in models)])
    text += table(["coverage at 90% by", *models], body) + "\n"
    for words, metric, groupings in (
        ("error of the surest (rmse, ln µmol/l)", "rmse-answered", None),
        ("accuracy of the surest", "accuracy-answered", None),
    ):
        of_metric = {g: v for (m, g), v in found.items() if m == metric and groupings is None}
        if of_metric:
            body = [
                [g.removeprefix("answered-"), *(_figure(v.get(m)) for m in models)]
                for g, v in of_metric.items()
            ]
            text += table([words, *models], body) + "\n"
    return text.rstrip("\n") + "\n" + _by_distance(found, models[0])


def _by_distance(found: Mapping[tuple[str, str], Mapping[str, float]], model: str) -> str:
    names = {f"distance-{n + 1}": f"quarter {n + 1}" for n in range(DISTANCES)}
    names |= {"not unlike": "not called unlike training", "unlike": "called unlike training"}
    body = [
        [
            words,
            *(
                _figure(found.get((m, grouping), {}).get(model))
                for m in ("distance", "coverage-90", "error", "width-90")
            ),
        ]
        for grouping, words in names.items()
        if ("distance", grouping) in found
    ]
    if not body:
        return ""
    return "\n" + table(
        ["by distance to training", "mean distance", "coverage at 90%", "mean error", "width"], body
    )


def _ends(tissues: Mapping[str, Mapping[str, float]], model: str) -> list[str]:
    """The two tissues with the lowest coverage and the one with the highest."""
    order = sorted(
        (name for name in tissues if model in tissues[name]), key=lambda name: tissues[name][model]
    )
    return list(dict.fromkeys([*order[:2], *order[-1:]]))


def _figure(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def main(arguments: Sequence[str]) -> None:
    """Write the page, the picture and, of a folder, the rows."""
    page = DOCS / "certainty.md"
    measurements = of_page(arguments, page, what="an evaluation", otherwise=OTHERWISE)
    page.write_text(markdown(measurements))
    write_picture(DOCS / "certainty.svg", [(title(one), figures(one)) for one in measurements])


if __name__ == "__main__":
    main(sys.argv[1:])
