// PEs of both ways to walk, on chip and from memory, against plain sums over their weights.
#include "bitfpga/walk.hpp"

#include "bitfpga/decoded_walk.hpp"
#include "check.hpp"
#include "encode.hpp"

namespace {

struct Layer {
  enum : unsigned {
    kPes = 4,
    kSplits = 2,
    kSplitRows = 6,
    kWindowRows = 11,
    kSpan = 6,
    kSymbolBits = 1,
    kCellsPerRow = 18,
    kTapRows = 9,
    kTapOffset = 2,
    kSlots = 2,
    kEntries = 6
  };
};

using Row = bitfpga::Columns<int, 2>;
const int kWeights[3][11] = {{0, 0, 0, 2, 0, -1, 0, 0, 0, 0, 0},
                             {5, -3, 0, 0, 64, -1, 0, 0, 0, 1, 2047},
                             {0, 0, 0, -8, 0, 0, 0, 0, 9, 0, 0}};

// x[i] = 100 i + 7 in the first column and its triple's negative in the second.
void fill(Row (&window)[Layer::kSplitRows + 1], unsigned split) {
  for (unsigned i = 0; i < Layer::kSplitRows; ++i) {
    window[i][0] = static_cast<int>(100 * (split * Layer::kSplitRows + i) + 7);
    window[i][1] = -3 * window[i][0];
  }
  bitfpga::clear(window[Layer::kSplitRows]);
}

void check_results(const ArrayData<Layer>& data, const Row (&results)[4][2]) {
  for (unsigned e = 0; e < Layer::kEntries; ++e) {
    const bitfpga::Entry entry = data.entries[e];
    long long sum = 0;
    for (unsigned k = 0; k < Layer::kWindowRows; ++k) {
      if (k / Layer::kSplitRows == e % 2) sum += kWeights[e / 2][k] * (100LL * k + 7);
    }
    CHECK_AT(e, sum != 0, entry.has_result);
    if (!entry.has_result) continue;
    const Row& result = results[entry.pe][entry.slot];
    CHECK_AT(e, sum, static_cast<long long>(result[0]) * (1LL << entry.shift));
    CHECK_AT(e, -3 * sum, static_cast<long long>(result[1]) * (1LL << entry.shift));
  }
}

}  // namespace

namespace bitfpga {
// Words of a simulation in plain columns.
inline void walk_words(const uint32_t* words, unsigned n_words,
                       const Row (&window)[Layer::kSplitRows + 1], Row& result) {
  clear(result);
  for (unsigned i = 0; i < n_words; ++i) {
    accumulate(result, window[words[i] >> 2], (words[i] & 2) != 0, (words[i] & 1) != 0);
  }
}
}  // namespace bitfpga

// A PE reads all rows of its stream, also those behind its last job.
static void check_rows_left(const ArrayData<Layer>& data, const Row (&window)[7]) {
  bitfpga::TapStream<Layer> rows;
  Row results[2];
  for (unsigned n_jobs = 0; n_jobs <= data.n_jobs[0]; ++n_jobs) {
    for (const uint64_t row : data.tap_rows[0]) rows.write(row);
    bitfpga::walk_cells<Layer>(rows, data.jobs[0], n_jobs, window, results);
    CHECK_AT(n_jobs, true, rows.empty());
  }
}

int main() {
  static ArrayData<Layer> data;
  encode_array<Layer>(kWeights[0], data);
  uint64_t memory[Layer::kTapOffset + Layer::kTapRows * Layer::kPes];
  for (unsigned i = 0; i < Layer::kTapRows * Layer::kPes; ++i) {
    memory[Layer::kTapOffset + i] = data.tap_rows[i % Layer::kPes][i / Layer::kPes];
  }
  const uint64_t* taps = memory;
  Row copies[4][7], shared[2][7];
  for (unsigned p = 0; p < 4; ++p) fill(copies[p], p % 2);
  for (unsigned s = 0; s < 2; ++s) fill(shared[s], s);
  for (unsigned run = 0; run < 4; ++run) {
    Row results[4][2];
    if (run == 0) {
      bitfpga::walk<Layer>(bitfpga::FromCells(), data.tap_rows, data.jobs, data.n_jobs,
                           data.pe_split, copies, results);
    } else if (run == 1) {
      bitfpga::walk<Layer>(bitfpga::FromCells(), taps, data.jobs, data.n_jobs, data.pe_split,
                           copies, results);
    } else {
      bitfpga::walk<Layer>(bitfpga::FromWords(), data.tap_rows, data.jobs, data.n_jobs,
                           data.pe_split, shared, results);
    }
    check_results(data, results);
  }
  CHECK(2, data.n_jobs[0]);
  check_rows_left(data, copies[0]);
  return REPORT();
}
