"""The Gaussian process by few columns, at sizes at which its kernels cannot be written down: time, memory and error.

    python -m benchmarks.process_at_size [--drugs 1000,10000] [--cells 300] [--density 0.01] [--rank 64,128x256]
    python -m benchmarks.process_at_size --store ladybug://gdsc1.lbug [--dataset GDSC1] [--rank 64,128x1004]
    python -m benchmarks.process_at_size --page

Every size runs in a process of its own, all ranks in turn; ``128x256`` are columns of drugs and of cell lines. Without
a store, structures and cell lines are made up, in families, and responses are drawn from the process. Where there are
at most 300,000 pairs of drugs and cell lines, and with a store, the mean is compared with that of the whole kernels.
Rows go into docs/process.json, in the place of earlier ones of the same size, and docs/process.md is written from them;
`--page` does the latter alone.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import peak_mb
from benchmarks.recorded import commit, today, with_figures
from pharmagraph.kg.console import note
from pharmagraph.kg.fingerprints import FINGERPRINTS
from pharmagraph.model.inputs.similarities import rbf_of, squared_distances, width_of
from pharmagraph.model.inputs.structure_columns import BY_STRUCTURE, ROWS, StructureColumns
from pharmagraph.model.networks.conjugate_gradients import solve
from pharmagraph.model.networks.gaussian_process import START_WEIGHTS
from pharmagraph.model.networks.low_rank import LowRank, low_rank
from pharmagraph.model.networks.posterior_at_size import Pairs, posterior_at_size

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURES = "process.md", "process.json"
BEGIN, END = (
    "<!-- figures: python -m benchmarks.process_at_size --page -->\n",
    "<!-- end of figures -->\n",
)
MOST_FOR_EXACT = 300_000
"""Pairs of drugs and cell lines up to which whole kernels are used, too."""
NOISE = 2.0
"""Variance of an observation: that of a measured pair in the network before anything is learned."""
SET_BITS = {
    "fingerprint": 50, "morgan_counts": 45, "feature_counts": 40, "atom_pair_counts": 200, "path_bits": 600,
    "structural_keys": 45,
}  # fmt: skip
"""Columns of a made-up structure that are not 0, by view."""
A_FAMILY, KEPT = 20, 0.8
"""Structures of a family, and the share of its columns that each of them has."""
ASKED = (100_000, 5_000)

Row = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Kernels without what entities have alone, and observations of some pairs; held-out ones where they are real.

    Values are None where whole kernels are too large to draw them from: `drawn` draws them from columns.
    """

    of_drugs: StructureColumns
    kernel_c: Tensor
    drug: Tensor
    cell_line: Tensor
    value: Tensor | None
    held_out: tuple[Tensor, Tensor, Tensor] | None = None


def structures(n: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Made-up fingerprints in families, by view, uint8 (n, width)."""
    family = torch.randint(max(n // A_FAMILY, 1), (n,), generator=generator)
    found = {}
    for name in FINGERPRINTS:
        width = 167 if name == "structural_keys" else 2048
        often = 1 / torch.arange(1, width + 1).float().sqrt()
        often *= SET_BITS[name] / often.sum()
        parents = torch.rand(int(family.max()) + 1, width, generator=generator) < often
        rows = torch.empty(n, width, dtype=torch.uint8)
        for start in range(0, n, ROWS):
            chance = torch.where(parents[family[start : start + ROWS]], KEPT, (1 - KEPT) * often)
            rows[start : start + ROWS] = torch.rand(chance.shape, generator=generator) < chance
        if name.endswith("counts"):
            rows *= torch.randint(1, 5, (width,), generator=generator, dtype=torch.uint8)
        found[name] = rows
    return found


def cell_lines(n: int, generator: torch.Generator) -> Tensor:
    """A kernel of made-up cell lines of 20 tissues, (n, n): two RBFs, a cosine, the tissue and a constant."""
    tissue = torch.randint(20, (n,), generator=generator)
    rows = torch.randn(20, 50, generator=generator)[tissue] + torch.randn(n, 50, generator=generator)
    distance = squared_distances(rows)
    narrow = rbf_of(distance, width_of(distance[:1000, :1000]))
    unit = torch.nn.functional.normalize(rows)
    kernel = narrow + narrow**0.5 + unit @ unit.T + (tissue[:, None] == tissue).float()
    return START_WEIGHTS["cell-line kernel"] * kernel + START_WEIGHTS["cell-line constant"]


def made_up(n_drugs: int, n_cell_lines: int, density: float) -> Problem:
    """Made-up entities, and responses that are drawn from the process."""
    generator = torch.Generator().manual_seed(0)
    of_drugs = columns_of(structures(n_drugs, generator))
    kernel_c = cell_lines(n_cell_lines, generator)
    total = n_drugs * n_cell_lines
    chosen = torch.randint(
        total, (int(-math.log1p(-min(density, 0.99)) * total),), generator=generator
    ).unique()
    drug, cell_line = chosen // n_cell_lines, chosen % n_cell_lines
    if total > MOST_FOR_EXACT:
        return Problem(of_drugs, kernel_c, drug, cell_line, None)
    roots = [torch.linalg.cholesky(one) for one in whole(of_drugs, kernel_c)]
    normal = torch.randn(n_drugs, n_cell_lines, generator=generator, dtype=torch.float64)
    truth = (roots[0] @ normal @ roots[1].T)[drug, cell_line].float()
    value = truth + NOISE**0.5 * torch.randn(len(drug), generator=generator)
    return Problem(of_drugs, kernel_c, drug, cell_line, value)


def drawn(problem: Problem, left: LowRank, right: LowRank) -> Tensor:
    """Responses that are drawn from the columns of the kernels, (n_pairs,)."""
    generator = torch.Generator().manual_seed(1)
    turned = left.factor @ torch.randn(left.rank, right.rank, generator=generator)
    noise = NOISE**0.5 * torch.randn(len(problem.drug), generator=generator)
    pairs = Pairs(problem.drug, problem.cell_line, len(left.rest), len(right.rest))  # they are sorted
    return pairs.add_products(noise, turned, right.factor)


def real(store: str, dataset: str) -> Problem:
    """Structures, cell lines and ln IC50 of a store, less the mean of each drug; a fifth of the pairs is held out."""
    from pharmagraph.kg import heterograph
    from pharmagraph.kg.store import open_store
    from pharmagraph.model.inputs.tensors import baseline_tensors
    from pharmagraph.model.responses.measured import responses

    with open_store(store, read_only=True) as opened:
        graph = heterograph.export(opened, datasets=[dataset])
    similarities = baseline_tensors(graph).cell_line_kernels
    kernel_c = START_WEIGHTS["cell-line kernel"] * similarities.sum(-1) + START_WEIGHTS["cell-line constant"]
    of_drugs = columns_of({name: graph.nodes["Drug"][name] for name in FINGERPRINTS})
    measured = responses(graph, "regression")
    drug, cell_line, value = (
        torch.from_numpy(part) for part in (measured.drug, measured.cell_line, measured.ln_ic50)
    )
    train = torch.rand(len(drug), generator=torch.Generator().manual_seed(0)) < 0.8
    count = torch.bincount(drug[train], minlength=of_drugs.n).clamp(min=1)
    mean = torch.zeros(of_drugs.n).index_add(0, drug[train], value[train]) / count
    value = value - mean[drug]
    value = value / value[train].std()
    return Problem(
        of_drugs, kernel_c, drug[train], cell_line[train], value[train],
        (drug[~train], cell_line[~train], value[~train]),
    )  # fmt: skip


def columns_of(views: dict[str, Tensor]) -> StructureColumns:
    """The drug kernel with the weights that it has in the network before anything is learned."""
    return StructureColumns(
        views, [START_WEIGHTS["drug kernel"]] * len(BY_STRUCTURE), START_WEIGHTS["drug constant"]
    )


def factors(of_drugs: StructureColumns, kernel_c: Tensor, rank: tuple[int, int]) -> tuple[LowRank, LowRank]:
    """Both kernels by few columns."""
    return (
        low_rank(of_drugs, of_drugs.diagonal(), rank[0], alone=START_WEIGHTS["drug identity"]),
        low_rank(
            lambda at: kernel_c[:, at],
            kernel_c.diagonal(),
            rank[1],
            alone=START_WEIGHTS["cell-line identity"],
        ),
    )


def whole(of_drugs: StructureColumns, kernel_c: Tensor) -> tuple[Tensor, Tensor]:
    """Both kernels, written down, float64."""
    n_d, n_c = of_drugs.n, len(kernel_c)
    return (
        of_drugs(torch.arange(n_d)).double() + START_WEIGHTS["drug identity"] * torch.eye(n_d),
        kernel_c.double() + START_WEIGHTS["cell-line identity"] * torch.eye(n_c),
    )


def exact_mean(problem: Problem, value: Tensor) -> Tensor:
    """The mean of all pairs by whole kernels, given values of pairs, float64 (n_drugs, n_cell_lines)."""
    of_d, of_c = whole(problem.of_drugs, problem.kernel_c)
    seen, observed = torch.zeros(2, len(of_d), len(of_c), dtype=torch.float64)
    seen[problem.drug, problem.cell_line] = 1
    observed[problem.drug, problem.cell_line] = value.double()
    weights = solve(
        lambda table: seen * (of_d @ table @ of_c) + NOISE * table, observed, iterations=3000, tolerance=1e-5
    )
    return of_d @ weights @ of_c


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's, over all entries."""
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def rows_of(case: Row) -> Iterable[Row]:
    """A row for each rank of a case; run in a process that does nothing else."""
    ranks = [tuple(rank) for rank in case["ranks"]]
    if case["store"]:
        problem = real(case["store"], case["dataset"])
    else:
        problem = made_up(case["drugs"], case["cells"], case["density"])
    n_d, n_c, n_pairs = problem.of_drugs.n, len(problem.kernel_c), len(problem.drug)
    compared = bool(case["store"]) or n_d * n_c <= MOST_FOR_EXACT
    rows, means, value = [], [], problem.value
    for rank in ranks:
        start, used = time.perf_counter(), time.process_time()
        left, right = factors(problem.of_drugs, problem.kernel_c, rank)
        columns, columns_used = time.perf_counter() - start, time.process_time() - used
        value = drawn(problem, left, right) if value is None else value
        start, used = time.perf_counter(), time.process_time()
        found = posterior_at_size(
            left, right, problem.drug, problem.cell_line, value, torch.full((n_pairs,), 1 / NOISE)
        )
        solved, solved_used = time.perf_counter() - start, time.process_time() - used
        start = time.perf_counter()
        found.mean(torch.arange(min(n_d, 1000)))
        rows.append({
            "data": case["dataset"] if case["store"] else "made up", "drugs": n_d, "cell_lines": n_c,
            "density": case["density"] if not case["store"] else n_pairs / (n_d * n_c), "pairs": n_pairs,
            "rank_drugs": left.rank, "rank_cell_lines": right.rank,
            "columns_s": columns, "columns_processor_s": columns_used,
            "solve_s": solved, "solve_processor_s": solved_used, "iterations": found.iterations,
            "residual": found.residual, "rows_of_1000_drugs_s": time.perf_counter() - start,
            "peak_mb": peak_mb(),
            "threads": torch.get_num_threads(), "commit": commit(), "day": today(),
        })  # fmt: skip
        means.append(found.mean(torch.arange(n_d)).double() if compared else None)
    if compared:
        exact = exact_mean(problem, value)
        for row, mean in zip(rows, means, strict=True):
            row["error"], row["correlation"] = (
                float((mean - exact).norm() / exact.norm()),
                correlation(mean, exact),
            )
            if problem.held_out is not None:
                drug, cell_line, truth = problem.held_out
                row["held_out"] = correlation(mean[drug, cell_line], truth)
                row["held_out_exact"] = correlation(exact[drug, cell_line], truth)
    return rows


def key(row: Row) -> tuple[Any, ...]:
    """Of a row: a later one with the same key takes its place."""
    return tuple(
        row[name] for name in ("data", "drugs", "cell_lines", "density", "rank_drugs", "rank_cell_lines")
    )


def write(later: Iterable[Row], docs: Path = DOCS) -> None:
    """Put rows into the file of figures, and the figures into the page."""
    file, page = docs / FIGURES, docs / PAGE
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    rows = list(({key(row): row for row in earlier} | {key(row): row for row in later}).values())
    rows.sort(
        key=lambda row: (row["data"] == "made up", row["pairs"], row["rank_drugs"], row["rank_cell_lines"])
    )
    file.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")
    page.write_text(
        with_figures(page.read_text(encoding="utf-8"), BEGIN, END, figures(rows)), encoding="utf-8"
    )


def figures(rows: Sequence[Row]) -> str:
    """All figures, as Markdown."""
    if not rows:
        return ""
    names = (
        "data", "drugs", "cell lines", "pairs", "rank of drugs", "of cell lines", "error", "correlation",
        "held out", "columns, s", "solution, s", "processor s", "iterations", "peak MB",
    )  # fmt: skip
    lines = ["| " + " | ".join(names) + " |", "|---" + "|--:" * (len(names) - 1) + "|"]
    for row in rows:
        held_out = f"{row['held_out']:.3f} ({row['held_out_exact']:.3f})" if "held_out" in row else "–"
        cells = (
            row["data"], f"{row['drugs']:,}", f"{row['cell_lines']:,}", f"{row['pairs']:,}", row["rank_drugs"],
            row["rank_cell_lines"], f"{row['error']:.4f}" if "error" in row else "–",
            f"{row['correlation']:.4f}" if "correlation" in row else "–", held_out, f"{row['columns_s']:,.1f}",
            f"{row['solve_s']:,.1f}", f"{row['columns_processor_s'] + row['solve_processor_s']:,.0f}",
            row["iterations"], f"{row['peak_mb']:,.0f}",
        )  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    commits = ", ".join(dict.fromkeys(f"`{row['commit']}`" for row in rows))
    days, threads = sorted({row["day"] for row in rows}), sorted({row["threads"] for row in rows})
    used = f"{threads[-1]} thread{'s' * (threads[-1] != 1)}"
    told = f"Commit {commits}; {' to '.join(dict.fromkeys((days[0], days[-1])))}; {used}."
    return "\n" + "\n".join([*lines, "", told, "", *extrapolated(rows)]) + "\n"


def extrapolated(rows: Sequence[Row]) -> list[str]:
    """What the largest table would take, by a power of the pairs; of rows that differ in the drugs alone."""
    alike: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["data"] == "made up":
            names = ("cell_lines", "density", "rank_drugs", "rank_cell_lines")
            alike.setdefault(tuple(row[name] for name in names), []).append(row)
    most = max(alike.values(), key=lambda of: (len(of), of[-1]["pairs"]), default=[])
    if len(most) < 3:
        return []
    seconds = [row["solve_processor_s"] for row in most]
    power = np.polyfit(np.log([row["pairs"] for row in most]), np.log(seconds), 1)
    first, last = most[0], most[-1]
    said = [
        f"{math.exp(np.polyval(power, math.log(ASKED[0] * ASKED[1] * share))):,.0f} at a share of {share:g}"
        for share in (last["density"], 1.0)
    ]
    return [
        f"**Computed, not measured.** Between {first['drugs']:,} and {last['drugs']:,} drugs, with "
        f"{last['cell_lines']:,} cell lines, a share of {last['density']:g} of the pairs and ranks of "
        f"{last['rank_drugs']} and {last['rank_cell_lines']}, processor seconds of the solution alone grow as the "
        f"power {power[0]:.2f} of the pairs. By this power {ASKED[0]:,} drugs and {ASKED[1]:,} cell lines would take "
        f"{' and '.join(said)}, if memory suffices; more pairs of the same drugs were not measured.",
    ]


def numbers(text: str) -> list[int]:
    """``1000,3000``."""
    return [int(part) for part in text.split(",")]


def ranks_of(text: str) -> list[list[int]]:
    """``64,128x256``: columns of drugs, and of cell lines where they are others."""
    return [[*map(int, part.split("x")), int(part.split("x")[0])][:2] for part in text.split(",")]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drugs", type=numbers, default=[300, 1000])
    parser.add_argument("--cells", type=numbers, default=[300])
    parser.add_argument("--density", type=float, default=0.1)
    parser.add_argument("--rank", type=ranks_of, default=ranks_of("16,64"))
    parser.add_argument("--store", metavar="URL")
    parser.add_argument("--dataset", default="GDSC1")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(list(rows_of(given.one))))
        return
    rest = {"density": given.density, "ranks": given.rank, "store": given.store, "dataset": given.dataset}
    sizes = [(0, 0)] if given.store else [(d, c) for c in given.cells for d in given.drugs]
    for n_drugs, n_cell_lines in () if given.page else sizes:
        case = {"drugs": n_drugs, "cells": n_cell_lines, **rest}
        note(given.store or f"{n_drugs:,} drugs, {n_cell_lines:,} cell lines")
        words = [sys.executable, "-m", "benchmarks.process_at_size", "--one", json.dumps(case)]
        rows = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
        for row in rows:
            print(json.dumps(row), flush=True)
        write(rows)  # after each, so that an interruption loses one size
    if given.page:
        write([])


if __name__ == "__main__":
    main()
