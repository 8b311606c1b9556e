"""Teach the encoder to read questions; writes ``kb/data/questions.npz``.

    python corpus/adapt.py       # measure on styles left out, then learn of all: 10 minutes on two cores

Only the reading of questions is taught: what is stored of passages is the plain model's and stays. The
upper layers get thin matrices beside their weights (LoRA, Hu et al., ICLR 2022). They learn to bring the
scores that rank (kb/ranking.py, less its words) of the passage that answers above those of others: the
other answers of a batch and the passages that the plain model takes for answers. Passages that say nearly
the same as the answer are left out. A second term keeps what is read near the plain reading.

The same questions, passages, model and seed give the same ranking, not the same bytes on any machine.
"""

import copy
import math
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import curriculum  # before torch: it imports kb.embed, which quiets OpenMP
import numpy as np
import torch
from curriculum import Asked, Told
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn import functional

from kb.embed import DEFAULT_ID, checked_queries, open_encoder
from kb.forward import Addition, write_addition
from kb.text import language_of, sentences
from kb.tokens import weights

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("TEST_MODEL_CACHE", ROOT / ".kb" / "test-models"))

HELD_OUT = ("auditor-nb", "institute-nn", "own-final-en", "status-review")
"""House styles whose questions are asked when it is measured, and not learned from then."""

SEED = 1
LOWEST, RANK = 8, 16
"""The first layer, from 0, that is taught, and how thin the matrices are."""
EPOCHS, BATCH, RATE = 3, 48, 1e-3
HARD, AMONG = 3, 60
"""So many hard negatives for a question, drawn anew each time from so many."""
SHARPNESS = 12.0
NEAR_PLAIN = 20.0
"""What a distance of 1 (in cosine) from the plain reading costs."""
NEAR, NEAR_SAME_THEME = 0.40, 0.25
"""A passage at such a centred cosine from the answer may be an answer too: it is no negative."""
KEPT = 0.4
"""So much of what was learned is kept: less than half of the way from the plain reading loses little that it
did well, and still gains (Wortsman et al., CVPR 2022; docs/adr/0018)."""
LATE, SHARED = 3.0, 0.9
"""As in kb/ranking.py and kb/tokens.py."""
_ADAPTED = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


# ---- the two sides of the scores


class Passages:
    """The passages as search sees them: centred by language, with the vectors of their tokens."""

    def __init__(self, told: Sequence[Told], encoder: Any) -> None:
        self.told = told
        cut = [sentences(one.text) for one in told]
        flat = [sentence for own in cut for sentence in own]
        vectors = torch.from_numpy(encoder.embed_passages([one.text for one in told] + flat))
        tokens = encoder.embed_tokens([one.text for one in told])
        spoken = [language_of(one.text) for one in told]
        self.languages = sorted(set(spoken))
        tongue = torch.tensor([self.languages.index(one) for one in spoken])
        owner = torch.tensor([number for number, own in enumerate(cut) for _ in own])
        self.sentence_starts = np.cumsum([0, *map(len, cut)])
        quotes = vectors[: len(told)]
        self.means = torch.stack(
            [quotes[tongue == number].mean(dim=0) for number in range(len(self.languages))]
        )
        self.quotes = unit(quotes - self.means[tongue])
        self.sentences = unit(vectors[len(told) :] - self.means[tongue[owner]])
        lengths = [len(one.ids) for one in tokens]
        self.token_starts = np.cumsum([0, *lengths])
        rows = np.concatenate(
            [one.cells * one.scales[:, None].astype(np.float32) for one in tokens]
        )
        away = self.means[tongue].repeat_interleave(torch.tensor(lengths), dim=0)
        self.tokens = unit(torch.from_numpy(rows.astype(np.float32)) - SHARED * away)
        kinds = [np.unique(one.ids) for one in tokens]
        self.holding = np.bincount(np.concatenate(kinds), minlength=1 << 18)
        self.names = {one.name: number for number, one in enumerate(told)}

    def near(self, answers: Tensor) -> Tensor:
        """Return for each answer which other passages may answer too, (answers, passages)."""
        themes = sorted({theme for one in self.told for theme in one.themes})
        carried = torch.tensor([[theme in one.themes for theme in themes] for one in self.told])
        main = torch.tensor(
            [themes.index(self.told[number].themes[0]) for number in answers.tolist()]
        )
        cosines = self.quotes[answers] @ self.quotes.T
        near = (cosines > NEAR) | (carried[:, main].T & (cosines > NEAR_SAME_THEME))
        near[torch.arange(len(answers)), answers] = False
        return near


class Reader(nn.Module):
    """The model's upper layers, reading questions from where the plain lower ones end."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(list(plain.encoder.layer[LOWEST:])))
        self.requires_grad_(requires_grad=False)
        for layer in self.layers:
            for name in _ADAPTED:
                parent, _, last = name.rpartition(".")
                owner = layer.get_submodule(parent)
                setattr(owner, last, Thin(getattr(owner, last)))

    def forward(self, below: Sequence[Tensor]) -> list[Tensor]:
        """Return the last layer's vectors of each question's tokens."""
        lengths = [len(one) for one in below]
        hidden = nn.utils.rnn.pad_sequence(list(below), batch_first=True)
        is_blank = torch.arange(hidden.shape[1])[None, :] >= torch.tensor(lengths)[:, None]
        for layer in self.layers:
            hidden = layer(hidden, is_blank[:, None, None, :] * -1e9)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        return [hidden[number, :length] for number, length in enumerate(lengths)]

    def addition(self) -> Addition:
        """Return what was learned, by the names of the weights."""
        return {
            f"encoder.layer.{LOWEST + number}.{name}": (
                layer.get_submodule(name).down.detach().numpy(),
                KEPT * layer.get_submodule(name).up.detach().numpy(),
            )
            for number, layer in enumerate(self.layers)
            for name in _ADAPTED
        }


class Thin(nn.Module):
    """A linear layer with a thin learned one beside it, which begins as nothing."""

    def __init__(self, plain: nn.Linear) -> None:
        super().__init__()
        self.plain = plain
        self.down = nn.Parameter(
            torch.randn(plain.in_features, RANK) / math.sqrt(plain.in_features)
        )
        self.up = nn.Parameter(torch.zeros(RANK, plain.out_features))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return both together; when it is taught, only what is kept of the learned one."""
        share = 1.0 if self.training else KEPT
        return self.plain(x) + share * (self.dropout(x) @ self.down @ self.up)


@dataclass(frozen=True)
class Read:
    """A question that is read as far as nothing is taught.

    ``below`` and ``plain`` are the vectors of its tokens below the first layer that is taught and of
    the last one; ``shares`` what each of its own tokens counts; ``lead`` how many come before those.
    """

    below: Tensor
    plain: Tensor
    shares: Tensor
    mean: Tensor
    lead: int


def read(asked: Sequence[Asked], model: SentenceTransformer, among: Passages) -> list[Read]:
    """Read questions by the plain model."""
    bert, found = model[0].auto_model.eval(), []
    lead = len(model.tokenizer("query:")["input_ids"]) - 1
    for one in asked:
        [text] = checked_queries([one.text])
        ids = model.tokenizer(f"query: {text}", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            hidden = bert(input_ids=ids, output_hidden_states=True).hidden_states
        own = ids[0, lead:-1].numpy().astype(np.int32)
        shares = weights(own, among.holding[own], len(among.told))
        language = language_of(one.text)
        mean = (
            among.means[among.languages.index(language)]
            if language in among.languages
            else among.means.mean(dim=0)
        )
        found.append(Read(hidden[LOWEST][0], hidden[-1][0], torch.from_numpy(shares), mean, lead))
    return found


def unit(vectors: Tensor) -> Tensor:
    """Return ``vectors`` with length 1."""
    return functional.normalize(vectors, dim=-1)


def meaning(
    asked: Sequence[Read], hidden: Sequence[Tensor], among: Passages, which: Sequence[int]
) -> Tensor:
    """Return the sum of the passage and sentence cosines with the passages of these numbers."""
    vectors = unit(torch.stack([one.mean(dim=0) for one in hidden]))
    centred = unit(vectors - torch.stack([one.mean for one in asked]))
    rows, lengths = _rows(among.sentence_starts, which)
    return (
        centred @ among.quotes[list(which)].T + _best(among.sentences[rows] @ centred.T, lengths).T
    )


def late(
    asked: Sequence[Read], hidden: Sequence[Tensor], among: Passages, which: Sequence[int]
) -> Tensor:
    """Return the MaxSim of questions with the passages of these numbers."""
    rows, lengths = _rows(among.token_starts, which)
    own = [
        unit(unit(vectors[one.lead : -1]) - SHARED * one.mean)
        for one, vectors in zip(asked, hidden, strict=True)
    ]
    best = _best(among.tokens[rows] @ torch.cat(own).T, lengths)
    shares = torch.cat([one.shares for one in asked])
    parts = (best * shares).split([len(one) for one in own], dim=1)
    return torch.stack([part.sum(dim=1) for part in parts])


def _rows(starts: NDArray[np.int64], which: Sequence[int]) -> tuple[NDArray[np.int64], list[int]]:
    """Return the rows of these passages, and how many each has."""
    spans = [np.arange(starts[one], starts[one + 1]) for one in which]
    return np.concatenate(spans), [len(one) for one in spans]


def _best(cosines: Tensor, lengths: Sequence[int]) -> Tensor:
    """Return the highest of each passage's rows, (passages, columns)."""
    return torch.stack([part.max(dim=0).values for part in cosines.split(list(lengths))])


# ---- learning and measuring


def learn(
    asked: Sequence[Asked], known: Sequence[Read], among: Passages, plain: nn.Module
) -> Reader:
    """Return what ``asked`` teaches."""
    torch.manual_seed(SEED)
    dice = random.Random(SEED)  # noqa: S311  # for a shuffle
    reader = Reader(plain).train()
    answers = torch.tensor([among.names[one.answer] for one in asked])
    near = among.near(answers)
    with torch.no_grad():
        first = meaning(known, [one.plain for one in known], among, range(len(among.told)))
    first[near] = first[torch.arange(len(answers)), answers] = -9.0
    hard = first.topk(AMONG).indices.tolist()
    taught = [one for one in reader.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(taught, lr=RATE, weight_decay=0.01)
    steps = EPOCHS * math.ceil(len(asked) / BATCH)
    slope = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(10 * (step + 1) / steps, 1 - step / steps)
    )
    for epoch in range(EPOCHS):
        lost = 0.0
        for batch in _batches(known, dice):
            drawn = {other for number in batch for other in dice.sample(hard[number], HARD)}
            which = sorted(drawn | {int(answers[number]) for number in batch})
            loss = _loss(
                reader,
                [known[number] for number in batch],
                among,
                which,
                torch.tensor([which.index(int(answers[number])) for number in batch]),
                near[batch][:, which],
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(taught, 1.0)
            optimiser.step()
            slope.step()
            lost += float(loss.detach()) * len(batch) / len(asked)
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {lost:.2f}", flush=True)
    return reader.eval()


def _batches(known: Sequence[Read], dice: random.Random) -> list[list[int]]:
    """Return all questions in batches of like length, so that little is padded."""
    order = sorted(range(len(known)), key=lambda number: (len(known[number].below), dice.random()))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    dice.shuffle(batches)
    return batches


def _loss(
    reader: Reader,
    asked: Sequence[Read],
    among: Passages,
    which: Sequence[int],
    right: Tensor,
    near: Tensor,
) -> Tensor:
    hidden = reader([one.below for one in asked])
    first = meaning(asked, hidden, among, which)
    second = late(asked, hidden, among, which)
    both = (first + LATE * second) / 2
    missed = sum(
        functional.cross_entropy((SHARPNESS * scores).masked_fill(near, -1e4), right)
        for scores in (both, first, 2 * second)
    )
    plain = [one.plain for one in asked]
    whole = functional.cosine_similarity(
        torch.stack([one.mean(dim=0) for one in hidden]),
        torch.stack([one.mean(dim=0) for one in plain]),
    )
    tokens = functional.cosine_similarity(torch.cat(hidden), torch.cat(plain))
    return missed + NEAR_PLAIN * (2 - whole.mean() - tokens.mean())


def measure(asked: Sequence[Asked], known: Sequence[Read], among: Passages, reader: Reader) -> None:
    """Print how often the answer is found with plain and with taught reading, by slice."""
    answers = [among.names[one.answer] for one in asked]
    with torch.no_grad():
        found = np.array(
            [
                [
                    _reciprocal_rank(one, hidden, among, answer)
                    for hidden in (one.plain, reader([one.below])[0])
                ]
                for one, answer in zip(known, answers, strict=True)
            ]
        )
    slices: dict[str, list[int]] = {"all": []}
    for number, one in enumerate(asked):
        for name in ("all", one.language, one.style, one.group):
            slices.setdefault(name, []).append(number)
    for name, numbers in slices.items():
        before, after = found[numbers].mean(axis=0)
        print(f"{name:24} {len(numbers):5} questions, MRR@10 {before:.3f} → {after:.3f}")


def _reciprocal_rank(asked: Read, hidden: Tensor, among: Passages, answer: int) -> float:
    first = meaning([asked], [hidden], among, range(len(among.told)))[0]
    top = first.topk(50).indices
    scores = first[top] + LATE * late([asked], [hidden], among, top.tolist())[0]
    ranked = top[scores.argsort(descending=True)][:10].tolist()
    return 1 / (1 + ranked.index(answer)) if answer in ranked else 0.0


def main() -> None:
    """Measure, learn and write."""
    torch.set_num_threads(2)
    asked, file = curriculum.questions(), curriculum.FILE
    among = Passages(curriculum.passages(), open_encoder("default", CACHE))
    model = SentenceTransformer(
        str(CACHE / "models" / DEFAULT_ID),
        device="cpu",
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
    )
    known, plain = read(asked, model, among), model[0].auto_model
    kept = [number for number, one in enumerate(asked) if one.group not in HELD_OUT]
    out = [number for number, one in enumerate(asked) if one.group in HELD_OUT]
    reader = learn([asked[i] for i in kept], [known[i] for i in kept], among, plain)
    measure([asked[i] for i in out], [known[i] for i in out], among, reader)
    write_addition(learn(asked, known, among, plain).addition(), file, curriculum.digest())
    print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB from {len(asked)} questions")


if __name__ == "__main__":
    main()
