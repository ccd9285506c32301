"""Options of ``tailrace run`` about what is asked: prompt files, made prompts, images, mixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tailrace.commands.option import BLANKS, Command, option
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.scenarios.model import Scenario

MOST_PREFIXES = 10_000
CHECKED = 32
"""Requests whose items are made before anything is sent."""


OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--prompts",
        "prompts_file",
        metavar="FILE",
        help="Prompts from a .json, .jsonl, .csv, .tsv or .parquet file (ShareGPT's too), "
        "sample:chat, sample:code, sample:long, or plugin:NAME of an installed package.",
    ),
    option("--prompt-column", metavar="NAME", help="Field of --prompts that holds the prompt."),
    option(
        "--order",
        type=click.Choice(["turn", "shuffled"]),
        default="turn",
        show_default=True,
        help="Prompts in turn, or in an order that --seed decides.",
    ),
    option(
        "--input-tokens",
        metavar="SIZES",
        help="Make prompts of so many tokens: 512, normal:512,64, lognormal:512,0.5, "
        "uniform:100,900 or file:lengths.csv; with ,min=N,max=N behind it.",
    ),
    option(
        "--output-tokens",
        metavar="SIZES",
        help="max_tokens of each request, written like --input-tokens.",
    ),
    option(
        "--tokenizer",
        metavar="FILE",
        help="The model's tokenizer.json: made prompts then have exactly their length.",
    ),
    option(
        "--align/--no-align",
        default=None,
        help="Set the length of made prompts right by the server's own counts, from a few requests "
        "before the levels.  [default: without --tokenizer]",
    ),
    option(
        "--prefix-tokens",
        type=click.IntRange(1),
        metavar="N",
        help="Begin each prompt with a shared prefix of so many tokens.",
    ),
    option(
        "--prefix-pool",
        type=click.IntRange(1, MOST_PREFIXES),
        metavar="K",
        help="How many prefixes are shared.  [default: 1]",
    ),
    option(
        "--image",
        "images",
        multiple=True,
        separator=BLANKS,
        metavar="FILE",
        help="Image in each request; repeat for several.",
    ),
    option(
        "--images",
        "made_images",
        metavar="N@WxH",
        help="N made images of that size in each request, like 1@512x512.",
    ),
    option(
        "--mix",
        metavar="MODEL:WEIGHT,…",
        help="Ask these models of the server by weight, request by request: base:3,lora-a:1.",
    ),
)


def typed_prompts(values: dict[str, Any], default: str) -> Sequence[str]:
    """The texts of ``--prompt``; none where the prompts come from elsewhere."""
    sources = {
        "--prompt": values["prompts"],
        "--prompts": values["prompts_file"],
        "--input-tokens": values["input_tokens"],
    }
    given = [name for name, value in sources.items() if value]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} exclude each other; give one of them")
    if given and given[0] != "--prompt":
        return ()
    return values["prompts"] or (default,)


def with_data(scenario: Scenario, values: dict[str, Any]) -> Scenario:
    """The scenario with what these options say; raises UsageError naming the option or file."""
    from tailrace.scenarios.data import Data
    from tailrace.scenarios.data_source import data_source, prompt_file

    _require(values)
    data = _data(values)
    if data == Data():
        return scenario
    held = None
    if data.prompts is not None:
        held = prompt_file(data)
        file = replace(
            data.prompts,
            sha256=held.sha256,
            prompts=len(held.listed.items),
            skipped=held.skipped,
        )
        data = replace(data, prompts=file)
    scenario = replace(scenario, data=data)
    source = data_source(scenario, held=held)
    for sequence in range(CHECKED):
        source.item(sequence)
    return scenario


def _data(values: dict[str, Any]) -> Any:
    from tailrace.scenarios.data import Data, PromptFile
    from tailrace.scenarios.pictures import parse_made_images
    from tailrace.scenarios.sizes import parse_sizes
    from tailrace.scenarios.varied import parse_mix

    def parsed(name: str, parse: Callable[[str, str], Any]) -> Any:
        return parse(values[name], _flag(name)) if values[name] else None

    made = values["input_tokens"] is not None
    path, align = values["prompts_file"], values["align"]
    return Data(
        prompts=None if path is None else PromptFile(path, values["prompt_column"]),
        order=values["order"],
        input_tokens=parsed("input_tokens", parse_sizes),
        output_tokens=parsed("output_tokens", parse_sizes),
        tokenizer=values["tokenizer"],
        align=made and values["tokenizer"] is None if align is None else align,
        prefix_tokens=values["prefix_tokens"] or 0,
        prefix_pool=values["prefix_pool"] or 1,
        images=tuple(values["images"]),
        made_images=parsed("made_images", parse_made_images),
        mix=parsed("mix", parse_mix) or (),
    )


_NEEDS = (
    ("prompt_column", ("prompts_file",), "says where in a prompt file the prompts are"),
    ("align", ("input_tokens",), "is about the length of made prompts"),
    ("prefix_pool", ("prefix_tokens",), "says how many prefixes are shared"),
    (
        "tokenizer",
        ("input_tokens", "prefix_tokens", "prompts_file"),
        "counts tokens of made prompts, prefixes and answers in --prompts",
    ),
)


def _require(values: dict[str, Any]) -> None:
    """An option that would do nothing is an error."""
    for name, others, why in _NEEDS:
        if values[name] is not None and all(values[other] is None for other in others):
            wanted = " or ".join(map(_flag, others))
            raise UsageError(f"{_flag(name)} {why}; add {wanted}, or leave it out")


def _flag(name: str) -> str:
    names = {"prompts_file": "--prompts", "made_images": "--images"}
    return names.get(name, "--" + name.replace("_", "-"))
