"""Which models servers say are loaded, as their pages have it."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.server_kind import MODELS, Told
from tailrace.results.server_models import cached_of, loaded_of

from .test_server_kind import told

ROUTER = {"data": [{"id": "a", "status": {"value": "loaded"}}, {"id": "b", "status": {}}]}
STUDIO = {"data": [{"id": "a", "state": "not-loaded"}, {"id": "b", "state": "loaded"}]}


@pytest.mark.parametrize(
    ("answers", "loaded"),
    [
        ({}, None),
        ({MODELS: told({"data": [{"id": "a"}]})}, None),
        ({MODELS: told(ROUTER)}, ("a",)),
        ({"/api/v0/models": told(STUDIO), MODELS: told({"data": [{"id": "a"}]})}, ("b",)),
        ({"/api/ps": told({"models": [{"name": "a:8b", "model": "a:8b"}]})}, ("a:8b",)),
        ({"/api/ps": told({"models": []})}, ()),
        ({"/api/ps": told({"models": 3})}, None),
        ({"/openai/loadedmodels": told(["a", "b"])}, ("a", "b")),
        ({"/models/loaded": told(["a"])}, ("a",)),
        ({"/models/loaded": told(["a"], status=404)}, None),
        ({"/models/loaded": told("<html>")}, None),
        ({"/models/loaded": told(["a", 3, None, {"x": 1}])}, ("a",)),
    ],
)
def test_what_is_loaded(answers: dict[str, Told], loaded: tuple[str, ...] | None) -> None:
    assert loaded_of(answers) == loaded


@pytest.mark.parametrize(
    ("body", "cached"), [(["a", "b"], ("a", "b")), ([], ()), ({"data": []}, None)]
)
def test_what_is_on_disk(body: Any, cached: tuple[str, ...] | None) -> None:
    assert cached_of({"/openai/models": told(body)}) == cached
    assert cached_of({}) is None
