"""The fields for compounds that pages share: pasted or in a file, as the table that the commands read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dash.development.base_component import Component

from pharmagraph.explorer import compounds
from pharmagraph.explorer.asking import Answer
from pharmagraph.explorer.page import Field, FieldError
from pharmagraph.explorer.tables import in_page_csv
from pharmagraph.explorer.uploads import ENDINGS, MOST_BYTES, PASTED, UPLOADS
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.names import Names

MOST = f"{MOST_BYTES // 1024**2} MiB"
REJECT = Field(
    "reject", "Compounds that cannot be read", kind="select",
    options=[("", "say which, and go no further"), ("1", "leave them out")],
)  # fmt: skip
"""What is done with those."""


@dataclass(frozen=True)
class Given:
    """Compounds that a form gave.

    Attributes
    ----------
    file
        The table; where they were pasted, it is there as long as the form is read.
    pasted
        What was pasted, unless it was a file.
    """

    file: Path
    pasted: compounds.Compounds | None

    @property
    def place(self) -> str:
        """The field that they are from."""
        return "file" if self.pasted is None else "compounds"

    def said(self, message: object) -> str:
        """A message that names the file as the user does, and lines of what was pasted."""
        called = "the list" if self.pasted else self.file.name
        text = str(message).replace(str(self.file), called).rstrip(".")
        text = text.replace("leave them out with --reject-rows", "choose below to leave them out")
        return self.pasted.in_lines(text) if self.pasted else text

    def lists(self) -> list[Component]:
        """A button that saves what was pasted as the file that the command reads."""
        if self.pasted is None:
            return []
        rows = [{"drug": drug, "smiles": smiles} for drug, smiles in self.pasted.rows]
        return [in_page_csv(Answer(["drug", "smiles"], rows), "compounds", "the compounds", "compounds.csv")]


def fields(label: str) -> list[Field]:
    """The two fields."""
    return [
        Field(
            "compounds", label, "a SMILES a line, and a name after a blank if you like; or names of drugs",
            kind="textarea", more={"rows": "5", "spellcheck": "false", "data-long": "file"},
        ),
        Field(
            "file", "Or a file, chosen or dropped here",
            f"SMILES (.smi), SDF, or CSV with a column drug, smiles or both; at most {MOST}",
            kind="file", more={"accept": ",".join(ENDINGS), "data-most": str(MOST_BYTES)},
        ),
    ]  # fmt: skip


@contextmanager
def of_form(values: Mapping[str, str], names: Names) -> Iterator[Given | None]:
    """What was given in the two fields; None where both are empty.

    Raises
    ------
    FieldError
        If both were given, or the file is not kept any more.
    """
    text, file = values.get("compounds", ""), None
    if "file" in values:
        file = uploaded(values, "file")
        if text:
            raise FieldError("file", "There are compounds above, too; keep the file or those")
        if file.name == PASTED:
            text, file = file.read_text(encoding="utf-8", errors="replace"), None
    if file is not None or not text:
        yield Given(file, None) if file is not None else None
        return
    pasted = compounds.read(text, names)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "compounds.csv"
        file.write_text(pasted.csv, encoding="utf-8")
        yield Given(file, pasted)


def uploaded(values: Mapping[str, str], name: str) -> Path:
    """The file of a field; a `FieldError` where it is not kept any more."""
    try:
        return UPLOADS.path(values[name])
    except InputError as error:
        raise FieldError(name, error) from None
