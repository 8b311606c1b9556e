"""The sample reports read in from end to end: each quote stands on its page, nothing is made up."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest import STAGES, Ingested, Ingestor
from kb.config import Config
from kb.domain import Kind, Lesson, ReportStatus, Status, quote_of
from kb.embed import Vectors
from kb.errors import AlreadyIngestedError, Unreadable, UnreadableReportError
from kb.passages import passages_of
from kb.store import Store
from kb.text import key, slugify
from tests.fakes import WordHashEncoder

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
NAMES = sorted(path.parent.name for path in (CORPUS / "reports").glob("*/source.toml"))
RECALL_FLOOR, PRECISION_FLOOR = 0.75, 0.6
_RUN = 8


def file_of(name: str) -> Path:
    return CORPUS / "reports" / name / f"{name}.pdf"


def toml_of(name: str, file: str) -> dict[str, object]:
    path = CORPUS / "reports" / name / file
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ingestor(tmp_path_factory: pytest.TempPathFactory) -> Ingestor:
    home = tmp_path_factory.mktemp("unused")
    return Ingestor(WordHashEncoder(), Config(home=home, corpus=CORPUS))


@pytest.fixture(scope="module")
def base(
    ingestor: Ingestor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, dict[str, Ingested]]]:
    """All sample reports as candidates, with what was told of each."""
    with Store.open(tmp_path_factory.mktemp("base")) as store:
        yield store, {name: ingestor.add(store, file_of(name), publish=False) for name in NAMES}


def lessons_of(base: tuple[Store, dict[str, Ingested]], name: str) -> list[Lesson]:
    store, told = base
    return list(store.lessons(store.lesson_ids(report_id=told[name].id)).values())


Base = tuple[Store, dict[str, Ingested]]


# ---- every report


@pytest.mark.parametrize("name", NAMES)
def test_every_quote_is_what_stands_at_its_spans(base: Base, name: str) -> None:
    store, told = base
    pages = store.pages(told[name].id)
    texts = {page.number: page.text for page in pages}
    lessons = lessons_of(base, name)

    assert len(lessons) == told[name].lessons > 0
    assert len(pages) == told[name].pages == store.report(told[name].id).pages
    for lesson in lessons:
        for one in lesson.evidence:
            assert quote_of(one.spans, texts) == one.quote
            assert all(1 <= span.page <= len(pages) for span in one.spans)
            assert one.report_id == told[name].id
        assert any(lesson.statement in one.quote for one in lesson.evidence)
        assert lesson.status is Status.CANDIDATE
        assert not lesson.is_edited
    assert len({lesson.id for lesson in lessons}) == len(lessons)
    assert told[name].problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_quote_stands_in_the_manuscript(base: Base, name: str) -> None:
    """The PDF was made of it, so letters that are not there were made up on the way."""
    manuscript = key(_plain((CORPUS / "reports" / name / "report.md").read_text(encoding="utf-8")))

    strange = [
        part
        for lesson in lessons_of(base, name)
        for one in lesson.evidence
        for part in [key(one.quote)]
        if part not in manuscript
    ]

    assert strange == []


def _plain(text: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"^\s*(?:[-*+]|\d+\.)\s+", "", text, flags=re.M)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_of_a_report_is_what_its_source_says(base: Base, name: str) -> None:
    store, told = base
    source, report = toml_of(name, "source.toml"), store.report(told[name].id)

    assert report.file == f"{name}.pdf"
    assert report.programme_name == report.programme.name == source["programme"]
    assert report.programme.slug == slugify(str(source["programme"]))
    for field in ("place", "programme_type", "period_from", "period_to"):
        assert getattr(report.programme, field) == source[field], field
    for field in ("title", "report_type", "client", "year", "contractor"):
        assert getattr(report, field) == (source.get(field) or None), field
    assert report.language == source["language"]
    assert report.note is not None
    assert str(source["label"]) in report.note
    assert report.status is ReportStatus.CANDIDATE


@pytest.mark.parametrize("name", NAMES)
def test_where_each_piece_of_metadata_was_read_is_kept(base: Base, name: str) -> None:
    store, told = base
    report = store.report(told[name].id)

    assert report.sources
    for _, found in report.sources:
        assert 1 <= found.page <= report.pages
        assert found.evidence


def test_a_report_read_twice_gives_the_same_lessons(
    ingestor: Ingestor, base: Base, tmp_path: Path
) -> None:
    store, told = base
    with Store.open(tmp_path) as second:
        for name in NAMES:
            again = ingestor.add(second, file_of(name), publish=False)
            ids = store.lesson_ids(report_id=told[name].id)
            assert again.id == told[name].id
            assert second.lesson_ids(report_id=again.id) == ids
            assert second.lessons(ids) == store.lessons(ids)


# ---- against what a careful reader marked


def runs(text: str) -> set[str]:
    whole = key(text)
    return {whole[start : start + _RUN] for start in range(max(1, len(whole) - _RUN + 1))}


def is_same(one: set[str], other: set[str]) -> bool:
    """Whether at least half of the shorter text's runs of eight letters recur in the other."""
    return 2 * len(one & other) >= min(len(one), len(other))


def overlap(lessons: list[Lesson], expected: list[dict[str, list[str]]]) -> tuple[float, float]:
    """Return recall and precision: lessons that share a quote with one on the other side."""
    found = [[runs(one.quote) for one in lesson.evidence] for lesson in lessons]
    wanted = [[runs(quote) for quote in lesson["quotes"]] for lesson in expected]

    def meet(one: list[set[str]], other: list[set[str]]) -> bool:
        return any(is_same(mine, theirs) for mine in one for theirs in other)

    hit = sum(any(meet(own, other) for other in found) for own in wanted)
    right = sum(any(meet(own, other) for other in wanted) for own in found)
    return hit / len(wanted), right / len(found)


def test_the_overlap_is_counted_as_it_says() -> None:
    same = "Styret møttes for sjelden, og derfor ble saker liggende."
    assert is_same(runs(same), runs("«" + same.upper() + "» Det sa lederen."))
    assert is_same(runs(same), runs(same[:30]))
    assert not is_same(runs(same), runs("Næringshagen og programmet ringte de samme bedriftene."))
    assert not is_same(runs(same), runs("Styret møttes i en annen by, og alle dro dit i buss."))


@pytest.mark.parametrize("name", NAMES)
def test_most_of_what_a_reader_marked_is_found_and_most_of_what_is_found_was_marked(
    base: Base, name: str
) -> None:
    lessons = lessons_of(base, name)

    recall, precision = overlap(lessons, toml_of(name, "expected.toml")["lesson"])

    print(f"{name}: recall {recall:.2f}, precision {precision:.2f}, {len(lessons)} lessons")
    assert recall >= RECALL_FLOOR
    assert precision >= PRECISION_FLOOR


# ---- one file


def a_text(tmp_path: Path, name: str = "rapport.txt") -> Path:
    path = tmp_path / name
    path.write_text(
        "Sluttrapport fra Nye Tenkevik 2016–2021\n\n1. Erfaringer\n\n"
        "Det viktigste vi lærte, er at styret bør møtes oftere enn fire ganger i året.\n"
        "Styret møttes for sjelden, og derfor ble mange saker liggende.\n\n2. Råd\n\n"
        "Vi anbefaler at neste program avtaler rollene med næringshagen før det starter.\n",
        encoding="utf-8",
    )
    return path


def test_the_stages_are_told_as_they_begin_and_timed(ingestor: Ingestor, tmp_path: Path) -> None:
    said: list[str] = []
    with Store.open(tmp_path / "home") as store:
        told = ingestor.add(
            store, a_text(tmp_path), publish=True, watch=lambda stage, _share: said.append(stage)
        )

        assert list(dict.fromkeys(said)) == list(told.took_ms)
        assert said[0] == "read"
        assert said[-1] == "store"
        assert set(said) <= set(STAGES)
        assert store.report(told.id).status is ReportStatus.PUBLISHED
        assert store.report(told.id).pages is None
        assert store.lesson_ids(status=Status.PUBLISHED) == store.lesson_ids() != ()


def test_vectors_are_those_of_the_passages_in_order(ingestor: Ingestor, tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        ingestor.add(store, file_of("granvika"), publish=True)
        encoder = WordHashEncoder()
        lessons = store.lessons(store.lesson_ids())

        for row in store.rows(encoder.model_id):
            texts = [passage.text for passage in passages_of(lessons[row.lesson_id])]
            assert row.vectors == pytest.approx(encoder.embed_passages(texts), abs=1e-3)
        assert store.check() == ()


def test_a_report_without_lessons_is_kept(ingestor: Ingestor, tmp_path: Path) -> None:
    path = tmp_path / "kort.txt"
    path.write_text("Vedlegg 3\n\nListe over deltakere og steder i alfabetisk rekkefølge.\n")
    with Store.open(tmp_path / "home") as store:
        told = ingestor.add(store, path, publish=True)

        assert told.lessons == 0
        assert store.report(told.id) is not None


def test_another_name_can_be_given(ingestor: Ingestor, tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        told = ingestor.add(store, a_text(tmp_path), publish=True, name="Ekte navn.txt")

        assert told.file == store.report(told.id).file == "Ekte navn.txt"


def test_the_same_bytes_under_another_name_are_known(ingestor: Ingestor, tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        told = ingestor.add(store, a_text(tmp_path), publish=True)

        with pytest.raises(AlreadyIngestedError) as caught:
            ingestor.add(store, a_text(tmp_path, "annet.txt"), publish=True)

        assert caught.value.report_id == told.id


def test_the_same_words_in_another_file_are_known(ingestor: Ingestor, tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        told = ingestor.add(store, a_text(tmp_path), publish=True)
        copy = a_text(tmp_path, "kopi.txt")
        copy.write_text(copy.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")

        with pytest.raises(AlreadyIngestedError) as caught:
            ingestor.add(store, copy, publish=True)

        assert caught.value.report_id == told.id
        assert "words" in str(caught.value)


def test_every_text_is_embedded_once(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    counted = Ingestor(encoder, Config(home=tmp_path, corpus=CORPUS))
    encoder.texts.clear()
    with Store.open(tmp_path / "home") as store:
        counted.add(store, file_of("granvika"), publish=True)

    assert encoder.texts
    assert len(encoder.texts) == len(set(encoder.texts))


class CountingEncoder(WordHashEncoder):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed_passages(texts)


def test_a_file_that_changes_while_it_is_read_is_refused(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    path = a_text(tmp_path)

    def change(stage: str, _share: float) -> None:
        if stage == "layout":
            path.write_text(path.read_text() + "\nOg mer.\n")

    with Store.open(tmp_path / "home") as store:
        with pytest.raises(UnreadableReportError) as caught:
            ingestor.add(store, path, publish=True, watch=change)

        assert caught.value.reason is Unreadable.DAMAGED
        assert store.reports() == ()


def test_every_kind_is_found_somewhere(base: Base) -> None:
    kinds = {lesson.kind for name in NAMES for lesson in lessons_of(base, name)}

    assert kinds == set(Kind)
