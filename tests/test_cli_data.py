"""What is asked, from the command line: files, made prompts, prefixes, images and mixes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tailrace.results.schema import Row, parse_row
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.sources import source_of

from .command import MEASURED, tailrace


def only_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def rows_of(run: Path) -> list[Row]:
    lines = (run / "sim" / "requests.jsonl").read_bytes().splitlines()
    return [parse_row(line, "") for line in lines]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def run(sim_url: str, folder: Path, *arguments: str) -> Path:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "--warmup", "0s", *arguments), cwd=folder
    )
    assert done.returncode in MEASURED, done.stderr
    assert "Traceback" not in done.stderr
    return only_run(folder)


def scenario_of(run: Path) -> Scenario:
    """The scenario as run.json has it, from which the same requests can be made again."""
    import msgspec

    return msgspec.convert(load(run / "run.json")["scenario"], Scenario)


def sequence(row: Row) -> int:
    return int(row.id.rpartition("-")[2])


def test_a_prompt_file_in_a_shuffled_order(sim_url: str, tmp_path: Path) -> None:
    texts = [f"prompt {'x' * 40 * n}" for n in range(6)]
    (tmp_path / "prompts.json").write_text(json.dumps(texts), encoding="utf-8")
    made = run(
        *(sim_url, tmp_path, "--prompts", "prompts.json", "--order", "shuffled", "--seed", "4"),
        *("-n", "36", "-c", "4", "--workers", "2"),
    )
    scenario = scenario_of(made)
    assert (scenario.prompts, scenario.data.prompts and scenario.data.prompts.prompts) == ((), 6)
    rows = [row for row in rows_of(made) if row.phase == "measure"]
    assert set(Counter(row.prompt for row in rows)) == set("123456")
    at = dict.fromkeys(range(6), "")
    for row in rows:
        at[sequence(row) % 6] = row.prompt
    assert "".join(at.values()) != "123456"
    (stage,) = load(made / "sim" / "result.json")["stages"]
    assert [entry["prompt"] for entry in stage["prompts"]] == list("123456")
    assert sum(entry["n"] for entry in stage["prompts"]) == 36
    assert stage["prompts"][0]["output_tokens"]["mean"] == 16.0
    assert stage["mix"] == []
    for page in ("report.md", "report.html"):
        text = (made / page).read_text(encoding="utf-8")
        assert "By prompt, 4 users" in text
        assert "MAD" in text
    before = (made / "report.md").read_bytes()
    assert tailrace("report", str(made), cwd=tmp_path).returncode in MEASURED
    assert (made / "report.md").read_bytes() == before


@pytest.mark.parametrize("name", ["chat", "code", "long"])
def test_samples_run(name: str, sim_url: str, tmp_path: Path) -> None:
    made = run(sim_url, tmp_path, "--prompts", f"sample:{name}", "-n", "12", "-c", "4")
    assert len({row.prompt for row in rows_of(made)}) >= 9


def test_prompts_of_a_table_with_what_they_say(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,question,max_tokens\na,one,3\nb,two,\n", encoding="utf-8")
    made = run(
        *(sim_url, tmp_path, "--prompts", "p.csv", "--prompt-column", "question"),
        *("-n", "8", "--max-tokens", "5"),
    )
    assert {(row.prompt, row.output_tokens) for row in rows_of(made)} == {("a", 3), ("b", 5)}


def test_sharegpt_asks_for_as_much_as_was_answered(sim_url: str, tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a b c d e f"}]
    document = [{"id": "x", "conversations": turns}, {"id": "y", "conversations": []}]
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    made = run(sim_url, tmp_path, "--prompts", "s.json", "-n", "4")
    assert {row.output_tokens for row in rows_of(made)} == {8}
    kept = scenario_of(made).data.prompts
    assert kept is not None
    assert (kept.prompts, kept.skipped, len(kept.sha256)) == (1, 1, 64)


def test_made_prompts_are_set_right_by_the_servers_counts(sim_url: str, tmp_path: Path) -> None:
    made = run(
        *(sim_url, tmp_path, "--input-tokens", "normal:400,80,min=100", "--system", "x" * 200),
        *("--output-tokens", "uniform:2,9", "-n", "40", "-c", "4", "--workers", "2"),
    )
    (model,) = load(made / "run.json")["models"]
    found = model["alignment"]
    assert 1.2 < found["tokens_per_piece"] < 1.3  # five characters, at four a token
    assert 45 < found["overhead_tokens"] < 55  # 200 characters of the system message
    assert abs(found["check"]["prompt_tokens"] - found["check"]["asked_tokens"]) <= 1
    assert [probe["pieces"] for probe in found["probes"]] == [8, 200, 400]
    scenario = scenario_of(made)
    wanted = scenario.data.input_tokens
    assert wanted is not None
    source = source_of(scenario)
    for row in rows_of(made):
        if row.phase == "measure":
            tokens = len(str(source.item(sequence(row)).messages[0][1]).split())  # as drawn
            assert row.input_tokens is not None
            assert abs(row.input_tokens - tokens) <= 2
            assert row.output_tokens == source.item(sequence(row)).max_tokens


def test_a_server_that_does_not_count_is_said(sim_url: str, tmp_path: Path) -> None:
    done = tailrace(
        *("run", "--url", sim_url, "-m", "sim", "--warmup", "0s", "-n", "3"),
        *("--input-tokens", "50", "--no-stream-usage"),
        cwd=tmp_path,
    )
    assert done.returncode in MEASURED, done.stderr
    assert "prompt lengths are not aligned: a prompt of 8 pieces" in done.stderr
    (model,) = load(only_run(tmp_path) / "run.json")["models"]
    assert "does not report prompt_tokens" in model["alignment"]["problem"]


def test_a_tokenizer_makes_lengths_exact_without_asking(sim_url: str, tmp_path: Path) -> None:
    from .scenarios.tiny_tokenizer import byte_level, saved

    saved(byte_level(), tmp_path / "tokenizer.json")
    made = run(
        *(sim_url, tmp_path, "--input-tokens", "lognormal:60,0.4", "-n", "8"),
        *("--tokenizer", "tokenizer.json"),
    )
    (model,) = load(made / "run.json")["models"]
    assert model["alignment"] is None
    assert {row.outcome for row in rows_of(made)} == {"ok"}


def test_prefixes_images_and_a_mix_by_several_workers(sim_url: str, tmp_path: Path) -> None:
    made = run(
        *(sim_url, tmp_path, "--input-tokens", "40", "--no-align", "--prefix-tokens", "100"),
        *("--prefix-pool", "3", "--images", "2@32x32", "--mix", "sim:3,a/b:1:1", "--seed", "2"),
        *("-n", "60", "-c", "4", "--workers", "2"),
    )
    rows = [row for row in rows_of(made) if row.phase == "measure"]
    source = source_of(scenario_of(made))
    for row in rows:
        item = source.item(sequence(row))
        assert row.model == item.model
        assert row.prompt == item.id
        ((_, content),) = item.messages
        assert row.input_tokens == len(content[0]["text"]) // 4  # type: ignore[index]
    (stage,) = load(made / "sim" / "result.json")["stages"]
    counted = {entry["model"]: entry["n"] for entry in stage["mix"]}
    assert counted == dict(Counter(row.model for row in rows))
    assert set(counted) == {"sim", "a/b:1"}
    assert sum(counted.values()) == 60
    assert stage["prompts"] == []
    assert "By model asked, 4 users" in (made / "report.html").read_text(encoding="utf-8")


def test_an_image_and_a_prefix_before_typed_prompts(sim_url: str, tmp_path: Path) -> None:
    from tailrace.scenarios.png import png

    (tmp_path / "a.png").write_bytes(png(8, 8, "a"))
    made = run(
        *(sim_url, tmp_path, "-p", "what is it?", "--image", "a.png", "--prefix-tokens", "20"),
        *("-n", "4", "--output-tokens", "3"),
    )
    for row in rows_of(made):
        assert row.output_tokens == 3
        assert row.input_tokens == (20 * 5 - 1 + 2 + 19 + 11) // 4  # prefix, break, nonce, prompt


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prompts", "none.json"), "--prompts file 'none.json' cannot be read"),
        (("--prompts", "bad.jsonl"), "--prompts file 'bad.jsonl' line 2: field 'promt'"),
        (("--prompts", "sample:none"), "there are chat, code, long"),
        (("--prompts", "bad.jsonl", "-p", "x"), "--prompt and --prompts exclude each other"),
        (("--prompts", "x.json", "--input-tokens", "5"), "--prompts and --input-tokens exclude"),
        (("--prompt-column", "x"), "--prompt-column says where"),
        (("--input-tokens", "gauss:5"), "--input-tokens 'gauss:5' is no distribution"),
        (("--input-tokens", "file:none.csv"), "--input-tokens file 'none.csv' cannot be read"),
        (("--output-tokens", "5,min=x"), "--output-tokens '5,min=x'"),
        (("--input-tokens", "5", "--tokenizer", "bad.jsonl"), "--tokenizer file 'bad.jsonl'"),
        (("--tokenizer", "t.json"), "--tokenizer counts tokens"),
        (("--align",), "--align is about the length of made prompts"),
        (("--prefix-pool", "3"), "--prefix-pool says how many"),
        (("--prefix-tokens", "0"), "--prefix-tokens"),
        (("--image", "none.png"), "--image file 'none.png' cannot be read"),
        (("--image", "bad.jsonl"), "is not a PNG, JPEG, GIF or WebP image"),
        (("--images", "big"), "--images 'big' is not a number and a size"),
        (("--mix", "base"), "--mix 'base' is not a model and its weight"),
    ],
)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"prompt": "a"}\n{"promt": "b"}\n', encoding="utf-8")
    done = tailrace("run", "--url", "http://127.0.0.1:9", "-m", "m", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_deterministic_run_asks_each_prompt_of_a_file_once(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('["a", "b", "c", "d"]', encoding="utf-8")
    made = run(sim_url, tmp_path, "--prompts", "p.json", "--deterministic")
    measured = [row for row in rows_of(made) if row.phase == "measure"]
    assert sorted(row.prompt for row in measured) == ["1", "2", "3", "4"]
    assert len({row.asked_hash for row in measured}) == 4


def test_whole_answers_have_no_first_output_by_prompt(sim_url: str, tmp_path: Path) -> None:
    made = run(sim_url, tmp_path, "-p", "a", "-p", "b", "-n", "4", "--no-stream")
    (stage,) = load(made / "sim" / "result.json")["stages"]
    assert [entry["ttft"]["mean_ns"] for entry in stage["prompts"]] == [None, None]
    assert all(entry["e2e"]["mean_ns"] > 0 for entry in stage["prompts"])


def test_a_config_file_says_the_same(sim_url: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        f'url = "{sim_url}"\nmodel = "sim"\nwarmup = "0s"\nrequests = 8\ninput-tokens = "30"\n'
        'align = false\nmix = ["sim:1", "a/b:1:1"]\nimages = "1@8x8"\nprefix-tokens = 10\n',
        encoding="utf-8",
    )
    done = tailrace("run", "--config", "c.toml", cwd=tmp_path)
    assert done.returncode in MEASURED, done.stderr
    data = scenario_of(only_run(tmp_path)).data
    assert [part.model for part in data.mix] == ["sim", "a/b:1"]
    assert (data.align, data.prefix_tokens) == (False, 10)
    assert data.made_images is not None
