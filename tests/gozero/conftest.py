"""What all tests of the board share."""

import pytest

pytest.register_assert_rewrite("tests.reference_comparison", "tests.rules_table")
