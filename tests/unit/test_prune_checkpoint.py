"""Runs that are cut off and go on bit for bit, and files that are damaged, foreign or hostile."""

from __future__ import annotations

import copy
import importlib
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from prune_fits import EPOCHS, EVERY_METHOD, arrays, assert_same, floats, prepared, run, state
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError
from bitfpga.prune.bit_pruning import BitPruning
from bitfpga.prune.training import Trainer

# What a run calls, how often before it is cut off, and whether the call itself is still done.
CUTS = [
    ("run_file.write_tensors", 1, False),  # before there is any file
    ("run_file.write_tensors", 1, True),  # between the first file and the first epoch
    ("training.advance", 1, True),
    ("training.penalty", 3, False),  # in the first epoch, between forward and backward
    ("training.step", 2, False),  # in the first epoch, right after the optimiser
    ("training.step", 17, True),  # in the fifth, when weights are held
    ("training.penalty", 14, True),
    ("training.digits_per_weight", 3, False),  # after an epoch's training
    ("run_file.write_tensors", 4, False),  # after an epoch, before it is written
    ("run_file.write_tensors", 4, True),  # between two epochs
    ("tensor_file.os.replace", 3, False),  # while the file is written
]


def patched(place: str) -> tuple[Any, str]:
    """Return the object and the attribute that a dotted place stands for."""
    module, *inner, name = place.split(".")
    target: Any = importlib.import_module(f"bitfpga.prune.{module}")
    for each in inner:
        target = getattr(target, each)
    return target, name


def cut_off(place: str, n_calls: int, is_done: bool, job: Callable[[], object]) -> None:
    """Run ``job`` until the call of that number is interrupted, as by Ctrl-C."""
    target, name = patched(place)
    whole, calls = getattr(target, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(0)
        if len(calls) == n_calls and not is_done:
            raise KeyboardInterrupt
        result = whole(*args, **kwargs)
        if len(calls) == n_calls:
            raise KeyboardInterrupt
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, call)
        with pytest.raises(KeyboardInterrupt):
            job()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


@pytest.fixture(scope="module")
def uninterrupted() -> Callable[[str], tuple[prune.History, dict[str, torch.Tensor]]]:
    """Return ``of(method)``: history and last state of a whole run, without a file."""
    known: dict[str, Any] = {}

    def of(method: str) -> tuple[prune.History, dict[str, torch.Tensor]]:
        if method not in known:
            model = prepared(method)
            known[method] = run(model), state(model)
        return known[method]

    return of


@EVERY_METHOD
@pytest.mark.parametrize(("place", "n_calls", "is_done"), CUTS)
def test_an_interrupted_run_goes_on_bit_for_bit(
    method: str, place: str, n_calls: int, is_done: bool, path: Path, uninterrupted: Any
) -> None:
    history, last = uninterrupted(method)
    model = prepared(method)
    cut_off(place, n_calls, is_done, lambda: run(model, checkpoint=path))
    assert [each.name for each in path.parent.iterdir()] in ([], [path.name])
    anew = prepared(method)
    if path.exists():
        kept = path.read_bytes()
        assert run(model, checkpoint=path) == history  # in the same process
        assert_same(state(model), last)
        path.write_bytes(kept)
        torch.manual_seed(77)
    assert run(anew, checkpoint=path) == history  # in a new one
    assert_same(state(anew), last)


def test_a_run_may_be_interrupted_again_and_again(path: Path, uninterrupted: Any) -> None:
    history, last = uninterrupted("bit_pruning")
    for _ in range(EPOCHS - 1):
        model = prepared()
        cut_off("training.step", 6, True, lambda model=model: run(model, checkpoint=path))
    model = prepared()
    assert run(model, checkpoint=path) == history
    assert_same(state(model), last)


def test_eta_from_zero_goes_on_bit_for_bit(path: Path) -> None:
    def eta(share: float) -> float:
        return max(0.0, share - 0.3)

    models = [prepared() for _ in range(3)]
    history = run(models[0], eta=eta)
    cut_off("run_file.write_tensors", 3, True, lambda: run(models[1], eta=eta, checkpoint=path))
    assert run(models[2], eta=eta, checkpoint=path) == history
    assert_same(state(models[2]), state(models[0]))


@EVERY_METHOD
def test_a_run_that_ended_is_only_read(method: str, path: Path, uninterrupted: Any) -> None:
    history, last = uninterrupted(method)
    assert run(prepared(method), checkpoint=path) == history
    kept = path.read_bytes()
    model = prepared(method)
    assert run(model, checkpoint=path) == history
    assert_same(state(model), last)
    assert path.read_bytes() == kept


def test_patience_and_the_best_state_survive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [0.9, 0.8, 0.1, 0.2, 0.3, 0.6, 0.5, 0.4, 0.3, 0.2]
    monkeypatch.setattr(Trainer, "_score", lambda self, number: scores[number])
    options: dict[str, Any] = {"epochs": 10, "patience": 2}
    method = BitPruning(projects_from=0.4)
    models = [prepared(method) for _ in range(3)]
    history = run(models[0], **options)
    assert (len(history), history.best_epoch) == (8, 5)
    cut_off(
        "run_file.write_tensors", 8, True, lambda: run(models[1], checkpoint=path, **options)
    )  # one epoch after the best
    assert run(models[2], checkpoint=path, **options) == history
    assert_same(state(models[2]), state(models[0]))


@EVERY_METHOD
def test_copies_in_mid_training_continue_alike(method: str, tmp_path: Path) -> None:
    model = prepared(method)
    cut_off("training.step", 17, True, lambda: run(model))
    copied, loaded, restored = copy.deepcopy(model), prepared(method), prepared(method)
    loaded.load_state_dict(model.state_dict())
    prune.save(model, tmp_path / "model.safetensors")
    prune.load(restored, tmp_path / "model.safetensors")
    histories = [run(each) for each in (model, copied, loaded, restored)]
    assert histories[1:] == histories[:1] * 3
    for each in (copied, loaded, restored):
        assert_same(state(each), state(model))


def test_nan_leaves_the_last_good_epoch(path: Path) -> None:
    class Loss:
        calls = 0

        def __call__(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            factor = math.nan if self.calls == 11 else 1.0
            return nn.functional.cross_entropy(outputs, y) * factor

    good = prepared()
    cut_off(
        "run_file.write_tensors",
        3,
        True,
        lambda: run(good, loss=Loss(), validation=None, checkpoint=path),
    )
    path.unlink()
    model = prepared()
    message = "epoch 2, step 2: the loss is nan; try a lower lr, .* after 2 epochs, as in .*run"
    with pytest.raises(PruneError, match=message):
        run(model, loss=Loss(), validation=None, checkpoint=path)
    assert_same(state(model), state(good))
    assert_same(
        state(model), {k[6:]: v for k, v in tensors_of(path).items() if k.startswith("model/")}
    )


class Bad(torch.autograd.Function):
    """1, with a gradient of NaN."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.sum() * 0 + 1

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        return torch.full((8, 3), math.nan)


def test_a_gradient_of_nan_changes_nothing(path: Path) -> None:
    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return Bad.apply(outputs) if len(y) == 8 else nn.functional.cross_entropy(outputs, y)

    model = prepared()
    with pytest.raises(PruneError, match=r"epoch 0, step 0: a gradient is NaN or infinite; .*0 ep"):
        run(model, loss=loss, checkpoint=path)
    assert_same(state(model), state(prepared()))


def test_weights_of_nan_are_never_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(model: nn.Module, optimizer: Any) -> None:
        with torch.no_grad():
            next(model.parameters())[0, 0] = math.inf

    monkeypatch.setattr("bitfpga.prune.training.step", spoil)
    model = prepared("plain")
    with pytest.raises(PruneError, match="epoch 0, its end: a weight is NaN or infinite"):
        run(model, batch_size=99, checkpoint=path)
    assert_same(state(model), state(prepared("plain")))


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def document_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["bitfpga"])


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run.safetensors"
    run(prepared(), checkpoint=path)
    return path


def assert_refused(path: Path, message: str, **options: Any) -> None:
    """Assert that a run refuses the file in ``path``, and changes neither file nor model."""
    model, before = prepared(), path.read_bytes()
    with pytest.raises(PruneError, match=message) as refused:
        run(model, checkpoint=path, **options)
    assert str(path) in str(refused.value)
    assert_same(state(model), state(prepared()))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


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


def rewrite(
    source: Path,
    path: Path,
    change: Callable[[dict[str, torch.Tensor], dict[str, Any]], object],
) -> None:
    """Write ``source`` to ``path`` with its tensors and document changed."""
    tensors, document = tensors_of(source), document_of(source)
    change(tensors, document)
    save_file(tensors, path, {"bitfpga": json.dumps(document)})


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


def test_only_prepared_models_are_saved_and_loaded(path: Path) -> None:
    for job in (prune.save, prune.load):
        with pytest.raises(PruneError, match=r"call prune\.prepare"):
            job(floats(), path)
    assert not path.exists()


def test_a_refused_state_leaves_the_model_as_it_was(path: Path) -> None:
    model = prepared()
    run(model)
    prune.save(model, path)
    rewrite(path, path, lambda t, d: t["bitfpga_quantisers._2.state"].fill_(9))
    other = prepared("bit_pruning")
    with pytest.raises(PruneError, match=r"damaged: quantiser .* state 9 is not one of 0, 1, 2"):
        prune.load(other, path)
    assert_same(state(other), state(prepared()))


def test_tied_weights_are_saved_and_loaded(path: Path) -> None:
    model, other = prepared(norm=False), prepared(norm=False)
    for each in (model, other):
        each.more = nn.Module()
        each.more.weight = next(iter(prune.pruned_layers(each))).weight
    run(model)
    prune.save(model, path)
    prune.load(other, path)
    assert_same(state(other), state(model))


def test_a_link_stays_a_link(path: Path) -> None:
    path.symlink_to("other.safetensors")
    prune.save(prepared(), path)
    assert path.is_symlink()
    prune.load(prepared(), path.with_name("other.safetensors"))


@pytest.mark.parametrize("place", ["os.replace", "os.fdopen", "tempfile.mkstemp"])
def test_what_cannot_be_written_leaves_the_old_file_alone(
    place: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prune.save(prepared(), path)
    kept = path.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"bitfpga.prune.tensor_file.{place}", fail)
    model = prepared("plain")
    with pytest.raises(PruneError, match=r"cannot write it \(No space left on device\)"):
        prune.save(model, path)
    assert path.read_bytes() == kept
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_no_new_file_is_left_after_a_refusal(path: Path) -> None:
    for options in ({"lr": -1}, {"data": []}, {"data": (arrays()[0], arrays()[1] + 1)}):
        with pytest.raises(PruneError):
            run(prepared(), checkpoint=path, **options)
    assert [each for each in path.parent.iterdir() if each != path] == []


def test_nothing_in_a_file_is_a_pickle(whole_file: Path) -> None:
    data = whole_file.read_bytes()
    assert not re.search(rb"PK\x03\x04|\x80[\x02-\x05]c|torch\._utils", data)
    assert oct(whole_file.stat().st_mode & 0o777) == "0o644"
