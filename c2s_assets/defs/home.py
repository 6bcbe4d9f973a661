"""Where Dagster keeps runs and events, under a path that it can use."""

import os
import re
import tempfile
from pathlib import Path

from c2s_assets.core.errors import LakeError
from c2s_assets.core.hashes import short_id

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
