"""Komi, margins and scores as text, with all their digits: 7.5, 6, 123456.5."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_DECIMALS: Final = 9
"""Of a score. Behind them stands what binary fractions add: 6 - 7.7 is -1.7000000000000002."""


def komi_text(points: float) -> str:
    """A number of points as it is read back, without an exponent; whole ones without a decimal point."""
    return format(Decimal(repr(float(points))), "f").removesuffix(".0")


def score_text(points: float) -> str:
    """What a count came to, less the noise of the calculation."""
    return komi_text(round(float(points), _DECIMALS))
