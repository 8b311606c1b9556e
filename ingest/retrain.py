"""``kb train``: shipped examples and staff's decisions into a new head, kept and compared."""

from dataclasses import dataclass
from typing import Any

from ingest.classifier import Head
from ingest.decided import decided_examples
from ingest.marked import shipped_examples
from ingest.pipeline import head_in_use
from ingest.train import compare, remembered, table, train
from kb.config import Config
from kb.embed import Encoder
from kb.store import Store
from kb.taxonomy import load_cues
from kb.text import slugify


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """What came of it: ``decided`` of the ``passages`` come from staff.

    ``old`` and ``new`` are shares of passages decided rightly by heads that had not seen their
    style; None where there was no head to compare with.
    """

    number: int
    is_used: bool
    decided: int
    passages: int
    old: float | None
    new: float | None
    head: Head

    def as_json(self) -> dict[str, Any]:
        """Return it as ``kb train --json`` prints it."""
        return {
            "number": self.number,
            "is_used": self.is_used,
            "decided": self.decided,
            "passages": self.passages,
            "old": self.old,
            "new": self.new,
            "means": self.head.figures["means"],
            "table": table(self.head),
        }


def retrain(config: Config, store: Store, encoder: Encoder) -> Retrained:
    """Train a head on the shipped examples and on what staff decided; use it if it is no worse.

    It is kept either way, and so is the one before. Vectors are remembered under the data folder,
    so that the next time takes seconds.
    """
    cues = load_cues(config.corpus / "cues.toml")
    decided = decided_examples(store)
    examples = (*shipped_examples(config.corpus), *decided)
    memory = config.home / "training" / f"{slugify(encoder.model_id)}.npz"
    embed = remembered(encoder.embed_passages, encoder.model_id, memory)
    new = train(examples, cues, encoder.model_id, embed)
    old = head_in_use(store, config, encoder.model_id, cues)
    verdict = None if old is None else compare(old, new, examples, cues, embed)
    number = store.heads.put(new.as_json())
    is_used = verdict is None or not verdict.is_worse
    if is_used:
        store.heads.activate(number)
    return Retrained(
        number=number,
        is_used=is_used,
        decided=len(decided),
        passages=len(examples),
        old=None if verdict is None else verdict.old,
        new=None if verdict is None else verdict.new,
        head=new,
    )
