"""How the cost of a text grows with its length: a bound that holds on any machine."""

import time
from collections.abc import Callable


def grows_with_the_square(action: Callable[[int], object], length: int) -> bool:
    """Whether four times the length costs much more than four times as much; the square would be 16 times."""
    short, long = (_quickest(action, size) for size in (length // 4, length))
    # The rest is the clock's grain.
    return long > 10 * short + 0.05


def _quickest(action: Callable[[int], object], length: int) -> float:
    """CPU seconds, of two times the lesser: what else the machine does only adds."""
    spent = []
    for _ in range(2):
        start = time.process_time()
        action(length)
        spent.append(time.process_time() - start)
    return min(spent)
