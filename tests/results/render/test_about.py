from dataclasses import replace
from pathlib import Path

from tailrace.results.render.about import VALUE_LIMIT, flat, head, run_pairs, tool, url, value_text


def test_the_head_names_what_figures_depend_on(run):
    assert tool(run.facts) == "tailrace 0.1.0"
    assert url(run.facts) == "http://127.0.0.1:11434/v1/chat/completions"
    assert head(run.facts) == [
        ("loop", "uvloop 0.21.0"),
        ("transport", "fast"),
        ("stamps", "kernel"),
        ("max_tokens", "24"),
        ("nonce", "on"),
        ("seed", "7"),
    ]


def test_the_head_finds_nested_keys_and_does_without_missing_ones(run):
    scenario = {"sets": {"deep": {"url": "no"}}, "target": {"url": "yes"}, "seed": None}
    facts = replace(run.facts, scenario=scenario, engine={}, tool={})
    assert url(facts) == "yes"
    assert head(facts) == [("seed", "none")]
    assert tool(facts) == "tailrace"
    assert url(replace(facts, scenario={})) is None


def test_every_scenario_key_is_listed_in_order(run):
    keys = [key for key, _ in run_pairs(run.facts)]
    assert keys[4:9] == ["engine.loop", "engine.transport", "engine.stamps", "url", "models"]
    assert keys[-2:] == ["timeouts.first_event_s", "timeouts.total_s"]


def test_the_tags_of_the_models_stand_behind_the_scenario(run):
    model = replace(run.facts.models[0], tags={"size_mb": 398, "made": {"by": "us"}})
    scenario = run.facts.scenario | {"entries": [{"alias": "x"}]}
    facts = replace(run.facts, models=[model], scenario=scenario)
    name = model.model
    assert run_pairs(facts)[-2:] == [
        (f"tags.{name}.size_mb", "398"),
        (f"tags.{name}.made.by", "us"),
    ]
    assert not any(key.startswith("entries") for key, _ in run_pairs(facts))
    assert "entries" in facts.scenario


def test_secrets_are_hidden_and_look_alikes_are_not():
    data = {
        "url": "https://me:hunter2@host/v1",
        "headers": {"Authorization": "Bearer hunter2"},
        "targets": [{"api_key": "hunter2"}, {"hf_token": "hunter2"}],
        "max_tokens": 5,
        "timeouts": {"first_token": 3.0},
        "api_key_env": "OPENAI_API_KEY",
    }
    pairs = dict(flat(data))
    assert "hunter2" not in repr(pairs)
    assert pairs["url"] == "https://host/v1"
    assert pairs["targets.0.api_key"] == "(hidden)"
    assert pairs["max_tokens"] == "5"
    assert pairs["timeouts.first_token"] == "3.0"
    assert pairs["api_key_env"] == "OPENAI_API_KEY"


def test_values_are_one_line():
    data = {"a": [1, 2], "b": [], "c": {}, "d": None, "e": True, "f": "x\ny"}
    assert [value for _, value in flat(data)] == ["1, 2", "none", "{}", "none", "on", "x y"]


def test_what_is_told_of_a_run_word_for_word(run):
    facts = replace(
        run.facts,
        tool={"name": "another", "version": "2", "reads": "C", "build": {"at": Path("x")}},
        engine={"loop": "uvloop"},
        scenario={"levels": [{"users": 8, "rate": None}, "rest"], "nonce": False, "turns": []},
        models=[],
        ended="",
    )
    assert tool(facts) == "another 2"
    assert run_pairs(facts)[2:] == [
        ("ended", "no"),
        ("tool", "another 2"),
        ("tool.reads", "C"),
        ("tool.build.at", '"x"'),
        ("engine.loop", "uvloop"),
        ("levels.0.users", "8"),
        ("levels.1", "rest"),
        ("nonce", "off"),
        ("turns", "none"),
    ]


def test_a_value_is_one_line_of_its_own_letters_and_not_too_long():
    assert value_text({"größe": 1}) == '{"größe": 1}'
    assert len(value_text("x" * 5000)) == VALUE_LIMIT
    assert flat({"a": 1}) == [("a", "1")]


def test_of_two_settings_of_a_name_the_less_nested_is_told(run):
    scenario = {"deep": {"er": {"seed": 1}}, "seed": 2, "my": {"seed": 3}}
    assert ("seed", "2") in head(replace(run.facts, scenario=scenario))
    assert ("seed", "1") in head(replace(run.facts, scenario={"deep": {"er": {"seed": 1}}}))
