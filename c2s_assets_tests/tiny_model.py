"""A small random language model with a tokenizer of its own, where `transformers` is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def write_tiny_model(folder: Path, texts: Sequence[str]) -> None:
    """Write a model of one layer and a tokenizer that is trained on these texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=["</s>"], initial_alphabet=alphabet)
    )
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>")  # noqa: S106
    fast.save_pretrained(folder)
    config = GPT2Config(vocab_size=len(fast), n_positions=2048, n_embd=8, n_layer=1, n_head=1)
    GPT2LMHeadModel(config).save_pretrained(folder)


def let_cell2sentence_train(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Rename an argument that Cell2Sentence 1.2 gives to its trainer and transformers 5 does not know.

    Returns the prompts that it trains on and evaluates with, which are there once it does.
    """
    used: dict[str, list[str]] = {}

    def trainer(*, tokenizer: Any, **options: Any) -> Any:
        from transformers import Trainer

        for name in ("train_dataset", "eval_dataset"):
            used[name] = list(options[name]["model_input"])
        return Trainer(processing_class=tokenizer, **options)

    monkeypatch.setattr("cell2sentence.csmodel.Trainer", trainer)
    return used
