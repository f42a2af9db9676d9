"""How somebody reads here: kept for the person, whatever browser they use."""

from pydantic import BaseModel
from sqlmodel import Session

from app import audit
from app.annotation import statements
from app.models import Account, Reading, TextSize, row_id
from app.permissions import Access
from app.prepared import instance


class ReadingIn(BaseModel):
    """The switches of the view menu; one that is not sent is off."""

    text_size: TextSize = TextSize.NORMAL
    stacked: bool = False
    together: bool = False
    differences: bool = False


def reading_of(session: Session, access: Access) -> Reading:
    """How the asker reads, to be looked at and never changed."""
    account_id = row_id(_account(access))
    row = statements.READING.first(session, account_id=account_id)
    return instance(Reading, row._asdict()) if row else Reading(account_id=account_id)


def keep_reading(session: Session, access: Access, given: ReadingIn) -> Reading:
    """Remember how the asker reads."""
    account = _account(access)
    before = ReadingIn.model_validate(reading_of(session, access), from_attributes=True)
    kept = session.merge(Reading(account_id=row_id(account), **given.model_dump()))
    if given != before:
        detail = audit.changed(before.model_dump(mode="json"), given.model_dump(mode="json"))
        audit.record(session, "account.reading", f"account:{account.email}", by=account, detail=detail)
    return kept


def _account(access: Access) -> Account:
    if access.account is None:
        raise LookupError("only a signed-in account annotates")
    return access.account
