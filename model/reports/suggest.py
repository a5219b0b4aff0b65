"""Makes `docs/suggest.md` and its picture from a folder of `cli suggest --replay --folder FOLDER`.

``python -m pharmagraph.model.reports.suggest FOLDER`` writes the rows to `docs/suggest.json`, and the page and the
picture beside it; without a folder it makes both anew from that file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.reports.kept_rows import of_page
from pharmagraph.model.reports.measured import table
from pharmagraph.model.reports.replay_folder import OTHERWISE, Replayed, summary

DOCS = Path(__file__).resolve().parents[2] / "docs"

GOAL = 0.6
"""Share of the measurements of random choice."""

_ABOUT = """\
# What to test next

`python -m pharmagraph.model.reports.suggest FOLDER` writes this page from a folder that `cli suggest --replay --folder
FOLDER` filled. How to get a plate: [guide.md](guide.md#what-to-test-next).

A screen that was made long ago is hidden and asked for in rounds, as a laboratory would. Each way of asking starts
with the same few random pairs. A fifth of the pairs, the judged pairs, is never asked for; R² is that of their
predictions, all together (for classes, of predicted values against 0 and 1). Every seed draws its own drugs, cell
lines, judged pairs and first pairs; intervals (95%) resample seeds, so with two or three seeds they tell little more
than the range between these. "Measurements for random choice's end" is the share of all measurements after which a
way reaches the R² that random choice has at the end. It is read off the mean curves over seeds, since single curves
are flat and rough there.

**Only the Gaussian process is fitted in a replay**, anew after every round, by its marginal likelihood
(`model/suggest/process.py`). It reads the same similarities of structures and cell lines as the network's process. A
plate by `cli suggest` is chosen by the process of the run, which is not fitted anew.

- `gain` takes the pair that takes most from the summed variance of all pairs of the screen, given those chosen before.
- `diverse` takes the pair that is least sure given those chosen before it: the likeliest batch of a determinantal point
  process, by greedy steps.
- `uncertainty` takes the pairs that are least sure, whatever the others of the batch tell.
- `random` draws.

**Goals:** `gain` reaches what random choice reaches at the end with at most 60% of its measurements, and is nowhere
worse than `uncertainty` alone.

**What was tried, on single slices.** A scale of its own for each drug, as the network's process has it, misled the
first choices: it cannot be learned from a few responses of a drug, so the replay's process has none. Variance over
all drugs and cell lines in place of the pairs of the screen was worse where few pairs were measured (NCI-60). Weights
of drugs by their leave-one-out residuals, drawn towards 1, chose better in the first two rounds and worse in the last
ones (GDSC1, five slices of 40 × 100). What a pair tells of itself, left out of its gain, and all pairs in place of a
thousand in the sum changed nothing that three slices agree on. Nor did the process with weights that were fitted to the
whole screen: to know the kernels is not what is missing. Where `gain` misses the goal its lead is early: once each drug
and cell line has a few responses, curves flatten, and a pair that is left tells about as much as any other.

![R² by measurements, for every way of asking](suggest.svg)

*Means over seeds; bands reach from the lowest to the highest seed. The dashed line is what random choice reaches at the
end.*
"""


def markdown(replays: Sequence[Replayed]) -> str:
    """The page."""
    text = _ABOUT + "\n## Summary\n\n" + table(["data set", "goal", "reached"], _verdicts(replays))
    for replayed in replays:
        text += _section(replayed)
    return text


def title(about: Mapping[str, Any]) -> str:
    """Data set, what was there before, and task."""
    after = f" after {about['known']}" if about["known"] else ""
    return f"{about['dataset']}{after}, {about['task']}"


def _verdicts(replays: Sequence[Replayed]) -> list[list[str]]:
    rows = []
    for replayed in replays:
        of_gain = next(row for row in summary(replayed["rows"]) if row["by"] == "gain")
        share, more = of_gain["share"], of_gain["over uncertainty"]
        name = title(replayed["about"])
        reached = "yes" if share is not None and share <= GOAL else "no"
        rows.append(
            [name, f"at most {GOAL:.0%} of random choice's measurements", f"{reached}: {_percent(share)}"]
        )
        held = "yes" if more >= 0 or (of_gain["to"] or 0) >= 0 else "no"
        rows.append([name, "no worse than uncertainty alone", f"{held}: mean R² {more:+.3f}"])
    return rows


def _section(replayed: Replayed) -> str:
    about, rows = replayed["about"], replayed["rows"]
    seeds = sorted({row["seed"] for row in rows})
    drawn = (
        f"{about['slice'][0]} drugs × {about['slice'][1]} cell lines drawn" if about["slice"] else "all of it"
    )
    text = f"\n## {title(about)}\n\n"
    text += "".join(
        f"`{one['command']}`\n({one['commit']}, {one['machine']})\n\n" for one in replayed["commands"]
    )
    text += (
        f"{drawn}, {about['start']} random pairs and then {about['rounds']} rounds of {about['batch']}; "
        f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}.\n\n"
    )
    body = [
        [
            row["by"], _figure(row["r2"]), _percent(row["share"]), _ends(row["low"], row["high"], _percent),
            _figure(row["area"]), f"{row['over uncertainty']:+.3f}", _ends(row["from"], row["to"], "{:+.3f}".format),
        ]
        for row in summary(rows)
    ]  # fmt: skip
    head = [
        "asked by", "R² at the end", "measurements for random choice's end", "interval", "mean R²",
        "more than uncertainty", "interval",
    ]  # fmt: skip
    text += table(head, body) + "\n"
    ways = list(dict.fromkeys(row["by"] for row in rows))
    measured = sorted({row["measured"] for row in rows})
    curve = [[f"{n:,}", *(_figure(_mean(rows, way, n)) for way in ways)] for n in measured]
    return text + table(["R² after measurements", *ways], curve)


def _mean(rows: Sequence[Mapping[str, Any]], way: str, measured: int) -> float:
    return float(np.mean([row["r2"] for row in rows if row["by"] == way and row["measured"] == measured]))


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _percent(value: float | None) -> str:
    return f"{value:.0%}" if value is not None else "not reached"


def _ends(low: float | None, high: float | None, shown: Any) -> str:
    if low is None:
        return "–"
    return f"{shown(low)} to {shown(high)}" if high is not None else f"from {shown(low)}, or not reached"


def write_picture(path: Path, replays: Sequence[Replayed]) -> None:
    """Write an SVG with a panel a replay: R² by measurements."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    colours = {"random": "0.5", "uncertainty": "C1", "diverse": "C2", "gain": "C0"}
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "suggest", "font.size": 8}):
        figure = Figure(figsize=(3.4 * len(replays), 3.4), layout="constrained")
        panels = figure.subplots(1, len(replays), squeeze=False)[0]
        for axes, replayed in zip(panels, replays, strict=True):
            rows = replayed["rows"]
            for way in dict.fromkeys(row["by"] for row in rows):
                measured = sorted({row["measured"] for row in rows})
                values = [[r["r2"] for r in rows if r["by"] == way and r["measured"] == n] for n in measured]
                axes.plot(measured, [np.mean(v) for v in values], color=colours[way], label=way)
                low, high = [min(v) for v in values], [max(v) for v in values]
                axes.fill_between(measured, low, high, color=colours[way], alpha=0.12, linewidth=0)
            axes.axhline(_mean(rows, "random", measured[-1]), color="0.5", linestyle="--", linewidth=0.8)
            axes.set_title(title(replayed["about"]))
            axes.set_xlabel("measurements")
        panels[0].set_ylabel("R² of the judged pairs")
        panels[0].legend(frameon=False, loc="lower right")
        figure.savefig(path, format="svg", metadata={"Date": None})


def main(arguments: Sequence[str]) -> None:
    """Write the page, the picture and, of a folder, the rows."""
    page = DOCS / "suggest.md"
    replays = of_page(arguments, page, what="a replay", otherwise=OTHERWISE)
    page.write_text(markdown(replays))
    write_picture(DOCS / "suggest.svg", replays)


if __name__ == "__main__":
    main(sys.argv[1:])
