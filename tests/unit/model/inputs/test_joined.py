"""Relations in files are joined into one adjacency whose edges, ids and features are those of the relations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.model.inputs.joined import Part, join
from pharmagraph.model.inputs.neighbourhoods import Incoming

FIRST = {"Drug": 0, "CellLine": 5, "Gene": 9}
SIZES = {"Drug": 5, "CellLine": 4, "Gene": 7}


def relation(src: str, dst: str, n_edges: int, generator: np.random.Generator) -> Part:
    end = np.sort(generator.integers(0, SIZES[dst], n_edges))
    indptr = np.searchsorted(end, np.arange(SIZES[dst] + 1))
    source = generator.integers(0, SIZES[src], n_edges).astype(np.int32)
    feature = generator.random((n_edges, 1)).astype(np.float32)
    return Part(Incoming(indptr, source, generator.permutation(n_edges), feature), FIRST[src], FIRST[dst])


def edges(part: Part, first_edge: int = 0) -> dict[int, tuple[int, int, float]]:
    """Id of an edge → its ends among all nodes, and its feature."""
    one = part.incoming
    dst = np.repeat(np.arange(one.n_dst), np.diff(one.indptr)) + part.first_dst
    assert one.feature is not None
    rows = zip(one.edge, one.source + part.first_src, dst, one.feature[:, 0], strict=True)
    return {int(e) + first_edge: (int(s), int(d), float(f)) for e, s, d, f in rows}


@pytest.mark.parametrize("block_edges", [1, 6, 1000])
def test_every_edge_is_in_the_adjacency_once_with_its_feature(tmp_path: Path, block_edges: int) -> None:
    generator = np.random.default_rng(0)
    parts = [
        relation(src, dst, n, generator)
        for src, dst, n in (
            ("Gene", "Drug", 30),
            ("CellLine", "Drug", 0),
            ("Gene", "CellLine", 20),
            ("Drug", "Gene", 25),
        )
    ]
    joined = join(parts, 16, tmp_path / "adjacency", block_edges=block_edges)
    wanted: dict[int, tuple[int, int, float]] = {}
    for part in parts:
        wanted |= edges(part, len(wanted))
    assert joined.n_edges == len(wanted) == 75
    assert edges(Part(joined, 0, 0)) == wanted
    assert isinstance(joined.source, np.memmap)


def test_no_edges_are_an_adjacency_too(tmp_path: Path) -> None:
    joined = join([relation("Gene", "Drug", 0, np.random.default_rng(0))], 16, tmp_path / "adjacency")
    assert (joined.n_dst, joined.n_edges) == (16, 0)


def test_relations_that_do_not_fit_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    one, other = relation("Gene", "Drug", 9, generator), relation("Drug", "Gene", 9, generator)
    bare = Part(Incoming(other.incoming.indptr, other.incoming.source, other.incoming.edge), 0, 9)
    with pytest.raises(InputError, match=r"parts\[1\] leads to node 15, but n_nodes is 15"):
        join([one, other], 15, tmp_path / "adjacency")
    with pytest.raises(
        InputError, match=r"edge features have the shapes \(1,\), None: give relations of one"
    ):
        join([one, bare], 16, tmp_path / "adjacency")
    assert list(tmp_path.iterdir()) == []
    join([one], 16, tmp_path / "adjacency")
    with pytest.raises(InputError, match="is not empty; give a new folder"):
        join([one], 16, tmp_path / "adjacency")


def test_a_source_beyond_the_nodes_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    one = Part(Incoming(np.array([0, 2]), np.array([0, 7], np.int32), np.arange(2)), 0, 0)
    with pytest.raises(InputError, match=r"parts\[0\] comes from node 7, but n_nodes is 5"):
        join([one], 5, tmp_path / "adjacency")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


ON_A_FULL_DISK = """
import sys
from pathlib import Path
import numpy as np
from pharmagraph.model.inputs.joined import Part, join
from pharmagraph.model.inputs.neighbourhoods import Incoming
n = 1 << 19
one = Incoming(np.array([0, n]), np.zeros(n, np.int32), np.arange(n))
try:
    join([Part(one, 0, 0)], 1, Path("/tmp/adjacency"))
except OSError as error:
    print(error.strerror, Path(error.filename).name, [p for p in Path("/tmp").rglob("*") if p.is_file()])
"""


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0
    if shutil.which("unshare")
    else True,
    reason="a small disk needs a namespace of its own",
)
def test_a_full_disk_is_an_error_and_does_not_end_the_process() -> None:
    """A write to a mapped place that the disk has not is the signal SIGBUS."""
    line = 'mount -t tmpfs -o size=1m none /tmp && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", line, sys.executable, ON_A_FULL_DISK],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[4],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert (done.returncode, done.stdout) == (0, "No space left on device adjacency []\n"), done.stderr
