"""XML within a workbook that grows without end, or asks for a file, is refused before it fills memory."""

from __future__ import annotations

import resource
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from pharmagraph.kg.errors import PharmagraphError
from pharmagraph.kg.reading.workbook import sheet_names

GROWING = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
DECLARED = {
    "grows": f'<!DOCTYPE x [<!ENTITY a0 "lol">{GROWING}]>',
    "asks": '<!DOCTYPE x [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>',
}


@pytest.mark.skipif(sys.platform == "win32", reason="resource")
@pytest.mark.parametrize("declared", DECLARED)
def test_entities_of_a_workbook_neither_grow_nor_read(tmp_path: Path, declared: str) -> None:
    plain = tmp_path / "plain.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["drug", "value"])
    book.save(plain)
    place = tmp_path / "responses.xlsx"
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(place, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name == "xl/workbook.xml":
                head, _, rest = text.partition("<workbook")
                text = f"{head}{DECLARED[declared]}<workbook{rest}".replace('name="Sheet"', 'name="&a11;"')
                assert "&a11;" in text
            new.writestr(name, text)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PharmagraphError) as caught:
        sheet_names(place, "responses.xlsx")
    assert "root:" not in str(caught.value) and len(str(caught.value)) < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10  # KiB
