"""A running application over the small project, on each database; callers with every role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from mdm import keyring
from mdm.keyring import Wanted
from mdm.masking import ROLES
from mdm.policy import ProjectPolicy
from mdm.store import Store
from tests.api.visitors import Visit, Visitor, add_people
from tests.mdm.small_project import policy, run_postgresql, run_sqlite, store

__all__ = ["policy", "run_postgresql", "run_sqlite", "store"]

Caller = Callable[[str], TestClient]


@pytest.fixture
def local(store: Store, policy: ProjectPolicy) -> Iterator[TestClient]:
    """Somebody on the machine of a server that has no keys; the store has seen a run."""
    app = create_app(Settings(policy.file.path, store.url))
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5)) as client:
        yield client


@pytest.fixture
def caller(local: TestClient, store: Store, policy: ProjectPolicy) -> Caller:
    """Makes callers from elsewhere with a key of a role."""
    secrets = {
        role: keyring.add_key(store, policy, Wanted(f"{role} app", role), actor="test") for role in reversed(ROLES)
    }

    def make(role: str) -> TestClient:
        headers = {"Authorization": f"Bearer {secrets[role]}"} if role in secrets else {}
        return TestClient(local.app, base_url="http://mdm.example", client=("10.1.2.3", 5), headers=headers)

    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service._keys = (float("-inf"), {})
    return make


def put(client: TestClient, source: str, record_id: str, **row: str) -> dict[str, Any]:
    """The answer to a record by columns."""
    response = client.put(f"/v1/records/{source}/{record_id}", json={"record": {"kind": "P", **row}})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def path_of(project: ProjectPolicy) -> Path:
    """The project file."""
    return project.file.path


@pytest.fixture
def visit(local: TestClient, store: Store) -> Visit:
    """Makes visitors by name; an empty name is nobody."""
    add_people(store)
    service: Any = local.app.state.service  # type: ignore[attr-defined]
    service._users = (float("-inf"), False)
    return lambda name: Visitor(local.app, name)
