"""The removal of a run that was cut off is told, and finished by whoever writes runs next."""

from __future__ import annotations

import pytest

from pharmagraph.kg import runs
from pharmagraph.kg.store import GraphStore, open_store
from tests.cli.typed import typed
from tests.faults.conftest import command, one_line
from tests.unit.kg.test_runs import base_attention, register, store  # noqa: F401


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def cut_off(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> GraphStore:  # noqa: F811
    """A store in which the removal of the promoted run r1 ended with its process, at the first edge."""
    register(store, "r1")
    runs.promote(store, "r1")
    with monkeypatch.context() as patch:

        def killed(*_: object, **__: object) -> int:
            raise KilledError

        patch.setattr(type(store), "set_attention", killed)
        with pytest.raises(KilledError):
            runs.delete(store, "r1")
    return store


def attended(store: GraphStore) -> bool:  # noqa: F811
    return any(value != (None, None) for values in base_attention(store).values() for value in values)


def test_a_half_removed_run_is_not_listed_and_status_tells(cut_off: GraphStore) -> None:
    assert attended(cut_off)
    assert runs.runs(cut_off) == []
    url = cut_off.url
    cut_off.close()
    said = typed("status", "--store", url).stdout
    cut_short = "the removal of run r1 was cut off; next: cli runs delete r1"
    assert cut_short in said
    assert cut_short in typed(environment={"PHARMAGRAPH_STORE": url}).stdout
    assert typed("runs", "delete", "r1", "--store", url).returncode == 0
    with open_store(url) as again:
        assert not attended(again)
        assert again.counts()["Run"] == again.counts()["Drug-ATTENDS-Gene"] == 0
    assert "the removal of run" not in typed("status", "--store", url).stdout


def test_the_next_run_finishes_the_removal(cut_off: GraphStore) -> None:
    register(cut_off, "r2")
    assert not attended(cut_off)
    assert [run["id"] for run in runs.runs(cut_off)] == ["r2"]
    assert runs.half_deleted(cut_off) == []


def test_a_promoted_run_keeps_its_attention_when_a_removal_is_finished(cut_off: GraphStore) -> None:
    register(cut_off, "r2")
    runs.promote(cut_off, "r2")
    before = base_attention(cut_off)
    assert runs.finish(cut_off) == 0
    assert base_attention(cut_off) == before


def test_nobody_to_ask_is_no_yes(cut_off: GraphStore) -> None:
    register(cut_off, "r2")
    url = cut_off.url
    cut_off.close()
    told = one_line(command("runs", "delete", "r2", "--store", url, shell="exec <&-"))
    assert told == "error: run r2 was not removed; answer y, or pass --yes"
