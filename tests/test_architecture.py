"""The packages point one way, outside packages have one home, and the map in mdm/__init__ is complete."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdm

ROOT = Path(mdm.__file__).parent.parent
FILES = sorted(path for package in ("rules", "mdm", "api") for path in (ROOT / package).rglob("*.py"))

# Most special first: a module belongs to the first layer that holds it, and imports from its own and the ones named.
LAYERS = {
    "mdm.engine": {"mdm.engine", "rules"},
    "rules": {"rules"},
    "mdm": {"mdm", "mdm.engine", "rules"},
    "api": {"api", "mdm", "mdm.engine", "rules"},
}
# The engine reads rows with the mapping of their source; only the shapes, which import nothing of the shells.
SHAPES_FOR_THE_ENGINE = {"mdm.project_file"}

HOMES = {
    **dict.fromkeys(("phonenumbers", "usaddress", "stdnum", "persiantools", "email_validator", "idna"), ("rules",)),
    **dict.fromkeys(("jellyfish", "anyascii", "nicknames"), ("rules",)),
    "rapidfuzz": ("mdm.engine.compare",),
    "splink": ("mdm.linkage",),
    **dict.fromkeys(("alembic", "psycopg"), ("mdm.store",)),
    # A source may be a database too: what is read there has nothing to do with the store.
    "sqlalchemy": ("mdm.store", "mdm.reading.databases"),
    **dict.fromkeys(("typer", "rich"), ("mdm.cli",)),
    **dict.fromkeys(("fastapi", "starlette"), ("api",)),
    "uvicorn": ("mdm.cli",),
    "argon2": ("mdm.accounts",),
    "duckdb": ("mdm", "rules"),
}
# Who works inside a transaction names its type; that is all they may take from SQLAlchemy.
TYPES_OF_THE_STORE = {("sqlalchemy", "Connection")}

# Modules of mdm and mdm.engine that are no stage: data does not flow through them.
NO_STAGES = {
    "shapes and words": {"errors", "ids", "naming", "reports", "scratch", "watch", "engine.release"},
    "policy": {
        "entity",
        "sayings",
        "mapping",
        "policy",
        "project_file",
        "project_schema",
        "project_yaml",
        "engine.policy",
    },
    "processes": {"worker", "workers"},
    "doors": {"__main__", "cli", "project"},
    "parts of one stage": {
        "reading",
        "exporting",
        "engine.compare",
        "freshness",
        "engine.level_python",
        "engine.levels",
        "engine.shared",
    },
    "beside the flow": {
        "accounts",
        "crosswalks",
        "bulk_decisions",
        "decisions",
        "demo",
        "evaluation",
        "explaining",
        "forms",
        "keyring",
        "searching",
        "guess",
        "guards",
        "history",
        "pinning",
        "planning",
        "quarantine",
        "queue",
        "rebuilding",
        "relations",
        "sampling",
        "release_files",
        "source_changes",
        "steward",
        "steward_quality",
        "switching",
        "verification",
    },
    "rules and reports for people": {
        "desk",
        "masking",
        "views",
        "pages",
        "profiling",
        "rule_files",
        "scorecard",
        "scoring",
    },
    "what stages stand on": {"engine", "store"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import in the file, late ones too; the name is empty for `import module`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from ((node.module or "", alias.name) for alias in node.names)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def layer_of(module: str) -> str | None:
    return next((layer for layer in LAYERS if is_within(module, layer)), None)


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of ours that the file imports; `from package import module` counts as the module."""
    for module, name in imports_of(path):
        below = f"{module}.{name}" if (ROOT / module.replace(".", "/") / f"{name}.py").is_file() else module
        if layer_of(below) is not None:
            yield below


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_one_way(path: Path) -> None:
    layer = layer_of(module_of(path))
    assert layer is not None
    allowed = SHAPES_FOR_THE_ENGINE if layer == "mdm.engine" else set()
    wrong = [m for m in imported_modules(path) if layer_of(m) not in LAYERS[layer] and m not in allowed]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_outside_packages_have_one_home(path: Path) -> None:
    module = module_of(path)
    wrong = []
    for imported, name in imports_of(path):
        homes = HOMES.get(imported.partition(".")[0])
        at_home = homes is None or any(is_within(module, home) for home in homes)
        if not at_home and (imported, name) not in TYPES_OF_THE_STORE:
            wrong.append(imported)
    assert wrong == []


def test_duckdb_stays_out_of_the_engine() -> None:
    engine = [path for path in FILES if is_within(module_of(path), "mdm.engine")]
    assert engine
    assert [path for path in engine for module, _ in imports_of(path) if is_within(module, "duckdb")] == []


def parts_of(package: str) -> set[str]:
    """The modules and packages directly inside, without the package's own name."""
    folder = ROOT / package.replace(".", "/")
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return found - {"__init__"}


def stages_there() -> set[str]:
    beside = set().union(*NO_STAGES.values())
    there = parts_of("mdm") | {f"engine.{name}" for name in parts_of("mdm.engine")}
    assert beside <= there, "NO_STAGES names what is not there"
    return there - beside


def test_the_map_names_the_stages_and_nothing_else() -> None:
    map_lines = [line for line in (mdm.__doc__ or "").splitlines()[3:] if line and not line.startswith((" ", "`"))]
    named = {name.strip() for line in map_lines for name in line.split("  ")[0].split(",")}
    assert named | {"pipeline", "resolve"} == stages_there()
