"""Full disks, places that cannot be, limits of the system: one line and exit code 1, and nothing half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pharmagraph.cli import _told
from pharmagraph.kg import folders
from pharmagraph.kg.errors import StoreError
from pharmagraph.kg.store import open_store
from tests.cli.typed import typed
from tests.faults.conftest import CHECKOUT, command, one_line


@pytest.mark.parametrize("error_closed", ["", "2>&-"])
def test_a_store_survives_a_disk_without_a_free_block(small: Path, error_closed: str) -> None:
    before = small.read_bytes()
    full = command("ingest", "synthetic", "--drugs", "13", "--cells", "16", "--genes", "40",
                   shell=f"ulimit -f 4; exec {error_closed}")  # fmt: skip
    assert full.returncode == 1
    assert "terminate" not in full.stderr
    if not error_closed:
        assert "disk is full" in one_line(full)
    with open_store(f"ladybug://{small}") as store:
        assert store.counts()["Drug"] == 12
    assert len(small.read_bytes()) >= len(before)
    assert [p.name for p in small.parent.iterdir() if p.name.startswith(".room")] == []


@pytest.mark.parametrize(
    ("what", "place"),
    [
        ("csv", "out"),
        ("kgx", "out"),
        ("graphml", "out.graphml"),
        ("networkx", "out.json"),
        ("neo4j-import", "out"),
        ("heterograph", "out"),
        ("arrays", "out"),
        pytest.param("dgl", "out", marks=pytest.mark.dgl),
        ("pyg", "out.pt"),
    ],
)
def test_an_export_to_a_full_disk_leaves_nothing_and_can_be_repeated(
    small: Path, what: str, place: str
) -> None:
    full = command("export", what, place, shell="ulimit -f 1")
    told = one_line(full)
    assert "free space or change folder" in told
    assert place in told and "[errno" not in told and ".new." not in told
    left = [p for p in small.parent.iterdir() if p != small]
    assert not any(p.is_file() or list(p.iterdir()) for p in left), left
    assert typed("export", what, place).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("export", "pyg", "folder"),
        ("export", "graphml", "folder"),
        ("export", "csv", "file/below"),
        ("status", "--store", "ladybug://loop.lbug"),
        ("status", "--store", "ladybug://file/below.lbug"),
        ("status", "--store", f"ladybug://{'x' * 300}.lbug"),
    ],
)
def test_a_place_that_cannot_be_is_one_line(small: Path, words: tuple[str, ...]) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    Path("loop.lbug").symlink_to("loop.lbug")
    one_line(typed(*words))


@pytest.mark.parametrize(
    ("number", "part"),
    [("EFBIG", "free space"), ("EIO", "free space"), ("EMFILE", "ulimit -n"), ("ENOENT", "another place")],
)
def test_an_error_of_the_system_names_the_way_out(number: str, part: str) -> None:
    told = _told(OSError(getattr(errno, number), "why", "place"))
    assert told is not None and part in told and "place" in told


def test_a_limit_of_addresses_lets_a_store_open(small: Path) -> None:
    done = command("status", shell="ulimit -v 100000000")
    assert done.returncode == 0, done.stderr


def test_enrich_makes_no_store(tmp_path: Path) -> None:
    assert "there is no store" in one_line(typed("enrich"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_itself_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "loop.lbug").symlink_to("loop.lbug")
    with pytest.raises(StoreError, match=r"cannot be a store|no store"):
        open_store(f"ladybug://{tmp_path}/loop.lbug", read_only=True)


def test_a_killed_process_s_temporary_folder_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = """import time
from pharmagraph.kg import folders
with folders.temporary() as folder:
    print(folder, flush=True)
    time.sleep(600)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "TMPDIR": str(tmp_path)},
    )
    assert child.stdout is not None
    left = Path(child.stdout.readline().strip())
    with folders.temporary():
        assert left.is_dir(), "its process lives"
    child.kill()
    child.wait()
    with folders.temporary() as mine:
        assert not left.exists()
        assert mine.is_dir()
    assert not mine.exists()


def test_values_of_a_screen_that_fits_no_memory_are_refused(tmp_path: Path) -> None:
    assert "give fewer" in one_line(typed("ingest", "synthetic", "--drugs", "1000000000"))


def test_hops_end_where_nothing_new_is_reached(small: Path) -> None:
    words = ("export", "heterograph", "out", "--around", "SYNTHETICDRUG0001", "--hops", "99999999999")
    assert typed(*words).returncode == 0
