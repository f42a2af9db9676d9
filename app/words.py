"""Words that pages and terminals make of numbers."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 person", "1,284 judgments"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
