"""Tests that no vision model is asked the same twice."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from c2s_assets.core.spatial.vision import Question
from c2s_assets.storage.spatial.kept_answers import KeptAnswers

QUESTIONS = [Question("model", f"prompt {number}", b"cell", b"tissue") for number in range(6)]
# Answers three questions, and is killed while it asks the fourth.
KILLED = """
import os, signal, sys
from pathlib import Path
from c2s_assets.storage.spatial.kept_answers import KeptAnswers
from c2s_assets_tests.storage.spatial.test_kept_answers import QUESTIONS

kept = KeptAnswers(Path(sys.argv[1]))
for question in QUESTIONS[:3]:
    kept.answer(question, lambda asked: f"to {asked.prompt}")
kept.answer(QUESTIONS[3], lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


def _forbidden(question: Question) -> str | None:
    raise AssertionError(f"{question.prompt} is asked again")


def test_answers_stay_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "answers" / "toy.jsonl"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    kept = KeptAnswers(path)
    assert [kept.answer(question, _forbidden) for question in QUESTIONS[:3]] == [
        "to prompt 0",
        "to prompt 1",
        "to prompt 2",
    ]
    assert kept.answer(QUESTIONS[3], lambda _: "new") == "new"


def test_a_torn_line_loses_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl"
    for question in QUESTIONS[:2]:
        KeptAnswers(path).answer(question, lambda _: None)
    path.write_bytes(path.read_bytes()[:-5])
    kept = KeptAnswers(path)
    assert kept.answer(QUESTIONS[0], _forbidden) is None
    assert kept.answer(QUESTIONS[1], lambda _: "again\n") == "again\n"
    again = KeptAnswers(path)
    assert [again.answer(question, _forbidden) for question in QUESTIONS[:2]] == [None, "again\n"]


def test_of_two_answers_at_once_the_first_counts_now_and_later(tmp_path: Path) -> None:
    path = tmp_path / "toy.jsonl"
    kept = KeptAnswers(path)
    with ThreadPoolExecutor(4) as threads:
        found = [
            threads.submit(kept.answer, QUESTIONS[number % 3], lambda _, text=number: f"answer {text}")
            for number in range(24)
        ]
    texts = {number % 3: one.result() for number, one in enumerate(found)}
    assert [kept.answer(question, _forbidden) for question in QUESTIONS[:3]] == [texts[n] for n in range(3)]
    later = KeptAnswers(path)
    assert [later.answer(question, _forbidden) for question in QUESTIONS[:3]] == [texts[n] for n in range(3)]


def test_of_an_endless_answer_enough_is_kept_to_know_that(tmp_path: Path) -> None:
    answer = KeptAnswers(tmp_path / "toy.jsonl").answer(QUESTIONS[0], lambda _: "x" * 10**6)
    assert answer is not None
    assert 600 < len(answer) < 10_000
