"""Prometheus text, as far as llama.cpp's ``/metrics`` speaks it: one sample a line, no stamps."""


def samples(text: str) -> dict[str, float]:
    """Return the value of each sample; labels, where there are any, stay part of the name."""
    rows = [line.rpartition(" ") for line in text.split("\n") if line and line[0] != "#"]
    return {name: float(value) for name, _, value in rows}
