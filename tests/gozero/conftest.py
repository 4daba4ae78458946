"""What all tests of the board share."""

from collections.abc import Iterator

import numpy as np
import pytest

pytest.register_assert_rewrite("tests.reference_comparison", "tests.rules_table")


@pytest.fixture(autouse=True)
def wrapping_words() -> Iterator[None]:
    """As plain Python, the unsigned words of the kernels warn when they wrap, which compiled code does silently."""
    with np.errstate(over="ignore"):
        yield
