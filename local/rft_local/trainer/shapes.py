"""The few array sizes that are compiled: XLA compiles a program anew for every shape, which costs seconds."""

_SMALLEST = 8


def padded(count: int) -> int:
    """Return the size to pad `count` rows to: a power of two, or one and a half times one, from 8 up."""
    size = _SMALLEST
    while size < count:
        if size + size // 2 >= count:
            return size + size // 2
        size *= 2
    return size


def paddings(most: int) -> list[int]:
    """Return the sizes that `padded` gives for up to `most` rows."""
    return sorted({padded(count) for count in range(1, most + 1)})


def power_of_two(count: int, smallest: int) -> int:
    """Return the least `smallest * 2**k` that holds `count`."""
    size = smallest
    while size < count:
        size *= 2
    return size
