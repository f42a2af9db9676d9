"""What a snapshot's files are called by their kind, from how their names end."""

from app.exports import files
from app.exports.forms import File

# Texts get their charset where they are answered.
TEXT = "text/plain"

MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": files.MEDIA_TYPES[File.JSONL],
    "md": "text/markdown",
    "parquet": files.MEDIA_TYPES[File.PARQUET],
    "zst": files.MEDIA_TYPES[File.ZSTD],
}
# Croissant's loader reads a file by the name for its kind, and has one of its own for each of these.
CROISSANT = MEDIA_TYPES | {"jsonl": "application/jsonlines", "parquet": "application/x-parquet"}


def media_type(path: str, names: dict[str, str] = MEDIA_TYPES) -> str:
    """The file's kind by these names."""
    return names.get(path.rpartition(".")[2], TEXT)
