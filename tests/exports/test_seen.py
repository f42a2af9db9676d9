"""No pair is written twice, or both ways round, however many were written before."""

from collections import Counter
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from app.exports import seen
from app.exports.seen import CONTRADICTS, DUPLICATE, Preferences, Seen

# Of few texts, so that many come again; whose pair it is.
TEXTS = st.sampled_from(["x", "y", "z", "ü"])
PAIRS = st.tuples(TEXTS, TEXTS, TEXTS, st.sampled_from(["one", "two"])).filter(
    lambda pair: pair[1] != pair[2]
)
CHUNKS = st.lists(st.lists(PAIRS, min_size=1, max_size=12), min_size=1, max_size=12)

Pair = tuple[str, str, str, str]


def as_preferences(pairs: list[Pair]) -> Preferences:
    prompt, chosen, rejected, pair_id = map(list, zip(*pairs, strict=True))
    digests = [[text.encode() for text in side] for side in (chosen, rejected)]
    others = [[""] * len(pairs)] * (len(Preferences._fields) - 6)
    return Preferences._make([prompt, chosen, rejected, *digests, pair_id, *others])


def one_by_one(chunks: list[list[Pair]], excluded: Counter[str]) -> list[list[Pair]]:
    """The same, from all that was written before."""
    first: dict[tuple[str, frozenset[str]], str] = {}
    kept = []
    for chunk in chunks:
        mine: dict[tuple[str, str, str], str] = {}
        kept.append([])
        for prompt, chosen, rejected, owner in chunk:
            texts = (prompt, frozenset((chosen, rejected)))
            if texts not in first:
                first[texts], mine[prompt, chosen, rejected] = chosen, owner
            # Other judgments of a comparison whose first was just written.
            if mine.get((prompt, chosen, rejected)) == owner:
                kept[-1].append((prompt, chosen, rejected, owner))
            else:
                excluded[DUPLICATE if first[texts] == chosen else CONTRADICTS] += 1
    return kept


@given(CHUNKS, st.sampled_from([1, 3, 1000]))
def test_pairs_are_sifted_as_by_somebody_who_remembers_all(chunks: list[list[Pair]], recent: int) -> None:
    excluded, expected = Counter[str](), Counter[str]()
    with patch.object(seen, "RECENT", recent):
        known = Seen()
        found = [known.new(as_preferences(chunk), excluded) for chunk in chunks]
    kept = [list(zip(some.prompt, some.chosen, some.rejected, some.pair_id, strict=True)) for some in found]
    assert (kept, excluded) == (one_by_one(chunks, expected), expected)
    written = {(prompt, *sorted(sides)) for some in kept for prompt, *sides, _ in some}
    assert known._recent.size + known._others.size == len(written), "a few bytes a pair, not a judgment"
