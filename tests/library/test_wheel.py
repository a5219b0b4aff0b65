"""The wheel in a fresh environment, in a folder whose modules have the names of our folders.

The source is copied, so that a build leaves nothing in the checkout; the wheel is made of the sdist.
The environment is new and gets the wheel alone. What the wheel needs is not downloaded: a ``.pth`` file appends the
site-packages of the running environment to the path. Python does not read the ``.pth`` files in there, so the editable
install of the checkout is not seen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(1200)]

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = ("assistant", "cypher", "explorer", "ingest", "kg", "model", "workflow")
DATA = {".cypher", ".yaml", ".csv", ".cpp", ".h", ".css", ".js"}
SOURCE = (*FOLDERS, "pharmagraph", "cli.py", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def done(*words: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    result = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=900
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def built(kind: str, source: Path, out: Path) -> Path:
    """The one file that setuptools makes of a source, an ``sdist`` or a ``wheel``."""
    script = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    done(sys.executable, "-c", script, cwd=source)
    (file,) = out.iterdir()
    return file


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An sdist of the checkout, and the wheel of that sdist."""
    place = tmp_path_factory.mktemp("build")
    (place / "source").mkdir()
    for name in SOURCE:
        done("cp", "-R", "-P", CHECKOUT / name, place / "source", cwd=place)  # links stay links
    (place / "sdist").mkdir()
    (place / "wheel").mkdir()
    sdist = built("sdist", place / "source", place / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (unpacked,) = (place / "unpacked").iterdir()
    return sdist, built("wheel", unpacked, place / "wheel")


def of_the_checkout() -> set[str]:
    """What the library is made of, by the names it has when installed."""
    files = {f"pharmagraph/{name}" for name in ("cli.py", "py.typed")}
    files |= {f"pharmagraph/{p.name}" for p in (CHECKOUT / "pharmagraph").glob("*.py")}
    for folder in FOLDERS:
        for path in (CHECKOUT / folder).rglob("*"):
            if path.suffix in {".py", *DATA} and "prebuilt" not in path.parts:
                files.add(f"pharmagraph/{path.relative_to(CHECKOUT)}")
    return files


def test_the_wheel_holds_every_file_and_nothing_beside_the_package(packed: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(packed[1]).namelist())
    ours = {name for name in names if name.startswith("pharmagraph/")}
    assert ours == of_the_checkout()
    assert {name.split("/")[0] for name in names - ours} == {"pharmagraph-0.1.0.dist-info"}


def test_the_sdist_holds_real_files_in_place_of_links(packed: tuple[Path, Path]) -> None:
    with tarfile.open(packed[0]) as archive:
        members = archive.getmembers()
    assert not [m.name for m in members if m.issym() or m.islnk()]
    names = {m.name.partition("/")[2] for m in members if m.isfile()}
    assert {n for n in names if n.startswith("pharmagraph/")} == of_the_checkout()
    assert not {n.split("/")[0] for n in names} & set(FOLDERS)


def test_the_loop_beside_modules_of_the_same_names(packed: tuple[Path, Path], tmp_path: Path) -> None:
    environment, folder = tmp_path / "environment", tmp_path / "work"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    done(sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps", "--no-index",
         packed[1], cwd=tmp_path)  # fmt: skip
    site = Path(
        done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "kg").mkdir(parents=True)
    for file in ("model.py", "cli.py", "kg/__init__.py"):
        (folder / file).write_text("MINE = True\n")
    (folder / "targets.csv").write_text("drug,gene\nsynthetic-drug-0001,SYNTHETICG00003\n")
    shutil.copy(CHECKOUT / "tests" / "library" / "loop.py", folder / "loop.py")
    assert "the loop is done" in done(python, "loop.py", cwd=folder)
    assert "TESTED_ON" in done(
        environment / "bin" / "cli", "status", "--store", "ladybug://screen.lbug", cwd=folder
    )
    assert "top-genes" in done(python, "-m", "pharmagraph.cli", "query", "--list", cwd=folder)
