"""The real harness, in its own environment: our task, NExT-QA's code, and a judged benchmark.

One start of lmms-eval answers for all of them. It runs where ``make lmms-env`` has made the
environment, and is skipped elsewhere.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import torch

from vvlm_utils.experiment.data.clips import questions_of, read_index
from vvlm_utils.experiment.harness.judge import MODEL
from vvlm_utils.experiment.harness.mini_task import write_task
from vvlm_utils.experiment.harness.reply import Replier
from vvlm_utils.experiment.mini.design import Run
from vvlm_utils.experiment.mini.records import write_record
from vvlm_utils.experiment.mini.run import evaluate, train
from vvlm_utils.experiment.mini.sweeps import SWEEPS
from vvlm_utils.experiment.model.batches import make_tokenizer
from vvlm_utils.experiment.world.questions import FAMILIES, texture_word
from vvlm_utils.runs.from_lmms import read_results, score
from vvlm_utils.runs.suites import PAPER

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / os.environ.get("LMMS_ENV", ".venv-lmms") / "bin" / "python"
TASKS = next(PYTHON.parents[1].glob("lib/python3.*/site-packages/lmms_eval/tasks"), Path("none"))
RUN = Run("mini-40k", frames=8, tokens_per_frame=16, train_examples=64)
CLIPS, ASKED = 32, 12  # of the mini task; questions of each of the others

needs_harness = pytest.mark.skipif(
    not TASKS.is_dir(), reason="lmms-eval's environment is not there; make lmms-env makes it"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model finetuned on 64 clips, its record, and what our own evaluator says of it."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("lmms")
    counts = {"train": RUN.train_examples, "test": CLIPS}
    sweep = replace(SWEEPS["live"], root=root, counts=counts)
    record, model = train(RUN, sweep)
    model.save_pretrained(root / "run" / "model")
    make_tokenizer().save_pretrained(root / "run" / "model")
    answers = evaluate(record, model, sweep)
    write_record(record, root / "run" / "record.json")
    return root, record, answers


def brief_questions(root):
    """The first clips' first question, answered with a texture."""
    records = read_index(root / "clips" / "test" / "index.json", ASKED)
    return [(record["video"], questions_of(record)[0]) for record in records]


def local_task(folder, name, yaml, docs, **settings):
    """A task file that takes all but the data from lmms-eval's own."""
    (folder / f"{name}.json").write_text(json.dumps(docs))
    own = {
        "include": str(TASKS / yaml),
        "task": name,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": f"{name}.json"},
        "test_split": "train",
    }
    (folder / f"{name}.yaml").write_text("\n".join(
        f"{key}: {value if key == 'include' else json.dumps(value)}"
        for key, value in (own | settings).items()
    ))  # fmt: skip


def write_nextqa(root, folder, home):
    """NExT-QA's multiple choice on mini clips: five textures to choose from, the right one moving.

    It takes more than five words for its parser to look for an option's text.
    """
    videos = home / "nextqa" / "NExTVideo"
    videos.mkdir(parents=True)
    docs = []
    for number, (video, question) in enumerate(brief_questions(root)):
        shutil.copy(root / "clips" / "test" / video, videos)
        others = [texture_word(t) for t in range(6) if texture_word(t) != question.answer][:4]
        options = [*others[: number % 5], question.answer, *others[number % 5 :]]
        doc = {"video": Path(video).stem, "question": " ".join(question.words)}
        docs.append(doc | {"answer": number % 5} | {f"a{i}": o for i, o in enumerate(options)})
    settings = {"generation_kwargs": {"max_new_tokens": 8, "do_sample": False, "until": []}}
    local_task(folder, "local_nextqa", "nextqa/nextqa_mc_test.yaml", docs, **settings)
    return docs


def write_activitynet(root, folder, home):
    """ActivityNet-QA, which a language model judges, on mini clips."""
    videos = home / "activitynetqa" / "all_test"
    videos.mkdir(parents=True)
    docs = []
    for number, (video, question) in enumerate(brief_questions(root)):
        shutil.copy(root / "clips" / "test" / video, videos / f"v_{number}.mp4")
        doc = {"video_name": str(number), "question_id": str(number), "type": "0"}
        docs.append(doc | {"question": " ".join(question.words), "answer": question.answer})
    yaml = "activitynetqa/activitynetqa_generation.yaml"
    local_task(folder, "local_activitynet", yaml, docs)
    return docs


class Judge(BaseHTTPRequestHandler):
    """Stands for the judge on loopback: yes where the prediction begins with the answer."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == "Bearer of-the-test"
        text = asked["messages"][1]["content"]
        answer, said = re.search(r"Correct Answer: (.*)\nPredicted Answer: (.*)\n", text).groups()
        verdict = (
            {"pred": "yes", "score": 5} if said.startswith(answer) else {"pred": "no", "score": 0}
        )
        body = json.dumps(
            {
                "model": asked["model"],
                "choices": [{"message": {"content": str(verdict)}}],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 10},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def judged():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    server.shutdown()


@pytest.fixture(scope="module")
def harnessed(trained, judged):
    """The folder of results of one run of the harness, its samples by task, and the documents."""
    root, _, _ = trained
    folder, home, out = root / "tasks", root / "hf", root / "results"
    write_task(root / "clips" / "test", folder)
    docs = write_nextqa(root, folder, home), write_activitynet(root, folder, home)
    own = {"HF_HOME": str(home), "OPENAI_API_KEY": "of-the-test", "OPENAI_API_URL": judged}
    own |= {"NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    command = [PYTHON, "-m", "vvlm_utils.experiment.harness.evaluate", root / "run" / "model"]
    command += ["--tasks", "vvlm_mini,local_nextqa,local_activitynet"]
    command += ["--include-path", folder, "--out", out]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=900
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    samples = {
        path.stem.split("_samples_")[1]: [json.loads(x) for x in path.read_text().splitlines()]
        for path in out.rglob("*_samples_*.jsonl")
    }
    return (
        out,
        {task: sorted(rows, key=lambda r: r["doc_id"]) for task, rows in samples.items()},
        docs,
    )


@needs_harness
def test_the_tasks_and_their_metrics_are_lmms_evals_own():
    folders = "activitynetqa longvideobench mvbench nextqa perceptiontest videochatgpt"
    folders += " video_detail_description videomme"
    stated = {}  # what is stated in a task's file and in the one that it includes
    for path in (path for folder in folders.split() for path in (TASKS / folder).rglob("*.yaml")):
        text = path.read_text()
        base = re.search(r"^include: *(\S+)", text, re.M)
        name = re.search(r"^(?:task|group): *\"?(\w+)", text, re.M)
        if name:
            stated[name[1]] = text + ((path.parent / base[1]).read_text() if base else "")
    for benchmark in PAPER:
        assert benchmark.task in stated
        for task, metric in benchmark.scores:
            assert re.search(rf"- metric: {metric}\n", stated[task]), (task, metric)
            assert f"cache_dir: {benchmark.folder}\n" in stated[task] + "\n", task


@needs_harness
def test_the_harness_gives_our_evaluators_answers_to_the_question(trained, harnessed):
    _, record, answers = trained
    samples = harnessed[1]["vvlm_mini"]
    assert len(samples) == len(answers) == CLIPS * len(FAMILIES)
    theirs = [sample[family] for sample, family in zip(samples, answers["family"], strict=True)]
    assert theirs == answers["correct"].astype(float).tolist()
    assert 0.3 < answers["correct"].mean() < 0.9  # neither chance nor all of it


@needs_harness
def test_the_results_are_the_rows_of_the_run(trained, harnessed):
    _, record, _ = trained
    rows = read_results(harnessed[0]).set_index("task")
    ours = pd.DataFrame(record.stages["evaluate"]["metrics"]).T
    mini = rows.loc[[*FAMILIES, "avg"], "metric"]
    pd.testing.assert_series_equal(mini, ours["metric"], check_names=False, rtol=1e-4)
    for name in ("lm_params", "frames", "tokens_per_frame", "train_examples", "seed"):
        assert set(rows[name]) == {getattr(record, name)}


def as_benchmark(out, short, task):
    """The harness's own numbers of a local task, read as the benchmark's whose code it ran."""
    (path,) = out.rglob("*_results.json")
    (benchmark,) = (b for b in PAPER if b.short == short)
    scores = {benchmark.task: json.loads(path.read_text())["results"][task]}
    return score(benchmark, scores, "local")[0]


@needs_harness
def test_nextqas_own_code_scores_what_the_model_says(trained, harnessed):
    root, _, _ = trained
    out, samples, (docs, _) = harnessed
    replier = Replier(root / "run" / "model", RUN.frames, RUN.tokens_per_frame)
    named = 0
    for doc, sample in zip(docs, samples["local_nextqa"], strict=True):
        options = [doc[f"a{i}"] for i in range(5)]
        prompt = "\n".join([doc["question"], *map(". ".join, zip("ABCDE", options, strict=True))])
        said = replier.reply([root / "hf/nextqa/NExTVideo" / f"{doc['video']}.mp4"], prompt, 8)
        assert sample["input"] == prompt and sample["filtered_resps"] == said
        last = max(options, key=said.rfind)
        if last in said:  # else its parser draws an option
            named += 1
            assert sample["exact_match"] == (options.index(last) == doc["answer"])
    assert named >= ASKED / 2
    right = sum(sample["exact_match"] for sample in samples["local_nextqa"])
    assert as_benchmark(out, "NQA", "local_nextqa") == pytest.approx(100 * right / ASKED)


@needs_harness
def test_a_judged_benchmark_keeps_who_judged_and_what_it_cost(harnessed):
    out, samples, (_, docs) = harnessed
    (path,) = out.rglob("*_judge.json")
    kept = json.loads(path.read_text())
    assert kept["model"] == MODEL and kept["answered_by"] == [MODEL]
    assert kept["calls"] == kept["questions"] == ASKED and kept["failed"] == 0
    assert kept["dollars"] == pytest.approx(ASKED * (1000 * 0.15 + 10 * 0.60) / 1e6)
    assert len(kept["prompts_sha256"]["activitynetqa"]) == 16 and kept["lmms_eval"] == "0.7.3"
    assert "of-the-test" not in "".join(p.read_text() for p in out.rglob("*.json*"))
    right = [s["filtered_resps"].startswith(d["answer"]) for s, d in
             zip(samples["local_activitynet"], docs, strict=True)]  # fmt: skip
    found = as_benchmark(out, "AQA", "local_activitynet")
    assert found == pytest.approx(100 * sum(right) / ASKED)
