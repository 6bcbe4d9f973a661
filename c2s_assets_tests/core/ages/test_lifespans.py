import pytest

from c2s_assets.core.ages.lifespans import LIFESPANS, unit_meant
from c2s_assets.core.cells.organisms import ORGANISMS


@pytest.mark.parametrize(
    ("oldest", "organism", "unit"),
    [
        (84, "Homo sapiens", "years"),
        (840, "Homo sapiens", "months"),
        (2, "Mus musculus", "years"),
        (24, "Mus musculus", "months"),
        (104, "Mus musculus", "weeks"),
        (700, "Mus musculus", "days"),
        (60, "Drosophila melanogaster", "days"),
        (20, "Caenorhabditis elegans", "weeks"),
        (9_999, "Mus musculus", None),
        (-1, "Mus musculus", None),
    ],
)
def test_the_unit_that_is_meant_is_the_largest_in_which_the_age_was_reached(oldest, organism, unit):
    assert unit_meant(oldest, lifespan=LIFESPANS[organism]) == unit


def test_organisms_are_called_as_everywhere():
    assert LIFESPANS.keys() == set(ORGANISMS.values())
