"""The standard's own way to read an event stream: a slow reference to compare with.

WHATWG HTML, 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream": decode as
UTF-8, split into lines at CRLF, LF or CR, interpret each line.
"""

from __future__ import annotations

import re

Event = tuple[str, str]


def interpreted(stream: bytes, *, open_event_counts: bool = False) -> list[Event]:
    """The standard, step by step; types are as given, "" where none was."""
    text = stream.decode("utf-8", "replace")
    text = text.removeprefix("\ufeff")
    lines = re.split(r"\r\n|\n|\r", text)
    last = lines.pop()  # what follows the last line end is no line
    if open_event_counts:
        lines += [last, ""]
    events, data, kind = [], "", ""
    for line in lines:
        if line == "":
            if data != "":
                events.append((kind, data.removesuffix("\n")))
            data, kind = "", ""
        elif line.startswith(":"):
            continue
        else:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                kind = value
            elif field == "data":
                data += value + "\n"
    return events
