"""The `c2s` command: puts files into the lake, builds datasets and shows how they stand."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import remark, say, terminal_width
from c2s_assets.core.errors import C2SError, ConfigError, LakeError, MissingInputError, UnknownNameError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.storage.bucket.address import is_bucket_address
from c2s_assets.storage.lake.layout import Layout, locate_lake
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.presence import beside_others

if TYPE_CHECKING:
    import polars as pl

_LAKE = "C2S_LAKE"
_MOST_ROWS = 200
_STOPPED, _NOT_READ = 128 + signal.SIGINT, 128 + signal.SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all went well, 1 if data or settings were refused, 2 for wrong usage.

    As of any command, 130 says that the user stopped it, and 141 that nobody reads what it prints.
    """
    try:
        options = _parser().parse_args(arguments)
        # The code location reads the same variable, here and in every process that Dagster starts.
        layout = find_lake(os.environ.get(_LAKE))
        os.environ[_LAKE] = str(layout.root)
        if options.is_of_a_lake:
            layout.require()
        if not options.knows_newer:
            _refuse_newer(layout)
        status = int(options.run(options, layout))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python writes what is left when it ends, and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOT_READ
    except KeyboardInterrupt:
        remark("c2s: stopped")
        return _STOPPED
    except Exception as error:  # of any library that writes for us; a bug is raised again
        said = error if isinstance(error, C2SError) else _denied(error)
        if said is None:
            raise
        remark(f"c2s: {said}")
        return 1
    return status


def _denied(error: Exception) -> C2SError | None:
    """Say what the machine denied, if that is what an error is about."""
    from c2s_assets.storage.lake.denials import machine_error

    address = os.environ.get(_LAKE)
    is_here = not is_bucket_address(address or "")
    return machine_error(error, locate_lake(address).root if is_here else Path.cwd())


def _refuse_newer(layout: Layout) -> None:
    from c2s_assets.storage.lake.record import refuse_newer_lake

    refuse_newer_lake(layout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="c2s",
        description="Single-cell datasets in, ML-ready tables out. The lake is $C2S_LAKE, or ./lake.",
    )
    # Commands that need a lake make none: the folder may be the wrong one. A lake of a newer version is left
    # alone but by those that tell of each dataset what is wrong, or that ask nothing of the lake.
    parser.set_defaults(is_of_a_lake=True, knows_newer=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _offer_files(commands)
    build = commands.add_parser("build", help="build everything of some datasets, or what is outdated")
    build.add_argument("ids", metavar="ID", nargs="*")
    build.add_argument(
        "--outdated",
        action="store_true",
        help="only what is missing or outdated; of all datasets if none is named",
    )
    build.add_argument(
        "--only",
        metavar="TABLE[,TABLE]",
        action="append",
        default=[],
        help="only these tables, with what they lack: cell_sentences",
    )
    build.set_defaults(run=_build)

    select = commands.add_parser(
        "select", help="show which datasets of CELLxGENE Discover datasets.yaml selects; fetches none of them"
    )
    select.add_argument("--refresh", action="store_true", help="list Discover anew first")
    select.add_argument("--values", metavar="FILTER", help="list the labels of a filter, such as tissue")
    select.set_defaults(run=_select, is_of_a_lake=False)

    _offer_standing(commands)
    symbols = commands.add_parser(
        "symbols", help="say which gene symbols of HGNC the lake has, which Ensembl ids are looked up in"
    )
    symbols.add_argument("--refresh", action="store_true", help="fetch them first")
    symbols.add_argument(
        "--file",
        metavar="TSV",
        help="take them from a copy of hgnc_complete_set.txt, where there is no network",
    )
    symbols.set_defaults(run=_symbols, is_of_a_lake=False)

    rm = commands.add_parser("rm", help="take a dataset out of the lake; asks first")
    rm.add_argument("id", metavar="ID")
    rm.add_argument("--yes", action="store_true", help="do not ask")
    rm.set_defaults(run=_rm)

    mv = commands.add_parser("mv", help="give a dataset another name; its tables are then built again")
    mv.add_argument("old", metavar="OLD")
    mv.add_argument("new", metavar="NEW")
    mv.set_defaults(run=_mv)

    split = commands.add_parser(
        "split", help="show how many donors are on which side, or what drawing all anew would move"
    )
    split.add_argument("--replan", action="store_true", help="show what would move if all were drawn anew")
    split.add_argument("--apply", action="store_true", help="with --replan: do it")
    split.set_defaults(run=_split)

    audit = commands.add_parser(
        "audit",
        help="find donors and cells that are the same, act on it, and prove that no side leaks",
    )
    audit.set_defaults(run=_audit)

    verify = commands.add_parser(
        "verify-split", help="check files of a split that anyone has, such as an export, without their lake"
    )
    verify.add_argument("places", metavar="FOLDER_OR_FILE", nargs="+")
    verify.set_defaults(run=_verify_split, is_of_a_lake=False, knows_newer=True)

    _add_readers(commands)

    ui = commands.add_parser("ui", help="open the Dagster UI on 127.0.0.1, with sensors running")
    ui.add_argument("--port", type=int, default=3000)
    ui.set_defaults(run=_ui, is_of_a_lake=False)

    worker = commands.add_parser(
        "worker", help="build what c2s ui asks for, beside others on any machine; see deploy/README.md"
    )
    worker.set_defaults(run=_worker)

    demo = commands.add_parser("demo", help="simulate a dataset called 'example' and build it")
    demo.add_argument(
        "--publish",
        action="store_true",
        help="release it too, on a Hub of this machine alone, and load it from there",
    )
    demo.set_defaults(run=_demo, is_of_a_lake=False)
    return parser


def _add_readers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that read the tables of all datasets, or say where they are."""
    _offer_places(commands)
    query = commands.add_parser(
        "query", help="ask the catalogue of all datasets, in SQL; it is renewed first"
    )
    query.add_argument("sql", metavar="SQL", help='such as "select dataset_id, n_cells from datasets"')
    query.add_argument("--as-is", action="store_true", help="ask the catalogue as it is, without renewing it")
    query.add_argument(
        "--output", metavar="FILE", help="write all rows to a file: .parquet, .csv or .json by its ending"
    )
    query.set_defaults(run=_query)

    export = commands.add_parser(
        "export",
        help="write tables of some or all datasets for other tools: the training table, sides, expression",
    )
    export.add_argument(
        "what",
        metavar="training|sides|annbatch|cell2sentence|cellnet",
        choices=["training", "sides", "annbatch", "cell2sentence", "cellnet"],
        help="the training table; which donor and which row is on which side, for cell-load and "
        "Cell2Sentence; shuffled expression by side, for annbatch; cells, groups and vocabulary, for "
        "Cell2Sentence; the cells of one tissue in an HDF5 file in the layout of Cell-NET",
    )
    export.add_argument("ids", metavar="ID", nargs="*")
    export.add_argument(
        "--to",
        metavar="DIR",
        required=True,
        help="a folder that is new, empty or an export; of cellnet, a new file",
    )
    export.add_argument(
        "--upper-case",
        action="store_true",
        help="of cell2sentence: write symbols as its pretrained models know them, of mice too",
    )
    export.set_defaults(run=_export)

    release = commands.add_parser(
        "release", help="stage a release of datasets.yaml: the files that publishing it would send"
    )
    release.add_argument("name", metavar="NAME")
    release.set_defaults(run=_release)

    publish = commands.add_parser(
        "publish", help="send a staged release to the Hugging Face Hub, with the token in $HF_TOKEN"
    )
    publish.add_argument("name", metavar="NAME")
    publish.add_argument("--dry-run", action="store_true", help="only say what would change; send nothing")
    publish.set_defaults(run=_publish)


def _offer_places(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Offer the commands about where things are."""
    path = commands.add_parser("path", help="print where a table is: its file, or its folders")
    path.add_argument("id", metavar="ID")
    path.add_argument("table", metavar="TABLE")
    path.set_defaults(run=_path)

    sync = commands.add_parser(
        "sync", help="copy a lake from a folder into a bucket (s3://BUCKET/PREFIX), back, or to another one"
    )
    sync.add_argument("source", metavar="FROM")
    sync.add_argument("target", metavar="TO")
    sync.set_defaults(run=_sync, is_of_a_lake=False, knows_newer=True)

    gc = commands.add_parser(
        "gc", help="say what is in the bucket of a lake and named by nothing; remove what has been for a week"
    )
    gc.add_argument("--yes", action="store_true", help="remove it; without that, only say")
    gc.set_defaults(run=_gc)


def _offer_standing(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Offer the commands that say how datasets stand."""
    ls = commands.add_parser("ls", help="list the datasets, what is built and what failed")
    ls.add_argument("--json", action="store_true", help="all that is known, as JSON")
    ls.set_defaults(run=_ls, knows_newer=True)

    health = commands.add_parser(
        "health", help="what is stale, since when and why; 1 if for more than 36 hours"
    )
    health.add_argument("--json", action="store_true", help="all that is known of all datasets, as JSON")
    health.set_defaults(run=_health)

    show = commands.add_parser("show", help="a page on one dataset: source, tables, checks, how to load it")
    show.add_argument("id", metavar="ID")
    show.add_argument("--html", metavar="FILE", help="write the page with its pictures, for a browser")
    show.set_defaults(run=_show)


def _offer_files(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Offer the commands that take files of this machine."""
    look = commands.add_parser(
        "look", help="say what a file holds, how it would be read, and what to write into datasets.yaml"
    )
    look.add_argument("source", metavar="PATH_OR_ID")
    look.add_argument("--modality", metavar="NAME", help="as of add")
    look.set_defaults(run=_look, is_of_a_lake=False)

    add = commands.add_parser(
        "add", help="put datasets into the lake: h5ads, or what one can be made of (see README), or folders"
    )
    add.add_argument("sources", metavar="PATH_OR_URL", nargs="+")
    add.add_argument("--id", metavar="NAME", help="dataset id; by default the name of the file")
    add.add_argument("--replace", action="store_true", help="take the place of another file of that id")
    add.add_argument(
        "--modality",
        metavar="NAME",
        help="which modality of an h5mu, else rna; table of SpatialData, else table; genome of an old .h5",
    )
    add.add_argument("--again", action="store_true", help="add a file that the lake has under another id too")
    add.add_argument("--link", action="store_true", help="hard-link the file instead of copying it")
    add.set_defaults(run=_add, is_of_a_lake=False)


def _add(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.adding import add_all
    from c2s_assets.storage.sources.adding import Wish

    wish = Wish(
        dataset_id=options.id,
        part=options.modality,
        replace=options.replace,
        link=options.link,
        again=options.again,
    )
    with beside_others(layout):
        return add_all(layout, options.sources, wish)


def _look(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.looking import look

    look(layout, options.source, part=options.modality)
    return 0


def _build(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.building import build_all, known_tables

    if not options.ids and not options.outdated:
        raise C2SError("which datasets? Name some, or build what is outdated of all: c2s build --outdated")
    only = known_tables(",".join(options.only))
    with beside_others(layout):
        return build_all(layout, options.ids, only=only, is_outdated=options.outdated)


def _select(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.core.discover.selection import select
    from c2s_assets.core.reports.terminal import selection_lines
    from c2s_assets.storage.holdings import held_datasets
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.lake.settings_file import place_of_settings

    if options.values:
        return _show_labels(options, layout)
    settings = read_settings(layout)  # a mistake in it is told before the network is asked
    selection = settings.cellxgene
    listing = _listing(layout, is_refreshed=options.refresh)
    selected = select(listing, selection)
    for line in selection_lines(selected, held_datasets(layout, settings), n_listed=listing.height):
        say(line)
    if selection.is_empty:
        say(f"Select some in {place_of_settings(layout)}: cellxgene: {{tissue: [blood], has_ages: true}}")
    for problem in selected.problems:
        remark(f"c2s: datasets.yaml: {problem}")
    return 0


def _show_labels(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.core.discover.selection import LABEL_FILTERS, count_labels
    from c2s_assets.core.reports.terminal import label_lines

    if options.values not in LABEL_FILTERS:
        raise C2SError(f"{options.values!r} is no filter of labels; there are {', '.join(LABEL_FILTERS)}.")
    listing = _listing(layout, is_refreshed=options.refresh)
    for line in label_lines(count_labels(listing, options.values)):
        say(line)
    return 0


def _listing(layout: Layout, *, is_refreshed: bool) -> "pl.DataFrame":
    from c2s_assets.storage.sources.listing import read_listing

    if is_refreshed:
        defs = load_definitions()
        from c2s_assets.defs.service import list_discover, open_instance

        with open_instance(layout) as instance:
            report = list_discover(instance, defs)
        if not report.succeeded:
            raise C2SError(report.problems)
    else:
        layout.require()
    listing = read_listing(layout)
    if listing is None:
        raise MissingInputError(
            "there is no listing of CELLxGENE Discover yet. Make it with: c2s select --refresh   (or "
            "materialize cellxgene_listing in the UI)"
        )
    return listing


def _ls(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.standing import list_all

    list_all(layout, as_json=options.json)
    return 0


def _health(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.health import show_health

    return 0 if show_health(layout, as_json=options.json) else 1


def _show(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.standing import show, write_page

    dataset_id = check_dataset_id(options.id)
    if options.html is not None:
        write_page(layout, dataset_id, Path(options.html))
    else:
        show(layout, dataset_id)
    return 0


def _symbols(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.symbols import show_symbols, take_symbols

    if options.refresh and options.file:
        raise C2SError("--refresh fetches the symbols, --file takes them from a file. Leave one of them out.")
    if options.refresh or options.file:
        take_symbols(layout, None if options.file is None else Path(options.file))
    else:
        layout.require()
    show_symbols(layout)
    return 0


def _rm(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.removing import remove

    with beside_others(layout):
        return remove(layout, check_dataset_id(options.id), is_agreed=options.yes)


def _mv(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.removing import rename

    with beside_others(layout):
        rename(layout, check_dataset_id(options.old), check_dataset_id(options.new))
    return 0


def _split(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.splitting import replan, show_plan

    if options.apply and not options.replan:
        raise C2SError("--apply needs --replan: the plan changes by itself only for donors that are new.")
    if options.replan:
        with beside_others(layout):
            replan(layout, is_applied=options.apply)
    else:
        show_plan(layout)
    return 0


def _path(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.locating import show_path

    return show_path(layout, options.id, options.table)


def _sync(options: argparse.Namespace, _: Layout) -> int:
    from c2s_assets.cli.locating import sync

    return sync(options.source, options.target)


def _gc(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.locating import collect_garbage

    return collect_garbage(layout, is_removed=options.yes)


def _audit(_: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.splitting import audit

    return audit(layout)


def _verify_split(options: argparse.Namespace, _: Layout) -> int:
    from c2s_assets.verify import verify

    return verify(options.places, say=say)


def _query(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.core.reports.answers import draw_answer
    from c2s_assets.storage.catalogue.export import export_as
    from c2s_assets.storage.catalogue.queries import answer_query, export_query
    from c2s_assets.storage.catalogue.versions import is_current
    from c2s_assets.storage.sources.listing import withdrawn_datasets

    output = None if options.output is None else Path(options.output)
    if output is not None:
        export_as(output)  # a wrong name is told before the catalogue is renewed
    if not options.as_is and not is_current(layout, withdrawn=withdrawn_datasets(layout)):
        try:
            _renew_catalogue(layout)
        except LakeError as error:  # as of a lake that may only be read
            if not layout.catalogue.exists():
                raise
            remark(f"c2s: the answer is of the catalogue as it was. {error}")
    if output is not None:
        say(f"{export_query(layout, options.sql, output):,} rows in {output}")
        return 0
    answer = answer_query(layout, options.sql, max_rows=_MOST_ROWS)
    drawn = draw_answer(answer.rows, width=terminal_width())
    say(drawn.text)
    if drawn.left_out:
        remark(f"No room for {', '.join(drawn.left_out)}: name the columns that you want, or use --output.")
    if answer.is_cut:
        remark(
            f"Only the first {_MOST_ROWS} rows; ask for fewer with: limit 10, or write all to a file with: "
            f"--output rows.parquet"
        )
    return 0


def _export(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli import exporting

    folder = Path(options.to)
    if options.what == "cell2sentence":
        exporting.export_cell2sentence(layout, options.ids, folder=folder, is_upper=options.upper_case)
        return 0
    if options.upper_case:
        raise UnknownNameError("--upper-case is of c2s export cell2sentence alone. Leave it out.")
    if options.what == "cellnet":
        exporting.export_cellnet(layout, options.ids, file=folder)
        return 0
    exports = {
        "training": exporting.export_training,
        "sides": exporting.export_sides,
        "annbatch": exporting.export_annbatch,
    }
    exports[options.what](layout, options.ids, folder=folder)
    return 0


def _release(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.releasing import stage_release

    return stage_release(layout, options.name)


def _publish(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.releasing import preview_release, publish_release

    return preview_release(layout, options.name) if options.dry_run else publish_release(layout, options.name)


def _renew_catalogue(layout: Layout) -> None:
    remark("c2s: tables have changed, renewing the catalogue first (--as-is skips that) ...")
    defs = load_definitions()
    from c2s_assets.defs.service import build_catalogue, open_instance
    from c2s_assets.storage.catalogue.versions import is_current
    from c2s_assets.storage.sources.listing import withdrawn_datasets

    with open_instance(layout) as instance:
        report = build_catalogue(instance, defs)
    if not report.succeeded:
        told = "; ".join(f"{step.asset}: {step.problem}" for step in report.steps if step.problem)
        if not is_current(layout, withdrawn=withdrawn_datasets(layout)):
            raise C2SError(told)
        # As where the lake is in a bucket that may only be read: the report on the corpus has no place there.
        remark(f"c2s: {told}")
    for check in report.broken:
        remark(f"c2s: {check.message}")


def _ui(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.forking import ready_to_fork
    from c2s_assets.defs.service import open_instance
    from c2s_assets.defs.ui.serving import serve_ui

    with ready_to_fork() as lifeline, open_instance(layout, is_of_ui=True) as instance:
        serve_ui(instance, layout, port=options.port, lifeline=lifeline)
    return 0


def _worker(_: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.service import open_instance

    try:
        from c2s_assets.defs.workers.starting import become_worker
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"what workers are made of is not installed ({error.name} is missing). Install it: pip install "
            f"'c2s-assets[cluster]'."
        ) from error
    with open_instance(layout) as instance:
        become_worker(instance, layout)


def _demo(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.cli.demo import build_example, publish_example

    return publish_example(layout) if options.publish else build_example(layout)
