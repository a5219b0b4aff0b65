"""An audit that could not be made says so; a bill of materials lists what a wheel needs, and no place or machine."""

from __future__ import annotations

import json
import re
import socket
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from supply_chain import audit, sbom

pytestmark = pytest.mark.once


def answer(*packages: dict[str, Any], code: int = 0) -> audit.Answer:
    return code, json.dumps({"dependencies": list(packages), "fixes": []}), ""


SOUND = {"name": "a", "version": "1", "vulns": []}
UNSOUND = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("given", "sound", "said"),
    [
        (answer(SOUND), True, "1 packages audited, 0 known"),
        (answer(SOUND, UNSOUND, code=1), False, "b 2: X-1, mended in 3"),
        (answer(SOUND, SKIPPED), True, "NOT AUDITED: 1 that the database does not know: c"),
        (answer(SKIPPED), None, "NOT AUDITED"),
        (answer(), None, "NOT AUDITED"),
        ((1, "", "Traceback\nConnectionError: no route"), None, "no route"),
        ((1, "", ""), None, "ended with 1"),
        ((0, "[]", ""), None, "NOT AUDITED"),
    ],
)
def test_an_audit_that_could_not_be_made_is_none(
    given: audit.Answer, sound: bool | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, found = audit.judged(given)
    assert found is sound and said in text
    monkeypatch.setattr(sys, "argv", ["audit"])
    assert audit.main(lambda: given) == (sound is False)
    monkeypatch.setattr(sys, "argv", ["audit", "--required"])
    assert audit.main(lambda: given) == (sound is not True)


def test_what_is_accepted_has_a_reason_and_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(audit.ACCEPTED.values())
    monkeypatch.setattr(audit, "ACCEPTED", {"X-1": "not used here"})
    assert audit.judged(answer(UNSOUND))[1] is True


def test_a_network_without_the_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("six==1.17.0\n")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    text, sound = audit.judged(audit.ask(lock))
    assert sound is None and "NOT AUDITED" in text


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return sbom.bill()


def test_the_bill_lists_what_the_wheel_needs_with_versions_and_licences(bill: dict[str, Any]) -> None:
    versions = {c["name"].casefold(): c["version"] for c in bill["components"]}
    for name in ("torch", "numpy", "dash", "flask", "ladybug", "rdkit", "cheroot", "werkzeug"):
        assert versions[name] == metadata.version(name), name
    assert not {"pytest", "ruff", "bandit", "hypothesis", "mypy", "pharmagraph"} & set(versions)
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "pharmagraph"
    refs = {c["bom-ref"] for c in bill["components"]} | {sbom.ROOT}
    assert {ref for d in bill["dependencies"] for ref in d.get("dependsOn", [])} <= refs
    assert sum("licenses" in c for c in bill["components"]) > 0.9 * len(versions)


def test_the_bill_says_nothing_of_the_machine_or_of_where_packages_came_from(bill: dict[str, Any]) -> None:
    bill.pop("$schema", None)
    text = json.dumps(bill)
    assert not re.search(r"https?://|file:|/home/|/root|index-url", text)
    for word in (str(sbom.CHECKOUT), str(Path.home()), socket.gethostname(), sys.prefix):
        assert not re.search(rf"\b{re.escape(word)}\b", text), word
