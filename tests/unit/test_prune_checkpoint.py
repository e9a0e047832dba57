"""``save`` and ``load``: prepared models as files, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prune_fits import (
    arrays,
    assert_same,
    floats,
    prepared,
    rewrite,
    run,
    state,
)
from torch import nn

from bitfpga import prune
from bitfpga.errors import PruneError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.safetensors"


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

    monkeypatch.setattr(f"bitfpga.prune.whole_file.{place}", fail)
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
