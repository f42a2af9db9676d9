"""A comparison's public name."""

from hashlib import sha256

Side = tuple[str, int]


def pair_id(prompt_key: str, a: Side, b: Side) -> str:
    """A digest of a prompt's key and the unordered pair of responses, each (model name, sample).

    The same pair has the same name in every database, whichever response is stored first.
    """
    first, second = (a, b) if a <= b else (b, a)
    text = f"{prompt_key}\0{first[0]}\0{first[1]}\0{second[0]}\0{second[1]}"
    return sha256(text.encode()).hexdigest()[:24]


def position(pair: str, seed: int = 0) -> int:
    """A place in the queue that is a shuffle: the same for the same seed, below 2**31."""
    return int.from_bytes(sha256(f"{seed}:{pair}".encode()).digest()[:4]) >> 1
