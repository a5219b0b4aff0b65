"""Makes docs/scale.md and docs/scale.svg of the rows in docs/scale.json; it measures nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.ladybug.fill import COPIES
from pharmagraph.kg.ladybug.size import DISK_OF_EDGE

BILLION = 1e9
TITLES = {
    "ingest": ("Load", "cli ingest synthetic --density"),
    "export": ("Export", "cli export arrays"),
}
_FIGURES = ("seconds", "processor", "peak_mb", "base_mb", "disk_mb")

PAGE = """\
# How large a graph can be

What it costs to load and to export a large graph on one machine: measured at the sizes of the tables, and computed from
them for a billion edges. `python -m benchmarks.scale` writes this page.

<!-- not run on this page: such a graph takes hours -->

    cli ingest synthetic --drugs 4500 --cells 10000 --genes 66000 --density 0.9 --share 0.05 --store ladybug://large.lbug
    cli export arrays large-arrays --store ladybug://large.lbug

The first command makes a screen of any size from a seed, block by block. Its degrees are like those of graphs of real
screens: a few drugs have many targets, a few genes have many partners, every node is joined to its most similar ones,
and the share `--density` of all pairs of a drug and a cell line is tested. Each block is checked by the contracts
of every load. The command refuses to begin where the disk or the memory is too small, and says what it would need.

The second command writes each relation as arrays by destination, which are mapped into memory and not loaded:
`indptr.npy`, `source.npy`, `edge.npy` (ids) and one file a feature, with sizes and digests in `manifest.json`. The
docstring of `pharmagraph.kg.heterograph.mapped` has their layout, and its function `open_arrays` opens them.

## Measured

{machines}
Each case is a process of its own. Peak MB is the resident memory of the whole process in 10^6 bytes, of which {base} MB
were there before the work. Seconds are those of the clock; processor s are those of all cores together. Numbers of
drugs, cell lines and genes grow alike, so edges grow with their square.

{tables}
![Seconds and peak memory by edges, on logarithmic axes](scale.svg)

## Computed, not measured: a billion edges

Time is a straight line through the logarithms of the measured sizes: time = a · edges^b. Memory and disk are straight
lines in the number of edges itself. None of the figures in the last two columns was measured; {reach}
A power below 1 comes from work that takes the same time at every size; beyond the measured sizes the proportion is the
better guess then.

Where other work took a changing share of the machine, go by processor time: the line by the clock is distorted by
that work. The time of a load is a lower bound: a COPY has {copy:,} edges at most on this machine, so a relation of more
than {copies:,} is rewritten more often than those that were measured.

{fits}
## Sizing

{sizing}
## Not run

- A billion edges, or any size that is not in the tables above: not run.
- Training on several GPUs or on several machines: not run.
- A cluster of Neo4j servers: not run. `--density` fills embedded stores alone; `cli copy` takes a graph to a server.
"""


@dataclass(frozen=True)
class Fit:
    """A line through measured points: ``value = a · edges^b``."""

    a: float
    b: float

    def at(self, edges: float) -> float:
        """The value for a number of edges."""
        return self.a * edges**self.b


def power(edges: Sequence[float], values: Sequence[float]) -> Fit:
    """Least squares on logarithms; two points or more."""
    b, log_a = np.polyfit(np.log(edges), np.log(values), 1)
    return Fit(float(np.exp(log_a)), float(b))


def line(edges: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Intercept and slope by least squares."""
    slope, intercept = np.polyfit(edges, values, 1)
    return float(intercept), float(slope)


def medians(rows: Iterable[Mapping[str, Any]], case: str) -> list[dict[str, float]]:
    """One row a size, with the medians over rounds."""
    of = [row for row in rows if row["case"] == case]
    return [
        {
            "edges": statistics.median(row["edges"] for row in of if row["size"] == size),
            "largest": statistics.median(row["largest"] for row in of if row["size"] == size),
            "rounds": sum(row["size"] == size for row in of),
            **{name: statistics.median(row[name] for row in of if row["size"] == size) for name in _FIGURES},
            "largest_mb": statistics.median(row.get("largest_mb", 0) for row in of if row["size"] == size),
        }
        for size in sorted({row["size"] for row in of})
    ]


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The text of docs/scale.md."""
    cases = {case: medians(rows, case) for case in TITLES}
    most = max(row["edges"] for of in cases.values() for row in of)
    reach = f"they lie {BILLION / most:,.0f} times beyond the largest size that was."
    return PAGE.format(
        machines=_machines(rows),
        base=f"{statistics.median(row['base_mb'] for row in rows):,.0f}",
        tables="\n".join(_table(case, of) for case, of in cases.items()),
        reach=reach,
        copy=max(row["most_at_once"] for row in rows),
        copies=COPIES * max(row["most_at_once"] for row in rows),
        fits="\n".join(_fits(cases)),
        sizing="\n".join(_sizing(cases)),
    )


def _machines(rows: Sequence[Mapping[str, Any]]) -> str:
    found = dict.fromkeys((row["machine"], row["beside"], row["commit"], row["day"]) for row in rows)
    return "".join(
        f"{machine}; meanwhile: {beside}. Commit {commit}, {day}.\n" for machine, beside, commit, day in found
    )


def _table(case: str, rows: Sequence[Mapping[str, float]]) -> str:
    title, command = TITLES[case]
    arrays = case == "export"
    head = "| edges | largest relation | s | processor s | edges/s | peak MB | " + (
        "arrays, MB | of the largest relation, MB | rounds |" if arrays else "file, MB | rounds |"
    )
    lines = [f"### {title}: `{command}`", "", head, "|---:" * (head.count("|") - 1) + "|"]
    for row in rows:
        lines.append(
            f"| {row['edges']:,.0f} | {row['largest']:,.0f} | {row['seconds']:,.1f} | {row['processor']:,.1f} "
            f"| {row['edges'] / row['seconds']:,.0f} | {row['peak_mb']:,.0f} | {row['disk_mb']:,.0f} "
            + (f"| {row['largest_mb']:,.0f} " if arrays else "")
            + f"| {row['rounds']} |"
        )
    return "\n".join([*lines, ""])


def _fits(cases: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    lines = [
        "| case | of | fit | a billion edges, by the fit (computed) | in proportion to the largest size (computed) |",
        "|---|---|---|---:|---:|",
    ]
    for case, rows in cases.items():
        if len(rows) < 2:
            lines.append(f"| {TITLES[case][0]} | – | one size does not make a line | not computed | – |")
            continue
        edges = [row["edges"] for row in rows]
        for name, said in (("seconds", "time by the clock"), ("processor", "processor time")):
            fit = power(edges, [row[name] for row in rows])
            lines.append(
                f"| {TITLES[case][0]} | {said} | {fit.a:.3g} s · edges^{fit.b:.2f} | {_hours(fit.at(BILLION))} "
                f"| {_hours(rows[-1][name] * BILLION / edges[-1])} |"
            )
        for name, said in (("peak_mb", "peak memory"), ("disk_mb", "disk")):
            constant, slope = line(edges, [row[name] for row in rows])
            lines.append(
                f"| {TITLES[case][0]} | {said} | {round(constant):,} MB + {slope * 1e6:,.1f} bytes an edge "
                f"| {(constant + slope * BILLION) / 1e3:,.0f} GB | – |"
            )
    return [*lines, ""]


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


def _sizing(cases: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    """What follows from the measured rows, in sentences."""
    load, export = cases["ingest"][-1], cases["export"][-1]
    loads, exports = (_growth(cases[case]) for case in ("ingest", "export"))
    cores = (
        "Processes of one machine share the pages; a machine of a cluster needs the folder on its own disk or on one "
        "that all of them see."
    )
    above = export["peak_mb"] - export["base_mb"]
    return [
        f"- **Memory of a load:** {loads}. The blocks take the same memory at every size. The engine does not, so "
        "memory is not flat: it holds the rows of one COPY, an eighth of a large relation, and some bytes for each "
        "edge of the relation while it rewrites the relation's table.",
        f"- **Memory of an export:** {exports}. At the largest size that was {above:,.0f} MB more than before "
        f"the work; the arrays of the largest relation were {export['largest_mb']:,.0f} MB, of all "
        f"{export['disk_mb']:,.0f} MB. One block takes the same memory at every size; the engine's cache of pages "
        "grows, to 2 GiB or a quarter of the machine's memory at most.",
        f"- **Disk:** {load['disk_mb'] / load['edges'] * 1e6:,.0f} bytes an edge in the store and "
        f"{export['disk_mb'] / export['edges'] * 1e6:,.0f} in arrays, at the largest size. The estimate "
        f"of `--density` is {DISK_OF_EDGE}, since a table is written beside the one that it replaces.",
        f"- **Readers:** `open_arrays` maps the files. {cores}",
        "",
    ]


def _growth(rows: Sequence[Mapping[str, float]]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"{first['peak_mb']:,.0f} MB at {first['edges']:,.0f} edges, {last['peak_mb']:,.0f} MB at "
        f"{last['edges'] / first['edges']:.1f} times as many"
    )


def picture(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write an SVG: seconds and peak memory by edges, both axes logarithmic, with the fits of processor time."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 8}):
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        time, memory = figure.subplots(1, 2)
        for number, case in enumerate(TITLES):
            points = medians(rows, case)
            edges, colour = [row["edges"] for row in points], f"C{number}"
            clock = [row["seconds"] for row in points]
            time.plot(edges, clock, "o", color=colour, fillstyle="none", label=f"{case}, clock, measured")
            processor = [row["processor"] for row in points]
            time.plot(edges, processor, "o", color=colour, label=f"{case}, processor, measured")
            memory.plot(
                edges, [row["peak_mb"] for row in points], "o-", color=colour, label=f"{case}, measured"
            )
            if len(points) > 1:
                fit = power(edges, processor)
                ends = [edges[0], BILLION]
                time.plot(
                    ends, [fit.at(n) for n in ends], "--", color=colour, label=f"{case}, processor, computed"
                )
        for axes, label in ((time, "seconds"), (memory, "peak memory, MB")):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("edges")
            axes.set_ylabel(label)
            axes.legend(frameon=False, loc="lower right")
        time.set_ylim(bottom=time.get_ylim()[0] / 1000)  # room for the legend
        lowest, highest = memory.get_ylim()
        memory.set_ylim(min(100, lowest), max(10_000, 10 ** math.ceil(math.log10(highest))))
        figure.savefig(path, format="svg", metadata={"Date": None})


def write(rows: Sequence[Mapping[str, Any]], docs: Path) -> None:
    """Write the page and its picture."""
    (docs / "scale.md").write_text(markdown(rows), encoding="utf-8")
    picture(docs / "scale.svg", rows)
