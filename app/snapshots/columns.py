"""The columns of a snapshot's Parquet files and what they mean, for its card and for catalogues."""

from typing import NamedTuple


class Column(NamedTuple):
    """What a column's values are, in schema.org's words, what they say, and whether a row has many."""

    kind: str
    about: str
    repeated: bool = False


# Lists of messages, each with a role and a content.
MESSAGES = {
    "prompt": "The conversation up to the turn to be answered.",
    "chosen": "The response that was preferred.",
    "rejected": "The response that was not.",
}
MESSAGE = {"role": "Who speaks: system, user or assistant.", "content": "What is said."}

TOLD = {
    "pair_id": Column(
        "sc:Text", "The prompt and its two responses, whichever was chosen; the same in every snapshot."
    ),
    "prompt_id": Column("sc:Text", "The prompt, as the project calls it."),
    "chosen_model": Column("sc:Text", "The model that wrote the chosen response."),
    "rejected_model": Column("sc:Text", "The model that wrote the rejected response."),
    "votes": Column("sc:Integer", "Judgments that the row rests on, one for each annotator."),
    "agreement": Column(
        "sc:Float", "Share of these judgments that are for the chosen response; 0 where there is none."
    ),
    "strength": Column(
        "sc:Float", "Mean strength, 1 to 3, of those for the chosen response that say one; 0 where none does."
    ),
    "annotators": Column("sc:Text", "Who judged, by pseudonyms that stay.", repeated=True),
    "human_votes": Column("sc:Integer", "Judgments by people."),
    "model_votes": Column("sc:Integer", "Judgments by judge models."),
    "simulated_votes": Column("sc:Integer", "Judgments by simulated annotators, who are nobody."),
    "adjudicated": Column("sc:Boolean", "Whether a reviewer's final verdict decided the row."),
    "guideline_version": Column(
        "sc:Integer",
        "The latest version of the guideline that one of the judgments was made under; 0 for none.",
    ),
    "judged_at": Column(
        "sc:Text",
        "When the last of the judgments was made, or for want of any the reviewer's verdict; ISO 8601, UTC.",
    ),
    "language": Column("sc:Text", "The prompt's language; empty where it is not known."),
    "category": Column("sc:Text", "The prompt's category; empty where it has none."),
    "split": Column("sc:Text", "train or test, drawn for each prompt; a prompt is never in both."),
}
MARGIN = Column(
    "sc:Float",
    "How far the chosen response is ahead, as a share of all votes: 0 where there is none, below 0 where a "
    "reviewer turned them.",
)


def told(*, margin: bool) -> dict[str, Column]:
    """Those that tell of a row, in order."""
    return TOLD | ({"margin": MARGIN} if margin else {})


def meanings(*, margin: bool) -> dict[str, str]:
    """What each column says, the messages too."""
    return MESSAGES | {name: column.about for name, column in told(margin=margin).items()}
