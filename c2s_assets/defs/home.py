"""Where Dagster keeps runs and events, under a path that it can use, and with which settings."""

import os
import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

import dagster as dg
import yaml

import c2s_assets
from c2s_assets.core.errors import LakeError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.settings_merge import Settings, merge_settings

# Dagster 1.13 writes the path of its SQLite files into an address as it is, of which `?` ends the path and
# `%20` is a space (`create_db_conn_string`), and looks for them by pattern (`get_all_run_ids`). So a lake in
# `a%20b` got files in `a b`.
_SPECIAL = re.compile(r"[%?*\[]")


def usable_home(home: Path) -> Path:
    """Make the home, and return a path of it that leads Dagster nowhere else: its own, or that of a link.

    The link is the same for all processes of a user, and stands among the files of this machine that need
    not last.

    Raises
    ------
    LakeError
        If something else is in the place of the link.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not _SPECIAL.search(str(home)):
        return home
    link = Path(tempfile.gettempdir()) / f"c2s-{os.getuid()}-{short_id({'home': str(home)})}"
    try:
        link.symlink_to(home)
    except FileExistsError as error:
        is_ours = link.is_symlink() and link.readlink() == home and link.lstat().st_uid == os.getuid()
        if not is_ours:
            raise LakeError(
                f"{link} should lead to {home}, whose own name Dagster cannot use, but is something else. "
                f"Remove it, or set DAGSTER_HOME to a folder without %, ?, * and [ in its path."
            ) from error
    return link


def errors_of_postgres() -> tuple[type[Exception], ...]:
    """Return what `dagster_postgres` raises where its database does not answer, if it is in use.

    In 0.29 that is none of Dagster's errors, and only the extra `cluster` brings it.
    """
    used = sys.modules.get("dagster_postgres.utils")
    return () if used is None else (used.DagsterPostgresException,)


def refuse_newer_database(home: Path) -> None:
    """Refuse the SQLite files of a later Dagster, which ours would write into as if they were its own.

    Dagster 1.13 looks at the version of its schema only when a statement has failed.

    Raises
    ------
    LakeError
        Naming the file.
    """
    for name in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        path = home / name
        _refuse_unknown_schema(
            _schema_version(path), of=str(path), otherwise=f"move {home} away to have it made anew"
        )


def refuse_newer_postgres(instance: dg.DagsterInstance) -> None:
    """Refuse the Postgres of a later Dagster, as `refuse_newer_database` does files; others are not asked.

    Raises
    ------
    LakeError
        If its schema is not known.
    """
    if not errors_of_postgres():
        return
    version, _ = instance.run_storage.alembic_version() or (None, None)
    _refuse_unknown_schema(
        version,
        of="the Postgres of runs and events",
        otherwise="name another database in the environment",
    )


def _refuse_unknown_schema(version: str | None, *, of: str, otherwise: str) -> None:
    if version is not None and not _is_known_schema(version):
        raise LakeError(
            f"{of} was written by a newer Dagster (schema {version}, which Dagster {dg.__version__} does not "
            f"know). Update c2s_assets and Dagster here, or {otherwise}: the tables are elsewhere."
        )


def _schema_version(database: Path) -> str | None:
    """Read which version of the schema a file has; None if it is not there, or says none."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("select version_num from alembic_version").fetchone()
        except sqlite3.DatabaseError:  # not made whole yet, or damaged: of that Dagster tells
            return None
    return None if found is None else str(found[0])


@cache  # all three files have the same version, and that is looked for in some fifty
def _is_known_schema(version: str) -> bool:
    steps = Path(dg.__file__).parent / "_core" / "storage" / "alembic" / "versions"
    return any(version in step.read_text(encoding="utf-8") for step in steps.glob("*.py"))


def renew_settings(home: Path) -> None:
    """Give a home the settings of this version; what its operator has changed stays.

    Which settings came is kept beside them. Where somebody has changed them, the file loses its comments, and
    stays as it was under another name.
    """
    settings, came = home / "dagster.yaml", home / ".c2s-settings.yaml"
    ours = _packaged_settings().read_text(encoding="utf-8")
    before = _read(came)
    if before == ours and settings.exists():
        return
    theirs = _read(settings)
    if theirs in ("", before):
        _write(settings, ours)
    elif theirs != ours:
        merged = merge_settings(_parse(theirs), before=_parse(before), ours=_parse(ours))
        if merged != _parse(theirs):
            _write(settings.with_name("dagster.before.yaml"), theirs)
            _write(settings, yaml.safe_dump(merged, sort_keys=False))
    _write(came, ours)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _parse(text: str) -> Settings:
    found = yaml.safe_load(text)
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _packaged_settings() -> Path:
    package = Path(c2s_assets.__file__).parent
    inside = package / "dagster.yaml"
    return inside if inside.exists() else package.parent / "dagster.yaml"
