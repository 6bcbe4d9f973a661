"""Does in this process what `c2s add` and `c2s build` do with a file, and tells how each step ended.

Pictures are left empty, and UMAP and t-SNE are not computed; all else is the real code, Dagster included.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from c2s_assets.clients.adding import add_source
from c2s_assets.core.errors import C2SError
from c2s_assets.core.projections import manifold
from c2s_assets.defs import plots
from c2s_assets.defs.automation.jobs import build_dataset
from c2s_assets.defs.service import build
from c2s_assets.storage.h5ad import answering, apart
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Wish
from c2s_assets_tests.end_to_end.forking import threads

DATASET_ID = "hostile"
_LOG = logging.getLogger("hostile builds")

# What Python says before it changes files, and which of its arguments name them.
_WRITES = {
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.truncate": (0,),
}

Tell = Callable[[Any], None]


def add_and_build(
    source: Path, layout: Layout, definitions: dg.Definitions, *, is_whole: bool, tell: Tell
) -> None:
    """Add a file to a lake and build all of it.

    Parameters
    ----------
    layout
        Of a lake that has a folder around it, in which alone files may be written.
    is_whole
        Whether a new process surveys the file, and Dagster runs the job, as for a user. Else a fork of this
        process surveys it, which may crash as well, and the functions of the assets are called one after
        the other: all but `validation_report`, which asks Dagster for results.
    tell
        Is given a dict for each step that failed, with `step`, `message` and, if that is no error of ours,
        `trace`; and for what was written where nothing should be, with `outside`.
    """
    plots._picture = _empty_picture
    manifold.is_installed = lambda _: False
    if not is_whole:
        apart.ask = _survey_in_fork
        os.fsync = lambda _: None  # a fifth of the time, for a machine that is switched off
    _watch_writes(layout.root.parent, tell)
    try:
        add_source(layout, str(source), Wish(dataset_id=DATASET_ID))
    except C2SError as error:
        tell({"step": "add", "message": str(error), "trace": None})
        return
    except Exception as error:  # whatever it is, it is what we look for
        tell({"step": "add", "message": repr(error), "trace": traceback.format_exc()})
        return
    if is_whole:
        _build_in_dagster(definitions, tell)
    else:
        _build_one_by_one(definitions, tell)


def assets_of_build(definitions: dg.Definitions) -> list[dg.AssetsDefinition]:
    """List what `c2s build` builds, each after what it is made of."""
    graph = definitions.resolve_asset_graph()
    built = definitions.resolve_job_def(build_dataset.name).asset_layer.executable_asset_keys
    return [graph.assets_def_for_key(key) for key in graph.toposorted_asset_keys if key in built]


def _build_in_dagster(definitions: dg.Definitions, tell: Tell) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        build(instance, definitions, DATASET_ID)
        for run in instance.get_runs():
            for log in instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE):
                tell(_describe_failure(log.dagster_event))


def _build_one_by_one(definitions: dg.Definitions, tell: Tell) -> None:
    failed: set[dg.AssetKey] = set()
    for asset in assets_of_build(definitions):
        name = asset.key.to_user_string()
        if name == "validation_report":
            continue
        if failed & asset.asset_deps[asset.key]:
            failed.add(asset.key)
            continue
        # What assets ask of their context, and `final_errors` of that of a step that is refused.
        context = SimpleNamespace(
            partition_key=DATASET_ID,
            has_partition_key=True,
            asset_key=asset.key,
            assets_def=asset,
            instance=SimpleNamespace(
                add_run_tags=lambda *_: None,
                get_records_for_run=lambda *_, **__: SimpleNamespace(records=[]),
            ),
            run=SimpleNamespace(run_id="none", asset_selection=None),
            log=_LOG,
        )
        try:
            for _ in asset.op.compute_fn.decorated_fn(context, store=definitions.resources["store"]):
                pass
        except dg.Failure as failure:
            tell({"step": name, "message": str(failure.description), "trace": None})
            failed.add(asset.key)
        except Exception as error:  # whatever it is, it is what we look for
            tell({"step": name, "message": repr(error), "trace": traceback.format_exc()})
            failed.add(asset.key)


def _describe_failure(event: Any) -> dict[str, Any]:
    data = event.step_failure_data
    if data.user_failure_data is not None:
        return {"step": event.step_key, "message": str(data.user_failure_data.description), "trace": None}
    return {"step": event.step_key, "message": data.error.message, "trace": data.error.to_string()}


def _empty_picture(title: str, *_: Any, **__: Any) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,)")


def _survey_in_fork(module: str, *arguments: str, timeout: float) -> apart.Ending:  # noqa: ARG001
    """Ask as `apart` does, but a fork of this process rather than of one that waits for questions."""
    assert not threads(), threads()
    return apart.Ending(*answering.answer(module, arguments))


def _watch_writes(work: Path, tell: Tell) -> None:
    """Tell of every file that Python writes, moves or removes elsewhere than in a folder."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                check(path)
        for position in _WRITES.get(event, ()):
            check(arguments[position])

    def check(path: Any) -> None:
        real = Path(os.fsdecode(path)).resolve()
        if not (real.is_relative_to(work) or real.is_relative_to("/dev") or "__pycache__" in real.parts):
            tell({"outside": str(real)})

    sys.addaudithook(watch)
