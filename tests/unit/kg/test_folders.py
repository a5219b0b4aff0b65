"""Files that the user named are whole, or as they were."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError, bytes_said
from pharmagraph.kg.folders import whole_folder


def test_a_file_is_put_in_place_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "graph.json"
    with folders.whole(path) as place:
        place.write_text("{")
        assert not path.exists() and place.suffix == path.suffix
        place.write_text("{}")
    assert path.read_text() == "{}" and [p.name for p in path.parent.iterdir()] == ["graph.json"]


def test_a_full_disk_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text("former")
    with pytest.raises(OSError, match="No space"):
        _half(path, OSError(errno.ENOSPC, "No space left on device"))
    assert path.read_text() == "former" and list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    path, link = tmp_path / "graph.json", tmp_path / "link.json"
    path.write_text("former")
    link.symlink_to(path)
    with folders.whole(link) as place:
        place.write_text("new")
    assert link.is_symlink() and path.read_text() == "new"
    with folders.whole(Path("/dev/null")) as place:
        assert place == Path("/dev/null")


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        _half(tmp_path / "file" / "graph.json", OSError())
    with pytest.raises(InputError, match=r"cannot write .*; give another place"):
        _half(tmp_path / "graph.json", FileNotFoundError(errno.ENOENT, "No such file or directory"))


def test_a_file_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a folder; give a file"):
        folders.require_file(tmp_path)
    with pytest.raises(InputError, match="cannot be made"):
        folders.require_file(tmp_path / "file" / "rows.json")
    folders.require_file(tmp_path / "new" / "rows.json")
    assert not (tmp_path / "new").exists()


def test_names_of_signs_alone_have_files_of_their_own() -> None:
    names = {folders.file_name(text) for text in ("/", "../", "a/b", "\ud800")}
    assert len(names) == 4 and all(re.fullmatch(r"unnamed-[0-9a-f]{8}|a_b", name) for name in names)


def _half(path: Path, error: OSError) -> None:
    with folders.whole(path) as place:
        place.write_text("half")
        raise error


def test_a_folder_of_files_that_fails_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "there", tmp_path / "new" / "deep"):
        with pytest.raises(FileNotFoundError), whole_folder(folder) as place:
            (place / "none" / "file").write_text("x")
    assert [p.name for p in tmp_path.iterdir()] == ["there"] and not list((tmp_path / "there").iterdir())
    with whole_folder(tmp_path / "new" / "deep") as place:
        (place / "file").write_text("x")
    assert (tmp_path / "new" / "deep" / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (10**6, "1.0 MB"),
     (4 * 10**8, "400.0 MB"), (1_234 * 10**9, "1,234.0 GB")],
)  # fmt: skip
def test_bytes_are_said_in_the_unit_that_suits_them(size: int, said: str) -> None:
    assert bytes_said(size) == said
