"""Which of a record's files is taken."""

import pytest

from c2s_assets.core.discover.assets import H5adAsset, h5ad_asset

RDS = {"filetype": "RDS", "filesize": 9, "url": "https://host/a.rds"}
H5AD = {"filetype": "H5AD", "filesize": 5, "url": "https://host/a.h5ad"}


def test_the_first_h5ad_with_an_address_is_taken() -> None:
    unusable = [{**H5AD, "url": None}, {**H5AD, "url": "file:///etc/passwd"}, "text", None]
    record = {"assets": [RDS, *unusable, H5AD, {**H5AD, "url": "https://host/b.h5ad"}]}
    assert h5ad_asset(record) == H5adAsset("https://host/a.h5ad", 5)


def test_the_file_type_may_be_in_small_letters() -> None:
    assert h5ad_asset({"assets": [{**H5AD, "filetype": "h5ad"}]}) == H5adAsset("https://host/a.h5ad", 5)


@pytest.mark.parametrize("size", [None, "5", 5.5, True, -1, 0])
def test_a_size_that_is_none_is_unknown(size: object) -> None:
    assert h5ad_asset({"assets": [{**H5AD, "filesize": size}]}) == H5adAsset("https://host/a.h5ad", None)


@pytest.mark.parametrize(
    "record",
    [{}, {"assets": None}, {"assets": []}, {"assets": [RDS]}, {"assets": "H5AD"}, {"assets": {"H5AD": H5AD}}],
)
def test_a_record_without_h5ad_has_none(record: dict[str, object]) -> None:
    assert h5ad_asset(record) is None
