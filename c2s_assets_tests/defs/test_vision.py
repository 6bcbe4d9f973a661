"""What a vision model is asked of a tissue, and what becomes of what it says."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from c2s_assets.core.spatial.answers import MACHINE_SOURCE, OF_DIAGNOSIS
from c2s_assets.core.spatial.vision import LEFT_OUT, NOT_STATED
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.holdings import due_tables, stale_tables
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.clients.answering import Reply
from c2s_assets_tests.defs.building import Workshop, build_only, copy_lake, debris, files_below, open_workshop
from c2s_assets_tests.serving import record_waits
from c2s_assets_tests.tissue import N_CELLS, built_tissue
from c2s_assets_tests.vision import Document, said, serve_vision

ASSET = "machine_captions"
N_ASKED = 20


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    with built_tissue(tmp_path_factory.mktemp("vision")) as workshop:
        yield workshop.layout


@pytest.fixture
def workshop(built: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("NO_PROXY", "*")
    record_waits(monkeypatch)
    with open_workshop(copy_lake(built, tmp_path)) as opened:
        yield opened


def _state(layout: Layout, endpoint: str, *, also: str = "") -> None:
    """State a model in the entry of the dataset."""
    vision = f"vision: {{endpoint: '{endpoint}', model: toy-vision, max_cells: {N_ASKED}{also}}}"
    text = layout.settings.read_text()
    layout.settings.write_text(text.replace("image: slide.png", f"image: slide.png, {vision}"))


def _dataset(layout: Layout) -> Dataset:
    return Dataset(layout, "toy", read_settings(layout))


def _stale(layout: Layout) -> list[str]:
    """Tables of an image that a build would change."""
    return [
        name
        for name in stale_tables(_dataset(layout))
        if TABLES[name].asked_by in ("spatial.image", "spatial.vision")
    ]


def _build(workshop: Workshop) -> dg.ExecuteInProcessResult:
    return build_only(workshop, "toy", ASSET)


def _problem(result: dg.ExecuteInProcessResult) -> str:
    failed = result.failure_data_for_node(ASSET)
    assert failed is not None
    assert failed.user_failure_data is not None
    return str(failed.user_failure_data.description)


def _logged(workshop: Workshop, result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(str(entry) for entry in workshop.instance.all_logs(result.run_id))


def _about(document: Document) -> Reply:
    """Say something that depends on all that is asked."""
    return said(f"Coloured squares, {sha256(repr(document).encode()).hexdigest()[:8]}.")


def test_nobody_is_asked_unless_the_entry_says_so(workshop: Workshop) -> None:
    assert ASSET not in due_tables(_dataset(workshop.layout))
    result = _build(workshop)
    assert result.success
    assert "Nothing is made: toy does not ask for machine_captions. State spatial.vision" in _logged(
        workshop, result
    )
    assert not workshop.layout.table(ASSET, "toy").exists()
    assert not workshop.layout.vision_answers("toy").exists()


def test_texts_stand_beside_captions_and_say_what_they_are(workshop: Workshop) -> None:
    before = files_below(workshop.layout.dataset("toy") / "captions")
    with serve_vision(_about) as server:
        _state(workshop.layout, server.endpoint)
        assert _stale(workshop.layout) == [ASSET]
        result = _build(workshop)
        assert result.success, _problem(result)
        first = files_below(workshop.layout.datasets)
    rows = workshop.read(ASSET, "toy")
    texts = rows.drop_nulls("machine_caption")
    assert (rows.height, texts.height, len(server.asked)) == (N_CELLS, N_ASKED, N_ASKED)
    assert texts["machine_caption"].n_unique() == N_ASKED
    assert texts.select("machine_caption_source", "vision_model").unique().rows() == [
        (MACHINE_SOURCE, "toy-vision")
    ]
    hashes = {sha256(prompt.encode()).hexdigest() for prompt in server.prompts()}
    assert set(texts["prompt_sha256"]) == hashes
    assert texts["why_no_machine_caption"].null_count() == N_ASKED
    others = rows.filter(pl.col("machine_caption").is_null())
    assert others["why_no_machine_caption"].unique().to_list() == [LEFT_OUT]
    assert (
        others.select("machine_caption_source", "vision_model", "prompt_sha256").null_count().row(0)
        == (130,) * 3
    )
    assert files_below(workshop.layout.dataset("toy") / "captions") == before
    logged = _logged(workshop, result)
    assert f"Patches of 20 cells and their blind captions are sent to {server.endpoint}" in logged
    # Nobody listens any more: every answer is kept, and the bytes are the same.
    assert _build(workshop).success
    assert files_below(workshop.layout.datasets) == first


def test_a_model_is_told_the_blind_caption_and_nothing_else_of_a_cell(workshop: Workshop) -> None:
    with serve_vision(_about) as server:
        _state(workshop.layout, server.endpoint)
        assert _build(workshop).success
    captions, cells = (workshop.read(name, "toy") for name in ("captions", "cell_metadata"))
    blind = set(captions["caption_blind"])
    sent = " ".join(repr(document) for document in server.asked)
    assert all(prompt.partition("\nFacts: ")[2] in blind for prompt in server.prompts())
    for name in ("cell_type", "donor_id", "donor_uid", "cell_id", "dataset_id"):
        for value in cells[name].unique():
            assert f"'{value}'" not in sent
            assert f" {value}." not in sent
    assert not [one for one in cells["cell_type"].unique() if one in sent]


def test_words_of_a_diagnosis_are_dropped_and_counted(workshop: Workshop) -> None:
    number = count()
    with serve_vision(lambda _: said("A tumour." if next(number) % 4 == 0 else "Squares.")) as server:
        _state(workshop.layout, server.endpoint)
        result = _build(workshop)
    assert result.success
    rows = workshop.read(ASSET, "toy")
    assert (rows["why_no_machine_caption"] == OF_DIAGNOSIS).sum() == 5
    assert set(rows["machine_caption"].drop_nulls()) == {"Squares."}
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["names_no_diagnosis"].passed
    assert checks["names_no_diagnosis"].metadata["frac_dropped"].value == 0.25
    assert not checks["cells_are_described"].passed
    assert checks["cells_are_described"].metadata["frac_described"].value == 0.75


def _from_the_sixth_on(reply: Reply) -> Callable[[Document], Reply]:
    number = count(1)
    return lambda document: _about(document) if next(number) < 6 else reply


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401, b'{"error": "no such key"}'), "answered 401, .*no such key.*Set the variable"),
        (Reply(503), "answered 503 Service Unavailable. It was tried 5 times"),
        (Reply(body=b'{"choices": []}'), "answered no message of a model"),
        (Reply(body=b"<html>"), "is not JSON"),
    ],
    ids=["no access", "busy", "no choices", "a page"],
)
def test_what_was_answered_before_a_fault_is_kept_and_nothing_is_half_written(
    workshop: Workshop, reply: Reply, message: str
) -> None:
    before = files_below(workshop.layout.datasets)
    with serve_vision(_from_the_sixth_on(reply)) as server:
        _state(workshop.layout, server.endpoint)
        problem = _problem(_build(workshop))
    assert pl.Series([problem]).str.contains(message).all(), problem
    assert problem.startswith("dataset toy: ")
    assert files_below(workshop.layout.datasets) == before
    assert debris(workshop.layout) == []
    with serve_vision(_about) as again:
        text = workshop.layout.settings.read_text()
        workshop.layout.settings.write_text(text.replace(server.endpoint, again.endpoint))
        assert _build(workshop).success
    assert len(again.asked) == N_ASKED - 5
    assert workshop.read(ASSET, "toy")["machine_caption"].count() == N_ASKED


def test_the_key_is_sent_and_stands_nowhere(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_vision(_about) as server:
        _state(workshop.layout, server.endpoint, also=", api_key_env: TOY_VISION_KEY")
        failed = _build(workshop)
        assert "TOY_VISION_KEY holds no key" in _problem(failed)
        assert server.asked == []
        monkeypatch.setenv("TOY_VISION_KEY", "sk-hunter2")
        result = _build(workshop)
    assert result.success
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer sk-hunter2"}
    written = b"".join(files_below(workshop.layout.root).values())
    assert b"hunter2" not in written
    assert "hunter2" not in _logged(workshop, result)


def test_once_the_entry_names_no_model_any_more_no_text_is_published(workshop: Workshop) -> None:
    text = workshop.layout.settings.read_text()
    with serve_vision(_about) as server:
        _state(workshop.layout, server.endpoint)
        assert _build(workshop).success
        workshop.layout.settings.write_text(text)
        assert _stale(workshop.layout) == [ASSET]
        assert _build(workshop).success
        assert len(server.asked) == N_ASKED
    rows = workshop.read(ASSET, "toy")
    assert rows["machine_caption"].null_count() == N_CELLS
    assert rows["why_no_machine_caption"].unique().to_list() == [NOT_STATED]


def test_where_the_model_runs_is_no_reason_to_ask_again(workshop: Workshop) -> None:
    with serve_vision(_about) as server:
        _state(workshop.layout, server.endpoint)
        assert _build(workshop).success
    text = workshop.layout.settings.read_text()
    workshop.layout.settings.write_text(text.replace(server.endpoint, "http://127.0.0.1:9/v1"))
    assert _stale(workshop.layout) == []
    workshop.layout.settings.write_text(text.replace("max_cells: 20", "max_cells: 10"))
    assert _stale(workshop.layout) == [ASSET]
    assert _build(workshop).success  # nobody listens any more, and ten of the twenty are kept
    assert workshop.read(ASSET, "toy")["machine_caption"].count() == 10
