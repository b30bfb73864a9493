"""Units and scale words after a number, as people and language models write them."""

_UNITS = {
    name: unit
    for unit, names in {
        "dollar": "$ us$ usd dollar",
        "euro": "€ eur euro",
        "pound sterling": "£ gbp",
        "yen": "¥ jpy yen",
        "rupee": "₹ inr rs rupee",
        "cent": "¢ cent",
        "percent": "% percent pct",
        "second": "sec second",
        "minute": "min minute",
        "hour": "h hr hour",
        "day": "day",
        "week": "week",
        "month": "month",
        "year": "yr year",
        "millimetre": "mm millimeter millimetre",
        "centimetre": "cm centimeter centimetre",
        "metre": "m meter metre",
        "kilometre": "km kilometer kilometre",
        "inch": "inch inche",
        "foot": "ft foot feet",
        "yard": "yd yard",
        "mile": "mi mile",
        "gram": "g gram",
        "kilogram": "kg kilogram",
        "ounce": "oz ounce",
        "pound": "lb pound",
        "millilitre": "ml milliliter millilitre",
        "litre": "l liter litre",
        "gallon": "gal gallon",
    }.items()
    for name in names.split()
}

_KNOWN = frozenset(_UNITS.values())

_POWERS = {"square": 2, "sq": 2, "²": 2, "cubic": 3, "cu": 3, "³": 3}

_SCALES = {
    name: factor
    for factor, names in {
        12: "dozen",
        10**2: "hundred",
        10**3: "thousand k",
        10**5: "lakh lac",
        10**6: "million mn mln",
        10**7: "crore",
        10**9: "billion bn",
        10**12: "trillion tn",
    }.items()
    for name in names.split()
}
_SCALE_LETTERS = {"m": 10**6, "b": 10**9}


def unit_name(word: str, power: str = "") -> str:
    """Return a unit's English name in the singular, such as `metre^2`, or the word when it is no known unit.

    Args:
        word: A word or sign; upper and lower case are alike.
        power: The word before it, such as `square`, if there is one.
    """
    lower = word.lower()
    base = lower.rstrip("²³")
    raised = _POWERS.get(power.lower() or lower[len(base) :])
    name = _UNITS.get(base) or _UNITS.get(base.removesuffix("s"))
    if name is None:
        return lower
    return f"{name}^{raised}" if raised else name


def is_known(unit: str) -> bool:
    """Whether a unit's name is one of the table's."""
    return unit.partition("^")[0] in _KNOWN


def scale_factor(word: str, *, letters: bool) -> int | None:
    """Return the factor that a word after a number stands for, or None when it is no scale word.

    Args:
        word: The word; upper and lower case are alike.
        letters: Whether `m` and `b` are scale words here, as after a currency; `M` always is.
    """
    lower = word.lower()
    factor = _SCALES.get(lower) or _SCALES.get(lower.removesuffix("s"))
    if factor is None and (letters or word == "M"):
        factor = _SCALE_LETTERS.get(lower)
    return factor
