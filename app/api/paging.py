"""Long lists, a page at a time: each says where the next begins, and rows added meanwhile move nothing."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from flask import request
from pydantic import BaseModel, Field
from sqlmodel import Session

from app import web
from app.errors import Invalid

Item = TypeVar("Item", bound=BaseModel)


class PageIn(BaseModel):
    """Which part of a list is asked for."""

    limit: int = Field(50, ge=1, le=200)
    after: str = Field("", max_length=64, description="Where the page before ended, as its `next` says.")


class Page(BaseModel, Generic[Item]):
    """Some items of a list, and the address of those that follow; None at the end."""

    items: list[Item]
    next: str | None = None


def page(
    session: Session,
    query: "sa.Select[Any]",
    asked: PageIn,
    make: Callable[[Any], Item],
    *,
    by: Any,
    newest_first: bool = False,
) -> Page[Item]:
    """The rows of a query in the order of ``by``, a unique number that is its last column."""
    if asked.after:
        last = position(asked.after)
        query = query.where(by < last if newest_first else by > last)
    ordered = query.order_by(by.desc() if newest_first else by).limit(asked.limit + 1)
    rows = session.execute(ordered).all()
    following = rows[asked.limit - 1][-1] if len(rows) > asked.limit else None
    return Page(items=[make(row) for row in rows[: asked.limit]], next=address(following))


def position(after: str) -> int:
    """The number a cursor stands for. Raises Invalid for what is none."""
    try:
        return web.row_number(urlsafe_b64decode(after).decode())
    except (binascii.Error, ValueError) as error:
        raise Invalid.at("after", "Take it from the page before, as it is.") from error


def address(following: int | None) -> str | None:
    """Where the list goes on."""
    if following is None:
        return None
    given = {**(request.view_args or {}), **request.args.to_dict(flat=False)}
    given["after"] = urlsafe_b64encode(str(following).encode()).decode()
    return web.public_url(request.endpoint or "", **given)
