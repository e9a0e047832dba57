"""Files that are of other models or settings, changed, damaged or foreign are refused."""

from __future__ import annotations

import copy
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from prune_fits import (
    arrays,
    assert_refused,
    assert_same,
    floats,
    prepared,
    rewrite,
    run,
    state,
)
from safetensors.torch import save_file
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bit_pruning import BitPruning


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run.safetensors"
    run(prepared(), checkpoint=path)
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "seed: 0 in the file, 1 here"),
        ({"eta": 0.2}, r"eta: 0\.1 in the file, 0\.2 here"),
        ({"eta": lambda share: share}, r"eta: 0\.1 in the file, \[0\.0, 0\.2, 0\.4"),
        ({"batch_size": 9}, "batch_size: 8 in the file, 9 here"),
        ({"lr": 0.01}, r"lr: 0\.02 in the file, 0\.01 here"),
        ({"scale_lr": 0.01}, r"scale_lr: None in the file, 0\.01 here"),
        ({"weight_decay": 0}, r"weight_decay: 0\.01 in the file, 0 here"),
        ({"epochs": 6, "accumulate": 2}, "epochs: 5 in .*, 6 here; accumulate: 1 in .*, 2 here"),
        ({"patience": 3}, "patience: None in the file, 3 here"),
        ({"autocast": torch.bfloat16}, r"autocast: None in the file, torch\.bfloat16 here"),
        ({"loss": nn.functional.mse_loss}, "loss: cross entropy in the file, mse_loss here"),
        ({"augment": torch.neg}, "augment: None in the file"),
        ({"validation": None}, "validation: True in the file, False here"),
        ({"data": arrays(28)}, "samples: 29 in the file, 28 here"),
    ],
)
def test_other_settings_are_refused(
    options: dict[str, Any], message: str, path: Path, whole_file: Path
) -> None:
    path.write_bytes(whole_file.read_bytes())
    if "loss" in options:
        options = {**options, "data": (arrays()[0], torch.rand(29, 3))}
        options["validation"] = options["data"]
    assert_refused(path, f"{message}.*call fit as it was called first, or give another", **options)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: prepared("weight_pruning"), r"0: BitPruning\(.* in the file, WeightPruning\(.*"),
        (lambda: prepared(BitPruning(pull=1.5)), r"pull=1\.001.* in the file, .*pull=1\.5"),
        (lambda: prune.prepare(floats(), weight_bits=6), "of 8 bits.* in the file, .*of 6 bits"),
        (lambda: prune.prepare(floats(), act_bits=6), "8 bits.* in the file, .*6 bits"),
        (lambda: prune.prepare(floats(), scale="float"), "scale pow2 in the file, .*scale float"),
        (lambda: prepared(norm=False), "3: None in the file, BitPruning"),
        (
            lambda: prune.prepare(nn.Sequential(nn.Linear(5, 3))),
            "4: BitPruning.* in the file, None",
        ),
    ],
)
def test_other_models_are_refused(
    other: Callable[[], nn.Module], message: str, whole_file: Path, tmp_path: Path
) -> None:
    model = other()
    before = state(model)
    with pytest.raises(PruneError, match=message):
        run(model, checkpoint=whole_file)
    assert_same(state(model), before)
    prune.save(prepared(), tmp_path / "model.safetensors")
    with pytest.raises(PruneError, match=message):
        prune.load(model, tmp_path / "model.safetensors")
    assert_same(state(model), before)


def test_the_stage_of_a_file_is_named(whole_file: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    model = prepared()
    run(model)
    prune.save(model, before)
    finished = prune.finish(copy.deepcopy(model))
    prune.save(finished, after)
    with pytest.raises(PruneError, match=r"before\.safetensors: was written before finish"):
        prune.load(finished, before)
    with pytest.raises(
        PruneError, match=r"written after finish.*call prune\.finish\(model\) first"
    ):
        prune.load(model, after)
    with pytest.raises(PruneError, match="written before finish"):
        run(finished, checkpoint=whole_file)
    again = prune.finish(prepared())
    prune.load(again, after)
    assert_same(state(again), state(finished))
    x = torch.from_numpy(arrays()[0])
    assert torch.equal(again.eval()(x), finished.eval()(x))


def row(document: dict[str, Any], column: int, value: Any) -> None:
    document["history"]["epochs"][1][column] = value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t, d: t.update({"model/0.weight": torch.ones(7, 6)}),
            r"'0\.weight' is float32 \[7, 6",
        ),
        (
            lambda t, d: t.update({"model/0.weight": torch.ones(7, 5).double()}),
            r"is float64 \[7, 5\]",
        ),
        (lambda t, d: t["model/0.weight"].fill_(math.nan), r"'0\.weight' holds NaN or infinity"),
        (lambda t, d: t["best/0.weight"].fill_(math.inf), r"'0\.weight' holds NaN or infinity"),
        (lambda t, d: t.pop("model/0.weight"), r"lacks '0\.weight'"),
        (lambda t, d: t.pop("best/0.weight"), r"lacks '0\.weight'"),
        (lambda t, d: t.update({"model/x": torch.ones(1)}), "has 'x' too many"),
        (lambda t, d: t.update({"other/x": torch.ones(1)}), "unexpected tensor 'other/x'"),
        (lambda t, d: t.update({"optimizer/x.step": torch.ones(1)}), "optimiser state of no param"),
        (lambda t, d: t.pop("optimizer/0.weight.exp_avg"), r"'0\.weight': lacks 'exp_avg'"),
        (lambda t, d: t["optimizer/0.weight.exp_avg"].fill_(math.nan), "'exp_avg' holds NaN"),
        (lambda t, d: t["optimizer/0.weight.exp_avg_sq"].fill_(-1), "a square below 0"),
        (lambda t, d: t["optimizer/0.weight.step"].fill_(-1), "a step below 1"),
        (lambda t, d: t["model/bitfpga_quantisers._2.state"].fill_(9), "state 9 is not one of"),
        (lambda t, d: t["best/bitfpga_quantisers._2.state"].fill_(9), "state 9 is not one of"),
        (lambda t, d: d["history"].update(best_epoch=None), "a best state without its epoch"),
        (lambda t, d: d["history"].update(best_epoch=5), "best epoch is none of its epochs"),
        (lambda t, d: d["history"].update(best_epoch=True), "best epoch is none of its epochs"),
        (lambda t, d: d["history"].pop("best_epoch"), "its history lacks 'best_epoch'"),
        (lambda t, d: d.update(history=[1]), "its history lacks 'epochs'"),
        (lambda t, d: d.pop("history"), "its history lacks 'epochs'"),
        (lambda t, d: d["history"].update(epochs=7), "is not a list of the epochs"),
        (lambda t, d: d["history"].update(epochs=[[]] * 6), "is not a list of the epochs"),
        (lambda t, d: d["history"].update(epochs=[[]] * 5), "row 0 of its history is damaged"),
        (lambda t, d: row(d, 0, 7), "row 1 of its history is damaged"),
        (lambda t, d: row(d, 0, True), "row 1 of its history is damaged"),
        (lambda t, d: row(d, 1, "1"), "row 1 of its history holds something else than finite"),
        (lambda t, d: row(d, 2, [[]]), "row 1 of its history holds something else"),
        (lambda t, d: row(d, 3, None), "row 1 of its history holds something else"),
        (lambda t, d: row(d, 1, math.nan), "NaN is not a number"),
        (lambda t, d: d.update(format="x"), "format x version 1, but 'bitfpga-run'"),
        (lambda t, d: d.update(version=[[[2]]]), r"version \[\[\[2\]\]\], but"),
        (lambda t, d: d.update(settings=3), "damaged description"),
        (
            lambda t, d: d["settings"].update(lr={"a": [[1] * 9] * 99}),
            r"lr: {'a': \[\[1, 1.* in the",
        ),
        (lambda t, d: d["settings"].update(more=1), "more: 1 in the file, None here"),
        (lambda t, d: d["model"].pop("0"), "0: None in the file, BitPruning"),
    ],
)
def test_changed_files_are_refused(
    change: Callable[..., object], message: str, path: Path, whole_file: Path
) -> None:
    rewrite(whole_file, path, change)
    assert_refused(path, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "not an object"),
        ("{", "damaged description"),
        ("[" * 100_000, "damaged description"),
        ('{"a": 1' + "0" * 9999 + "}", "damaged description|format None"),
        (None, r"was not written by bitfpga"),
    ],
)
def test_foreign_descriptions_are_refused(text: str | None, message: str, path: Path) -> None:
    save_file({"x": torch.ones(1)}, path, None if text is None else {"bitfpga": text})
    assert_refused(path, message)


def test_damaged_files_are_refused(path: Path, whole_file: Path) -> None:
    data = whole_file.read_bytes()
    for part in (data[:0], data[:7], data[:100], data[:-1], data + b"x", b"\xff" * 99, b"PK" * 99):
        path.write_bytes(part)
        assert_refused(path, "damaged .safetensors file|cannot read it")


def test_a_truncated_model_is_refused(path: Path) -> None:
    model = prepared()
    prune.save(model, path)
    data = path.read_bytes()
    for size in range(0, len(data), len(data) // 23):
        path.write_bytes(data[:size])
        with pytest.raises(PruneError, match=r"damaged|cannot read"):
            prune.load(model, path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    for job in (prune.save, lambda model, path: run(model, checkpoint=path)):
        with pytest.raises(PruneError, match="is a folder; give a file name"):
            job(prepared(), folder)
    with pytest.raises(PruneError, match="not a file"):
        prune.load(prepared(), folder)
    with pytest.raises(PruneError, match=r"cannot read it \(No such file"):
        prune.load(prepared(), tmp_path / "none.safetensors")
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    with pytest.raises(PruneError, match="not a file"):
        run(prepared(), checkpoint=pipe)


def test_files_of_one_kind_are_not_taken_for_the_other(path: Path, whole_file: Path) -> None:
    prune.save(prepared(), path)
    assert_refused(path, r"is a file for prune\.load, but prune\.fit\(checkpoint=\.\.\.\) was")
    with pytest.raises(PruneError, match=r"is a file for prune\.fit\(checkpoint=\.\.\.\), but"):
        prune.load(prepared(), whole_file)


def test_nothing_in_a_file_is_a_pickle(whole_file: Path) -> None:
    data = whole_file.read_bytes()
    assert not re.search(rb"PK\x03\x04|\x80[\x02-\x05]c|torch\._utils", data)
    assert oct(whole_file.stat().st_mode & 0o777) == "0o644"
