"""The two data files load, and a slip in them is refused with its place named."""

from pathlib import Path

import pytest

from kb.domain import Kind, Phase, ProgrammeType, ReportType
from kb.errors import TaxonomyError
from kb.taxonomy import LANGUAGES, Cues, SectionRole, Taxonomy, cue_text, load_cues, load_taxonomy

CORPUS = Path(__file__).resolve().parents[2] / "corpus"

WORDING = 'nb = "Navn"\nnn = "Namn"\nen = "Name"\n'
DEFINITION = 'definition_nb = "Om navn."\ndefinition_nn = "Om namn."\ndefinition_en = "On names."\n'
GROUP = f'[[group]]\nid = "g"\n{WORDING}'
THEME = (
    f'[[theme]]\nid = "navn"\ngroup = "g"\n{WORDING}{DEFINITION}'
    "cues = ['navn']\nprototype = [\"Navnet passet.\"]\n"
)
TERMS = "".join(
    f'[[{table}]]\nid = "{member}"\n{WORDING}'
    for table, members in (
        ("kind", Kind),
        ("phase", Phase),
        ("report_type", ReportType),
        ("programme_type", ProgrammeType),
    )
    for member in members
)
SMALLEST = f"version = 1\n{GROUP}{THEME}{TERMS}"

PLACE = "[place]\nopening = 0\nbrief = 0\nample = 0\ntable_row = 0\n"
SECTION = (
    '[[section]]\nrole = "lesson"\nprior = 1\nbullet = 1\nlabel = "x"\npatterns = [\'lærdom\']\n'
)
CUE = (
    '[[cue]]\nid = "ought"\nweight = 1.5\nlabel = "x"\n'
    "kinds = { warning = 1 }\nnb = ['\\bbør\\b']\n"
)
SMALLEST_CUES = f"threshold = 2\nfloor = 1\nleast_share = 0.3\njoined = 1\n{PLACE}{SECTION}{CUE}"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy(CORPUS / "taxonomy.toml")


@pytest.fixture(scope="module")
def cues() -> Cues:
    return load_cues(CORPUS / "cues.toml")


def a_file(folder: Path, text: str) -> Path:
    path = folder / "data.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_taxonomy_names_everything_in_three_languages(taxonomy):
    named = [
        *taxonomy.groups,
        *taxonomy.themes,
        *taxonomy.kinds,
        *taxonomy.phases,
        *taxonomy.report_types,
        *taxonomy.programme_types,
    ]

    assert all(one.label.in_language(language) for one in named for language in LANGUAGES)
    assert [kind.id for kind in taxonomy.kinds] == list(Kind)
    assert all(phase.cues for phase in taxonomy.phases)


def test_every_theme_hangs_in_a_group_and_is_found_by_its_id(taxonomy):
    by_group = [theme.id for group in taxonomy.groups for theme in taxonomy.themes_in(group.id)]

    assert sorted(by_group) == sorted(theme.id for theme in taxonomy.themes)
    assert all(taxonomy.theme(theme.id) is theme for theme in taxonomy.themes)
    assert taxonomy.theme("no-such-theme") is None


def test_a_themes_own_examples_hold_one_of_its_cues(taxonomy):
    silent = [
        (theme.id, text)
        for theme in taxonomy.themes
        for text in theme.prototype
        if not any(p.search(cue_text(text)) for p in (*theme.cues, *theme.weak_cues))
    ]

    assert len(silent) <= 0.1 * sum(len(theme.prototype) for theme in taxonomy.themes), silent


def test_a_page_in_an_unknown_language_gets_bokmaal(taxonomy):
    label = taxonomy.theme("navn").label

    assert label.in_language("se") == label.nb
    assert label.in_language("nn") == label.nn


def test_cue_text_is_one_folded_line():
    assert cue_text("  Vi\nBØR\u00ad  ") == "vi bør"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(SMALLEST.replace('group = "g"', 'group = "h"'), "group.*one of g", id="group"),
        pytest.param(
            SMALLEST.replace("cues = ['navn']", "cues = ['(navn']"),
            "theme «navn»: cues, number 1.*regular expression",
            id="a cue that is no expression",
        ),
        pytest.param(
            SMALLEST.replace("cues = ['navn']\n", ""), "«navn»: cues.*at least", id="none"
        ),
        pytest.param(SMALLEST.replace('nn = "Namn"\n', "", 1), "«g»: nn: expected a text", id="nn"),
        pytest.param(
            SMALLEST.replace("prototype = [", "prototypes = ["), "«navn»: prototypes", id="misspelt"
        ),
        pytest.param(SMALLEST + THEME, "'navn'.*found twice", id="twice"),
        pytest.param(
            SMALLEST.replace('id = "warning"', 'id = "pitfall"'), "kind.*pitfall", id="kind"
        ),
        pytest.param("version = 1\n", "at least one", id="nothing in it"),
        pytest.param("version = \n", "expected TOML", id="not TOML"),
        pytest.param(SMALLEST + 'colour = "red"\n', "colour", id="an unknown key"),
    ],
)
def test_a_wrong_taxonomy_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(TaxonomyError, match=message):
        load_taxonomy(a_file(tmp_path, text))


def test_a_missing_file_is_a_taxonomy_error(tmp_path):
    with pytest.raises(TaxonomyError, match="can be read"):
        load_taxonomy(tmp_path / "none.toml")


def test_the_smallest_files_load(tmp_path):
    assert load_taxonomy(a_file(tmp_path, SMALLEST)).theme("navn").weak_cues == ()
    assert load_cues(a_file(tmp_path, SMALLEST_CUES)).cues[0].kinds == {Kind.WARNING: 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            SMALLEST_CUES.replace("1.5", '"much"'), "«ought»: weight.*a number", id="weight"
        ),
        pytest.param(SMALLEST_CUES.replace("1.5", "true"), "weight: expected a number", id="flag"),
        pytest.param(
            SMALLEST_CUES.replace('"lesson"', '"lessons"'), "role.*one of lesson", id="role"
        ),
        pytest.param(
            SMALLEST_CUES.replace("warning = 1", "danger = 1"), "kinds: danger", id="kind"
        ),
        pytest.param(SMALLEST_CUES.replace("nb = [", "no = ["), "«ought»: no", id="language"),
        pytest.param(SMALLEST_CUES.replace("\\b'", "\\b('"), "number 1.*regular", id="expression"),
        pytest.param(SMALLEST_CUES.replace(PLACE, ""), "place: expected a table", id="place"),
        pytest.param(SMALLEST_CUES + CUE, "found twice", id="twice"),
        pytest.param(
            SMALLEST_CUES.replace("kinds", "governs_list = 1\nkinds"), "true or false", id="governs"
        ),
    ],
)
def test_wrong_cues_are_refused_with_their_place(tmp_path, text, message):
    with pytest.raises(TaxonomyError, match=message):
        load_cues(a_file(tmp_path, text))


def test_the_shipped_cues_speak_all_three_languages(cues):
    lessons = [cue for cue in cues.cues if cue.weight > 0]

    assert cues.joined <= cues.floor < cues.threshold
    assert {section.role for section in cues.sections} == set(SectionRole)
    assert all(cue.patterns[language] for cue in lessons for language in LANGUAGES)
    assert any(cue.weight < 0 for cue in cues.cues)


@pytest.mark.parametrize(
    ("cue", "language", "sentence", "expected"),
    [
        ("ought", "nb", "styret bør møtes oftere.", "bør"),
        ("ought", "nn", "ein må avklare dette tidleg.", "må"),
        ("ought", "en", "the board should meet more often.", "should"),
        ("ought", "en", "styret bør møtes oftere.", None),
        ("counterfactual", "nb", "fellesskapet vokste.", None),
        ("counterfactual", "nb", "ellers går tiden til å trekke grenser.", "ellers"),
        ("shortfall", "nb", "løsningen ble valgt av formannskapet.", None),
        ("imperative", "nb", "sats på hallingdal var navnet.", None),
        ("lead-in", "nb", "dette kan andre lære av:", ":"),
    ],
)
def test_a_cue_is_whole_words_of_its_language(cues, cue, language, sentence, expected):
    found = next(one for one in cues.cues if one.id == cue).found_in(sentence, language)

    assert found == expected
