"""What Foundry Local knows of its models, and which of them a name means. Pure.

A model has an ``id`` (``phi-4-mini-instruct-generic-cpu:5``), a ``name`` (the same without the
version) and an ``alias`` (``phi-4-mini``) that all its variants share. Chat takes the id alone;
which of them loading takes depends on the version, so the user may write any of the three.

Read are ``foundry.modelinfo.json`` (runtime 2) and ``GET /foundry/list`` (services up to 0.8):
fields that are absent or of another type are left out, and never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_LISTED = 20
_FEATURES = (("supportsToolCalling", "tools"), ("supportsReasoning", "reasoning"))


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One variant of a model."""

    id: str
    name: str
    alias: str = ""
    """Empty where the catalog is out of reach and only ids are known."""
    version: int | None = None
    size_mb: float | None = None
    license: str | None = None
    device: str | None = None
    """``CPU``, ``GPU``, ``NPU``."""
    runtime: str | None = None
    """The execution provider."""
    task: str | None = None
    capabilities: tuple[str, ...] = ()
    cached: bool | None = None
    """Whether its files are on this machine; None where that cannot be seen."""
    loaded: bool = False

    @property
    def chats(self) -> bool:
        """Whether it is for chat completions, as far as is known."""
        return self.task is None or "chat" in self.task

    def tags(self) -> dict[str, Any]:
        """What is known of it, under the names that a models file has for it."""
        known = {
            "model": self.id,
            "size_mb": self.size_mb,
            "license": self.license,
            "device": self.device,
            "runtime": self.runtime,
            "task": self.task,
            "capabilities": list(self.capabilities),
        }
        return {name: value for name, value in known.items() if value not in (None, [])}


def catalog_of(document: Any) -> list[CatalogModel]:
    """The models of either document, a list or an object with ``models``."""
    listed = document.get("models") if isinstance(document, dict) else document
    entries = listed if isinstance(listed, list) else []
    found = [_model(entry) for entry in entries if isinstance(entry, dict)]
    return [model for model in found if model is not None]


def _model(entry: Mapping[str, Any]) -> CatalogModel | None:
    more = entry.get("stringProperties")
    words = {**(more if isinstance(more, dict) else {}), **entry}
    model_id = _text(words.get("id")) or _text(words.get("name"))
    if model_id is None:
        return None
    name, _, version = model_id.rpartition(":")
    at = entry.get("runtime")
    runtime = at if isinstance(at, dict) else {}
    task = _text(words.get("task"))
    kinds = ["chat"] if task == "chat-completion" else []
    kinds += [kind for key, kind in _FEATURES if words.get(key) is True]
    return CatalogModel(
        id=model_id,
        name=name if name and version.isdigit() else model_id,
        alias=_text(words.get("alias")) or "",
        version=int(version) if name and version.isdigit() else _version(words.get("version")),
        size_mb=_size(words.get("fileSizeMb")),
        license=_text(words.get("license")),
        device=_text(runtime.get("deviceType")),
        runtime=_text(runtime.get("executionProvider")),
        task=task,
        capabilities=tuple(kinds),
    )


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _size(value: Any) -> float | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if good and math.isfinite(value) and value > 0 else None


def _version(value: Any) -> int | None:
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() else None


def ids_of(document: Any) -> list[str]:
    """Ids of ``["a", …]``, ``{"models": […]}`` or OpenAI's ``{"data": [{"id": …}]}``."""
    if isinstance(document, dict):
        document = document.get("data", document.get("models"))
    items = document if isinstance(document, list) else []
    ids = (item.get("id", item.get("name")) if isinstance(item, dict) else item for item in items)
    return [model_id for model_id in ids if isinstance(model_id, str) and model_id]


def marked(
    models: Iterable[CatalogModel], cached: Sequence[str] | None, loaded: Sequence[str]
) -> list[CatalogModel]:
    """The models with what is cached and loaded, and those that only these lists name.

    ``cached`` is None where nobody says. A service may list ids without their version.
    """
    known = list(models)
    for model_id in (*(cached or ()), *loaded):
        if not any(_means(model_id, model) for model in known):
            known.append(CatalogModel(model_id, bare(model_id)))
    return [
        replace(
            model,
            cached=None if cached is None else any(_means(one, model) for one in cached),
            loaded=any(_means(one, model) for one in loaded),
        )
        for model in known
    ]


def bare(model_id: str) -> str:
    """An id without its version."""
    name, _, version = model_id.rpartition(":")
    return name if name and version.isdigit() else model_id


def _means(listed: str, model: CatalogModel) -> bool:
    return listed == model.id or (listed == model.name and bare(listed) == listed)


def matches(name: str, models: Sequence[CatalogModel]) -> list[CatalogModel]:
    """The variants that a name may mean: by id, else by name, else by alias; case last."""
    how: tuple[Callable[[CatalogModel], str], ...] = (
        lambda model: model.id,
        lambda model: model.name,
        lambda model: model.alias,
    )
    for spell in (str, str.casefold):
        for part in how:
            found = [model for model in models if spell(part(model)) == spell(name)]
            if found:
                return found
    return []


def narrowed(found: Sequence[CatalogModel]) -> list[CatalogModel]:
    """Of several variants those that are loaded, else those that are cached; the newest of each."""
    left = list(found)
    for better in ([m for m in left if m.loaded], [m for m in left if m.cached]):
        if better:
            left = better
            break
    newest: dict[str, CatalogModel] = {}
    for model in left:
        other = newest.get(model.name)
        if other is None or (model.version or 0) > (other.version or 0):
            newest[model.name] = model
    return list(newest.values())


def unknown(name: str, models: Sequence[CatalogModel], where: str, hint: str) -> str:
    """The sentence for a name that no model has: it lists what there is."""
    here = [model for model in models if model.cached] or list(models)
    words = dict.fromkeys(_shown(model) for model in here if model.chats)
    if not words:
        return f"{where} has no model {name!r}; it lists none, see {hint}"
    what = "on this machine are" if any(model.cached for model in here) else "it has"
    return f"{where} has no model {name!r}; {what} {_listed(list(words))}; {hint} shows all"


def ambiguous(name: str, found: Sequence[CatalogModel], where: str) -> str:
    """The sentence for a name that means several: it lists them."""
    ids = _listed([repr(model.id) for model in found])
    return f"{name!r} means several models of {where}: {ids}; write one of these ids"


def _shown(model: CatalogModel) -> str:
    return f"{model.alias!r} ({model.id})" if model.alias else repr(model.id)


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more
