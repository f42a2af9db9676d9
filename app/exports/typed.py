"""An export as one would type it: for curl, as the address of the API, and as a command beside the data."""

import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.exports.forms import ExportSpec


@dataclass(frozen=True)
class Typed:
    """The same export three times; each writes what the download of the page does."""

    curl: str
    address: str
    command: str


def of(slug: str, address: str, spec: ExportSpec) -> Typed:
    """What to type for an export whose names are told apart; `address` is where the API exports."""
    whole = f"{address}?{query(spec)}"
    file = shlex.quote(spec.file_name(slug))
    # A refusal leaves no file that would be taken for rows.
    curl = f'curl -fsS -H "Authorization: Bearer $TIEBREAK_TOKEN" -o {file} {shlex.quote(whole)}'
    return Typed(curl, whole, shlex.join(command(slug, spec)))


def query(spec: ExportSpec) -> str:
    """What is asked beyond what is usual, and the format, as a query string."""
    return urlencode({name: [_plain(one) for one in values] for name, values in _asked(spec)}, doseq=True)


def command(slug: str, spec: ExportSpec) -> list[str]:
    """The same as the words of a command line."""
    options: list[str] = []
    for name, values in _asked(spec):
        option = f"--{name.replace('_', '-')}"
        options += [word for one in values for word in ([option] if one is True else [option, _plain(one)])]
    return ["tiebreak", "export", slug, *options, "-o", spec.file_name(slug)]


def _asked(spec: ExportSpec) -> list[tuple[str, list[Any]]]:
    told = {"format": spec.format.value} | spec.model_dump(mode="json", exclude_defaults=True)
    return [(name, value if isinstance(value, list) else [value]) for name, value in told.items()]


def _plain(value: object) -> str:
    return "true" if value is True else str(value)
