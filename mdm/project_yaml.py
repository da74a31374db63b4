"""YAML text -> plain values whose every key knows its line; refusals name file, line, key and the words allowed.

Invariant: scalars stay the text the user wrote (`NO` is Norway, `007` an id); the schema decides what becomes a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from mdm.errors import BadProject

KeyPath = tuple[str | int, ...]
MAX_DEPTH = 12  # a project file nests five deep; an alias that holds itself would nest for ever
NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its plain values, and the line on which each key path stands."""

    path: Path
    values: Any
    lines: Mapping[KeyPath, int]

    def refuse(self, key: KeyPath, problem: str) -> BadProject:
        """The refusal to raise: `file:line: key: problem`."""
        line = next((self.lines[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self.lines), 1)
        where = ".".join(str(part) for part in key)
        return BadProject(f"{self.path}:{line}: {where}: {problem}" if where else f"{self.path}:{line}: {problem}")

    def refuse_word(self, key: KeyPath, word: str, what: str, allowed: Iterable[str]) -> BadProject:
        """The refusal of a word that is not on the list, with the list and the nearest word on it."""
        return self.refuse(key, f"unknown {what} {word!r}; {allowed_words(word, allowed)}")


def allowed_words(word: str, allowed: Iterable[str]) -> str:
    """`allowed: a, b, c (did you mean 'b'?)`, in the order given."""
    words = list(allowed)
    near = get_close_matches(word.lower(), [w.lower() for w in words], n=1, cutoff=0.6)
    hint = next((f" (did you mean {w!r}?)" for w in words if near and w.lower() == near[0]), "")
    return f"allowed: {', '.join(words)}{hint}"


def read_yaml(path: Path) -> Document:
    """The document in a YAML file; an unreadable file, bad YAML or a key written twice is refused."""
    try:
        return parse_yaml(path, path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadProject(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadProject(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from error


def parse_yaml(path: Path, text: str) -> Document:
    """The document in `text`; `path` is only named in refusals."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise BadProject(f"{path}:{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    walk = _Walk(loader, Document(path, None, {}), {(): 1})
    values = None if node is None else walk.value(node, ())
    return Document(path, values, walk.lines)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One pass over the node tree; `lines` fills on the way."""

    loader: yaml.SafeLoader
    document: Document
    lines: dict[KeyPath, int]

    def value(self, node: yaml.Node, key: KeyPath) -> Any:
        """The plain value of a node: dict, list, text or None."""
        self.lines.setdefault(key, node.start_mark.line + 1)
        if len(key) > MAX_DEPTH:
            raise self._refuse(key, "nested too deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*key, n)) for n, item in enumerate(node.value)]
        return None if node.tag == NULL_TAG else node.value

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[str, Any]:
        self._refuse_repeats(node, key)
        self.loader.flatten_mapping(node)  # `<<: *defaults`
        values: dict[str, Any] = {}
        for name, item in node.value:
            path = (*key, str(name.value))
            self.lines[path] = name.start_mark.line + 1
            values[str(name.value)] = self.value(item, path)
        return values

    def _refuse_repeats(self, node: yaml.MappingNode, key: KeyPath) -> None:
        seen: set[str] = set()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self._refuse(key, "a key must be a word")
            if name.value in seen:
                self.lines[(*key, name.value)] = name.start_mark.line + 1
                raise self._refuse((*key, name.value), "stands twice; give each its own name")
            seen.add(name.value)

    def _refuse(self, key: KeyPath, problem: str) -> BadProject:
        return Document(self.document.path, None, self.lines).refuse(key, problem)
