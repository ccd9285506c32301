"""The lines of a comparison: short, and safe whatever a model's name holds."""

from __future__ import annotations

from tailrace.results.outputs_compare import Changed, Comparison, Place
from tailrace.results.render.outputs import outputs_lines

HASHES = {f"{digit}" * 64: 9 - digit for digit in range(5)}


def test_all_the_same_is_one_line() -> None:
    found = Comparison(same=3)
    assert list(outputs_lines(found)) == ["SAME: 3 prompts the same, 0 changed, 0 missing"]


def test_each_difference_is_a_line() -> None:
    found = Comparison(
        1,
        [
            Changed("m", "2", {"a" * 64: 1}, {"b" * 64: 2}, "character 3: 'x' and 'y'"),
            Changed("m", "3", HASHES, {"b" * 64: 2}),
        ],
        [Place("m", "4", "B"), Place("n", None, "A")],
        [Place("m", "3", "A")],
    )
    assert list(outputs_lines(found)) == [
        "changed  m, prompt 2: A aaaaaaaaaaaa (1), B bbbbbbbbbbbb (2); first difference at "
        "character 3: 'x' and 'y'",
        "changed  m, prompt 3: A 000000000000 (9) 111111111111 (8) 222222222222 (7) and 2 more, "
        "B bbbbbbbbbbbb (2)",
        "missing  m, prompt 4 has no answer in B",
        "missing  n has no answer in A",
        "unsteady m, prompt 3 has more than one answer within A",
        "DIFFERENT: 1 prompts the same, 2 changed, 2 missing",
    ]


def test_names_cannot_act_on_the_terminal() -> None:
    found = Comparison(0, [Changed("\x1b[31m\n", "\x07", {"a": 1}, {"b": 1}, "'\x1b'")])
    assert all(line.isprintable() for line in outputs_lines(found))
