"""Releases: what goes to a repository of the Hugging Face Hub, its card, and what a new one changes there."""
