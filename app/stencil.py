"""A template rendered once, with gaps that each request fills: the way of the one page that must be fast."""

import re
from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

# A private-use character, which no template of ours contains.
MARK = "\ue000"
_GAPS = re.compile(f"{MARK}(\\w+){MARK}")


def gap(name: str) -> Markup:
    """What a template is given in place of a value that comes later."""
    return Markup(f"{MARK}{name}{MARK}")  # noqa: S704 -- a name of ours


class Stencil:
    """Rendered markup with named gaps."""

    def __init__(self, rendered: str) -> None:
        # Text and names of gaps, in turn.
        self._parts = _GAPS.split(rendered)

    def fill(self, values: Mapping[str, object]) -> str:
        """The markup with its gaps filled; what is not Markup is escaped."""
        parts = self._parts.copy()
        for index in range(1, len(parts), 2):
            value = values[parts[index]]
            parts[index] = value if isinstance(value, Markup) else escape(value)
        return "".join(parts)


class Stencils:
    """A few stencils, each made when it is first asked for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: dict[object, Stencil] = {}

    def get(self, key: object, render: Callable[[], str]) -> Stencil:
        """The stencil of this key; ``render`` makes it where there is none yet."""
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= self._most:
                self._made.clear()
            found = self._made[key] = Stencil(render())
        return found
