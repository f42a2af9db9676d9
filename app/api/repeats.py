"""Requests that create something, sent again with the same Idempotency-Key: the first answer again."""

import hashlib
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app, g, request
from pydantic import BaseModel
from sqlmodel import Session, col, select

from app import db
from app.api import auth
from app.errors import Invalid
from app.models import StoredAnswer, now, row_id

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
LONGEST = 255
# What an answer tells once is not kept, nor what each item of a list does.
TOLD_ONCE: Any = {"secret": True, "link": True, "items": {"__all__": {"secret", "link"}}}


class RepeatedError(Exception):
    """The same request, sent twice at once, was the quicker one."""


def known() -> dict[str, Any] | None:
    """The answer this key has already; None for a new key or none.

    Raises Invalid where the key stands for another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST and key.isprintable()):
        raise Invalid(f"An {HEADER} has 1 to {LONGEST} printable characters.")
    with db.new_session(db.engine(), write=False) as session:
        found = session.exec(
            select(StoredAnswer).where(
                StoredAnswer.account_id == auth.account().id,
                StoredAnswer.key == key,
                StoredAnswer.created_at > now() - KEPT,
            )
        ).one_or_none()
    g.repeatable = key
    if found is None:
        return None
    if found.digest != _digest():
        raise Invalid(f"This {HEADER} was used for another request. Send a new one.")
    return found.answer


def _digest() -> str:
    """Of what is asked; of an upload, which may be larger than memory, its address alone."""
    view = current_app.view_functions[request.endpoint or ""]
    body = b"" if getattr(view, "takes_files", False) else request.get_data()
    asked = f"{auth.bearer().token.uid} {request.method} {request.full_path}\n".encode()
    return hashlib.sha256(asked + body).hexdigest()


def keep(session: Session, made: BaseModel) -> None:
    """Keep the answer in the transaction of what it tells of, where its sender named a key.

    Raises RepeatedError where the same key was kept in the meantime; nothing is then changed.
    """
    key = g.pop("repeatable", None)
    if key is None:
        return
    session.flush()
    answer = made.model_dump(mode="json", exclude=TOLD_ONCE)
    stored = StoredAnswer(account_id=row_id(auth.account()), key=key, digest=_digest(), answer=answer)
    session.execute(sa.delete(StoredAnswer).where(col(StoredAnswer.created_at) < now() - KEPT))
    try:
        with session.begin_nested():
            session.add(stored)
    except sa.exc.IntegrityError as error:
        session.rollback()
        raise RepeatedError from error
