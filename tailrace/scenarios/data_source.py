"""Data source: the source of items that a scenario's Data describe. Reads the files they name.

Raises UsageError for whatever is wrong with them; the command line makes the source once before
anything is sent, so that a worker meets no such error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tailrace.errors import UsageError
from tailrace.scenarios.data import Alignment, Data
from tailrace.scenarios.dice import shuffled
from tailrace.scenarios.files import read_bytes, read_text
from tailrace.scenarios.items import Listed, Source, from_texts
from tailrace.scenarios.local_tokenizer import token_counter
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.pictures import Part, Pictures, image_kind, image_part, with_pictures
from tailrace.scenarios.pieces import PLAIN, Pieces, pieces_for
from tailrace.scenarios.prompt_files import load_records, named
from tailrace.scenarios.records import read_records
from tailrace.scenarios.sharegpt import words_as_tokens
from tailrace.scenarios.sizes import Sizes, sizes_listed
from tailrace.scenarios.synthetic import Prefixes, Synthetic
from tailrace.scenarios.varied import Limited, Mixed, Prefixed


class Held(NamedTuple):
    """What a prompt file held."""

    listed: Listed
    sha256: str
    skipped: int


def data_source(
    scenario: Scenario, alignment: Alignment | None = None, held: Held | None = None
) -> Source:
    """The items of the scenario's requests, as all of its Data want them.

    ``held`` is what its prompt file holds, where that has been read already.
    """
    data = scenario.data
    source: Source
    if data.input_tokens is not None:
        source = synthetic(scenario, alignment)
    else:
        source = _listed(scenario, held)
        if data.prefix_tokens:
            pieces = pieces_of(data)
            prefixes = Prefixes(
                data.prefix_pool, data.prefix_tokens, pieces, scenario.seed, scenario.own_salt
            )
            source = Prefixed(source, prefixes, scenario.nonce)
        if data.output_tokens is not None:
            values = file_sizes(data.output_tokens, "output_tokens")
            source = Limited(source, data.output_tokens, values, scenario.seed)
    return Mixed(source, data.mix, scenario.seed) if data.mix else source


def synthetic(scenario: Scenario, alignment: Alignment | None = None) -> Synthetic:
    """The source of made prompts, without a mix of models."""
    data = scenario.data
    assert data.input_tokens is not None
    return Synthetic(
        data,
        pieces_of(data),
        scenario.seed,
        scenario.own_salt,
        file_sizes(data.input_tokens, "input_tokens"),
        file_sizes(data.output_tokens, "output_tokens"),
        pictures_of(scenario),
        alignment,
    )


def prompt_file(data: Data) -> Held:
    """The items of the prompt file, in its order."""
    assert data.prompts is not None
    path = data.prompts.path
    loaded = load_records(path)
    if data.prompts.sha256 not in ("", loaded.sha256):
        raise UsageError(
            f"{named(path)} has changed since the run began; it must give the same each time"
        )
    count: Callable[[str], int] = words_as_tokens
    if data.tokenizer is not None:
        count = token_counter(data.tokenizer)
    items, skipped = read_records(loaded.records, named(path), data.prompts.column, count)
    return Held(Listed(items), loaded.sha256, skipped)


def _listed(scenario: Scenario, held: Held | None) -> Listed:
    data = scenario.data
    if data.prompts is None:
        items = from_texts(scenario.prompts).items
    else:
        items = (held or prompt_file(data)).listed.items
    pictures = pictures_of(scenario)
    if pictures is not None:
        items = tuple(with_pictures(it, pictures.of(index)) for index, it in enumerate(items))
    if data.order == "shuffled":
        items = tuple(items[index] for index in shuffled(len(items), scenario.seed))
    return Listed(items)


def pieces_of(data: Data) -> Pieces:
    """What made prompts are put together from."""
    if data.tokenizer is None:
        return PLAIN
    return pieces_for(token_counter(data.tokenizer), f"--tokenizer file {data.tokenizer!r}")


def file_sizes(sizes: Sizes | None, column: str) -> tuple[int, ...]:
    """The sizes of a ``file:`` distribution; none for the others."""
    if sizes is None or sizes.kind != "file":
        return ()
    option = f"--{column.replace('_', '-')}"
    text = read_text(sizes.path, f"{option} file", encoding="utf-8-sig")
    return sizes_listed(text, f"{option} file {sizes.path!r}", column)


def pictures_of(scenario: Scenario) -> Pictures | None:
    """The images of the scenario's requests."""
    data = scenario.data
    if not data.images and data.made_images is None:
        return None
    parts = [_image(path) for path in data.images]
    return Pictures(parts, data.made_images, scenario.seed, scenario.own_salt)


def _image(path: str) -> Part:
    data = read_bytes(path, "--image file")
    kind = image_kind(data)
    if kind is None:
        raise UsageError(f"--image file {path!r} is not a PNG, JPEG, GIF or WebP image")
    return image_part(data, kind)
