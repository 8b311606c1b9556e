"""The pages: one blueprint per thing a reader can name. A view reads, asks and shows."""

from web.views import (
    about,
    front,
    lessons,
    machine,
    matrix,
    programmes,
    reports,
    search,
    source,
    themes,
)

BLUEPRINTS = (
    front.bp,
    search.bp,
    lessons.bp,
    reports.bp,
    source.bp,
    programmes.bp,
    themes.bp,
    matrix.bp,
    about.bp,
    machine.bp,
)
