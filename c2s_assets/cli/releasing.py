"""`c2s release` and `c2s publish`: what would go to the Hugging Face Hub, and what goes there."""

from typing import TYPE_CHECKING

from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import say
from c2s_assets.core.errors import C2SError
from c2s_assets.storage.lake.layout import Layout

if TYPE_CHECKING:
    from c2s_assets.defs.service import BuildReport


def stage_release(layout: Layout, name: str) -> int:
    """Stage a release, and say what it holds; 1 if it was refused."""
    from c2s_assets.defs.automation.releases import STAGE_JOBS
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.releases.staged import release_entry

    entry = release_entry(read_settings(layout), name)
    report = _run(layout, name, STAGE_JOBS[entry.kind].name)
    for step in report.steps:
        figures = step.figures
        plan = f", split plan {figures['plan_version']}" if "plan_version" in figures else ""
        how = "as it was" if figures["is_as_before"] == "True" else f"staged, in {step.seconds:.1f} s"
        say(
            f"{name}: {how}\n"
            f"  {figures['n_datasets']:,} datasets, {figures['n_files']:,} files, "
            f"{figures['size_bytes'] / 2**20:,.1f} MB{plan}\n"
            f"  {figures['path']}"
        )
    say(f"See what publishing it would change with: c2s publish {name} --dry-run")
    return 0


def publish_release(layout: Layout, name: str) -> int:
    """Publish a staged release, and say what became of it."""
    from c2s_assets.defs.automation.releases import publish_release as job

    report = _run(layout, name, job.name, config={"hub_dataset": {"config": {"dry_run": False}}})
    for step in report.steps:
        figures = step.figures
        if not figures["n_changes"]:
            say(f"{name}: nothing has changed since version {figures['version']}, and nothing was sent")
        else:
            say(f"{name}: published as version {figures['version']}, {figures['sent_bytes'] / 2**20:,.1f} MB")
        say(f"  {figures['url']}")
    return 0


def preview_release(layout: Layout, name: str) -> int:
    """Say what publishing a staged release would add, change and remove; nothing is sent."""
    defs = load_definitions()
    from c2s_assets.clients.publishing import preview
    from c2s_assets.core.releases.changes import bytes_to_send, summarise
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.releases.staged import release_entry, staged_release

    entry = release_entry(read_settings(layout), name)
    staged = staged_release(layout, name)
    with (defs.resources or {})["hub"].repo(entry.repo_id) as repo:
        changes = preview(repo, staged)
        place = repo.url
    for folder, change, n_files, n_bytes in summarise(changes).iter_rows():
        say(f"  {change:<8} {folder:<44} {n_files:>6,} files {n_bytes / 2**20:>12,.1f} MB")
    n_sent = bytes_to_send(changes)
    if not changes:
        say(f"{place} holds this already")
    else:
        say(f"{len(changes):,} files would change in {place}, {n_sent / 2**20:,.1f} MB at most would be sent")
    return 0


def _run(layout: Layout, name: str, job: str, *, config: dict[str, object] | None = None) -> "BuildReport":
    defs = load_definitions()
    from c2s_assets.defs.service import open_instance, run_release
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.releases.staged import release_entry

    release_entry(read_settings(layout), name)  # a wrong name is told before anything is started
    with open_instance(layout) as instance:
        report = run_release(instance, defs, job, name=name, config=config or {})
    if not report.succeeded:
        raise C2SError(report.problems)
    return report
