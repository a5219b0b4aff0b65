"""Kernels and k nearest neighbours, against RDKit, scikit-learn and brute force."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.metrics.pairwise import rbf_kernel
from threadpoolctl import threadpool_limits

from pharmagraph.ingest import similarity
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.fingerprints import inchikey, is_structure, morgan
from pharmagraph.kg.similarity import tanimoto

SMILES = ["CCO", "CCN", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "c1ccccc1"]


def brute_force(kernel: np.ndarray, k: int) -> set[tuple[int, int]]:
    """Each row's k most similar others, ties to the smaller index, as unordered pairs."""
    pairs = set()
    for i in range(len(kernel)):
        others = sorted((j for j in range(len(kernel)) if j != i), key=lambda j: (-kernel[i, j], j))
        pairs |= {(min(i, j), max(i, j)) for j in others[:k]}
    return pairs


def test_fingerprints_are_rdkits() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    expected = np.stack([generator.GetFingerprintAsNumPy(Chem.MolFromSmiles(s)) for s in SMILES])
    assert (morgan(SMILES) == expected).all()
    assert morgan(["CCO", None])[1].sum() == 0


def test_unparsable_smiles_is_named_and_rdkit_stays_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match='"C1CC" is not a structure'):
        morgan(["C1CC"])
    assert not is_structure("not a molecule")
    assert not is_structure("")
    assert capfd.readouterr().err == ""


def test_two_ways_to_write_a_molecule_have_one_key() -> None:
    assert inchikey("OCC") == inchikey("CCO") == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"


def test_tanimoto_is_rdkits() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(s)) for s in SMILES]
    expected = np.array([DataStructs.BulkTanimotoSimilarity(p, prints) for p in prints])
    np.testing.assert_allclose(tanimoto(morgan(SMILES), morgan(SMILES)), expected, atol=1e-6)


def test_two_drugs_without_structure_are_not_alike() -> None:
    assert (tanimoto(morgan([None, None]), morgan([None, None])) == 0).all()


def test_the_width_is_the_median_distance() -> None:
    features = np.random.default_rng(0).normal(size=(30, 5))
    distances = [np.linalg.norm(a - b) for i, a in enumerate(features) for b in features[i + 1 :]]
    assert similarity.median_distance(features) == pytest.approx(float(np.median(distances)), rel=1e-5)


def test_neighbours_do_not_depend_on_the_number_of_threads() -> None:
    rows = np.random.default_rng(0).normal(size=(150, 1001)).astype(np.float32)
    features = np.concatenate([rows] * 5)  # each row has four others that are equally near
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(similarity.rbf_neighbours(features, 6))
    for name in ("src", "dst", "similarity"):
        np.testing.assert_array_equal(getattr(found[0], name), getattr(found[1], name))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 1000), st.integers(1, 7))
def test_neighbours_in_blocks_are_those_of_the_whole_kernel(n: int, k: int, seed: int, block: int) -> None:
    random = np.random.default_rng(seed)
    fingerprints = (random.random((n, 32)) < 0.3).astype(np.uint8)
    kernel = tanimoto(fingerprints, fingerprints)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_BLOCK", block)
        edges = similarity.tanimoto_neighbours(fingerprints, k)
    found = set(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))
    assert found == {(i, j) for i, j in brute_force(kernel, k) if kernel[i, j] > 0}
    np.testing.assert_allclose(edges.similarity, kernel[edges.src, edges.dst], atol=1e-6)


def test_rbf_neighbours_are_those_of_scikit_learn() -> None:
    features = np.random.default_rng(1).normal(size=(200, 12))
    kernel = rbf_kernel(features, gamma=1 / (2 * 3.0**2))
    edges = similarity.rbf_neighbours(features, 6, sigma=3.0)
    assert set(zip(edges.src.tolist(), edges.dst.tolist(), strict=True)) == brute_force(kernel, 6)
    np.testing.assert_allclose(edges.similarity, kernel[edges.src, edges.dst], atol=2e-6)


def test_each_pair_is_there_once_with_the_smaller_row_first() -> None:
    edges = similarity.rbf_neighbours(np.random.default_rng(2).normal(size=(50, 3)), 5)
    assert (edges.src < edges.dst).all()
    assert len(set(zip(edges.src.tolist(), edges.dst.tolist(), strict=True))) == len(edges)


def test_ties_go_to_the_smaller_index() -> None:
    edges = similarity.tanimoto_neighbours(np.ones((4, 8), np.uint8), 1)
    assert list(zip(edges.src, edges.dst, strict=True)) == [(0, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_is_near_a_node_that_is_alone(n: int) -> None:
    assert len(similarity.rbf_neighbours(np.zeros((n, 3)), 5)) == 0
    assert len(similarity.tanimoto_neighbours(np.zeros((n, 8), np.uint8), 5)) == 0


def test_memory_stays_flat_for_many_rows() -> None:
    features = np.random.default_rng(3).normal(size=(4000, 8)).astype(np.float32)
    tracemalloc.start()
    similarity.rbf_neighbours(features, 5, sigma=1.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4000 * 4000 * 4 / 2  # half of the whole kernel in float32
