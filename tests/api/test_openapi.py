"""The description of the API holds: generated requests get described answers, and never an internal error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.settings import Settings
from tests.mdm.small_project import run_sqlite, write_project

__all__ = ["run_sqlite"]


@schemathesis.serializer("application/x-ndjson")
def lines_as_they_are(_context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")


CHECKS: Any = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 15
DESCRIPTION = create_app(Settings(Path("project.yaml"))).openapi()
FOUND: Any = schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
OPERATIONS = [found.ok() for found in FOUND]


@pytest.fixture(scope="module")
def client(run_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("described")
    shutil.copy(run_sqlite, folder / "store.db")
    app = create_app(Settings(write_project(folder), f"sqlite:///{folder}/store.db"))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5)) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_answers_are_as_described(client: TestClient, operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def check(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1")
        body = {"content": sent["data"]} if sent.get("data") is not None else {"json": sent.get("json")}
        headers = {name: value for name, value in (sent.get("headers") or {}).items() if name.lower() != "host"}
        response = client.request(
            sent["method"], sent["url"], params=sent.get("params"), headers=headers, follow_redirects=False, **body
        )
        case.validate_response(response, checks=CHECKS)

    check()


def test_every_call_that_sends_has_an_example() -> None:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                schema = DESCRIPTION["components"]["schemas"].get(name, {})
                assert content.get("example") or schema.get("examples"), (method, path)
