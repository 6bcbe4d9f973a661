"""A YAML loader that takes bounded time and memory, whatever the text."""

from typing import Any

import yaml

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 20
# Of the whole, each alias counted as what it stands for: nine lists of nine aliases each are 10**9.
MAX_VALUES = 200_000
# Of a text, key or number; YAML reads 1:20:30 as a number to the base of 60, in quadratic time.
MAX_SCALAR_CHARACTERS = 10_000


class BoundedLoader(yaml.SafeLoader):
    """Refuses, with the place, what is nested too deeply or comes to too many values with its aliases."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise yaml.YAMLError(f"it has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are read")
        super().__init__(text)
        self._depth = 0
        self._n_values: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node and count its values."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refused(f"it is nested deeper than {MAX_DEPTH} levels", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if not is_alias:
            self._n_values[id(node)] = self._count(node)
        elif id(node) not in self._n_values:
            raise _refused("an alias stands within what it means", node.start_mark)
        return node

    def _count(self, node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            if len(node.value) > MAX_SCALAR_CHARACTERS:
                raise _refused(
                    f"a value is longer than {MAX_SCALAR_CHARACTERS:,} characters", node.start_mark
                )
            return 1
        is_mapping = isinstance(node, yaml.MappingNode)
        members = [part for pair in node.value for part in pair] if is_mapping else node.value
        n_values = 1 + sum(self._n_values[id(member)] for member in members)
        if n_values > MAX_VALUES:
            raise _refused(f"it comes to more than {MAX_VALUES:,} values with its aliases", node.start_mark)
        return n_values


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(problem=problem, problem_mark=mark)
