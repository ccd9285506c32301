"""Plotly's script goes into the page whole, and is the one that the page's policy names."""

from __future__ import annotations

import base64
import hashlib
import io
import zlib

from tailrace.results.plotly_script import plotly_hash, write_page


def test_it_stands_in_the_place_of_the_mark() -> None:
    out = io.BytesIO()
    write_page(out, "<script>MARK</script>é", "MARK")
    made = out.getvalue()
    assert made.startswith(b"<script>")
    assert made.endswith("</script>é".encode())
    packed = made.removeprefix(b"<script>").removesuffix("</script>é".encode())
    assert len(packed) < 2_200_000
    script = zlib.decompress(base64.b64decode(packed, validate=True))
    assert len(script) > 2 * len(packed)
    assert base64.b64encode(hashlib.sha256(script).digest()).decode() == plotly_hash()


def test_a_page_without_the_mark_has_no_script() -> None:
    out = io.BytesIO()
    write_page(out, "none", "MARK")
    assert out.getvalue() == b"none"
