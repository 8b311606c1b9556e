"""Everything else that is kept of a report, taken away for good when its rows are gone.

Its part in the history, its jobs, its files and the images of its pages. Runs in the transaction
that removes the report, files last: done again after a kill, it finds what is left.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, delete, select

from kb.domain import ReportId
from kb.store import files
from kb.store.schema import change, change_item, job


def purge(connection: Connection, home: Path, report_id: ReportId, sha256: str) -> None:
    """Take away what is kept of a report besides its rows."""
    connection.execute(delete(change_item).where(change_item.c.report_id == report_id))
    with_items = select(change_item.c.change_id)
    connection.execute(
        delete(change).where(change.c.report_id == report_id, change.c.id.not_in(with_items))
    )
    connection.execute(delete(job).where(job.c.sha256 == sha256))
    for path in files.all_of(home, sha256):
        path.unlink(missing_ok=True)
    for folder in ("pages", "work"):
        with suppress(FileNotFoundError):
            shutil.rmtree(home / folder / sha256)
