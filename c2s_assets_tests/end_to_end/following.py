"""Follows a page of the documentation as its reader does: block by block, on what there is at that point."""

import ast
import contextlib
import importlib.util
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import c2s_assets
from c2s_assets.cli.main import _parser
from c2s_assets.core.settings import parse_datasets_file
from c2s_assets.defs.service import build_catalogue
from c2s_assets.storage.catalogue.versions import is_current
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.defs.building import build_only, open_workshop

TOP = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
# What stands in a shell's block beside our own commands.
_OF_THE_SHELL = ("make ", "source ", "export ")
# Commands that ask back, serve for ever, need a network or are tested as a whole elsewhere; they must exist.
_ONLY_PARSED = ("build", "demo", "mv", "publish", "release", "rm", "select", "symbols", "ui")
# Projections are what takes long of a build, and no page needs them.
_BUILT = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata"),
    *("cell_sentences", "train_test", "expression"),
)


@dataclass
class Follower:
    """A reader of the documentation, in a folder with a lake; `names` are what blocks of Python left."""

    folder: Path
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """The lake of the reader."""
        return Layout(self.folder / "lake")

    def follow(self, page: str) -> None:
        """Do what every block of a page says."""
        blocks = list(blocks_of(page))
        assert blocks, f"{page} has no block of code"
        for kind, text in blocks:
            with contextlib.chdir(self.folder):
                getattr(self, f"_{kind}")(text)

    def build(self, *dataset_ids: str, only: Sequence[str] = _BUILT) -> None:
        """Build what pages read of the datasets, or only some tables."""
        with open_workshop(self.layout) as workshop:
            for dataset_id in dataset_ids:
                assert build_only(workshop, dataset_id, *only).success, dataset_id

    def _sh(self, text: str) -> None:
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if not words or line.startswith(_OF_THE_SHELL):
                continue
            assert words[0] == "c2s", f"no reader has a command {words[0]}"
            asked = _parser().parse_args(words[1:])
            if words[1] == "build" and "--outdated" not in words:
                named = [name for names in asked.only for name in names.split(",")]
                self.build(*asked.ids, only=named or _BUILT)
            elif words[1] not in _ONLY_PARSED:
                said = c2s(*words[1:], lake=self.layout.root)
                assert said.status == 0, f"{line}: {said.err}"

    def _python(self, text: str) -> None:
        code = compile(text, "block", "exec")
        if all(importlib.util.find_spec(name) for name in _imported(text)):
            exec(code, self.names)  # noqa: S102

    def _yaml(self, text: str) -> None:
        parse_datasets_file(text)
        self.layout.settings.write_text(text, encoding="utf-8")

    def _sql(self, text: str) -> None:
        if not is_current(self.layout):
            with open_workshop(self.layout) as workshop:
                assert build_catalogue(workshop.instance, workshop.definitions).succeeded
        c2s_assets.open_lake(self.layout.root).query(text)


def blocks_of(page: str) -> Iterator[tuple[str, str]]:
    """Find the blocks of code of a page, with their languages."""
    for block in _BLOCK.finditer((TOP / page).read_text(encoding="utf-8")):
        yield block[1], block[2]


def _imported(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
