"""Enrichment against SciPy's tests, and gene sets as users bring them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from pharmagraph.kg.errors import InputError, RowError, ShapeError
from pharmagraph.kg.names import Names
from pharmagraph.model.biology.enrichment import over_representation, rank_enrichment
from pharmagraph.model.biology.gene_sets import GeneSets, read_gmt
from pharmagraph.model.biology.literature import PubMed

GENES = [f"G{i}" for i in range(200)]


@pytest.fixture(scope="module")
def sets() -> GeneSets:
    generator = np.random.default_rng(0)
    drawn = {f"S{i}": (f"set {i}", list(generator.choice(GENES, 20, replace=False))) for i in range(8)}
    drawn["planted"] = ("planted", GENES[:15])
    drawn["foreign"] = ("foreign", ["X1", "X2"])
    return GeneSets.of(drawn, GENES, source="test")


def test_sets_too_small_in_the_background_are_left_out(sets: GeneSets) -> None:
    assert "foreign" not in sets.ids and sets.member.shape == (9, 200)


def test_over_representation_is_fishers_test(sets: GeneSets) -> None:
    chosen = np.zeros(200, bool)
    chosen[:10] = True
    chosen[100:120] = True
    found = over_representation(chosen, sets)
    for row in range(len(sets.ids)):
        member = sets.member[row].toarray().ravel()
        table = [
            [(member & chosen).sum(), (member & ~chosen).sum()],
            [(~member & chosen).sum(), (~member & ~chosen).sum()],
        ]
        assert found.p[row] == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
        assert found.overlap[row] == table[0][0]
        assert found.expected[row] == pytest.approx(member.sum() * 30 / 200)
    assert sets.ids[int(np.argmin(found.q))] == "planted"


def test_rank_enrichment_is_mann_and_whitneys_test_ties_included(sets: GeneSets) -> None:
    value = np.round(np.random.default_rng(1).normal(size=200), 1)
    value[:15] += 1.5
    found = rank_enrichment(value, sets)
    for row in range(len(sets.ids)):
        member = sets.member[row].toarray().ravel()
        test = mannwhitneyu(value[member], value[~member], alternative="greater", method="asymptotic")
        assert found.p[row] == pytest.approx(test.pvalue)
        assert found.score[row] == pytest.approx(test.statistic / (member.sum() * (~member).sum()))
    assert sets.ids[int(np.argmin(found.q))] == "planted"


def test_equal_values_are_no_enrichment(sets: GeneSets) -> None:
    found = rank_enrichment(np.ones(200), sets)
    assert found.score == pytest.approx(np.full(9, 0.5)) and (found.q == 1).all()


def test_nothing_chosen_is_no_enrichment(sets: GeneSets) -> None:
    assert (over_representation(np.zeros(200, bool), sets).p == 1).all()


def test_values_of_another_length_are_refused(sets: GeneSets) -> None:
    with pytest.raises(ShapeError, match="one a background gene"):
        rank_enrichment(np.ones(3), sets)


def test_a_gmt_file_is_read_with_the_share_that_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text("R1:first\treactome\tEGFR\tKRAS\n\nR2\t\tEGFR\tNOPE\t\n")
    found, share = read_gmt(path, Names("gene", {"EGFR": (), "KRAS": (), "TP53": ()}))
    assert found == {"R1": ("first", ["EGFR", "KRAS"]), "R2": ("R2", ["EGFR", "NOPE"])}
    assert share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("R1\tx\tENSG01\tENSG02\tEGFR\n", InputError, "33% of its 3 genes are in the graph"),
        ("R1\tdescription only\n", RowError, "row 1"),
        ("R1\tx\tEGFR\nR1\tx\tKRAS\n", RowError, "row 2"),
        ("\n", InputError, "holds no gene set"),
    ],
)
def test_a_bad_gmt_file_says_what_is_wrong(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_gmt(path, Names("gene", {"EGFR": (), "KRAS": (), "TP53": ()}))


def test_a_symbol_of_a_million_characters_is_cut_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(f"R1\tx\t{'A' * 1_000_000}\n")
    with pytest.raises(InputError, match="0% of its 1 genes") as refused:
        read_gmt(path, Names("gene", {"EGFR": ()}))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("G\u00e9n\tB\tEGFR\n".encode("latin-1"), "is not UTF-8 text"),
        (b"\x1f\x8b\x08\x00", "cannot be read to its end"),
    ],
)
def test_gene_sets_that_are_no_text_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "sets.gmt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_gmt(path, Names("gene", {"EGFR": ()}))


@pytest.mark.parametrize("content", [b"gene,z\nEGFR,1\n", b"\xff\xfe\n\xc8\n"])
def test_a_file_of_something_else_is_no_file_of_answers(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "profile.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no file of PubMed's answers, and is left as it is"):
        PubMed(path, offline=True)
    path.write_bytes(b'{"term": "a", "cou')  # cut off in its first line
    PubMed(path, offline=True)
