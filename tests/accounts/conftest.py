"""Passwords for the cast."""

import pytest
from sqlmodel import Session

from app.accounts import passwords
from tests.conftest import Cast

PASSWORD = "correct horse battery"


@pytest.fixture
def with_passwords(session: Session, cast: Cast) -> Cast:
    """The cast, everybody's password being PASSWORD."""
    kept = passwords.digest(PASSWORD)
    for name in ("ada", "lena", "ann", "otto"):
        person = getattr(cast, name)
        person.password_hash = kept
        session.add(person)
    session.commit()
    return cast
