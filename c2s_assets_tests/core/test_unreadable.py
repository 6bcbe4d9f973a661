import pytest

from c2s_assets.core.errors import UnsupportedEncodingError
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.core.unreadable import OF_CELLS, OF_FEATURES, refuse_unreadable

PROBLEMS = {"Donor": "obs/Donor has type complex128. Store it as text.", "gene": "var/gene is damaged."}


@pytest.mark.parametrize(
    ("entry", "keys", "said"),
    [
        ({"donor_column": "Donor"}, OF_CELLS, "names 'Donor' as donor_column, .* type complex128"),
        ({"age_column": "Donor"}, OF_CELLS, "names 'Donor' as age_column"),
        ({"symbol_column": "gene"}, OF_FEATURES, "names 'gene' as symbol_column, .* var/gene is damaged"),
    ],
)
def test_a_named_column_that_cannot_be_read_is_told_with_the_reason(entry, keys, said):
    with pytest.raises(UnsupportedEncodingError, match=said):
        refuse_unreadable(DatasetEntry(**entry), PROBLEMS, keys=keys)


def test_columns_that_nobody_names_may_be_unreadable():
    refuse_unreadable(DatasetEntry(donor_column="other"), PROBLEMS, keys=OF_CELLS)
    refuse_unreadable(DatasetEntry(donor_column="Donor"), PROBLEMS, keys=OF_FEATURES)
