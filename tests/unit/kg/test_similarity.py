"""Tanimoto of counts; that of bits is compared with RDKit's where sources use it (tests/unit/ingest)."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.similarity import tanimoto


def test_tanimoto_of_counts_is_minima_over_maxima() -> None:
    generator = np.random.default_rng(0)
    counts = generator.poisson(0.7, (7, 20)).astype(np.float32)
    counts[3] = 0
    minima = np.minimum(counts[:, None], counts[None]).sum(-1)
    maxima = np.maximum(counts[:, None], counts[None]).sum(-1)
    expected = minima / np.maximum(maxima, 1)
    np.testing.assert_allclose(tanimoto(counts, counts), expected, rtol=1e-6)
