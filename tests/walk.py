"""Every address there is, for tests that ask what somebody may find at any of them."""

import re
from collections.abc import Iterator, Mapping
from itertools import product

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule


def rules(app: Flask) -> list[Rule]:
    """Every route but the one that would end the walk."""
    return [rule for rule in app.url_map.iter_rules() if "sign_out" not in rule.endpoint]


def addresses(app: Flask, rule: Rule, known: Mapping[str, str | None]) -> Iterator[str]:
    """A route's addresses, with these values for its parts; any other value where none is known."""
    adapter = app.url_map.bind("localhost")
    choices = [_values(rule._converters[name], known.get(name)) for name in rule.arguments]
    for values in product(*choices):
        given = dict(zip(rule.arguments, values, strict=True))
        yield adapter.build(rule.endpoint, given, append_unknown=False)


def _values(converter: BaseConverter, known: str | None) -> list[object]:
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)
    return [1 if isinstance(converter, IntegerConverter) else known or "x"]


def linked(client: FlaskClient, start: str) -> set[str]:
    """Every address below one that a reader can click their way to."""
    found, waiting = set(), {start}
    while waiting and len(found) < 200:
        path = waiting.pop()
        found.add(path)
        text = client.get(path).get_data(as_text=True)
        links = re.findall(r'(?:href|action|hx-get|src)="(/[^"#]*)"', text)
        inside = {link.replace("&amp;", "&") for link in links if link.startswith(start.rstrip("/"))}
        waiting |= inside - found
    return found
