"""The tokenizer that a user names, by which tokens are counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.prompts.tokens import CountTokens, TokenCounter
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present


def open_tokenizer(layout: Layout, name: str) -> TokenCounter:
    """Read a `tokenizer.json`; a relative path is one from the lake's folder.

    Raises
    ------
    ConfigError
        If it is not there, is no tokenizer, or the library that reads it is not installed.
    """
    path = present(layout.named(name))
    return TokenCounter(_counting(_load(path)))


def _load(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415  an extra, 10 MB
    except ImportError as error:
        raise ConfigError(
            "datasets.yaml: prompts.tokenizer needs the package tokenizers. Install it with: "
            "pip install 'c2s_assets[prompts]'"
        ) from error
    if not path.is_file():
        raise ConfigError(
            f"datasets.yaml: prompts.tokenizer is {path}, and there is no such file. Name the tokenizer.json "
            f"of the model that is to be trained."
        )
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ConfigError(
            f"datasets.yaml: prompts.tokenizer is {path}, which is no tokenizer.json: {error}. Name the file "
            f"of that name of the model that is to be trained."
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _counting(tokenizer: Any) -> CountTokens:
    def count(texts: Sequence[str], with_ends: bool) -> NDArray[np.int64]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=with_ends)
        return np.array([len(one) for one in encoded], np.int64)

    return count
