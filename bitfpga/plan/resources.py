"""Resource estimates of 7-series and UltraScale+ logic, from counts alone.

These are the plan's model, not a tool's report: one LUT6 per accumulator bit and column (six
inputs: acc[i], acc[i-1], shift, x[i], sign, clear), distributed RAM of 64 x 3 bits in four LUTs
(RAM64M), block RAM of 1,024 x 18 bits in half a RAMB36 (AMD UG474, UG473). Every figure printed
from here is called an estimate.
"""

from __future__ import annotations

from bitfpga.plan.schedule import Resources

PE_DECODE_LUTS = 12
PE_DECODE_FFS = 16
LAYER_CONTROL = Resources(luts=60, ffs=80)
TOP_CONTROL = Resources(luts=900, ffs=1300, bram36=2.0)
LUT_ROM_WORDS = 256
LUT_RAM_ROWS = 256


def pe_array(n_pes: int, n_columns: int, accumulator_bits: int, word_bits: int) -> Resources:
    """Return the logic of ``n_pes`` PEs of ``n_columns`` accumulators."""
    lanes = n_columns * accumulator_bits
    return Resources(
        luts=n_pes * (lanes + PE_DECODE_LUTS),
        ffs=n_pes * (lanes + word_bits + PE_DECODE_FFS),
    )


def requantiser(n_columns: int, scaled_bits: int, n_terms: int) -> Resources:
    """Return the logic of a shift-add scaler with bias, rounding and clamp."""
    per_column = scaled_bits * (3 * n_terms + 2)
    return Resources(luts=n_columns * per_column, ffs=n_columns * 2 * scaled_bits)


def activation_memory(copies: int, rows: int, row_bits: int) -> Resources:
    """Return ``copies`` double-buffered memories of ``rows`` words of ``row_bits`` bits."""
    depth = rows * 2
    if depth <= LUT_RAM_ROWS:
        return Resources(luts=copies * 4 * -(-row_bits // 3) * -(-depth // 64))
    return Resources(bram36=copies * 0.5 * -(-row_bits // 18) * -(-depth // 1024))


def rom(rows: int, bits: int) -> Resources:
    """Return one read-only memory: LUTs up to 256 rows, block RAM beyond."""
    if rows <= LUT_ROM_WORDS:
        return Resources(luts=bits * -(-rows // 64))
    return Resources(bram36=0.5 * -(-bits // 18) * -(-rows // 1024))
