"""Training prompts on disk: what they are written of, by which tokenizer, and what reads them."""
