"""The way into every operation of the API, and what the API's description is made of.

    @post("/projects/<slug>/criteria", scope=Scope.MANAGE, takes=CriterionIn, gives=CriterionOut, status=201)
    def add_criterion(slug: str) -> CriterionOut:
        '''Ask for one more criterion.'''

Whoever gets as far as the view has shown a token that is good for it and asks no more often than
allowed. The view reads, acts, commits by ``saved`` and returns a model, a response of its own, or
None where there is nothing to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, update_wrapper
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from flask import Response, request
from pydantic import BaseModel
from werkzeug.wrappers import Response as BaseResponse

from app import db
from app.api import auth, bp, repeats
from app.api.paging import Page
from app.errors import Invalid
from app.models import Scope

Made = TypeVar("Made", bound=BaseModel)
View = TypeVar("View", bound=Callable[..., BaseModel | BaseResponse | None])


@dataclass(frozen=True)
class Operation:
    """One method of one address; as a decorator, it registers the view behind it."""

    path: str
    method: str = "GET"
    # What the token must be for; None where any will do.
    scope: Scope | None = field(kw_only=True)
    # The JSON body, the query string and the answer.
    takes: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = HTTPStatus.OK
    # What other statuses mean, and what they give.
    also: Mapping[int, tuple[str, type[BaseModel] | None]] = field(default_factory=dict)
    # Media types of bodies and answers that are no JSON objects.
    takes_media: tuple[str, ...] = ()
    gives_media: tuple[str, ...] = ()
    # What is told in headers of the answer.
    headers: Mapping[str, str] = field(default_factory=dict)
    # And of some answers only.
    headers_of_some: Mapping[str, str] = field(default_factory=dict)
    # Whether a part of the answer may be asked for, and whether it is still the same.
    by_ranges: bool = False
    # Whether it may be sent again with the same Idempotency-Key.
    repeatable: bool = False
    # Whether it may be asked without a token; the view decides what is told.
    is_open: bool = False
    # Whether a token for one project will do where the address names none; the view sees to it.
    for_one_project: bool = False

    def __call__(self, view: View) -> View:
        OPERATIONS[view.__name__] = self, (view.__doc__ or "").partition("\n")[0].rstrip(".")

        def guarded(**arguments: Any) -> BaseResponse:
            auth.admit(
                self.scope,
                arguments.get("slug"),
                is_open=self.is_open,
                for_one_project=self.for_one_project,
            )
            self._check_names()
            known = repeats.known() if self.repeatable else None
            if known is not None:
                return self._again(known)
            try:
                return self._answer(view(**arguments))
            except repeats.RepeatedError:
                return self._again(repeats.known() or {})

        # Marks on the view, as that it takes files, are read from what is registered.
        bp.add_url_rule(self.path, view.__name__, update_wrapper(guarded, view), methods=[self.method])
        return view

    def _check_names(self) -> None:
        """Raises Invalid for a query name that is not declared: what was meant by it would be left undone."""
        fields = self.query.model_fields if self.query else {}
        declared = {field.alias or name for name, field in fields.items()}
        if unknown := [name for name in request.args if name not in declared]:
            raise Invalid.unknown(unknown, declared)

    def _answer(self, made: BaseModel | BaseResponse | None) -> BaseResponse:
        if isinstance(made, BaseModel):
            return answered(made, self.status)
        return made or Response(status=HTTPStatus.NO_CONTENT)

    def _again(self, known: dict[str, Any]) -> Response:
        answer = _json(orjson.dumps(known), self.status, known.get("url"))
        answer.headers["Idempotency-Replayed"] = "true"
        return answer


def answered(made: BaseModel, status: int) -> Response:
    """A model as a JSON answer; a page tells in a header, too, where it goes on."""
    answer = _json(made.model_dump_json().encode(), status, getattr(made, "url", None))
    if isinstance(made, Page) and made.next:
        answer.headers["Link"] = f'<{made.next}>; rel="next"'
    return answer


def _json(body: bytes, status: int, url: str | None) -> Response:
    answer = Response(body, status, mimetype="application/json")
    if url and status == HTTPStatus.ACCEPTED:
        answer.headers["Location"] = url
    return answer


OPERATIONS: dict[str, tuple[Operation, str]] = {}

get = partial(Operation, method="GET")
post = partial(Operation, method="POST")
put = partial(Operation, method="PUT")
patch = partial(Operation, method="PATCH")
delete = partial(Operation, method="DELETE")


def saved(made: Made) -> Made:
    """Commit what a view did; its answer is kept for a sender who may ask again."""
    session = db.session()
    repeats.keep(session, made)
    session.commit()
    return made
