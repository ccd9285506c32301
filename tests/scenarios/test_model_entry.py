"""Variables of the environment in a command line."""

from __future__ import annotations

import pytest

from tailrace.scenarios.model_entry import filled_in, variables


def test_a_variable_is_filled_in_and_nothing_else() -> None:
    assert filled_in("a${X}b${Y_1} $X {port} ${}", {"X": "1", "Y_1": "2"}) == "a1b2 $X {port} ${}"
    assert variables("a${X}") == ["X"]
    assert not variables("$X {port} ${1}")


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(KeyError) as caught:
        filled_in("${NOPE}", {})
    assert caught.value.args == ("NOPE",)
