"""A file's dataset is called by its whole name, and takes no id that another source has."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharmagraph import ingest
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import open_store

SET = "SET_{}\tabout\tSYNTHETICG00001\tSYNTHETICG00002\n"


def test_files_that_begin_alike_are_datasets_of_their_own_and_another_source_is_refused(
    tmp_path: Path,
) -> None:
    with open_store(f"ladybug://{tmp_path}/graph.lbug") as store:
        ingest.synthetic(store, drugs=6, cells=6, genes=8)
        for n, name in enumerate(["c2.first.gmt", "c2.second.gmt"]):
            (tmp_path / name).write_text(SET.format(n))
            assert ingest.pathways(store, tmp_path / name).changed
        assert {"c2.first", "c2.second"} <= set(store.read_nodes("Dataset", ["id"])["id"].to_pylist())
        of_edges = store.read_edges("MEMBER_OF", ("Gene", "Pathway"), ["dataset"])["dataset"].to_pylist()
        assert of_edges.count("c2.first") == of_edges.count("c2.second") == 2
        (tmp_path / "c2.first.gmt").write_text(SET.format(0) + SET.format(7))
        assert ingest.pathways(store, tmp_path / "c2.first.gmt").changed  # the same file, with one set more
        pairs = tmp_path / "synthetic.csv"
        pairs.write_text("gene_a,gene_b\nSYNTHETICG00001,SYNTHETICG00002\n")
        with pytest.raises(
            InputError, match=r'has a dataset "synthetic" from .*give this one another id: name="ID"'
        ):
            ingest.interactions(store, pairs)
        assert ingest.interactions(store, pairs, name="pairs").changed
