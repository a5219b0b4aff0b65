"""One suite for every kernel: numbers against the reference in float64, threads, hubs, zeros; what is built where."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported; a GPU's own tests unset it

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels import Csr, Dropout, Relation, attend, build, choice, status, warm
from pharmagraph.model.kernels.library import compiled, library
from pharmagraph.workflow import doctor

NAMES = ["cpu", "numba", "cuda"]
CHECKOUT = Path(__file__).resolve().parents[4]


def _relation(
    n_src: int, n_dst: int, n_edges: int, heads: int, channels: int, width: int, *, hub: bool = False
) -> Relation:
    dst = torch.zeros(n_edges, dtype=torch.int64) if hub else torch.randint(0, n_dst, (n_edges,))
    return Relation(
        Csr.from_edges(torch.randint(0, n_src, (n_edges,)), dst, n_src, n_dst),
        torch.randn(n_src, heads, channels),
        torch.randn(n_dst, heads, channels),
        torch.randn(heads, channels) * 0.5,
        torch.randn(n_edges, width) if width else None,
        torch.randn(heads, width, channels) if width else None,
    )


def _results(
    relations: Sequence[Relation], name: str, dtype: torch.dtype = torch.float32, **options: Any
) -> list[Any]:
    """Output, attention and the gradients of every argument, for one fixed loss."""
    leaves: list[list[torch.Tensor | None]] = []
    for r in relations:
        tensors = (r.x_src, r.x_dst, r.att, r.edge_attr, r.edge_weight)
        leaves.append([None if t is None else t.to(dtype).clone().requires_grad_() for t in tensors])
    given_relations = [Relation(r.graph, *ts) for r, ts in zip(relations, leaves, strict=True)]  # type: ignore[arg-type]
    out, attention = attend(given_relations, implementation=name, **options)
    generator = torch.Generator().manual_seed(1)
    loss = sum((t * torch.randn(t.shape, generator=generator).to(dtype)).sum() for t in (out, *attention))
    loss.backward()  # type: ignore[union-attr]
    gradients = [t.grad for ts in leaves for t in ts if t is not None]
    return [t.detach() for t in (out, *attention, *gradients)]


def _agree(ours: list[torch.Tensor], truth: list[torch.Tensor], tolerance: float = 1e-5) -> None:
    for mine, its in zip(ours, truth, strict=True):
        assert mine.shape == its.shape
        assert float((mine.double() - its).norm()) <= tolerance * float(its.norm()) + 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("direction", [1, -1])
def test_softmax_holds_where_scores_climb_or_fall_along_a_row(name: str, direction: int) -> None:
    n = 40 if name == "cuda" else 300  # more than are taken at a time
    torch.manual_seed(0)
    x_src = torch.randn(n, 1, 3)
    x_src[:, 0, 0] = direction * torch.linspace(-100, 100, n)
    graph = Csr.from_edges(torch.arange(n), torch.zeros(n, dtype=torch.int64), n, 1)
    relation = Relation(graph, x_src, torch.zeros(1, 1, 3), torch.ones(1, 3))
    ours, truth = _results([relation], name), _results([relation], "reference", torch.float64)
    # output, attention and the gradient of sources; the other gradients cancel to almost nothing
    _agree(ours[:3], truth[:3], 1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shared_softmax", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.4])
def test_kernel_agrees_with_the_reference(name: str, shared_softmax: bool, p: float) -> None:
    torch.manual_seed(0)
    sizes = [(9, 8, 40, 2, 16, 1), (1, 1, 1, 1, 1, 0), (5, 3, 0, 2, 4, 2), (6, 9, 50, 1, 33, 3)]
    if name != "cuda":  # Triton's interpreter is slow
        sizes += [
            (60, 70, 1500, 2, 50, 1),
            (300, 250, 9000, 4, 93, 1),
            (50, 50, 800, 1, 130, 5),
            (900, 900, 2000, 2, 24, 0),
        ]
    for n_src, n_dst, n_edges, heads, channels, width in sizes:
        relations = [_relation(n_src, n_dst, n_edges, heads, channels, w) for w in (width, 0, 1)]
        options = {
            "dropout": Dropout(p, 2**62 + 12345),
            "shared_softmax": shared_softmax,
            "negative_slope": 0.1,
        }
        _agree(
            _results(relations, name, **options), _results(relations, "reference", torch.float64, **options)
        )


@pytest.mark.parametrize("name", ["cpu", "numba"])
def test_hub_is_cut_into_pieces_and_joined(name: str) -> None:
    torch.manual_seed(0)
    relations = [_relation(500, 3, 100_000, 1, 8, 1, hub=True), _relation(40, 3, 90, 1, 8, 0)]
    for shared_softmax in (False, True):
        ours = _results(relations, name, shared_softmax=shared_softmax)
        truth = _results(relations, "reference", torch.float64, shared_softmax=shared_softmax)
        # on several threads, how far the reference rounds depends on which of them adds first
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        rounding = _results(relations, "reference", shared_softmax=shared_softmax)
        torch.set_num_threads(threads)
        for mine, its, plain in zip(ours, truth, rounding, strict=True):
            allowed = 10 * float((plain.double() - its).norm()) + 1e-5 * float(its.norm()) + 1e-7
            assert float((mine.double() - its).norm()) <= allowed


@pytest.mark.parametrize("name", NAMES)
def test_slope_at_zero_is_torchs(name: str) -> None:
    """-ffast-math turns 0 - x into -x, and the gradient of a score of exactly zero goes wrong."""
    graph = Csr.from_edges(torch.arange(12) % 4, torch.arange(12) % 3, 4, 3)
    for sign in (0.0, -0.0):
        x_src, x_dst = torch.full((4, 1, 20), sign), torch.zeros(3, 1, 20)
        relation = Relation(
            graph, x_src, x_dst, torch.randn(1, 20), torch.zeros(12, 1), torch.randn(1, 1, 20)
        )
        _agree(_results([relation], name), _results([relation], "reference", torch.float64))


@pytest.mark.parametrize("name", ["cpu", "numba"])
def test_result_is_the_same_for_any_number_of_threads(name: str) -> None:
    torch.manual_seed(0)
    relations = [_relation(300, 250, 30_000, 2, 33, 1), _relation(50, 250, 20_000, 2, 33, 0, hub=True)]
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(_results(relations, name, dropout=Dropout(0.2, 7)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_numba_leaves_torch_the_threads_it_had() -> None:
    """In a process of its own: numba gives torch every core the first time that it is asked for threads."""
    code = (
        "import torch; from pharmagraph.model.kernels import Csr, Relation, attend; torch.set_num_threads(1); "
        "graph = Csr.from_edges(torch.tensor([0, 1]), torch.tensor([0, 0]), 2, 1); "
        "relation = Relation(graph, torch.ones(2, 1, 3), torch.ones(1, 1, 3), torch.ones(1, 3)); "
        "attend([relation], implementation='numba'); print(torch.get_num_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


@pytest.mark.once
def test_every_vector_width_agrees() -> None:
    from pharmagraph.model.kernels import cpu

    widths = ["plain", "avx2", "avx512"]
    widths = widths[: 1 + widths.index(build.machine())] if build.machine() in widths else ["neon"]
    torch.manual_seed(0)
    relation = _relation(60, 70, 1500, 2, 50, 1)
    truth, _ = attend([relation], implementation="reference")
    options: dict[str, Any] = {
        "negative_slope": 0.2,
        "dropout": Dropout(),
        "shared_softmax": False,
        "attention": True,
    }
    for variant in widths:
        out, _ = cpu.attend([relation], **options, library=library(variant))
        torch.testing.assert_close(out, truth, rtol=1e-5, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_csr_holds_every_edge_once_whoever_sorts(n_src: int, n_dst: int, data: Any) -> None:
    ends = data.draw(st.lists(st.tuples(st.integers(0, n_src - 1), st.integers(0, n_dst - 1)), max_size=60))
    src, dst = np.array([e[0] for e in ends], dtype=np.int64), np.array([e[1] for e in ends], dtype=np.int64)
    graphs = [Csr.from_edges(src, dst, n_src, n_dst)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pharmagraph.model.kernels.csr.compiled", lambda: None)
        graphs.append(Csr.from_edges(torch.as_tensor(src), torch.as_tensor(dst), n_src, n_dst))
    for graph in graphs:
        order = np.lexsort((np.arange(len(src)), src, dst))
        assert graph.edge_id.tolist() == order.tolist()
        assert graph.src.tolist() == src[order].tolist()
        assert graph.dst().tolist() == dst[order].tolist()
        assert sorted(graph.by_src.tolist()) == list(range(len(src)))
        assert graph.src[graph.by_src.long()].tolist() == sorted(src.tolist())
        assert (
            graph.src_indptr.tolist()
            == np.concatenate([[0], np.bincount(src, minlength=n_src).cumsum()]).tolist()
        )
        values = torch.rand(len(src), 2)
        assert torch.equal(graph.unsort(graph.sort(values)), values)


@pytest.mark.parametrize(
    ("src", "dst", "message"),
    [
        ([0, 5], [0, 0], r"src\[1\] is 5"),
        ([0, 1], [-1, 0], r"dst\[0\] is -1"),
        ([0.5], [0], "src holds torch.float32"),
        ([[0]], [0], "src has shape"),
        ([0, 1], [0], "src has 2 edges, dst has 1"),
    ],
)
def test_bad_edges_are_named(src: list[Any], dst: list[Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Csr.from_edges(torch.tensor(src), torch.tensor(dst), 3, 2)


def test_bad_relation_is_named() -> None:
    good = _relation(4, 3, 6, 1, 5, 0)
    wrong = Relation(good.graph, good.x_src, good.x_dst.double(), good.att)
    with pytest.raises(ShapeError, match=r"relations\[1\]: x_dst holds torch.float64"):
        attend([good, wrong])
    double = Relation(good.graph, good.x_src.double(), good.x_dst.double(), good.att.double())
    with pytest.raises(ShapeError, match=r"relations\[1\]: x_dst holds torch.float64, that of the first"):
        attend([good, double])
    none = Relation(good.graph, good.x_src[..., :0], good.x_dst[..., :0], good.att[:, :0])
    with pytest.raises(ShapeError, match=r"relations\[0\]: att has shape \(1, 0\)"):
        attend([none])
    flat = Relation(good.graph, good.x_src, good.x_dst, good.att, torch.ones(6, 1), torch.ones(5))
    with pytest.raises(ShapeError, match=r"edge_weight has shape \(5,\)"):
        attend([flat])
    half = Relation(good.graph, good.x_src.half(), good.x_dst.half(), good.att.half())
    with pytest.raises(ShapeError, match=r"att holds torch\.float16"):
        attend([half])
    with pytest.raises(ShapeError, match="relations is empty"):
        attend([])
    with pytest.raises(ValueError, match='implementation is "fast"'):
        attend([good], implementation="fast")


@pytest.mark.parametrize("name", NAMES)
def test_second_derivative_is_refused_and_not_wrong(name: str) -> None:
    relation = _relation(4, 3, 6, 1, 5, 0)
    relation.x_src.requires_grad_()
    out, _ = attend([relation], implementation=name)
    (first,) = torch.autograd.grad(out.square().sum(), relation.x_src, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_an_error_that_names_the_argument(name: str) -> None:
    relation = _relation(4, 3, 6, 1, 5, 0)
    relation.x_src[relation.graph.src[0].long()] = torch.nan
    with pytest.raises(ValueError, match=r"x_src holds .* NaN"):
        attend([relation], implementation=name)


def test_dropout_drops_its_share_and_differs_between_heads_and_seeds() -> None:
    kept = Dropout(0.3, 99).scale(torch.arange(200_000), 2)
    torch.testing.assert_close(
        (kept == 0).double().mean(0), torch.full((2,), 0.3, dtype=torch.float64), atol=5e-3, rtol=0
    )
    assert float(((kept[:, 0] == 0) == (kept[:, 1] == 0)).double().mean()) == pytest.approx(0.58, abs=5e-3)
    other = Dropout(0.3, 100).scale(torch.arange(200_000), 2)
    assert float(((kept == 0) == (other == 0)).double().mean()) == pytest.approx(0.58, abs=5e-3)


@pytest.fixture
def fresh_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine on which nothing is built yet; gives its cache folder."""
    caches = (choice.for_cpu, choice._named, library, compiled)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(build, "PREBUILT", tmp_path / "prebuilt")
    monkeypatch.delenv(choice.ENVIRONMENT, raising=False)
    yield tmp_path / "cache"
    for cache in caches:
        cache.cache_clear()


def test_without_a_compiler_numba_takes_over_with_one_warning(
    fresh_choice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.warns(RuntimeWarning, match=r"numba kernel .*no-such-compiler"):
        attend([_relation(4, 3, 6, 1, 5, 0)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        attend([_relation(4, 3, 6, 1, 5, 0)])
    assert status()["cpu"].startswith("numba: cpu: no C++ compiler (no-such-compiler)")
    finding = doctor._kernels()
    assert finding.state == "missing" and "no-such-compiler" in finding.detail


def test_compiler_that_fails_is_reported_in_one_line(
    fresh_choice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-compiler"
    broken.write_text("#!/bin/sh\necho 'x.cpp:1: error: no room' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("CXX", str(broken))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "error: no room" in status()["cpu"]
    assert not [p for p in fresh_choice.glob("*") if p.is_file()]


def test_without_numba_either_the_reference_takes_over(
    fresh_choice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setitem(sys.modules, "pharmagraph.model.kernels.cpu_numba", None)
    monkeypatch.delattr("pharmagraph.model.kernels.cpu_numba", raising=False)
    with pytest.warns(RuntimeWarning, match="slower reference kernel"):
        attend([_relation(4, 3, 6, 1, 5, 0)])


@pytest.mark.once
def test_library_is_built_once_and_found_again(fresh_choice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert warm()["cpu"].startswith("cpu: attention-")
    (built,) = fresh_choice.glob("*.so")
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert build.load_library()[1] == built


@pytest.mark.once
def test_read_only_cache_is_no_error(fresh_choice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_choice.write_text("a file where the folder would be")  # root may write into any read-only folder
    assert warm()["cpu"].startswith("cpu: attention-")


def test_implementation_can_be_forced_by_the_environment() -> None:
    code = "from pharmagraph.model.kernels import status; print(status()['cpu'])"
    environment = os.environ | {"PHARMAGRAPH_KERNELS": "reference"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.stdout == "reference: PHARMAGRAPH_KERNELS is set\n"
