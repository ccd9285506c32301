"""``tailrace query``: SQL over the requests of one or more runs."""

from __future__ import annotations

from pathlib import Path

import click

from tailrace.errors import UsageError


@click.command()
@click.argument("words", metavar='[RUN] "SQL"', nargs=-1)
@click.option(
    "--run", "named", multiple=True, metavar="NAME=PATH", help="Several runs as one table."
)
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
)
@click.option("--schema", is_flag=True, help="Print the columns of both views; no RUN is needed.")
def query(words: tuple[str, ...], named: tuple[str, ...], form: str, schema: bool) -> None:
    """Ask a run's requests in SQL (DuckDB); needs the extra `query`.

    The views are `requests`, one row a request with every field of requests.jsonl, and `gaps`, one
    row a gap. Times are nanoseconds. Nothing can be written, and no file be read from the SQL.

    \b
    tailrace query RUN "SELECT load, quantile_cont(ttft_ns, 0.9) / 1e6 AS ttft_p90_ms
                        FROM requests WHERE measured GROUP BY load"
    """
    from tailrace.results.render import query as render

    if schema:
        for line in render.schema_lines():
            click.echo(line)
        return
    from tailrace.results.query import named_runs
    from tailrace.results.query import query as asked

    run, sql = _words(words, bool(named))
    answer = asked(named_runs(run, dict(map(_named, named))), sql)
    if form == "json":
        click.echo(render.answer_json(answer.columns, answer.rows))
    elif form == "csv":
        click.echo(render.answer_csv(answer.columns, answer.rows).encode("utf-8"), nl=False)
    else:
        from shutil import get_terminal_size

        for line in render.answer_table(answer.columns, answer.rows, get_terminal_size().columns):
            click.echo(line)


def _words(words: tuple[str, ...], several: bool) -> tuple[Path | None, str]:
    if len(words) == 2:
        return Path(words[0]), words[1]
    if len(words) == 1 and several:
        return None, words[0]
    if len(words) == 1:
        raise UsageError('query takes a run and SQL: tailrace query RUN "SELECT … FROM requests"')
    raise UsageError(f"query takes a run and one text of SQL in quotes, not {len(words)} words")


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise UsageError(f"--run {text!r} must be NAME=PATH, like before=runs/20260101-m")
    return name, Path(path)
