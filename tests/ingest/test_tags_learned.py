"""What labelled lessons and confirmed neighbours add to the themes, and the file it comes from."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.examples import BUCKETS, Examples, Weights, load_examples, save_examples, word_rows
from ingest.tags import Confirmed, tag_lessons
from kb.domain import AssignedBy
from kb.embed import DEFAULT_ID
from kb.errors import TaxonomyError
from tests.fakes import WordHashEncoder
from tests.ingest.test_tags import AXES, CORPUS, TAXONOMY, THEMES, a_candidate, towards

WEIGHTS = Weights(
    intercept=-4.0, first_cue=2.0, further_cue=1.0, weak_cue=0.3, heading=2.0, leaning=0.4,
    learned=8.0, vote=6.0,
)  # fmt: skip


def taught(theme="navn", word="skiltet"):
    """Examples that know one word of one theme."""
    by_word = np.zeros((BUCKETS, len(THEMES)), np.float32)
    by_word[word_rows([word])[0] > 0, THEMES.index(theme)] = 1.0
    return Examples(
        model_id="test",
        themes=tuple(THEMES),
        mean=np.full(len(THEMES), 0.0894, np.float32),
        rarity=np.ones(BUCKETS, np.float32),
        by_vector=np.zeros((len(THEMES), len(THEMES)), np.float32),
        by_word=by_word,
        base=np.zeros(len(THEMES), np.float32),
        weights=WEIGHTS,
    )


def tags_of(quote, *, vector, examples=None, confirmed=None):
    (one,) = tag_lessons(
        [a_candidate(quote, section=())],
        vector[None, :],
        AXES,
        TAXONOMY,
        examples=examples,
        confirmed=confirmed,
    )
    return one.tags


def test_a_word_known_from_labelled_lessons_sets_a_theme_and_is_named():
    (tag, *_) = tags_of("De malte skiltet om.", vector=towards(), examples=taught())

    assert tag.theme == "navn"
    assert tag.assigned_by is AssignedBy.MODEL
    assert "told like known lessons on this theme: «skiltet»" in tag.reason


def test_the_nearest_confirmed_lessons_vote_for_their_theme():
    vector = towards("navn", "maal")
    confirmed = Confirmed(
        vectors=np.stack([vector, vector, towards("nettverk")]),
        themes=[("kompetanse",), ("kompetanse",), ("nettverk",)],
    )

    (tag, *_) = tags_of("De malte om.", vector=vector, examples=taught(), confirmed=confirmed)

    assert tag.theme == "kompetanse"
    assert "nearest confirmed lessons in other reports carry this theme" in tag.reason


def test_confirmed_lessons_far_away_decide_nothing():
    far = Confirmed(vectors=towards("nettverk")[None, :], themes=[("kompetanse",)])
    vector = towards("navn")

    alone = tags_of("De malte om.", vector=vector, examples=taught())
    with_far = tags_of("De malte om.", vector=vector, examples=taught(), confirmed=far)

    assert [t.theme for t in with_far] == [t.theme for t in alone]
    assert all("confirmed" not in tag.reason for tag in with_far)


def test_no_confirmed_lessons_are_as_good_as_none():
    nothing = Confirmed(vectors=np.zeros((0, len(THEMES)), np.float32), themes=[])

    assert tags_of("De malte om.", vector=towards("navn"), examples=taught()) == tags_of(
        "De malte om.", vector=towards("navn"), examples=taught(), confirmed=nothing
    )


def test_what_was_learned_comes_back_from_its_file(tmp_path):
    path = tmp_path / "themes.npz"
    save_examples(path, taught(), "digest")

    found = load_examples(path, THEMES, "test")

    assert found is not None
    assert found.weights == WEIGHTS
    np.testing.assert_allclose(found.by_word, taught().by_word, atol=0.01)
    assert load_examples(path, THEMES, "another model") is None
    assert load_examples(tmp_path / "none.npz", THEMES, "test") is None


def test_a_theme_that_nothing_was_learned_of_scores_nothing(tmp_path):
    path = tmp_path / "themes.npz"
    save_examples(path, replace(taught(), base=np.ones(len(THEMES), np.float32)), "digest")

    found = load_examples(path, ["ny", *THEMES], "test")

    assert found is not None
    scores = found.scores(["De malte om."], towards("navn")[None, :])
    assert scores[0, 0] == 0
    assert scores[0, 1:].tolist() == pytest.approx([1.0] * len(THEMES))


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "themes.npz"
    path.write_bytes(b"not numbers")

    with pytest.raises(TaxonomyError, match=r"themes\.npz"):
        load_examples(path, THEMES, "test")


# --- the shipped file -----------------------------------------------------------------------------


def the_tool():
    spec = importlib.util.spec_from_file_location("learn_themes", CORPUS / "learn_themes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shipped_file_is_small_and_knows_every_theme():
    path = CORPUS / "themes.npz"
    found = load_examples(path, THEMES, DEFAULT_ID)

    assert path.stat().st_size <= 300_000
    assert found is not None
    assert (np.abs(found.by_word).sum(axis=0) > 0).all()


def test_the_shipped_file_was_made_of_the_labels_as_they_are():
    """If this fails, run ``python corpus/learn_themes.py``."""
    checked = subprocess.run(
        [sys.executable, str(CORPUS / "learn_themes.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr


def test_the_same_labels_give_the_same_bytes(tmp_path: Path, capsys):
    tool = the_tool()
    encoder = WordHashEncoder()
    found = [one for one in tool.labels() if one.group in {"nordlia", "granvika"}]
    vectors = encoder.embed_passages([one.quote for one in found])
    prototypes = tool.theme_prototypes(TAXONOMY, encoder.embed_passages)
    for name in ("first", "second"):
        learned = tool.learn(found, TAXONOMY, vectors, prototypes, "test")
        save_examples(tmp_path / name, learned, tool.digest(found))

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert "all reports" in capsys.readouterr().out
