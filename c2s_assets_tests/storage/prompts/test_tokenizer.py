"""Tokens counted by a real tokenizer, which the test makes."""

from pathlib import Path

import pytest
import tokenizers

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.prompts.composing import PromptComposer
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.spec import PromptSpec
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.prompts.tokenizer import open_tokenizer
from c2s_assets_tests.core.prompts.cells import some_cells


def write_tokenizer(path: Path, *, is_whole: bool = False) -> None:
    """Train a byte-level BPE as that of GPT-2, or one whose merges go over spaces, on a few prompts."""
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not is_whole)
    tokenizer.decoder = decoders.ByteLevel()
    texts = PromptComposer(PromptSpec(), LeakFinder()).compose(some_cells(), side="train").records["prompt"]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(texts.to_list(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.save(str(path))


@pytest.mark.parametrize("is_whole", [False, True], ids=["by word", "merges over spaces"])
def test_tokens_are_exact(tmp_path: Path, is_whole: bool) -> None:
    write_tokenizer(tmp_path / "tokenizer.json", is_whole=is_whole)
    counter = open_tokenizer(Layout(tmp_path), "tokenizer.json")
    spec = PromptSpec(tokenizer="tokenizer.json", max_tokens=60)
    composed = PromptComposer(spec, LeakFinder(), counter).compose(some_cells(n_genes=40), side="train")
    loaded = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert composed.records.height > 50
    for prompt, response, n_tokens in composed.records.select("prompt", "response", "n_tokens").iter_rows():
        assert n_tokens == len(loaded.encode(prompt)) + len(loaded.encode(response)) + 1 <= 60
    assert counter.is_by_word is not is_whole


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no such file"), ("{}", "is no tokenizer.json"), ("not JSON", "is no tokenizer.json")],
)
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ConfigError, match=said):
        open_tokenizer(Layout(tmp_path), "tokenizer.json")
