"""Whose results a file holds: the arguments of lmms-eval's models, design.json, the record."""

import json

import pytest

from vvlm_utils.runs.lmms_design import ResultsError, find_design, model_name, parse_model_args

REST = {"lm_params": 7.6e9, "tokens_per_frame": 196, "train_examples": 1_300_000}


@pytest.fixture
def find(tmp_path):
    """The design of a file beside a design.json, and the notes."""

    def find(arguments, beside=REST):
        if beside is not None:
            (tmp_path / "design.json").write_text(json.dumps(beside))
        notes = []
        path = tmp_path / "20250807_120603_results.json"
        return find_design(arguments, path, "results", notes.append), notes

    return find


def refused(find, words, *given):
    with pytest.raises(ResultsError, match=words) as refusal:
        find(*given)
    assert "\n" not in str(refusal.value)


def test_arguments_are_text_or_a_mapping():
    assert parse_model_args("pretrained=a=b, frames=2") == {"pretrained": "a=b", "frames": "2"}
    assert parse_model_args({"frames": 2, "x": None}) == {"frames": 2, "x": None}
    assert parse_model_args("") == parse_model_args(None) == {}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"pretrained": "lab/m/", "frames": 8}, "lab/m"),
        ({"pretrained": "lab/m", "peft": "mine"}, "mine"),  # an adapter is a model of its own
        ({"model_version": "gpt-4o"}, "gpt-4o"),
        ({"pretrained": ["lab/m"]}, ""),
        ({}, ""),
    ],
)
def test_a_model_is_named_by_the_argument_that_the_harness_takes(arguments, name):
    assert model_name(arguments) == name


@pytest.mark.parametrize(
    "name",
    [
        *("max_frames_num", "max_num_frames", "num_frames", "num_frame", "max_frame_num"),
        *("nframes", "max_frames", "num_segments", "num_video_frames", "video_max_frames"),
        *("max_frames_for_video", "fixed_num_frames", "frames"),
    ],
)
@pytest.mark.parametrize("value", [16, "16", 16.0])
def test_frames_are_read_from_what_models_call_them(find, name, value):
    design, notes = find({name: value})
    assert design["frames"] == 16 and notes == []


def test_a_number_of_frames_counts_before_the_most_of_them(find):
    assert find({"nframes": 32, "max_frame_num": 768})[0]["frames"] == 32


def test_what_is_no_limit_states_no_frames(find):
    for value in (-1, "-1", None, "None", "auto"):
        refused(find, "results: frames not stated", {"video_max_frames": value})


def test_frames_a_second_are_no_frames(find):
    refused(find, "frames not stated", {"fps": 2, "video_fps": 1})
    design, notes = find({"fps": "1", "max_num_frames": 64})
    assert design["frames"] == 64
    assert notes == [
        "results: its model_args state fps='1', so short videos show fewer frames than "
        "max_num_frames=64"
    ]


def test_our_own_name_counts_and_the_other_is_pointed_out(find):
    design, notes = find({"frames": 8, "max_frames_num": 32})
    assert design["frames"] == 8
    assert notes == ["results: its model_args state both; frames=8 counts, not max_frames_num=32"]


def test_two_arguments_that_contradict_each_other_are_refused(find):
    words = "max_frames_num=8 and max_num_frames=16, which contradict each other"
    refused(find, words, {"max_frames_num": 8, "max_num_frames": 16})


def test_a_file_beside_fills_what_is_missing_and_may_not_contradict(find):
    assert find({"max_frames_num": 8})[0] == REST | {"frames": 8, "seed": 0}
    assert find({"max_frames_num": 8}, REST | {"frames": 8, "seed": 2})[0]["seed"] == 2
    assert find({"max_frames_num": 8}, REST | {"frames": None})[0]["frames"] == 8
    words = r"max_frames_num=8 in its model_args contradicts frames=32 of .*design\.json; correct"
    refused(find, words, {"max_frames_num": 8}, REST | {"frames": 32})
    words = "seed=1 in its model_args contradicts seed=2"
    refused(find, words, {"frames": 8, "seed": "1"}, REST | {"seed": 2})


def test_a_checkpoints_record_says_how_it_was_trained_not_how_it_is_served(find, tmp_path):
    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    trained = {"frames": 8, "tokens_per_frame": 49, "seed": 3, "lm": "x"}
    (tmp_path / "run" / "record.json").write_text(json.dumps(REST | trained))
    served = find({"pretrained": str(folder), "max_frames_num": 16}, None)[0]
    assert (served["frames"], served["tokens_per_frame"], served["seed"]) == (16, 49, 3)
    given = find({"pretrained": str(folder)}, {"tokens_per_frame": 36})[0]
    assert (given["frames"], given["tokens_per_frame"]) == (8, 36)


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b", "/", "lab/m", "", 3, ["a"], {"a": 1}, None])
def test_a_name_is_taken_for_a_path_only_where_it_is_one(find, name):
    assert find({"pretrained": name, "frames": 8})[0]["frames"] == 8


@pytest.mark.parametrize(
    "value", ["8B", True, [32], {"a": 1}, "inf", float("nan"), 10**400, "1e999"]
)
@pytest.mark.parametrize("place", ["arguments", "beside"])
def test_a_design_in_anything_but_numbers_is_refused(find, place, value):
    words = "lm_params must be a plain number, such as 7.5e9 or 196, got "
    arguments, beside = {"frames": 8, "lm_params": value}, {"frames": 8} | REST
    if place == "beside":
        arguments, beside = {"frames": 8}, REST | {"lm_params": value}
    refused(find, words, arguments, beside)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("seed", -1, "seed must be a whole number of at least 0, and .*, got -1"),
     ("train_examples", 2.5, "train_examples must be a whole number .*, got 2.5"),
     ("tokens_per_frame", 0, "tokens_per_frame must be a number of at least 1, and .*, got 0"),
     ("lm_params", 1e19, r"lm_params must be .* below 1e\+18, got 1e\+19")],
)  # fmt: skip
def test_numbers_that_no_design_has_are_refused(find, name, value, words):
    refused(find, words, {"frames": 8}, REST | {name: value})


def test_what_is_not_stated_anywhere_is_named(find):
    refused(find, "lm_params, tokens_per_frame, train_examples not stated", {"frames": 8}, {})
    refused(find, "write a design.json beside it that does", {"frames": 8}, {})
    refused(find, "design.json: holds no mapping; correct it", {"frames": 8}, [1])
