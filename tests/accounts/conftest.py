"""Passwords for the cast, hashed cheaply."""

import pytest
from argon2 import PasswordHasher
from sqlmodel import Session

from app.accounts import passwords
from tests.conftest import Cast

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


@pytest.fixture
def with_passwords(cheap_hasher: None, session: Session, cast: Cast) -> Cast:
    """The cast, everybody's password being PASSWORD."""
    kept = passwords.digest(PASSWORD)
    for name in ("ada", "lena", "ann", "otto"):
        person = getattr(cast, name)
        person.password_hash = kept
        session.add(person)
    session.commit()
    return cast
