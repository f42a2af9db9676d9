"""Somebody's program, with a token of theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session
from werkzeug.test import TestResponse

from app.accounts import tokens
from app.models import Account, Project, Scope

SITE = "/api/v1"


@dataclass
class Program:
    """Asks the API with one token."""

    app: Flask
    secret: str

    def __call__(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        address = path if path.startswith("/api/") else SITE + path
        return self.app.test_client().open(address, method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> TestResponse:
        return self("POST", path, json=body, **more)


@pytest.fixture
def program(app: Flask, session: Session) -> Callable[..., Program]:
    """Makes one for an account; its token may do everything unless told otherwise."""

    def make(account: Account, *scopes: Scope, project: Project | None = None) -> Program:
        allowed = scopes or tuple(Scope)
        _, secret = tokens.create(session, account, "test", by=account, scopes=allowed, project=project)
        session.commit()
        return Program(app, secret)

    return make
