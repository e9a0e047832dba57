// Runs bitfpga_top in Verilator: elements in and out over AXI-Stream, and the cycle of each block.
//
//   rtl_main x.bin y.bin cycles.bin in_size out_size limit gaps reset_at [waveform]
//
// x.bin, y.bin: raw integers as wide as TDATA. in_size, out_size: elements of a block. cycles.bin:
// int64 words, for every block the cycles of its first and last element in and out, counted from
// the first element taken. limit: cycles without any element moving after which it stops. gaps: 0,
// or the seed of random gaps in both streams. reset_at: -1, or the cycle in which it is reset,
// after which everything is sent again.
// Each stream of tap rows sends the rows of its file, PORT.bin, over and over; files are looked for
// in the folder it runs in. It has gaps of its own.
// Prints "ok CYCLES", or "stopped: ..." where the design breaks a rule or stands still.
#include <stdio.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "Vbitfpga_top.h"
#include "rtl_streams.hpp"
#include "tap_ports.hpp"
#include "verilated.h"
#ifdef BITFPGA_FST
#include "verilated_fst_c.h"
using Waveform = VerilatedFstC;
#elif defined(BITFPGA_VCD)
#include "verilated_vcd_c.h"
using Waveform = VerilatedVcdC;
#endif

namespace {

using Top = Vbitfpga_top;
using Input = std::remove_reference_t<decltype(std::declval<Top&>().s_axis_tdata)>;
using Output = std::remove_reference_t<decltype(std::declval<Top&>().m_axis_tdata)>;

struct Options {
  size_t in_size, out_size;
  long limit;
  unsigned gaps;
  long reset_at;
  const char* waveform;
};

// Cycles of a block's first and last element in and out.
struct BlockTimes {
  long long first_in, last_in, first_out, last_out;
};

class Run {
 public:
  Run(const Options& options, std::vector<Input> x)
      : options_(options),
        x_(std::move(x)),
        blocks_(x_.size() / options.in_size),
        times_(blocks_),
        in_gaps_(options.gaps),
        out_gaps_(options.gaps == 0 ? 0 : ~options.gaps) {
    y_.resize(blocks_ * options.out_size);
#define BITFPGA_TAP_ROWS(i, port) taps_.emplace_back(#port ".bin", options.gaps, i);
    BITFPGA_TAP_PORTS(BITFPGA_TAP_ROWS)
    open_waveform();
    top_.s_axis_tdata = 0;
    reset(3);
  }

  ~Run() {
#if defined(BITFPGA_FST) || defined(BITFPGA_VCD)
    if (waveform_) waveform_->close();
#endif
    top_.final();
  }

  // The reason why it stopped, empty if every element came out.
  std::string run() {
    while (received_ < y_.size()) {
      if (options_.reset_at >= 0 && total_ == options_.reset_at) {
        reset(1);
        sent_ = received_ = 0;
        start_ = -1;
      }
      offer();
      top_.clk = 0;
      eval();
      const std::string broken = sample();
      if (!broken.empty()) return broken;
      top_.clk = 1;
      eval();
      ++total_;
      if (total_ - moved_ > options_.limit) return standstill();
    }
    return "";
  }

  long cycles() const { return total_; }
  const std::vector<Output>& y() const { return y_; }
  const std::vector<BlockTimes>& times() const { return times_; }

 private:
  void open_waveform() {
#if defined(BITFPGA_FST) || defined(BITFPGA_VCD)
    if (options_.waveform == nullptr) return;
    Verilated::traceEverOn(true);
    waveform_ = std::make_unique<Waveform>();
    top_.trace(waveform_.get(), 99);
    waveform_->open(options_.waveform);
#endif
  }

  void eval() {
    top_.eval();
#if defined(BITFPGA_FST) || defined(BITFPGA_VCD)
    if (waveform_) waveform_->dump(++half_cycles_);
#endif
  }

  void reset(int cycles) {
    top_.rst = 1;
    top_.s_axis_tvalid = top_.s_axis_tlast = top_.m_axis_tready = 0;
#define BITFPGA_TAP_RESET(i, port) top_.port##_tvalid = taps_[i].restart();
    BITFPGA_TAP_PORTS(BITFPGA_TAP_RESET)
    for (int i = 0; i < cycles; ++i) {
      top_.clk = 0;
      eval();
      top_.clk = 1;
      eval();
      ++total_;
    }
    top_.rst = 0;
    offered_ = waiting_ = false;
    moved_ = total_;
  }

  // An element once offered stays until it is taken, as AXI-Stream demands.
  void offer() {
    offered_ = sent_ < x_.size() && (offered_ || in_gaps_.moves());
    top_.s_axis_tvalid = offered_;
    if (offered_) {
      top_.s_axis_tdata = x_[sent_];
      top_.s_axis_tlast = (sent_ + 1) % options_.in_size == 0;
    }
    top_.m_axis_tready = out_gaps_.moves();
#define BITFPGA_TAP_OFFER(i, port)       \
  top_.port##_tvalid = taps_[i].offer(); \
  top_.port##_tdata = taps_[i].row();
    BITFPGA_TAP_PORTS(BITFPGA_TAP_OFFER)
  }

  std::string sample() {
#define BITFPGA_TAP_TAKE(i, port) \
  if (top_.port##_tvalid && top_.port##_tready) taps_[i].take();
    BITFPGA_TAP_PORTS(BITFPGA_TAP_TAKE)
    if (top_.s_axis_tvalid && top_.s_axis_tready) {
      if (start_ < 0) start_ = total_;
      note(sent_++, options_.in_size, &BlockTimes::first_in, &BlockTimes::last_in);
      offered_ = false;
    }
    const bool valid = top_.m_axis_tvalid;
    const Output data = top_.m_axis_tdata;
    const bool last = top_.m_axis_tlast;
    if (waiting_ && !(valid && data == data_ && last == last_)) {
      return place() + " changed while it waited for m_axis_tready";
    }
    waiting_ = valid && !top_.m_axis_tready;
    data_ = data;
    last_ = last;
    if (!valid || waiting_) return "";
    if (last != ((received_ + 1) % options_.out_size == 0)) {
      return place() + (last ? " came with m_axis_tlast" : " came without m_axis_tlast");
    }
    if (start_ < 0) return place() + " came before any element went in";
    y_[received_] = data;
    note(received_++, options_.out_size, &BlockTimes::first_out, &BlockTimes::last_out);
    return "";
  }

  void note(size_t element, size_t size, long long BlockTimes::* first,
            long long BlockTimes::* last) {
    BlockTimes& times = times_[element / size];
    if (element % size == 0) times.*first = total_ - start_;
    times.*last = total_ - start_;
    moved_ = total_;
  }

  std::string place() const {
    return "element " + std::to_string(received_ % options_.out_size) + " of output block " +
           std::to_string(received_ / options_.out_size);
  }

  std::string standstill() const {
    return "nothing moved for " + std::to_string(options_.limit) + " cycles, in cycle " +
           std::to_string(total_) + ": " + std::to_string(sent_) + " of " +
           std::to_string(x_.size()) + " elements went in, " + std::to_string(received_) + " of " +
           std::to_string(y_.size()) + " came out";
  }

  Options options_;
  std::vector<Input> x_;
  std::vector<Output> y_;
  size_t blocks_;
  std::vector<BlockTimes> times_;
  bitfpga::Gaps in_gaps_, out_gaps_;
  std::vector<bitfpga::TapRows> taps_;
  Top top_;
#if defined(BITFPGA_FST) || defined(BITFPGA_VCD)
  std::unique_ptr<Waveform> waveform_;
  unsigned long half_cycles_ = 0;
#endif
  size_t sent_ = 0, received_ = 0;
  long total_ = 0, start_ = -1, moved_ = 0;
  bool offered_ = false, waiting_ = false, last_ = false;
  Output data_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  if (argc < 9)
    bitfpga::fail("usage: x.bin y.bin cycles.bin in_size out_size limit gaps reset_at [wave]");
  const auto number = [&](int i) { return strtol(argv[i], nullptr, 10); };
  Options options = {static_cast<size_t>(number(4)),
                     static_cast<size_t>(number(5)),
                     number(6),
                     static_cast<unsigned>(number(7)),
                     number(8),
                     nullptr};
  if (argc > 9 && argv[9][0] != '+') options.waveform = argv[9];
  std::string stopped;
  {
    Run run(options, bitfpga::read_file<Input>(argv[1]));
    stopped = run.run();
    bitfpga::write_file(argv[2], run.y());
    bitfpga::write_file(argv[3], run.times());
    if (stopped.empty()) printf("ok %ld\n", run.cycles());
  }
  if (!stopped.empty()) printf("stopped: %s\n", stopped.c_str());
  return 0;
}
