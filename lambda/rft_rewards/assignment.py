"""Matching the items of two lists so that the scores of the pairs add up to the most."""

from collections.abc import Sequence

Scores = Sequence[Sequence[float]]
"""One row for each item of the first list, one column for each of the second, none negative."""


def best_in_order(scores: Scores) -> float:
    """Return the highest sum over pairs that keep both lists' order, each item in at most one pair.

    The alignment of Needleman and Wunsch (1970) without a price for gaps; work is rows times columns.
    """
    best = [0.0] * (len(scores[0]) + 1 if scores else 1)
    for row in scores:
        previous = best
        best = [0.0]
        for column, score in enumerate(row):
            best.append(max(previous[column] + score, previous[column + 1], best[column]))
    return best[-1]


def best_in_any_order(scores: Scores) -> float:
    """Return the highest sum over pairs, each item in at most one.

    The Hungarian method (Kuhn 1955) with shortest augmenting paths (Jonker and Volgenant 1987); work is the square of
    the shorter list times the longer one.
    """
    if not scores or not scores[0]:
        return 0.0
    if len(scores) > len(scores[0]):
        scores = list(zip(*scores, strict=True))
    columns = len(scores[0])
    free = -1
    row_of = [free] * (columns + 1)  # the last column is where each row starts from
    row_price = [0.0] * len(scores)
    column_price = [0.0] * (columns + 1)
    for row in range(len(scores)):
        row_of[columns] = row
        column = columns
        distance = [float("inf")] * columns
        origin = [columns] * columns
        visited = [False] * (columns + 1)
        while row_of[column] != free:
            visited[column] = True
            here = row_of[column]
            for other in range(columns):
                if not visited[other]:
                    through = -scores[here][other] - row_price[here] - column_price[other]
                    if through < distance[other]:
                        distance[other], origin[other] = through, column
            nearest = min((other for other in range(columns) if not visited[other]), key=distance.__getitem__)
            step = distance[nearest]
            for other in range(columns + 1):
                if visited[other]:
                    row_price[row_of[other]] += step
                    column_price[other] -= step
                elif other < columns:
                    distance[other] -= step
            column = nearest
        while column != columns:
            row_of[column] = row_of[origin[column]]
            column = origin[column]
    return sum(scores[row_of[column]][column] for column in range(columns) if row_of[column] != free)
