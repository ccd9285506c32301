"""Importing a renderer must stay cheap: the help text of the command line waits for it."""

import subprocess
import sys


def test_rich_and_jinja_wait_until_something_is_rendered():
    modules = ("terminal", "live", "markdown", "summary_csv", "html", "charts")
    names = ", ".join(f"tailrace.results.render.{name}" for name in modules)
    check = f"import sys, {names}; print(sorted({{'rich', 'jinja2', 'plotly'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
