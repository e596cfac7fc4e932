"""Kubernetes quantities: `250m`, `64Mi`, `1e3`."""

import re
from decimal import Decimal

_AMOUNT = re.compile(r"(?P<number>\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)(?P<unit>[A-Za-z]{0,2})")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_UNITS = {
    **{unit: Decimal(10) ** power for unit, power in _POWERS.items()},
    **{f"{letter}i": Decimal(1024) ** (place + 1) for place, letter in enumerate("KMGTPE")},
}


def amount(text: str) -> Decimal:
    """The number that a quantity denotes; raises ValueError with a suggestion."""
    found = _AMOUNT.fullmatch(text)
    if found and found["unit"] in _UNITS and not (found["unit"] and re.search("[eE]", found["number"])):
        return Decimal(found["number"]) * _UNITS[found["unit"]]
    digits = re.match(r"[\d.]+", text)
    near = re.fullmatch(r"[\d.]+\s*([kmgtpKMGTP])(?:[iI]?[bB]|[iI])?", text)
    meant = f"; did you mean {digits[0]}{near[1].upper()}i?" if near and digits and near[1] != "m" else ""
    raise ValueError(f"'{text}' is no amount such as 100m, 0.5 or 64Mi" + meant)
