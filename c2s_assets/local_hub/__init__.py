"""A Hugging Face Hub on this machine, to see a release before others do; the pipeline does not use it."""
