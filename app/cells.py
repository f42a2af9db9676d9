"""Text in cells of CSV: what a spreadsheet shows rather than runs, and the same read back."""

from typing import TypeVar

Value = TypeVar("Value")

# What a spreadsheet takes a cell's first character to mean: a formula, which may call out or run something.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(value: Value) -> Value | str:
    """A cell as it is written: an apostrophe goes before text that would be a formula.

    And before text that looks so written already, so that ``plain`` gives every text back as it was.
    """
    return f"'{value}" if isinstance(value, str) and _would_run(value) else value


def plain(value: Value) -> Value | str:
    """What was to be written, of a cell of a file that ``safe`` wrote; not for files from elsewhere."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and _would_run(value) else value


def _would_run(text: str) -> bool:
    return text.lstrip("'").startswith(FORMULA)
