from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.render.grid import cells_of, group_line, pack, strip, title_line

words = st.text("abc≥~019.", min_size=1, max_size=9)
columns = st.lists(st.tuples(st.sampled_from(["", "g", "a long group"]), words, words), max_size=12)


def test_groups_stand_over_their_columns():
    strips = [
        strip("", "users", ["1"]),
        strip("TTFT ms", "p50", ["104"]),
        strip("TTFT ms", "p99", ["~117"]),
        strip("TPOT ms", "p50", ["9"]),
    ]
    (block,) = pack(strips, 80)
    assert group_line(block) == "        TTFT ms -   TPOT ms"
    assert title_line(block) == "users   p50   p99       p50"
    assert "".join(text for text, _ in cells_of(block, 0)) == "    1   104  ~117         9"


@settings(max_examples=50, deadline=None)
@given(columns, st.integers(40, 200))
def test_no_column_is_lost_cut_or_too_wide(entries, width):
    strips = [strip("", "key", ["1"])]
    strips += [strip(group, title, [cell]) for group, title, cell in entries]
    blocks = pack(strips, width)
    seen = [(s.group, s.title, s.cells) for block in blocks for s in block[1:]]
    assert seen == [(s.group, s.title, s.cells) for s in strips[1:]]
    for block in blocks:
        line = "".join(text for text, _ in cells_of(block, 0))
        assert len(line) == len(title_line(block)) <= width
        assert len(group_line(block)) <= width
        assert [text.strip() for text, _ in cells_of(block, 0)] == [s.cells[0] for s in block]


def test_a_group_wider_than_the_screen_is_split():
    strips = [strip("", "users", ["1"])] + [strip("g", f"p{n}", ["123456"]) for n in range(4)]
    blocks = pack(strips, 24)
    assert [[s.title for s in block] for block in blocks] == [
        ["users", "p0", "p1"],
        ["users", "p2", "p3"],
    ]


def test_two_blocks_are_two_halves():
    strips = [strip("", "k", ["1"])] + [strip(f"g{n}", "t", ["12345"]) for n in range(4)]
    assert [len(block) for block in pack(strips, 30)] == [3, 3]


def test_every_width_is_kept_to_the_column():
    strips = [strip("", "k", ["1"])] + [strip(f"g{n}", "t", ["1234"]) for n in range(6)]
    for width in range(8, 60):
        blocks = pack(strips, width)
        lines = [title_line(block) for block in blocks]
        assert max(map(len, lines)) <= width
        assert len(blocks) == -(-6 // ((width - 1) // 7))
