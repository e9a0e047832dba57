"""What a layer costs in energy, in multiply-add and in add-shift-add form.

Energies are those of Sekikawa & Yashima, "Bit-pruning" (ICLR 2023): Table 1 per operation, Table 2
for the operations of a dot product. They are a model of arithmetic alone (no memory, no wires),
so print them with the model's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bitfpga.digits import NumberSystem
from bitfpga.errors import PruneError
from bitfpga.prune.work import LayerWork, check_whole, layer_work, lockstep_cycles

__all__ = [
    "ENERGY_MODELS",
    "EnergyModel",
    "EnergyRow",
    "LayerWork",
    "OperationEnergy",
    "add_energy_pj",
    "energy_model",
    "energy_table",
    "layer_work",
    "lockstep_cycles",
    "mult_energy_pj",
]


@dataclass(frozen=True)
class OperationEnergy:
    """Energy of one multiplication, addition and shift, pJ."""

    mult_pj: float
    add_pj: float
    shift_pj: float


@dataclass(frozen=True)
class EnergyModel:
    """Energy per operation of one technology: a row for 8-bit operands, one for 32-bit ones.

    ``square_law``: the multiplication is that of ``fix32`` times (bits / 32)^2 at every width.
    """

    name: str
    fix8: OperationEnergy
    fix32: OperationEnergy
    square_law: bool = False
    unit: str = "pJ"

    def operations(self, bits: int) -> OperationEnergy:
        """Return the energies for ``bits``-bit operands: FIX8 up to 8 bits, FIX32 for 9..32.

        ``PruneError`` for bits outside 1..32.
        """
        bits = check_whole("activation bits", bits, 1, 32)
        row = self.fix8 if bits <= 8 else self.fix32
        if self.square_law:
            row = replace(row, mult_pj=self.fix32.mult_pj * (bits / 32) ** 2)
        return row


_ASIC_FIX8 = OperationEnergy(mult_pj=0.2, add_pj=0.03, shift_pj=0.024)
_ASIC_FIX32 = OperationEnergy(mult_pj=3.1, add_pj=0.1, shift_pj=0.13)
_ZC706_FIX8 = OperationEnergy(mult_pj=0.2, add_pj=0.1, shift_pj=0.025)
_ZC706_FIX32 = OperationEnergy(mult_pj=19.6, add_pj=0.1, shift_pj=0.1)

# Table 1: a 45 nm ASIC and the ZC706 board. paper_plot is the multiplication behind the paper's
# plotted energies; the paper states no addition or shift for that plot, so it has the ASIC's.
ENERGY_MODELS: dict[str, EnergyModel] = {
    "asic45": EnergyModel("asic45", _ASIC_FIX8, _ASIC_FIX32),
    "zc706": EnergyModel("zc706", _ZC706_FIX8, _ZC706_FIX32),
    "paper_plot": EnergyModel("paper_plot", _ASIC_FIX8, _ASIC_FIX32, square_law=True),
}


@dataclass(frozen=True)
class EnergyRow:
    """Energies of one layer, or of the whole network (``layer`` is None), for one sample, pJ."""

    model: str
    layer: str | None
    mult_pj: float
    add_binary_pj: float
    add_csd_pj: float


def add_energy_pj(
    work: LayerWork,
    model: EnergyModel | str,
    system: NumberSystem | str = NumberSystem.BINARY,
    activation_bits: int = 8,
) -> float:
    """Return the energy of a bit-pruned layer in add-shift-add form, pJ per sample (Table 2).

    ``activation_bits`` (N of the paper, 1..32) picks the row of the model. ``PruneError`` for an
    unknown model or number system, or other bits.
    """
    energy = energy_model(model).operations(activation_bits)
    return work.adds(system) * energy.add_pj + work.shifts(system) * energy.shift_pj


def mult_energy_pj(work: LayerWork, model: EnergyModel | str, activation_bits: int = 8) -> float:
    """Return the energy of a layer in multiply-add form that skips zero weights, pJ per sample.

    That is density · (E_mult + E_add) per multiply-accumulate; otherwise as ``add_energy_pj``.
    """
    energy = energy_model(model).operations(activation_bits)
    return work.n_nonzero * work.n_positions * (energy.mult_pj + energy.add_pj)


def energy_table(
    works: Sequence[LayerWork],
    models: Iterable[EnergyModel | str] = tuple(ENERGY_MODELS),
    activation_bits: int = 8,
) -> tuple[EnergyRow, ...]:
    """Return, for each model, a row per layer and then one of the network, as ``EnergyRow``s.

    ``PruneError`` for no layers, an unknown model, or bits outside 1..32.
    """
    if not works:
        raise PruneError("an energy table of no layers; give at least one LayerWork")
    rows: list[EnergyRow] = []
    for model in [energy_model(given) for given in models]:
        layers = [
            EnergyRow(
                model.name,
                work.name,
                mult_energy_pj(work, model, activation_bits),
                add_energy_pj(work, model, NumberSystem.BINARY, activation_bits),
                add_energy_pj(work, model, NumberSystem.CSD, activation_bits),
            )
            for work in works
        ]
        columns = zip(*((r.mult_pj, r.add_binary_pj, r.add_csd_pj) for r in layers), strict=True)
        rows += [*layers, EnergyRow(model.name, None, *(sum(column) for column in columns))]
    return tuple(rows)


def energy_model(model: Any) -> EnergyModel:
    """Return the model of that name, or the model itself; ``PruneError`` for an unknown name."""
    if isinstance(model, EnergyModel):
        return model
    if not isinstance(model, str) or model not in ENERGY_MODELS:
        raise PruneError(
            f"energy model {model!r} is unknown; use one of {', '.join(ENERGY_MODELS)}"
        )
    return ENERGY_MODELS[model]
