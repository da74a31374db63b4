"""`mdm init`: files -> a project.yaml that an expert might have written, commented, and that runs as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mdm.entity import BUILT_IN, load_entity
from mdm.errors import BadInput, Conflict
from mdm.guess.blocks import Block, guess_blocks
from mdm.guess.sample import read_sample
from mdm.guess.words import fold
from mdm.guess.write import project_text, unique_names
from mdm.project_file import project_of
from mdm.project_yaml import allowed_words, parse_yaml

PROJECT_FILE = "project.yaml"


@dataclass(frozen=True, slots=True)
class Guess:
    """The sources as they will stand in the project file, in the order of the files."""

    blocks: tuple[Block, ...]


def guess_project(files: Sequence[Path], entity: str | None = None) -> Guess:
    """The sources that the files hold; `entity` fixes the type of every row.

    Raises BadSource for a file that cannot be read, BadInput for an unknown entity type or no file.
    """
    if not files:
        raise BadInput("no file to read; name at least one csv, tsv, jsonl, parquet or xlsx file")
    if entity is not None and entity not in BUILT_IN:
        raise BadInput(f"unknown entity type {entity!r}; {allowed_words(entity, BUILT_IN)}")
    entities = {name: load_entity(name) for name in BUILT_IN}
    blocks = [
        block
        for file in files
        for block in guess_blocks(read_sample(file.absolute()), file.name.partition(".")[0], entities, entity)
    ]
    names = unique_names(block.name for block in blocks)
    return Guess(tuple(replace(block, name=name) for block, name in zip(blocks, names, strict=True)))


def write_project(directory: Path, files: Sequence[Path], entity: str | None = None) -> Path:
    """The path of the project.yaml written into the directory, which is made if it is not there.

    Raises Conflict when the directory already holds a project; then, and on any other refusal, nothing is written.
    """
    folder = directory.absolute()
    path = folder / PROJECT_FILE
    if path.exists():
        raise Conflict(f"{path} is already there; choose another folder, or edit it")
    text = _project_that_runs(path, guess_project(files, entity).blocks)
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def _project_that_runs(path: Path, blocks: Sequence[Block]) -> str:
    """The text of the file, with the limits that a trial showed it to need."""
    from mdm.guess.trial import needed_limits  # late: the intake, which it runs, looks at content with this package

    name = _project_name(path.parent)
    text = project_text(name, blocks, path.parent)
    limits = needed_limits(project_of(parse_yaml(path, text), {}))
    if not limits:
        return text
    fitted = [replace(block, limits=limits.get(block.name, block.limits)) for block in blocks]
    return project_text(name, fitted, path.parent)


def _project_name(folder: Path) -> str:
    """The folder's name in letters that serve as a file name everywhere."""
    return re.sub(r"[^a-z0-9]+", "_", fold(folder.resolve().name)).strip("_") or "project"
