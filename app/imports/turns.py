"""Taking conversations apart: the prompt two of them share, and what each one answers."""

import re
from functools import lru_cache

from app.imports.items import dumped, dumped_text
from app.models import Message

_HH_TURN = re.compile(r"\n\n(Human|Assistant):[ ]?")
_HH_ROLES = {"Human": "user", "Assistant": "assistant"}

TextOrMessages = str | list[Message]


def dumped_prompt(value: TextOrMessages) -> bytes:
    """A prompt as it is stored; a plain string is the user's. Raises ValueError where it is empty."""
    return dumped_question(value) if isinstance(value, str) else dumped(value)


@lru_cache(1)
def dumped_question(text: str) -> bytes:
    """The same for a plain string."""
    if not text or text.isspace():
        raise ValueError("prompt must not be empty")
    said = hh_turns(text)
    return dumped(said) if said else dumped_text("user", text)


def dumped_response(value: TextOrMessages) -> bytes:
    """A response as it is stored; a plain string is the assistant's."""
    return dumped_text("assistant", value) if isinstance(value, str) else dumped(value)


def is_empty(response: TextOrMessages) -> bool:
    """Whether nothing is answered: no text, no call of a tool, no image."""
    if isinstance(response, str):
        return not response or response.isspace()
    return not any(_says_something(message) for message in response)


def _says_something(message: Message) -> bool:
    content = message.get("content")
    return bool(content.strip() if isinstance(content, str) else content) or bool(message.get("tool_calls"))


def hh_turns(text: str) -> list[Message]:
    r"""The turns of an HH-RLHF string (``\n\nHuman: … \n\nAssistant: …``); none if it is not one."""
    if not text.startswith(("\n\nHuman:", "\n\nAssistant:")):
        return []
    parts = _HH_TURN.split(text)[1:]
    turns = zip(parts[::2], parts[1::2], strict=True)
    messages = [{"role": _HH_ROLES[speaker], "content": said.strip()} for speaker, said in turns]
    # A prompt ends with the call for an answer: "\n\nAssistant:".
    return messages[:-1] if messages[-1] == {"role": "assistant", "content": ""} else messages


def shared_prompt(a: list[Message], b: list[Message]) -> int:
    """How many messages two conversations have in common before the answers that are compared.

    Raises ValueError where they do not begin with the same turn, or nothing is answered.
    """
    shared = 0
    while shared < min(len(a), len(b)) and a[shared] == b[shared]:
        shared += 1
    answers = [
        index
        for index, message in enumerate(a[: shared + 1])
        if index and message["role"] == "assistant" and a[index - 1]["role"] != "assistant"
    ]
    if not answers:
        raise ValueError("the two conversations do not begin with the same prompt, followed by an answer")
    return answers[-1]
