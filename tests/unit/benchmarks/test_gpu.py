"""The benchmark of GPUs measures what it says; here Triton is interpreted on the CPU, on a graph of some edges."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from benchmarks import gpu
from benchmarks.gatv2 import Case

TINY = Case(4, 4, 6, 1, 8)


def test_the_page_shows_what_the_file_of_figures_holds() -> None:
    file = gpu.DOCS / gpu.FIGURES
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    text = (gpu.DOCS / gpu.PAGE).read_text(encoding="utf-8")
    assert gpu.BEGIN + "\n" + gpu.figures(rows) + gpu.END in text


@pytest.mark.once
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU does not interpret Triton")
def test_every_figure_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "SECONDS", 0.0)
    monkeypatch.setattr(gpu, "PARITY", {"small": TINY})
    monkeypatch.setattr(gpu, "CASES", {"tiny": TINY})
    rows = gpu.measured(["tiny"], None, "cpu")
    assert [row["what"] for row in rows] == ["machine", "parity", "pass", "pass", "pass"]
    assert 0 < rows[1]["output"] < 1e-5 and 0 < rows[1]["gradients"] < 1e-5
    assert [row["implementation"] for row in rows[2:]] == ["cuda", "reference", "pyg"]
    assert all(row["forward"] > 0 and row["forward and backward"] > 0 for row in rows[2:])
    said = gpu.figures([*rows, {"what": "epoch", "device": "cpu", "epochs": 4, "seconds": 1.5}])
    assert (
        "| tiny |" in said and "| 1.0 |" in said and "`default` on the cpu: 1.50 s, the median of 4" in said
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu"])
    before = (gpu.DOCS / gpu.PAGE).read_text(encoding="utf-8")
    with pytest.raises(
        SystemExit, match="there is no GPU that torch can use; nothing was measured or written"
    ):
        gpu.main()
    assert (gpu.DOCS / gpu.PAGE).read_text(encoding="utf-8") == before
