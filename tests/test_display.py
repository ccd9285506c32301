"""The panel's curves are of one level of one model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tailrace import display
from tailrace.display import Panel
from tests.results.render.test_live import NOW


@pytest.mark.parametrize("next_one", [{"stage_index": 3}, {"model_index": 1}])
def test_the_curves_begin_anew_with_a_level(
    next_one: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def drawn(snapshot: object, history: object) -> str:
        seen.append(len(list(history)))  # type: ignore[call-overload]
        return ""

    monkeypatch.setattr(display, "panel", drawn)
    shown = Panel()
    try:
        for snapshot in (NOW, NOW, replace(NOW, **next_one)):
            shown.show(snapshot)
    finally:
        shown.close()
    assert seen == [1, 2, 1]
