"""``tailrace outputs``: which prompts two deterministic runs answered differently."""

from __future__ import annotations

from pathlib import Path

import click

from tailrace.errors import EXIT_DIFFERS, EXIT_OK

_RUN = click.Path(path_type=Path)


@click.command()
@click.argument("run_a", metavar="A", type=_RUN)
@click.argument("run_b", metavar="B", type=_RUN)
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON, hashes in full.")
@click.pass_context
def outputs(ctx: click.Context, /, run_a: Path, run_b: Path, as_json: bool) -> None:
    """Compare what two runs answered, prompt by prompt and model by model.

    Both runs must be made with --deterministic and must have asked the same. Where both kept their
    answers (--keep-text) the first difference is shown. Exit code 0: all the same, 10: not.
    """
    from tailrace.results.outputs_files import compare_runs

    found = compare_runs(run_a, run_b)
    if as_json:
        import orjson

        click.echo(orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2))
    else:
        from tailrace.results.render.outputs import outputs_lines

        for line in outputs_lines(found):
            click.echo(line)
    ctx.exit(EXIT_OK if found.equal else EXIT_DIFFERS)
