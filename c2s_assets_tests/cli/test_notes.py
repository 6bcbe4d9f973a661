"""What a build says of checks that do not hold: at once, and once for each cause."""

from pathlib import Path

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake


def test_notes_come_as_they_are_known_and_once_for_each_cause(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(
        layout, "toy", n_donors=0, ages=(), obs={"patient": ["a", "b"] * 30, "Age": [30.0, 40.0] * 30}
    )
    built = c2s("build", "toy", "--only", "split_manifest", lake=layout.root)

    assert built.status == 0, built.err
    at_once = [line for line in built.err.splitlines() if line.startswith("  note ")]
    in_the_end = [line for line in built.out.splitlines() if line.startswith("  note ")]
    assert [line.split()[1] for line in at_once] == [
        "cell_metadata/donors_are_known:",
        "cell_metadata/ages_are_known:",
    ]
    assert [line.split()[1:] for line in in_the_end] == [line.split()[1:] for line in at_once]
    assert "obs has 'patient' with 2 values: give the one that names the donors as donor_column" in at_once[0]
    assert "obs has 'Age', a column of numbers with 2 values" in at_once[1]
    assert "splits_by_donor" not in built.out


def test_a_scaled_matrix_is_refused_before_anything_is_made_of_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", matrices="scaled X")
    built = c2s("build", "toy", lake=layout.root)

    assert built.status == 1
    assert "dataset_profile          FAILED: dataset toy: matrix_can_be_ranked: X was scaled" in built.out
    made = {path.name for path in layout.dataset("toy").iterdir()}
    assert made == {"record.json", "unstructured_metadata.json"}
    assert "X was scaled" in c2s("ls", lake=layout.root).out
