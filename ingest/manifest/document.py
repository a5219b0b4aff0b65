"""Reads YAML of mappings, lists and words, with the line of each; every word stays the text that it is.

YAML's own types would make ``NO`` a falsehood and ``1e5`` a text; references could make a small file fill the memory.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pharmagraph.kg.errors import InputError, shortened
from pharmagraph.kg.reading.text import opened, shown

LARGEST = 2**20
"""Characters that a manifest may have."""

_DEEPEST = 8
_ALIKE = 0.5


@dataclass(frozen=True)
class Value:
    """A word, a list or a mapping of a document.

    Parameters
    ----------
    file, line
        Its place.
    content
        What it is.
    """

    file: str
    line: int
    content: str | list[Value] | dict[str, Value]

    def error(self, sentence: str) -> InputError:
        """An error at this place."""
        return InputError(f"{self.file}, line {self.line}: {sentence}")

    def text(self, what: str) -> str:
        """The word.

        Raises
        ------
        InputError
            If it is none, or empty.
        """
        if not isinstance(self.content, str):
            raise self.error(
                f"{what} is one value, not {'a list' if isinstance(self.content, list) else 'several'}"
            )
        if not self.content:
            raise self.error(f"{what} is empty; fill it, or take the line out")
        return self.content

    def texts(self, what: str) -> tuple[str, ...]:
        """The words of a list, or a word alone.

        Raises
        ------
        InputError
            If one is no word.
        """
        listed = self.content if isinstance(self.content, list) else [self]
        return tuple(one.text(what) for one in listed)

    def mapping(self, what: str, allowed: Iterable[str]) -> Mapping[str, Value]:
        """The mapping.

        Raises
        ------
        InputError
            If it is none, or has another key than those allowed.
        """
        allowed = tuple(allowed)
        if not isinstance(self.content, dict):
            raise self.error(f"{what} needs lines below it, with some of {', '.join(allowed)}")
        for key, value in self.content.items():
            if key not in allowed:
                raise value.error(unknown(key, what, allowed))
        return self.content


def unknown(word: str, what: str, allowed: Iterable[str]) -> str:
    """The sentence that a word is none of those allowed, with the one that it resembles."""
    allowed = tuple(allowed)
    near = difflib.get_close_matches(word.casefold(), allowed, n=1, cutoff=_ALIKE)
    meant = f"did you mean {near[0]}? " if near else ""
    return f'"{shortened(word)}" is not known in {what}; {meant}There are {", ".join(allowed)}'


def read_document(path: Path) -> Value:
    """Read a file.

    Raises
    ------
    InputError
        If it is no text, larger than `LARGEST`, no YAML, deeper than a few levels, has a key twice, or a reference.
    """
    file = shown(path)
    with opened(path) as stream:
        text = stream.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise InputError(f"{file} has more than {LARGEST:,} characters; it is no manifest")
    try:
        events = list(_plain(yaml.parse(text, yaml.SafeLoader), file))
        node = yaml.compose(text, yaml.SafeLoader) if events else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise InputError(
            f"{file}{place}: this is no YAML ({reason}); write KEY: VALUE, indented by blanks"
        ) from None
    return _value(node, file) if node is not None else Value(file, 1, {})


def _plain(events: Iterator[yaml.Event], file: str) -> Iterator[yaml.Event]:
    """The events of one document without references, as deep as a manifest may be."""
    depth = documents = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise InputError(f"{file}, line {line}: a second document begins; keep one")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(
                f"{file}, line {line}: a name that begins with & or * is a reference; put it in quotes"
            )
        if tag := getattr(event, "tag", None):
            raise InputError(
                f'{file}, line {line}: "{shortened(tag)}" is a tag, which a manifest has none of; take it out'
            )
        if depth > _DEEPEST:
            raise InputError(f"{file}, line {line}: this is too deep for a manifest")
        yield event


def _value(node: yaml.Node, file: str) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        plain_null = node.style is None and node.value in ("~", "null", "Null", "NULL")
        return Value(file, line, "" if plain_null else node.value.strip())
    if isinstance(node, yaml.SequenceNode):
        return Value(file, line, [_value(one, file) for one in node.value])
    found: dict[str, Value] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(f"{file}, line {key.start_mark.line + 1}: a key is one word; put it in quotes")
        at = Value(file, key.start_mark.line + 1, _value(value, file).content)
        if key.value in found:
            raise at.error(f'"{shortened(key.value)}" is there twice; keep one')
        found[key.value] = at
    return Value(file, line, found)
