"""The page for one's own data works, with the default preset as it is, and finds the genes that were planted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_limits

from pharmagraph.ingest import example_lab
from tests.golden.conftest import Desk
from tests.golden.lines import CHECKOUT, lines_of

pytestmark = pytest.mark.once

MAKE = "python -m pharmagraph.ingest.example_lab "
STORE = "export PHARMAGRAPH_STORE="


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk of a user who has typed all that the page shows."""
    folder = tmp_path_factory.mktemp("own-data")
    desk = Desk(folder, folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        for line in lines_of(CHECKOUT / "docs" / "own-data.md"):
            if line.text.startswith(MAKE):
                example_lab.write(folder / line.text.removeprefix(MAKE))
            elif line.text.startswith(STORE):
                patch.setitem(os.environ, "PHARMAGRAPH_STORE", line.text.removeprefix(STORE))
            else:
                desk.must(line.text)
        yield desk
    torch.set_num_threads(threads)


def found(lab: Desk, query: str, drug: str) -> list[dict[str, object]]:
    return json.loads(lab.must(f"cli query {query} drug={drug} limit=5 --format json").out)  # type: ignore[no-any-return]


@pytest.mark.parametrize("family", list(example_lab.PLANTED))
def test_the_planted_gene_decides_and_is_found_first(lab: Desk, family: str) -> None:
    gene = example_lab.PLANTED[family]
    for n in range(1, 5):
        first, second = found(lab, "biomarkers", f"{family}{n:02}")[:2]
        assert first["gene"] == gene and first["direction"] == "sensitive"
        assert float(str(first["effect"])) > 5 * abs(float(str(second["effect"])))


def test_a_family_without_a_planted_gene_has_none(lab: Desk) -> None:
    for n in range(1, 5):
        effects = [abs(float(str(row["effect"]))) for row in found(lab, "biomarkers", f"LAB-3{n:02}")]
        assert max(effects) < 0.3


def test_top_genes_has_the_known_target_and_the_gene_that_decides(lab: Desk) -> None:
    rows = {row["gene"]: row for row in found(lab, "top-genes", "LAB-101")}
    assert rows["TOP1"]["known"] and rows["TOP1"]["rank"] == 1
    assert not rows["SLFN11"]["known"] and rows["SLFN11"]["response_rank"] == 1


def test_the_screen_is_exchanged_in_the_form_of_drevalpy(lab: Desk) -> None:
    responses = lab.folder / "league" / "data" / "pharmagraph-screen" / "pharmagraph-screen.csv"
    header, *rows = responses.read_text(encoding="utf-8").splitlines()
    assert header == "cell_line_name,pubchem_id,response,tissue" and len(rows) == 551
    results = lab.folder / "league" / "results" / "pharmagraph" / "pharmagraph-screen" / "LCO"
    assert (results / "mean-effects" / "predictions" / "predictions_split_0.csv").is_file()
    assert len(list((results / "splits").glob("cv_split_*_test.csv"))) == 5
