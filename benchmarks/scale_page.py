"""Makes docs/scale.md and docs/scale.svg of the rows in docs/scale.json; it measures nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BILLION = 1e9
TITLES = {
    "ingest": ("Load", "cli ingest synthetic --density"),
    "export": ("Export", "cli export arrays"),
}
_FIGURES = ("seconds", "processor", "peak_mb", "disk_mb")

PAGE = """\
# How large a graph can be

What a graph of so many edges costs on one machine: measured at the sizes of the table, and computed from them for a
billion edges. `python -m benchmarks.scale` writes this page.

    cli ingest synthetic --drugs 4500 --cells 10000 --genes 66000 --density 0.9 --share 0.05 --store ladybug://large.lbug
    cli export arrays large-arrays --store ladybug://large.lbug

<!-- not run on this page: such a graph takes hours -->

The first command makes a screen of any size from a seed, block by block, with degrees like those of graphs of real
screens: a few drugs have many targets, a few genes have many partners, every node is joined to its most similar ones, and
so large a share of the pairs of a drug and a cell line (`--density`) is tested. Each block is checked by the contracts of
every load. It refuses to begin where the disk or the memory is too small, and says what it would need. The second command
writes each relation as arrays by destination, which are mapped into memory and not loaded; their layout is in
`pharmagraph.kg.heterograph.mapped`.

## Measured

{machines}
Each case is a process of its own. Peak MB is the resident memory of the whole process in 10^6 bytes, of which {base} MB
were there before the work; seconds are those of the clock, processor s those of all cores together. Numbers of drugs, cell
lines and genes grow alike, so edges grow with their square.

{tables}
![Seconds and peak memory by edges, on logarithmic axes](scale.svg)

## Computed, not measured: a billion edges

A straight line through the logarithms of the measured sizes: time = a · edges^b. The lines of memory and disk are straight
in the number of edges itself. None of these figures was measured; {reach}

{fits}
## Sizing

{sizing}
## Not run

- A billion edges, or any size that is not in the tables above: not run.
- Training on several GPUs or on several machines: not run.
- A cluster of Neo4j servers: not run. `--density` fills embedded stores alone; a Neo4j server gets such a graph by `cli copy`.
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
        "| case | of | fit | a billion edges (computed) |",
        "|---|---|---|---:|",
    ]
    for case, rows in cases.items():
        if len(rows) < 2:
            lines.append(f"| {TITLES[case][0]} | – | one size does not make a line | not computed |")
            continue
        edges = [row["edges"] for row in rows]
        for name, said in (("seconds", "time by the clock"), ("processor", "processor time")):
            fit = power(edges, [row[name] for row in rows])
            lines.append(
                f"| {TITLES[case][0]} | {said} | {fit.a:.3g} s · edges^{fit.b:.2f} | {_hours(fit.at(BILLION))} |"
            )
        for name, said in (("peak_mb", "peak memory"), ("disk_mb", "disk")):
            constant, slope = line(edges, [row[name] for row in rows])
            lines.append(
                f"| {TITLES[case][0]} | {said} | {constant:,.0f} MB + {slope * 1e6:,.1f} bytes an edge "
                f"| {(constant + slope * BILLION) / 1e3:,.0f} GB |"
            )
    return [*lines, ""]


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


def _sizing(cases: Mapping[str, Sequence[Mapping[str, float]]]) -> list[str]:
    """What follows from the measured rows, in sentences."""
    load, export = cases["ingest"][-1], cases["export"][-1]
    growth = [
        f"Of {rows[0]['edges']:,.0f} edges, {name} peaked at {rows[0]['peak_mb']:,.0f} MB; of {rows[-1]['edges']:,.0f}, "
        f"{rows[-1]['edges'] / rows[0]['edges']:.1f} times as many, at {rows[-1]['peak_mb']:,.0f} MB."
        for name, rows in (("the load", cases["ingest"]), ("the export", cases["export"]))
    ]
    return [
        f"- **Memory of a load.** {growth[0]} The blocks take the same memory at every size. The engine does not: it holds "
        "the rows of one COPY, and when it rewrites a relation's table, some bytes for each edge of the relation.",
        f"- **Memory of an export.** {growth[1]} The arrays of the largest relation were {export['largest_mb']:,.0f} MB then. "
        "What grows is the engine's cache of pages, which never takes more than 2 GiB or a quarter of the machine's memory.",
        f"- **Disk.** {load['disk_mb'] / load['edges'] * 1e6:,.0f} bytes an edge in the store, "
        f"{export['disk_mb'] / export['edges'] * 1e6:,.0f} in arrays, at the largest size. A load needs up to twice the "
        "former meanwhile: the new table is written beside the old one.",
        "- **Readers.** `open_arrays` maps the files. Processes of one machine share the pages; a machine of a cluster needs "
        "the folder on its own disk or on a shared one.",
        "",
    ]


def picture(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write an SVG: seconds and peak memory by edges, both axes logarithmic, with the fitted lines."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 8}):
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        time, memory = figure.subplots(1, 2)
        for number, case in enumerate(TITLES):
            points = medians(rows, case)
            edges, colour = [row["edges"] for row in points], f"C{number}"
            time.plot(edges, [row["seconds"] for row in points], "o", color=colour, label=f"{case}, measured")
            memory.plot(edges, [row["peak_mb"] for row in points], "o-", color=colour, label=f"{case}, measured")
            if len(points) > 1:
                fit = power(edges, [row["seconds"] for row in points])
                ends = [edges[0], BILLION]
                time.plot(ends, [fit.at(n) for n in ends], "--", color=colour, label=f"{case}, computed")
        for axes, label in ((time, "seconds by the clock"), (memory, "peak memory, MB")):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("edges")
            axes.set_ylabel(label)
            axes.legend(frameon=False)
        lowest, highest = memory.get_ylim()
        memory.set_ylim(min(100, lowest), max(10_000, 10 ** math.ceil(math.log10(highest))))
        figure.savefig(path, format="svg", metadata={"Date": None})


def write(rows: Sequence[Mapping[str, Any]], docs: Path) -> None:
    """Write the page and its picture."""
    (docs / "scale.md").write_text(markdown(rows), encoding="utf-8")
    picture(docs / "scale.svg", rows)
