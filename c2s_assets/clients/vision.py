"""Vision models behind what speaks like the API of OpenAI, which many servers do."""

from base64 import b64encode
from dataclasses import dataclass, field

from c2s_assets.clients.http import BUSY, parse_json, post_json, shown
from c2s_assets.core.errors import VisionError
from c2s_assets.core.spatial.vision import Question

# An answer is a sentence or two, and what a server says around it.
_MAX_BYTES = 10**6
# What is cut off after so many is three times too long to be published.
_MOST_TOKENS = 500
# Some minutes on a machine without an accelerator.
_ANSWER_SECONDS = 300.0
# Refusals that say why; the others are those of any server.
_OURS_TO_TELL = frozenset(range(400, 500)) - BUSY
_NO_ACCESS = (401, 403)
_LONGEST_REASON = 200


@dataclass(frozen=True)
class VisionModels:
    """The models that are served at one address.

    Attributes
    ----------
    endpoint
        As far as before ``/chat/completions``.
    key
        Sent with each question, and shown nowhere.
    """

    endpoint: str
    key: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where questions are sent."""
        return f"{self.endpoint.rstrip('/')}/chat/completions"

    def describe(self, question: Question) -> str | None:
        """Return what the model says of a cell; None if it gives no text.

        Raises
        ------
        VisionError
            If it refuses, or what it answers is none of its API.
        DownloadError
            If it cannot be reached, or stays busy; see `post_json`.
        """
        status, body = post_json(
            self.url,
            _request(question),
            headers={} if self.key is None else {"Authorization": f"Bearer {self.key}"},
            accepted=_OURS_TO_TELL,
            max_bytes=_MAX_BYTES,
            answer_seconds=_ANSWER_SECONDS,
        )
        if status in _OURS_TO_TELL:
            raise VisionError(self._refusal(status, body))
        match parse_json(body, url=self.url):
            case {"choices": [{"message": {"content": str(text)}}, *_]}:
                return text
            case {"choices": [{"message": {"content": None}}, *_]}:  # it refused
                return None
        raise VisionError(
            f"{shown(self.url)} answered no message of a model but {self._beginning(body)!r}. Correct "
            f"spatial.vision in the dataset's entry of datasets.yaml."
        )

    def _refusal(self, status: int, body: bytes) -> str:
        advice = "Correct spatial.vision in the dataset's entry of datasets.yaml."
        if status in _NO_ACCESS:
            advice = "Set the variable that api_key_env of spatial.vision names to a key that is known there."
        return f"{shown(self.url)} answered {status}, {self._beginning(body)!r}. {advice}"

    def _beginning(self, body: bytes) -> str:
        """Show how an answer begins, without the key, which some servers send back."""
        text = " ".join(body.decode(errors="replace").split())
        return (text.replace(self.key, "…") if self.key else text)[:_LONGEST_REASON]


def open_models(endpoint: str, *, key_env: str | None, key: str | None) -> VisionModels:
    """Open the models at an address, with the key that the variable `key_env` holds.

    Raises
    ------
    VisionError
        If a variable is named and holds none.
    """
    key = (key or "").strip()
    if key_env is not None and not (key and key.isascii() and key.isprintable()):
        raise VisionError(
            f"{key_env} holds no key, and api_key_env of spatial.vision names it. Set it where c2s runs, or "
            f"leave api_key_env out if {shown(endpoint)} takes none."
        )
    return VisionModels(endpoint, key if key_env is not None else None)


def _request(question: Question) -> dict[str, object]:
    images = (("image/png", question.cell_patch), ("image/jpeg", question.tissue_patch))
    shown_to_it = [
        {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{b64encode(data).decode()}"}}
        for kind, data in images
    ]
    return {
        "model": question.model,
        "temperature": 0,
        "max_tokens": _MOST_TOKENS,
        "messages": [{"role": "user", "content": [{"type": "text", "text": question.prompt}, *shown_to_it]}],
    }
