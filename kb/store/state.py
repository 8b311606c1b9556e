"""The one row that counts committed changes. Runs in the caller's transaction."""

from sqlalchemy import Connection, select, update

from kb.store.schema import state


def generation(connection: Connection) -> int:
    """Return the number of the last change."""
    return int(connection.execute(select(state.c.generation)).one()[0])


def raise_generation(connection: Connection) -> int:
    """Count one more change and return its number."""
    connection.execute(update(state).values(generation=state.c.generation + 1))
    return generation(connection)
