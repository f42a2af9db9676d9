"""The fields of records as files have them, and the pydantic models that check each row."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)

from app import cells
from app.inputs import moment_in_file
from app.models import AnnotatorKind, Message, Outcome
from app.text import image_source, is_shown

MAX_SAMPLE = 1 << 16

ROLES = {
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "prompter": "user",
}
IMAGE_PARTS = frozenset({"image_url", "image", "input_image"})
MESSAGE_KEYS = frozenset({"role", "from", "content", "value"})
KNOWN_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

WINNERS = {
    "a": Outcome.A,
    "model_a": Outcome.A,
    "left": Outcome.A,
    "b": Outcome.B,
    "model_b": Outcome.B,
    "right": Outcome.B,
    "tie": Outcome.TIE,
    "both_bad": Outcome.BOTH_BAD,
    "bothbad": Outcome.BOTH_BAD,
    "tie (bothbad)": Outcome.BOTH_BAD,
    "tie (both bad)": Outcome.BOTH_BAD,
}


def _winner(value: Any) -> Any:
    outcome = WINNERS.get(value.strip().lower()) if isinstance(value, str) else None
    if outcome is None:
        raise ValueError("must be model_a, model_b, tie or both_bad (also a, b, left, right, tie (bothbad))")
    return outcome


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return value
    moment = moment_in_file(value)
    if moment is None:
        raise ValueError("must be an ISO time, or seconds since 1970")
    return moment


def _message(value: Any) -> Message:
    if not isinstance(value, dict):
        raise ValueError("a message must be an object with role and content")  # noqa: TRY004 -- pydantic's vocabulary
    role = str(value.get("role", value.get("from", "")))
    role = ROLES.get(role, role)
    if role not in KNOWN_ROLES:
        raise ValueError(f"role must be one of {', '.join(sorted(KNOWN_ROLES))}, not {role!r}")
    message: Message = {"role": role, "content": _content(value.get("content", value.get("value")))}
    for name in ("name", "tool_calls", "tool_call_id"):
        if value.get(name):
            message[name] = value[name]
    return message


def _content(content: Any) -> str | list[dict[str, Any]]:
    """A message's text, or its parts in order where images are among them."""
    if not isinstance(content, list) or not any(map(_is_image, content)):
        return plain_text(content)
    return [_image(part) if _is_image(part) else {"type": "text", "text": _part(part)} for part in content]


def _is_image(part: Any) -> bool:
    return isinstance(part, dict) and str(part.get("type")) in IMAGE_PARTS


def _image(part: dict[str, Any]) -> dict[str, Any]:
    """As OpenAI writes it, whoever wrote it; checked here, because nothing else would ever be shown."""
    source = image_source(part)
    if not is_shown(source):
        raise ValueError("an image must have its address: http, https or data:image")
    return {"type": "image_url", "image_url": {"url": source}}


def plain_text(content: Any) -> str:
    """The text of a message's content: a string, text parts, or Arena-Hard's ``{"answer": …}``."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and isinstance(content.get("answer"), str):
        return str(content["answer"])
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    raise ValueError("content must be text")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise ValueError(f"a message holds {kind!r}, which cannot be compared")


def _from_json(value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ValueError("must be a list of messages") from None


def _messages(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _from_json(value)
    elif isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise ValueError("must be a list of messages")  # noqa: TRY004
    if not value:
        raise ValueError("must not be empty")
    return [_message(item) for item in value]


def _no_text(value: Any) -> Any:
    if not isinstance(value, list | dict) or (isinstance(value, dict) and not value.keys() & MESSAGE_KEYS):
        raise ValueError("must be text or a list of messages")
    return _messages(value)


def _tags(value: Any) -> Any:
    return [tag.strip() for tag in value.split(",") if tag.strip()] if isinstance(value, str) else value


# Checked without a call into Python where they are plain strings. A NUL cannot be stored.
Text = Annotated[str, Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Name = Annotated[Text, Field(max_length=200, coerce_numbers_to_str=True)]
# What stands in a line of its own, and nothing that would break it or turn it round.
_IN_A_LINE = r"\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069"
ModelName = Annotated[
    str,
    Field(
        pattern=rf"^[^{_IN_A_LINE}]*[^{_IN_A_LINE}\s][^{_IN_A_LINE}]*$",
        max_length=200,
        coerce_numbers_to_str=True,
    ),
]
Category = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
# A tag or a name, as files have them: zh-Hans, Haitian Creole, Chinese (Simplified).
Language = Annotated[str, Field(max_length=35, pattern=r"^(\p{L}[\p{L}\p{M}\p{N} _()'-]*|\s*)$")]
Messages = Annotated[list[Message], BeforeValidator(_messages)]
TextOrMessages = Annotated[
    Annotated[str, Strict()] | Annotated[list[Message], BeforeValidator(_no_text)],
    Field(union_mode="left_to_right"),
]
Winner = Annotated[Outcome, BeforeValidator(_winner)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Sample = Annotated[int, Field(ge=0, lt=MAX_SAMPLE)]


def named(*names: str, default: Any = None) -> Any:
    """A field that files call by several names."""
    return Field(default, validation_alias=AliasChoices(*names))


class Row(BaseModel):
    """What any record may say about its prompt; unknown columns are left alone."""

    model_config = ConfigDict(extra="ignore", frozen=False, populate_by_name=True)

    prompt_id: Name | None = None
    category: Category | None = None
    language: Language | None = None
    tags: Annotated[list[Name], BeforeValidator(_tags)] | None = None
    metadata: dict[str, Any] | None = None


class Prompted(Row):
    """A record with its prompt's text."""

    prompt: TextOrMessages | None = None
    messages: Messages | None = None


class ResponseRow(Prompted):
    model: ModelName
    response: TextOrMessages
    sample: Sample = 0


class WideRow(Prompted):
    responses: Annotated[dict[ModelName, TextOrMessages], Field(min_length=1)]


class ComparisonRow(Prompted):
    model_a: ModelName
    response_a: TextOrMessages
    model_b: ModelName
    response_b: TextOrMessages
    sample_a: Sample | None = None
    sample_b: Sample | None = None
    gold: Winner | None = None
    winner: Winner | None = None
    annotator: Name | None = named("annotator", "annotator_id", "judge", "worker")
    annotator_kind: AnnotatorKind | None = None
    timestamp: Moment | None = named("timestamp", "tstamp", "created_at")
    id: Name | None = None


def _nested(value: Any) -> Any:
    """As it is in JSON Lines; in columns and cells it is JSON text."""
    return _from_json(value) if isinstance(value, str) else value


class JudgmentRow(Row):
    """A row of our own export of judgments; without texts where the vote came without them."""

    model_config = ConfigDict(populate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _as_exported(cls, record: Any) -> Any:
        filled = {name: value for name, value in record.items() if value != ""}
        # Only a row of CSV has this as text.
        if isinstance(filled.get("simulated"), str):
            return {name: cells.plain(value) for name, value in filled.items()}
        return filled

    judgment_id: Name
    outcome: Winner
    prompt_id: Name
    model_a: ModelName
    model_b: ModelName
    prompt: Messages | None = None
    response_a: Messages | None = None
    response_b: Messages | None = None
    sample_a: Annotated[int, Field(ge=0)] = 0
    sample_b: Annotated[int, Field(ge=0)] = 0
    # What is called tags in such a row are those of the judgment.
    tags: Annotated[list[Name], BeforeValidator(_nested)] | None = Field(None, validation_alias="prompt_tags")
    gold: Winner | None = None
    annotator: Name
    annotator_kind: AnnotatorKind
    simulated: bool
    strength: Annotated[int, Field(ge=1, le=3)] | None = None
    preference: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    first_shown: Literal["a", "b"] | None = None
    created_at: Moment
    retired_at: Moment | None = None


class VoteRow(Row):
    model_a: ModelName = named("model_a", "left", default=...)
    model_b: ModelName = named("model_b", "right", default=...)
    winner: Winner
    prompt: Name | Text | None = named("prompt", "question")
    prompt_id: Name | None = named("prompt_id", "question_id")
    annotator: Name | None = named("annotator", "annotator_id", "judge", "worker", "user")
    annotator_kind: AnnotatorKind | None = None
    timestamp: Moment | None = named("timestamp", "tstamp", "created_at")
    id: Name | None = named("id", "vote_id", "comparison_id")


class AlpacaOutputRow(BaseModel):
    instruction: Text
    output: str
    generator: ModelName
    dataset: Category | None = None


class AlpacaAnnotationRow(BaseModel):
    instruction: Text
    output_1: str
    generator_1: ModelName
    output_2: str
    generator_2: ModelName
    preference: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    annotator: Name | None = None
    dataset: Category | None = None


class ArenaHardQuestionRow(BaseModel):
    uid: Name = named("uid", "question_id", default=...)
    prompt: Text | None = None
    turns: list[dict[str, Any] | str] | None = None
    category: Category | None = None
    cluster: Name | None = named("cluster", "subcategory")
    language: Language | None = None


class ArenaHardAnswerRow(BaseModel):
    uid: Name = named("uid", "question_id", default=...)
    model: ModelName = named("model", "model_id", default=...)
    messages: Messages | None = None
    choices: list[dict[str, Any]] | None = None


class LMArenaRow(BaseModel):
    model_a: ModelName
    model_b: ModelName
    winner: Winner
    conversation_a: Messages
    conversation_b: Messages
    id: Name | None = named("id", "question_id")
    judge: Name | None = named("judge", "judge_hash", "evaluation_session_id")
    timestamp: Moment | None = named("timestamp", "tstamp")
    language: Language | None = None
    is_code: bool | None = None


class PreferenceRow(Prompted):
    chosen: TextOrMessages = named("chosen", "chosen_response", default=...)
    rejected: TextOrMessages = named("rejected", "rejected_response", default=...)
    prompt: TextOrMessages | None = named("prompt", "instruction", "question")
    chosen_model: ModelName | None = None
    rejected_model: ModelName | None = None
    annotator: Name | None = None
    annotator_kind: AnnotatorKind | None = None
    timestamp: Moment | None = None
    id: Name | None = None
