"""The rule behind ``sample:long``: logs of a tidal station, 300 to 5,000 words, and a question.

``python -m tests.scenarios.long_sample`` writes the file anew.
"""

from __future__ import annotations

import json
from hashlib import shake_128
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parents[2] / "tailrace" / "scenarios" / "samples" / "long.json"
WORDS = (300, 600, 1000, 1500, 2000, 2500, 3000, 4000, 5000)
_SKIES = ("clear", "haze", "fog", "drizzle", "rain", "squalls", "snow", "overcast")
_WINDS = ("north", "east", "south", "west", "northeast", "southeast", "southwest", "northwest")
_QUESTIONS = (
    "At which hour did the water stand highest, and what was the wind then?",
    "Summarise the weather of this log in five sentences.",
    "List every hour with fog and the height of the water at it.",
)


def long_prompts() -> list[dict[str, Any]]:
    return [
        {
            "id": f"log-{words}",
            "prompt": f"{_log(words)}\n\n{_QUESTIONS[index % len(_QUESTIONS)]}",
            "tags": ["long", "log"],
        }
        for index, words in enumerate(WORDS)
    ]


def _log(words: int) -> str:
    lines = ["Log of the tidal station, one line an hour."]
    count, hour = len(lines[0].split()), 0
    while count < words:
        sky, wind, force, height = shake_128(f"{words}:{hour}".encode()).digest(4)
        lines.append(
            f"Day {hour // 24 + 1}, hour {hour % 24}: water at {100 + height} centimetres, wind "
            f"from {_WINDS[wind % 8]} force {force % 9}, sky {_SKIES[sky % 8]}."
        )
        count += len(lines[-1].split())
        hour += 1
    return "\n".join(lines)


def text() -> str:
    return json.dumps(long_prompts(), indent=1) + "\n"


if __name__ == "__main__":
    SAMPLE.write_text(text(), encoding="utf-8")
