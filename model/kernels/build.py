"""Compiles the C++ kernels once and keeps the library on disk.

The library is looked for beside the source (`prebuilt/`, filled when wheels and containers are made), then in the
user's cache folder. If neither has it, it is compiled into the cache, or into a temporary folder if the cache is
read-only. Its name contains a hash of source, flags and torch version, so an outdated library is never loaded.

    python -m pharmagraph.model.kernels.build        fills `prebuilt/` for all machines of this processor's kind
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import platformdirs
import torch

SOURCE = Path(__file__).parent / "cpu"
PREBUILT = SOURCE / "prebuilt"
# Never -ffast-math: it turns 0 - x into -x, which makes the slope of the score at zero wrong.
FLAGS = ("-O3", "-std=gnu++17", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC")
MACHINE_FLAGS = {
    "avx512": ("-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"),
    "avx2": ("-mavx2", "-mfma"),
    "neon": (),
    "plain": (),
}


class BuildError(Exception):
    """There is no compiler, or it failed; the message is one line."""


def machine() -> str:
    """The widest vector instructions of this processor: a key of `MACHINE_FLAGS`."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "neon"
    capability = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "avx512", "AVX2": "avx2"}.get(capability, "plain")


def library_name(variant: str) -> str:
    """File name of the library for one kind of machine."""
    fingerprint = hashlib.sha256()
    for path in sorted(SOURCE.glob("*.h")) + sorted(SOURCE.glob("*.cpp")):
        fingerprint.update(path.read_bytes())
    fingerprint.update(
        repr((FLAGS, MACHINE_FLAGS[variant], torch.__version__, sys.platform, platform.machine())).encode()
    )
    return f"attention-{variant}-{fingerprint.hexdigest()[:16]}.so"


def load_library(variant: str | None = None) -> tuple[ctypes.CDLL, Path]:
    """Load the kernels, and compile them if no library is found.

    Parameters
    ----------
    variant
        A key of `MACHINE_FLAGS`; by default the best for this machine.

    Raises
    ------
    BuildError
        If there is no library and none can be built.
    """
    name = library_name(variant or machine())
    if (PREBUILT / name).exists():
        return _open(PREBUILT / name), PREBUILT / name
    if _is_sound(cache_folder() / name):
        return _open(cache_folder() / name), cache_folder() / name
    path = compile_library(variant or machine(), _writable_folder())
    return _open(path), path


def cache_folder() -> Path:
    """Folder of compiled libraries."""
    return Path(platformdirs.user_cache_dir("pharmagraph")) / "kernels"


def compile_library(variant: str, folder: Path) -> Path:
    """Compile for one kind of machine into `folder`; the file appears complete or not at all."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("g++", "c++", "clang++")), None)
    if compiler is None or shutil.which(compiler) is None:
        raise BuildError(f"no C++ compiler ({compiler or 'g++, c++, clang++'}) on the path")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / library_name(variant)
    handle, unfinished = tempfile.mkstemp(suffix=".so", dir=folder)
    os.close(handle)
    command = [compiler, *FLAGS, *MACHINE_FLAGS[variant], str(SOURCE / "attention.cpp"), "-o", unfinished]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        _checksum_of(target).write_text(_checksum(Path(unfinished)), encoding="ascii")
        os.replace(unfinished, target)
    except subprocess.CalledProcessError as error:
        first = next((line for line in error.stderr.splitlines() if "error" in line), "no message")
        raise BuildError(f"{compiler} failed: {first.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{compiler} did not finish: {error}") from error
    finally:
        Path(unfinished).unlink(missing_ok=True)
    return target


def _is_sound(library: Path) -> bool:
    """Whether a library in the cache is whole and only this user could have written it.

    The system ends a process that loads one that was cut short, as by a full disk.
    """
    try:
        places = [place.stat() for place in (library, library.parent)]
        noted = _checksum_of(library).read_text(encoding="ascii")
        is_whole = noted == _checksum(library)
    except (OSError, ValueError):
        return False
    return is_whole and not any(_is_foreign(place) for place in places)


def _is_foreign(place: os.stat_result) -> bool:
    return place.st_uid not in {0, os.getuid()} or bool(place.st_mode & 0o022)


def _checksum(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest()


def _checksum_of(library: Path) -> Path:
    """The file that notes a library's checksum."""
    return library.with_suffix(".sha256")


def _open(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise BuildError(f"{path.name} does not load: {error}") from error


def _writable_folder() -> Path:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_foreign(folder.stat()):
            with tempfile.TemporaryFile(dir=folder):
                return folder
    except OSError:
        pass  # it is read-only
    temporary = tempfile.mkdtemp(prefix="pharmagraph-kernels-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return Path(temporary)


def prebuild() -> list[Path]:
    """Compile into `PREBUILT` for all vector widths of this processor's kind, for wheels and containers."""
    variants = ["neon"] if machine() == "neon" else ["avx512", "avx2", "plain"]
    return [compile_library(variant, PREBUILT) for variant in variants]


if __name__ == "__main__":
    print(*prebuild(), sep="\n")
