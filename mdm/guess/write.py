"""Guessed blocks -> the text of a commented project.yaml, with every word quoted where YAML would read it otherwise."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from mdm.guess.blocks import Block, Said
from mdm.guess.columns import EMPTY, EntityColumn
from mdm.project_file import LINE_ID, Limits
from mdm.reading.chunks import Form
from mdm.reading.encodings import AUTO

_PLAIN = re.compile(r"[\w./][\w ./:@+-]*\w|\w")

HEAD = """\
# Written by `mdm init` from what the files hold. Read it, correct what is wrong, then: mdm run
# A column may feed several fields, several columns one field: `phone: [home_phone, work_phone]`.
"""
TAIL = """\
match: {review: auto, merge: auto}   # bits; auto lets the model choose
# rules: rules.yaml                  # your own checks of the values
# survivorship: {email: {by: [trusted, most_recent]}}
"""


def project_text(name: str, blocks: Sequence[Block], folder: Path) -> str:
    """The whole file; paths below `folder` are written relative to it."""
    lines = [f"project: {_word(name)}", f"store: {_word(f'sqlite:///{name}.db')}", "", "sources:"]
    for block in blocks:
        lines += [*_block_lines(block, folder), ""]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _block_lines(block: Block, folder: Path) -> Iterator[str]:
    yield f"  {_word(block.name)}:"
    yield f"    read: {_word(_relative(block.file.path, folder))}"
    yield from _form_lines(block.file.form)
    if block.where:
        yield f"    where: {_flow(block.where)}"
    yield _record_id_line(block)
    yield from _limit_lines(block.limits)
    yield from _entity_lines(block)
    if block.updated_at is not None:
        yield f"    updated_at: {_word(block.updated_at)}"
    yield from _country_lines(block)
    yield from _date_lines(block)
    yield from _field_lines(block)
    yield from _unmapped_lines(block)


def _form_lines(form: Form) -> Iterator[str]:
    if form.encoding != AUTO:
        yield f"    encoding: {form.encoding}   # the file is not UTF-8; correct this if letters look wrong"
    if form.sheet is not None:
        yield f"    sheet: {_word(form.sheet)}   # the first of several that hold data"


def _unmapped_lines(block: Block) -> Iterator[str]:
    empty = [column for column, reason in block.unmapped.items() if reason == EMPTY]
    others = {column: reason for column, reason in block.unmapped.items() if reason != EMPTY}
    if others:
        yield "    # Not mapped, kept as attributes:"
        yield from (f"    #   {_one_line(column)}: {_one_line(reason)}" for column, reason in others.items())
    if empty:
        yield from textwrap.wrap(
            _one_line(", ".join(empty)), 110, initial_indent="    # Empty here: ", subsequent_indent="    #   "
        )


def _record_id_line(block: Block) -> str:
    if block.record_id is None:
        return f"    record_id: {_word(LINE_ID)}   # no column is a unique id: the line number stands for it"
    return f"    record_id: {_word(block.record_id)}"


def _limit_lines(limits: Limits) -> Iterator[str]:
    if limits.latest_of_duplicates:
        yield "    on_duplicate: latest   # rows repeat an id with other content: the newest stands, else the last"
    if limits.max_rejected is not None:
        share = f"{limits.max_rejected:.0%}"
        yield f"    max_rejected: {share}   # rows of the file cannot be read; a larger share refuses a delivery"


def _entity_lines(block: Block) -> Iterator[str]:
    if isinstance(block.entity, EntityColumn):
        blank = "" if block.entity.blank is None else f", default: {_word(block.entity.blank)}"
        yield f"    entity: {{column: {_word(block.entity.name)}, values: {_flow(block.entity.values)}{blank}}}"
        if block.entity.unknown:
            yield f"    # rows of another type are set aside: {_one_line(', '.join(block.entity.unknown))}"
    else:
        yield f"    entity: {_word(block.entity.value)}   # {_one_line(block.entity.why)}"


def _country_lines(block: Block) -> Iterator[str]:
    default: Said | None = block.country
    if block.country_column is not None:
        rest = "" if default is None else f", default: {_word(default.value)}"
        why = "" if default is None else f"   # default: {_one_line(default.why)}"
        yield f"    country: {{column: {_word(block.country_column)}{rest}}}{why}"
    elif default is not None:
        yield f"    country: {_word(default.value)}   # {_one_line(default.why)}"


def _date_lines(block: Block) -> Iterator[str]:
    if set(block.dates) == {None}:
        yield f"    dates: {block.dates[None]}"
    elif block.dates:
        orders = {"default" if country is None else country: order for country, order in block.dates.items()}
        yield f"    dates: {_flow(dict(sorted(orders.items())))}"


def _field_lines(block: Block) -> Iterator[str]:
    """One mapping when the source has one type, else one per type."""
    types = list(block.fields)
    if len(types) == 1 and block.fields[types[0]]:
        yield "    fields:"
        yield from _mapping_lines(block.fields[types[0]], "      ")
    elif not any(block.fields.values()):
        yield "    fields: {}"
    else:
        yield "    fields:"
        for type_, fields in block.fields.items():
            yield f"      {_word(type_)}:" + ("" if fields else " {}")
            yield from _mapping_lines(fields, "        ")


def _mapping_lines(fields: Mapping[str, Sequence[str | None]], indent: str) -> Iterator[str]:
    for key, columns in fields.items():
        written = [_word(column) if column is not None else "null" for column in columns]
        yield f"{indent}{_word(key)}: {written[0] if len(written) == 1 else '[' + ', '.join(written) + ']'}"


def _flow(mapping: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_word(key)}: {_word(value)}" for key, value in mapping.items()) + "}"


def _word(text: str) -> str:
    """The text as a YAML scalar that reads back as this text, also inside brackets and as a key."""
    if _PLAIN.fullmatch(text) and _reads_back(text):
        return text
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30)
    return dumped.strip()


def _reads_back(text: str) -> bool:
    try:
        return bool(yaml.safe_load(f"{{{text}: [{text}]}}") == {text: [text]})
    except yaml.YAMLError:
        return False


def _one_line(text: str) -> str:
    """The text as it may stand in a comment."""
    return "".join(c if c.isprintable() else " " for c in text)


def _relative(path: Path, folder: Path) -> str:
    file = path.absolute()
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, with a number added to those that stood before, and no colon in any."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in (n.replace(":", "_").strip() or "source" for n in names):
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found
