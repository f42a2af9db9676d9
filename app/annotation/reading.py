"""How somebody reads here: kept for the person, whatever browser they use."""

from pydantic import BaseModel
from sqlmodel import Session

from app import audit
from app.models import Account, TextSize
from app.permissions import Access


class Reading(BaseModel):
    """The switches of the view menu; one that is not sent is off."""

    text_size: TextSize = TextSize.NORMAL
    stacked: bool = False
    together: bool = False
    differences: bool = False


def reading_of(access: Access) -> Reading:
    """How the asker reads."""
    if access.account is None:
        raise LookupError("only a signed-in account annotates")
    return Reading.model_validate(access.account, from_attributes=True)


def keep_reading(session: Session, account: Account, given: Reading) -> Reading:
    """Remember how somebody reads."""
    before = Reading.model_validate(account, from_attributes=True)
    if given != before:
        account.sqlmodel_update(given)
        session.add(account)
        detail = audit.changed(before.model_dump(mode="json"), given.model_dump(mode="json"))
        audit.record(session, "account.reading", f"account:{account.email}", by=account, detail=detail)
    return given
