"""Words that pages and terminals share."""


def N_(text: str) -> str:  # noqa: N802 -- the name that gettext knows it by
    """English that is kept as it is, and said in the reader's language where a page shows it."""
    return text


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 person", "1,284 judgments"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
