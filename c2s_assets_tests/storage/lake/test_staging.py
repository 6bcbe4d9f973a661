import signal
import subprocess
import sys
from contextlib import contextmanager

import polars as pl
import pytest

from c2s_assets.core.errors import InvalidDatasetIdError, MissingInputError
from c2s_assets.schemas.record import Record, Refused
from c2s_assets.storage.lake import staging
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.staging import commit_record, recover, stage
from c2s_assets.storage.tables.parquet import iter_table, read_table
from c2s_assets_tests.storage.dying import DATASET, SCENARIOS, commit, write_files

REPLACED = SCENARIOS["tables are replaced"]
REFUSED = Refused(message="It is scaled.", source_sha256=None, checks=[])


def files_of(layout):
    """Every file that a reader could find, path to content."""
    return {
        str(path.relative_to(layout.root)): path.read_text()
        for path in sorted(layout.root.rglob("*"))
        if path.is_file() and not path.is_relative_to(layout.staging)
    }


def debris(layout):
    return sorted(path.name for path in layout.staging.iterdir() if path.name != "lock")


@pytest.fixture
def layout(tmp_path):
    write_files(tmp_path, REPLACED.before)
    return Layout(tmp_path)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_commit_replaces_what_it_names_and_nothing_else(tmp_path, scenario):
    layout = Layout(tmp_path)
    write_files(tmp_path, scenario.before)
    commit(layout, scenario)
    assert files_of(layout) == scenario.after
    assert debris(layout) == []


def test_leaving_without_commit_leaves_the_lake_as_it_was(layout):
    with stage(layout, DATASET) as staged:
        staged.path(layout.dataset(DATASET) / "train").mkdir()
    assert files_of(layout) == REPLACED.before
    assert debris(layout) == []


def test_an_error_inside_the_stage_leaves_the_lake_as_it_was(layout):
    def write_and_fail():
        with stage(layout, DATASET) as staged:
            staged.path(layout.profile(DATASET)).write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert files_of(layout) == REPLACED.before
    assert debris(layout) == []


def test_targets_of_one_name_do_not_meet_in_the_stage(tmp_path):
    layout = Layout(tmp_path)
    with stage(layout, DATASET) as staged:
        targets = [layout.raw_provenance(DATASET), layout.inbox_note(DATASET)]
        for target in targets:
            staged.path(target).write_text(str(target.parent.name))
        staged.commit(*targets)
    assert files_of(layout) == {"inbox/d.json": "inbox", "raw/d.json": "raw"}


def test_a_hostile_id_opens_no_stage(tmp_path):
    with pytest.raises(InvalidDatasetIdError), stage(Layout(tmp_path), "../d"):
        pass
    assert list(tmp_path.iterdir()) == []


def die_on_the_way(folder, scenario, *options):
    """Commit in processes that are killed, each one step later; return the lakes they leave."""
    module = "c2s_assets_tests.storage.dying"
    subprocess.run([sys.executable, "-m", module, folder, scenario, *options], check=True, timeout=60)
    lakes = [Layout(path) for path in sorted(folder.iterdir())]
    assert len(lakes) > 20
    return lakes


def check_no_mix(files, scenario):
    """Nobody may find a table in two versions, nor tables of one commit in different ones."""
    folders = {path.rpartition("/")[0] for path in files if path.startswith("datasets/d/t")}
    found = {folder: {k: v for k, v in files.items() if k.startswith(folder)} for folder in folders}
    versions = set()
    for folder, content in found.items():
        wholes = {
            name: {k: v for k, v in version.items() if k.startswith(folder)}
            for name, version in (("before", scenario.before), ("after", scenario.after))
        }
        assert content in wholes.values()
        versions |= {name for name, whole in wholes.items() if content == whole}
    assert len(versions) <= 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_killed_commit_leaves_the_old_or_the_new_version(tmp_path, scenario):
    before, after = SCENARIOS[scenario].before, SCENARIOS[scenario].after
    ends = []
    for layout in die_on_the_way(tmp_path, scenario):
        check_no_mix(files_of(layout), SCENARIOS[scenario])
        begun = any(layout.staging.glob("*/journal.json"))
        recover(layout, DATASET)
        ends.append(files_of(layout))
        assert ends[-1] in (before, after)
        assert not begun or ends[-1] == after
        assert debris(layout) == []
    assert ends[0] == before
    assert ends[-1] == after
    assert ends.index(after) > 10
    assert ends[ends.index(after) :] == [after] * (len(ends) - ends.index(after))


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["tables are replaced", "a file is moved in"])
def test_recovering_that_is_killed_again_and_again_ends_the_same(tmp_path, scenario):
    before, after = SCENARIOS[scenario].before, SCENARIOS[scenario].after
    for layout in die_on_the_way(tmp_path, scenario, "recovering"):
        assert files_of(layout) in (before, after)
        assert debris(layout) == []


def test_a_file_dropped_after_the_crash_is_not_taken_for_the_one_that_was_moved(tmp_path):
    n_dropped = 0
    for layout in die_on_the_way(tmp_path, "a file is moved in"):
        waiting = layout.inbox_h5ad(DATASET)
        is_gone = not waiting.exists()
        if is_gone:
            waiting.write_text("later")
        recover(layout, DATASET)
        if is_gone:
            assert waiting.read_text() == "later"
            assert layout.raw_h5ad(DATASET).read_text() == "new"
            n_dropped += 1
    assert n_dropped > 1


def test_the_next_stage_of_the_dataset_recovers_and_that_of_another_does_not(layout):
    with stage_held_by_another_process(layout) as process:
        process.kill()
        process.wait(timeout=10)
    left = debris(layout)
    with stage(layout, "other"):
        assert set(left) < set(debris(layout))
    assert debris(layout) == left
    with stage(layout, DATASET):
        assert not set(left) & set(debris(layout))
    assert debris(layout) == []


@contextmanager
def stage_held_by_another_process(layout):
    """A process that opens a stage, commits when it is told to, and may be killed before."""
    program = """
import sys
from pathlib import Path
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
layout = Layout(Path(sys.argv[1]))
with stage(layout, "d") as staged:
    staged.path(layout.profile("d")).write_text("theirs")
    print("open", flush=True)
    sys.stdin.readline()
    staged.commit(layout.profile("d"))
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program, layout.root], **pipes) as process:
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_live_stage_of_another_process_is_left_alone(layout):
    with stage_held_by_another_process(layout) as process:
        theirs = debris(layout)
        assert len(theirs) == 2
        recover(layout, DATASET)
        commit(layout, REPLACED)
        assert debris(layout) == theirs
        assert files_of(layout) == REPLACED.after
        process.communicate("go\n", timeout=10)
        assert process.returncode == 0
    assert layout.profile(DATASET).read_text() == "theirs"
    assert debris(layout) == []


def test_the_stage_of_a_killed_process_is_removed(layout):
    with stage_held_by_another_process(layout) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert len(debris(layout)) == 2
    recover(layout, DATASET)
    assert debris(layout) == []
    assert files_of(layout) == REPLACED.before


def begin_commit(layout, monkeypatch):
    """Commit up to the journal, as a process that dies there would."""
    with monkeypatch.context() as patch:
        patch.setattr(staging, "_replay", lambda *_: _raise(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            commit(layout, REPLACED)


def _raise(error):
    raise error


def test_a_commit_that_began_is_completed_by_the_next_stage(layout, monkeypatch):
    begin_commit(layout, monkeypatch)
    assert files_of(layout) == REPLACED.before
    with stage(layout, DATASET):
        assert files_of(layout) == REPLACED.after


def test_a_later_commit_is_not_undone_by_completing_an_earlier_one(layout, monkeypatch):
    """Guards the recovery inside `commit`: the stage below opens before the other process dies."""
    with stage(layout, DATASET) as staged:
        staged.path(layout.parts("train", DATASET)).write_text("newest")
        begin_commit(layout, monkeypatch)
        staged.commit(layout.parts("train", DATASET))
    recover(layout, DATASET)
    assert layout.parts("train", DATASET).read_text() == "newest"
    assert debris(layout) == []


def test_a_record_alone_is_changed_after_what_was_begun_before(layout, monkeypatch):
    begin_commit(layout, monkeypatch)
    commit_record(layout, DATASET, lambda record: record.with_refused("train_test", REFUSED))
    record = layout.record(DATASET)
    assert read_record(layout, DATASET).refused == {"train_test": REFUSED}
    assert files_of(layout) == REPLACED.after | {"datasets/d/record.json": record.read_text()}
    assert debris(layout) == []


def test_a_record_that_the_disk_refuses_stays_as_it_was(layout, monkeypatch):
    commit_record(layout, DATASET, lambda record: record.with_refused("train_test", REFUSED))
    before = files_of(layout)
    monkeypatch.setattr(staging, "sync", lambda _: _raise(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        commit_record(layout, DATASET, lambda _: Record(dataset_id=DATASET))
    assert files_of(layout) == before
    assert debris(layout) == []


def test_a_commit_that_the_disk_refuses_is_completed_when_it_can_be(layout):
    """Guards the journal: a stage that failed half-way holds the only copy of what it was moving."""
    test = layout.parts("test", DATASET)
    with stage(layout, DATASET) as staged:
        for target in (layout.parts("train", DATASET), layout.raw_provenance(DATASET)):
            staged.path(target).write_text("new")
        (layout.root / "raw").write_text("in the way")
        with pytest.raises(FileExistsError):
            staged.commit(test, layout.parts("train", DATASET), layout.raw_provenance(DATASET))
    (layout.root / "raw").unlink()
    recover(layout, DATASET)
    assert layout.raw_provenance(DATASET).read_text() == "new"
    assert layout.parts("train", DATASET).read_text() == "new"
    assert not test.exists()
    assert debris(layout) == []


def test_a_file_to_be_moved_that_is_gone_does_not_remove_its_target(layout):
    """Guards the source file: two builds that adopt the same drop must not delete it."""
    write_files(layout.root, {"raw/d.h5ad": "adopted"})
    before = files_of(layout)
    target, moved = layout.raw_provenance(DATASET), {layout.inbox_h5ad(DATASET): layout.raw_h5ad(DATASET)}
    with stage(layout, DATASET) as staged:
        staged.path(target).write_text("new")
        with pytest.raises(MissingInputError, match=r"inbox/d\.h5ad is gone"):
            staged.commit(target, moved=moved)
    assert files_of(layout) == before
    assert debris(layout) == []


COMMITTER = """
import sys
from pathlib import Path
import polars as pl
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
root, name, n_commits = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
layout = Layout(root)
for number in range(n_commits):
    n_parts = 1 + number % 3
    with stage(layout, "d") as staged:
        targets = [layout.parts(side, "d") for side in ("train", "test")]
        for target in targets:
            staged.path(target).mkdir()
            for part in range(n_parts):
                rows = pl.DataFrame({"version": [f"{name} {number}"], "n_parts": [n_parts]})
                rows.write_parquet(staged.path(target) / f"part-{part:05d}.parquet")
        staged.commit(*targets)
"""


@pytest.mark.slow
def test_two_processes_commit_again_and_again_and_a_reader_sees_whole_versions(tmp_path):
    """A folder may be missing for an instant, or be gone before it is read: an error then, never a mix."""
    layout = Layout(tmp_path)
    committers = [
        subprocess.Popen([sys.executable, "-c", COMMITTER, tmp_path, name, "60"]) for name in ("a", "b")
    ]
    versions, n_refused = set(), 0
    try:
        while any(process.poll() is None for process in committers):
            for read in (read_table, lambda path: pl.concat(iter_table(path))):
                try:
                    rows = read(layout.parts("train", DATASET))
                except MissingInputError:
                    n_refused += 1
                    continue
                assert rows["version"].n_unique() == 1
                assert rows.height == rows["n_parts"][0]
                versions.add(rows["version"][0])
    finally:
        for process in committers:
            process.kill()
            process.wait(timeout=10)
    assert [process.returncode for process in committers] == [0, 0]
    assert len(versions) > 3
    train, test = (read_table(layout.parts(side, DATASET)) for side in ("train", "test"))
    assert train.equals(test)
    assert train["version"].unique().item() in ("a 59", "b 59")
    assert debris(layout) == []
