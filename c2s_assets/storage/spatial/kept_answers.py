"""What a vision model has answered about the cells of a dataset, so that no question is asked twice."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from c2s_assets.core.spatial.answers import MOST_CHARACTERS
from c2s_assets.core.spatial.vision import Question

# Of an answer that is too long to be published it is enough to know that.
_MOST_KEPT = 4 * MOST_CHARACTERS

Ask = Callable[[Question], str | None]


class KeptAnswers:
    """Answers in a file, a line of JSON each; what was answered stays if the process is killed.

    Of two answers to the same question the first counts, now and whenever the file is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path) if path.exists() else {}
        self._writing = Lock()

    def answer(self, question: Question, ask: Ask) -> str | None:
        """Return what is known, or ask and keep it; several threads may."""
        digest = question.digest
        if digest not in self._known:
            self._keep(digest, ask(question))
        return self._known[digest]

    def _keep(self, digest: str, answer: str | None) -> None:
        text = None if answer is None else answer[:_MOST_KEPT]
        with self._writing:
            if self._known.setdefault(digest, text) is not text:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                # The line before may have been torn by the end of its process.
                file.write(b"\n" + json.dumps({"question": digest, "answer": text}).encode())


def _read(path: Path) -> dict[str, str | None]:
    known: dict[str, str | None] = {}
    for line in path.read_bytes().splitlines():
        try:
            kept = json.loads(line)
        except ValueError:
            continue
        match kept:
            case {"question": str(digest), "answer": (str() | None) as text}:
                known.setdefault(digest, text)
    return known
