"""What values of input models have in common, whichever room reads them."""

from pydantic import BeforeValidator


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


# A field left empty is one not filled in.
BLANK_IS_NONE = BeforeValidator(_none_if_blank)

# PostgreSQL keeps no NUL character.
NO_NUL = r"^[^\x00]*$"
