"""The figures of docs/process.md are those of docs/process.json, and a size is measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.process_at_size import BEGIN, DOCS, END, FIGURES, PAGE, extrapolated, figures, ranks_of


def test_the_page_shows_what_the_file_of_figures_holds() -> None:
    rows = json.loads((DOCS / FIGURES).read_text(encoding="utf-8"))
    said = (DOCS / PAGE).read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert rows and said == figures(rows)


@pytest.mark.once
def test_a_size_is_measured_and_compared_with_whole_kernels() -> None:
    case = {
        "drugs": 40,
        "cells": 30,
        "density": 0.3,
        "ranks": [[5, 5], [40, 30]],
        "store": None,
        "dataset": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.process_at_size", "--one", json.dumps(case)],
        cwd=DOCS.parent, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    few, all_of_them = json.loads(done.stdout)
    assert (all_of_them["rank_drugs"], all_of_them["rank_cell_lines"]) == (40, 30)
    assert all_of_them["error"] < 1e-3 < few["error"] < 0.6
    assert 0.25 * 1200 < few["pairs"] < 0.35 * 1200
    assert few["peak_mb"] > 50 and few["iterations"] > 1


def test_the_largest_table_is_computed_from_sizes_that_differ_in_drugs_alone() -> None:
    def row(drugs: int, cell_lines: int) -> dict[str, object]:
        pairs = drugs * cell_lines // 10
        return {
            "data": "made up", "drugs": drugs, "cell_lines": cell_lines, "density": 0.1, "pairs": pairs,
            "rank_drugs": 8, "rank_cell_lines": 8, "solve_processor_s": pairs / 1e5,
        }  # fmt: skip

    (said,) = extrapolated([row(100, 50), *(row(drugs, 5000) for drugs in (1000, 2000, 8000))])
    assert "Between 1,000 and 8,000 drugs" in said and "the power 1.00 of the pairs" in said
    assert "would take 500 at a share of 0.1 and 5,000 at a share of 1" in said
    assert extrapolated([row(1000, 50), row(2000, 50)]) == []


def test_ranks_are_of_both_sides_or_of_each() -> None:
    assert ranks_of("64,128x256") == [[64, 64], [128, 256]]
