"""The page about sampling shows the figures of docs/sampled.json, and the benchmark's graphs are as it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.sampled import FIGURES, PAGE, page, worker, write_graph
from pharmagraph.model.inputs.neighbourhoods import Incoming


def test_the_page_shows_what_the_file_of_figures_holds() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(json.loads(FIGURES.read_text(encoding="utf-8")), text) == text


def test_a_graph_has_the_edges_asked_for_and_few_nodes_with_very_many(tmp_path: Path) -> None:
    n_nodes = write_graph(tmp_path, 20_000)
    incoming = Incoming.open(tmp_path, "weight")
    assert (incoming.n_dst, incoming.n_edges, n_nodes) == (1000, 20_000, 1000)
    assert np.array_equal(np.sort(incoming.edge), np.arange(20_000))
    for degree in (np.diff(incoming.indptr), np.bincount(incoming.source, minlength=n_nodes)):
        largest = np.sort(degree)[::-1]
        assert largest[:10].sum() > 0.15 * 20_000  # r^-0.75 gives 10 of 1,000 nodes a fifth
        assert largest[500] < 20


def test_training_and_inference_are_measured(tmp_path: Path) -> None:
    write_graph(tmp_path, 2_000)
    found = worker(tmp_path, 2)
    assert [row["pairs a step"] for row in found["training"]] == [64, 512]
    assert all(row["processor us a pair"] > 0 for row in found["training"])
    assert found["inference"]["edges a processor second a layer"] > 0
