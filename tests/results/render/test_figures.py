import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.render.figures import Figure, latency, number, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "n/a"),
        (0, "0"),
        (0.000001, "0.000001"),
        (0.01234, "0.0123"),
        (0.9996, "1.00"),
        (1, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.96, "100"),
        (123.4, "123"),
        (1234.4, "1234"),
        (3_600_000.0, "3600000"),
    ],
)
def test_three_digits_never_scientific(value, text):
    assert number(value) == text


@given(st.floats(1e-6, 1e12))
def test_a_number_is_near_its_value(value):
    text = number(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.0051, abs=5.1e-7)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(None, certified=False, at_least=True), "n/a"),
        (Figure(12.34), "12.3"),
        (Figure(12.34, certified=False), "~12.3"),
        (Figure(12.34, at_least=True), "≥12.3"),
        (Figure(12.34, certified=False, at_least=True), "~≥12.3"),
    ],
)
def test_marks(figure, text):
    assert latency(figure) == text


def test_share():
    assert (share(None), share(0.98765)) == ("n/a", "98.8 %")
