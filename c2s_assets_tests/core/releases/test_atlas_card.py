"""What the card of an atlas and its LICENSE tell of where the dataset is from."""

import pytest

from c2s_assets.core.releases.atlas import LICENCE
from c2s_assets.core.releases.atlas_card import AtlasFigures, write_atlas_card
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.entry import ReleaseEntry

ENTRY = ReleaseEntry(kind="atlas", datasets=["muscle"], repo_id="me/muscle", licence="CC BY 4.0")


@pytest.mark.parametrize(
    ("licence", "is_assumed", "said"),
    [
        ("CC0 1.0", False, "CC0 1.0"),
        ("CC0 1.0", True, "CC0 1.0 (as whoever published this states)"),
        (None, False, "not stated"),
    ],
    ids=["stated by the source", "stated by the entry of the release", "not stated"],
)
def test_card_and_licence_say_who_states_the_licence_of_the_source(
    licence: str | None, is_assumed: bool, said: str
) -> None:
    figures = AtlasFigures("muscle", "Muscle", licence, is_assumed, doi="10.1000/a", citation=None, files=[])
    texts = write_atlas_card(ENTRY, figures)
    assert f"| muscle | {said} | 10.1000/a | not stated |" in texts[CARD]
    assert f"Licence of the source: {said}.\n" in texts[LICENCE]
