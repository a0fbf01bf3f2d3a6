"""What of one sequence stands in another: rows of lists, letters of texts."""

from collections.abc import Callable, Iterator


def align(
    left: int, right: int, same: Callable[[int, int], bool]
) -> list[tuple[int | None, int | None]]:
    """Pair two sequences of so many members in order, as many of them with their like as can be.

    What has no like is paired, in order, with what has none between the same neighbours; the rest
    is paired with None.
    """
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    for next_i, next_j in [*_longest_common(left, right, same), (left, right)]:
        gap = max(next_i - i, next_j - j)
        pairs += [
            (i + n if i + n < next_i else None, j + n if j + n < next_j else None)
            for n in range(gap)
        ]
        if next_i < left or next_j < right:
            pairs.append((next_i, next_j))
        i, j = next_i + 1, next_j + 1
    return pairs


def _longest_common(
    left: int, right: int, same: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """The longest run of pairs that are the same and in order in both."""
    equal = [[same(i, j) for j in range(right)] for i in range(left)]
    best = [[0] * (right + 1) for _ in range(left + 1)]
    for i in reversed(range(left)):
        for j in reversed(range(right)):
            skipped = max(best[i + 1][j], best[i][j + 1])
            best[i][j] = best[i + 1][j + 1] + 1 if equal[i][j] else skipped
    i = j = 0
    while i < left and j < right:
        if equal[i][j]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1


def edit_similarity(one: str, other: str) -> float:
    """1 less the share of letters to insert, drop or change (Levenshtein), 0 to 1."""
    if one == other:
        return 1.0
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, mate in enumerate(other, 1):
            changed = diagonal + (letter != mate)
            diagonal = row[j]
            row[j] = min(changed, row[j] + 1, row[j - 1] + 1)
    return 1 - row[-1] / max(len(one), len(other))
