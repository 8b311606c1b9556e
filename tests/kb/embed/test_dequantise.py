"""The folder that is built of the 4-bit file: the arithmetic, and the seal that guards it."""

import json
from pathlib import Path

import numpy as np
import pytest

from kb import dequantise


def test_a_block_holds_low_nibbles_then_high_ones_each_minus_eight():
    block = np.zeros(1, dequantise._BLOCK)
    block["scale"] = 0.5
    block["nibbles"][0] = [16 * (15 - i) + i for i in range(16)]

    values = dequantise._fp16(block)[0]

    assert values.dtype == np.float16
    assert values[:16].tolist() == [(i - 8) * 0.5 for i in range(16)]
    assert values[16:].tolist() == [(7 - i) * 0.5 for i in range(16)]


def test_another_file_is_refused(tmp_path):
    source = tmp_path / "other.bin"
    source.write_bytes(b"GGUF" + bytes(100))

    with pytest.raises(ValueError, match="E5S1"):
        dequantise.build_folder(source, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(1000))
    (folder / "1_Pooling" / "config.json").write_text("{}")
    dequantise.seal(folder, "m-1")
    return folder


def test_a_sealed_folder_is_intact(folder):
    (folder / ".manifest.json.part").write_text("left by a crash")

    assert dequantise.is_sealed(folder, "m-1")
    assert not dequantise.is_sealed(folder, "m-2")


def _flip_a_byte(folder: Path) -> None:
    (folder / "weights").write_bytes(bytes(999) + b"\1")


def _write_half_a_manifest(folder: Path) -> None:
    manifest = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(manifest[: len(manifest) // 2])


def _forget_the_source(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"source": "another"}))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_flip_a_byte, id="a byte is flipped"),
        pytest.param(lambda f: (f / "weights").write_bytes(bytes(500)), id="a file is cut short"),
        pytest.param(lambda f: (f / "1_Pooling" / "config.json").unlink(), id="a file is gone"),
        pytest.param(lambda f: (f / "extra.py").write_text(""), id="a file was added"),
        pytest.param(lambda f: (f / "manifest.json").unlink(), id="no manifest"),
        pytest.param(_write_half_a_manifest, id="half a manifest"),
        pytest.param(_forget_the_source, id="another source"),
    ],
)
def test_a_damaged_folder_is_not_sealed(folder, damage):
    damage(folder)

    assert not dequantise.is_sealed(folder, "m-1")
