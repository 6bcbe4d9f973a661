from datetime import date

import pytest

from c2s_assets.core.emails import REMOVED
from c2s_assets.schemas.discover import Collections, Listing
from c2s_assets.schemas.violations import violations
from c2s_assets_tests.listing import list_collections, list_datasets

IDS = {"dataset_id": "a", "dataset_version_id": "a1", "collection_id": "c"}


def term(label, term_id="X:1"):
    return {"label": label, "ontology_term_id": term_id}


def dataset(**fields):
    return {**IDS, **fields}


def only(listed):
    assert listed.quarantined.is_empty(), listed.quarantined
    return listed.rows.row(0, named=True)


def test_a_record_becomes_a_row():
    row = only(
        list_datasets(
            [
                dataset(
                    collection_name="Ageing",
                    collection_doi="10.1/x",
                    title="Blood",
                    cell_count=100,
                    primary_cell_count=90,
                    mean_genes_per_cell=1234.5,
                    organism=[term("Homo sapiens")],
                    tissue=[term("lung") | {"tissue_type": "tissue"}, term("blood")],
                    suspension_type=["nucleus", "cell"],
                    donor_id=["d2", "d1", "unknown"],
                    is_primary_data=[True, False],
                    schema_version="7.0.0",
                    published_at="2024-03-01T10:00:00.000Z",
                    revised_at="2024-04-01T00:00:00+00:00",
                    explorer_url="https://e/x",
                    assets=[
                        {"filetype": "RDS", "filesize": 1, "url": "https://h/x.rds"},
                        {"filetype": "H5AD", "filesize": 7, "url": "https://h/x.h5ad"},
                    ],
                    a_field_of_tomorrow={"x": 1},
                )
            ]
        )
    )
    assert {name: value for name, value in row.items() if value not in (None, [])} == {
        **IDS,
        "collection_name": "Ageing",
        "doi": "10.1/x",
        "title": "Blood",
        "cell_count": 100,
        "primary_cell_count": 90,
        "mean_genes_per_cell": 1234.5,
        "organism": ["Homo sapiens"],
        "tissue": ["blood", "lung"],
        "suspension_type": ["cell", "nucleus"],
        "donor_id": ["d1", "d2", "unknown"],
        "n_donors": 2,
        "is_primary_data": [False, True],
        "schema_version": "7.0.0",
        "published_at": date(2024, 3, 1),
        "revised_at": date(2024, 4, 1),
        "explorer_url": "https://e/x",
        "h5ad_url": "https://h/x.h5ad",
        "h5ad_size_bytes": 7,
        "n_absent": 0,
    }


@pytest.mark.parametrize("value", [None, ...], ids=["null", "missing"])
def test_all_but_the_ids_may_be_null_or_missing(value):
    names = ["title", "cell_count", "tissue", "donor_id", "assets", "published_at", "is_primary_data"]
    row = only(list_datasets([dataset(**({} if value is ... else dict.fromkeys(names)))]))
    assert (row["title"], row["cell_count"], row["h5ad_url"], row["published_at"]) == (None,) * 4
    assert (row["tissue"], row["donor_id"], row["is_primary_data"], row["n_donors"]) == ([], [], [], 0)


def test_a_term_without_label_is_named_by_its_id_and_nothing_stands_twice():
    row = only(list_datasets([dataset(tissue=[term(None, "UBERON:1"), None, term("b"), term("b")])]))
    assert row["tissue"] == ["UBERON:1", "b"]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (
            {**IDS, "dataset_id": "../../etc/passwd"},
            "dataset_id is ../../etc/passwd: '../../etc/passwd' cannot",
        ),
        ({**IDS, "dataset_id": 7}, "dataset_id is 7: input should be a valid string"),
        ({**IDS, "dataset_version_id": "a/b"}, "dataset_version_id is a/b: 'a/b' cannot be"),
        ({"dataset_id": "a"}, "it has no dataset_version_id"),
        (dataset(cell_count="many"), "cell_count is many: input should be a valid integer"),
        (dataset(cell_count=-1), "cell_count is -1: input should be greater than or equal to 0"),
        (dataset(cell_count=2**70), "cell_count is 1180591620717411303424"),
        (dataset(tissue="blood"), "tissue is blood: input should be a valid list"),
        (dataset(tissue=[7]), "tissue.0 is 7: input should be a valid string"),
        (dataset(published_at="yesterday"), "published_at is yesterday: "),
        (dataset(title="\ud800"), "title is \\ud800: 'utf-8' codec can't encode"),
        ("a", "it is a, not an object"),
        (None, "it is None, not an object"),
    ],
)
def test_a_malformed_record_is_set_aside_and_the_others_go_on(record, why):
    good = [dataset(dataset_id=f"good_{number}") for number in (2, 1)]
    listed = list_datasets([good[0], record, good[1]])
    assert listed.rows["dataset_id"].to_list() == ["good_1", "good_2"]
    assert listed.quarantined["position"].to_list() == [1]
    assert listed.quarantined["why"][0].startswith(why)


def test_an_id_that_stands_twice_is_taken_once():
    listed = list_datasets([dataset(title="first"), dataset(title="second")])
    assert listed.rows["title"].to_list() == ["first"]
    assert listed.quarantined.rows() == [(1, "a", "its dataset_id was listed before")]


def test_the_order_of_records_and_of_labels_makes_no_difference():
    one = list_datasets([dataset(tissue=[term("a"), term("b")]), dataset(dataset_id="b")])
    other = list_datasets([dataset(dataset_id="b"), dataset(tissue=[term("b"), term("a")])])
    assert one.rows.equals(other.rows)


@pytest.mark.parametrize("records", [[], [dataset()]], ids=["none", "one"])
def test_the_tables_keep_their_schemas(records):
    listing = list_datasets(records).rows
    assert violations(listing, Listing).is_empty()
    assert violations(list_collections(records).rows, Collections).is_empty()


def test_a_collection_keeps_its_publication_and_nobody_to_write_to():
    listed = list_collections(
        [
            {
                "collection_id": "c",
                "name": "Ageing",
                "description": " Questions to ada@example.org. ",
                "doi": "10.1/x",
                "contact_name": "Ada Turing",
                "contact_email": "ada@example.org",
                "consortia": ["B", "A"],
                "publisher_metadata": {
                    "journal": "Cells",
                    "published_year": 2024,
                    "is_preprint": False,
                    "authors": [
                        {"family": "Turing", "given": "Ada"},
                        {"name": "Consortium"},
                        {"family": "Li"},
                    ],
                },
                "published_at": "2024-03-01T00:00:00+00:00",
            }
        ]
    )
    assert only(listed) == {
        "collection_id": "c",
        "name": "Ageing",
        "description": f"Questions to {REMOVED}.",
        "doi": "10.1/x",
        "journal": "Cells",
        "published_year": 2024,
        "is_preprint": False,
        "authors": ["Turing, Ada", "Consortium", "Li"],
        "consortia": ["A", "B"],
        "published_at": date(2024, 3, 1),
        "revised_at": None,
    }


def test_a_collection_without_publication_is_kept():
    row = only(list_collections([{"collection_id": "c", "publisher_metadata": None}]))
    assert (row["journal"], row["authors"]) == (None, [])
