"""People who sign in: made, disabled, given passwords; sessions opened, ended, expired."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from mdm import accounts
from mdm.cli.main import main
from mdm.errors import BadInput, Conflict, NotFound
from mdm.store import Store, audit, open_store
from mdm.store import accounts as stored_accounts
from tests.conftest import MOMENT
from tests.mdm.small_project import write_project
from tests.store.samples import stored_rows

PASSWORD = "correct horse battery"


@pytest.fixture
def jane(store: Store) -> str:
    accounts.add_user(store, "jane", "steward", PASSWORD, actor="test")
    return "jane"


def test_a_user_signs_in_and_out(store: Store, jane: str) -> None:
    secret = accounts.sign_in(store, jane, PASSWORD)
    assert secret is not None
    known = accounts.visitor(store, secret)
    assert known is not None and (known.name, known.role) == ("jane", "steward")
    accounts.sign_out(store, secret)
    assert accounts.visitor(store, secret) is None
    with store.reading() as connection:
        assert audit.check_chain(connection) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("jane", "wrong"), ("jane", ""), ("jane", "x" * 5000), ("nobody", PASSWORD), ("JANE", PASSWORD)],
)
def test_a_wrong_name_or_password_opens_nothing(store: Store, jane: str, name: str, password: str) -> None:
    assert accounts.sign_in(store, name, password) is None


def test_secrets_are_stored_nowhere(store: Store, jane: str) -> None:
    secret = accounts.sign_in(store, jane, PASSWORD)
    assert secret is not None
    rows = str(stored_rows(store))
    assert PASSWORD not in rows and secret not in rows


def test_a_session_expires(store: Store, jane: str) -> None:
    secret = accounts.sign_in(store, jane, PASSWORD)
    assert secret is not None
    for hours, holds in ((accounts.SESSION_HOURS - 1, True), (accounts.SESSION_HOURS, False)):
        later = open_store(store.url, clock=lambda hours=hours: MOMENT + timedelta(hours=hours))  # type: ignore[misc]
        assert (accounts.visitor(later, secret) is not None) == holds
        later.close()


def test_disabling_and_a_new_password_end_all_sessions(store: Store, jane: str) -> None:
    first = accounts.sign_in(store, jane, PASSWORD)
    accounts.set_password(store, jane, "another long password", actor="test")
    second = accounts.sign_in(store, jane, "another long password")
    assert first is not None and second is not None
    assert accounts.visitor(store, first) is None and accounts.visitor(store, second) is not None
    accounts.disable_user(store, jane, actor="test")
    assert accounts.visitor(store, second) is None
    assert accounts.sign_in(store, jane, "another long password") is None


def test_what_is_refused(store: Store, jane: str) -> None:
    for name in ("", " x", "a\nb", "x" * 101):
        with pytest.raises(BadInput):
            accounts.add_user(store, name, "steward", PASSWORD, actor="test")
    with pytest.raises(BadInput, match="unknown role"):
        accounts.add_user(store, "bob", "boss", PASSWORD, actor="test")
    with pytest.raises(BadInput, match="12 to"):
        accounts.add_user(store, "bob", "steward", "short", actor="test")
    with pytest.raises(Conflict):
        accounts.add_user(store, jane, "steward", PASSWORD, actor="test")
    with pytest.raises(NotFound):
        accounts.disable_user(store, "bob", actor="test")


def test_the_command_line_makes_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["-p", str(write_project(tmp_path)), "--store", f"sqlite:///{tmp_path / 's.db'}"]
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["users", "add", "jane", "--role", "admin", *given]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("yet another password\n"))
    assert main(["users", "passwd", "jane", *given]) == 0
    assert main(["users", "disable", "jane", *given]) == 0
    assert main(["users", "list", *given, "--json"]) == 0
    out = capsys.readouterr().out
    assert '"disabled_at": "2' in out and PASSWORD not in out
    store = open_store(f"sqlite:///{tmp_path / 's.db'}")
    with store.reading() as connection:
        assert [user.name for user in stored_accounts.all(connection)] == ["jane"]
    store.close()
