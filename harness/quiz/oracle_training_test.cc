// Answers on training (q01 to q06) by simulation: rings that move chunks, schedules that run, formats that are
// enumerated.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "harness/quiz/oracle.h"

namespace workbench::quiz {
namespace {

bool Says(const std::string& prompt, const char* word) { return prompt.find(word) != std::string::npos; }

TEST(OracleTest, MicroBatchesAreDealtOut) {
  Compare("q01.micro_batches", [](const Given& g, const std::string&) {
    const int replicas = static_cast<int>(g.at("G")) / static_cast<int>(g.at("t")) / static_cast<int>(g.at("p"));
    std::vector<int> sequences(replicas);
    for (int i = 0; i < g.at("B"); ++i) ++sequences[i % replicas];
    int batches = 0;
    for (int left = sequences[0]; left > 0; left -= static_cast<int>(g.at("b"))) ++batches;
    return batches;
  });
}

// Which ranks' contributions are in each chunk of each rank.
using Sums = std::vector<std::vector<std::set<int>>>;

// Runs a ring until all ranks have all chunks complete; returns the steps.
int RunRing(int n, std::vector<int>* chunks_sent) {
  Sums sums(n, std::vector<std::set<int>>(n));
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c < n; ++c) sums[r][c] = {r};
  }
  chunks_sent->assign(n, 0);
  const auto complete = [&] {
    for (const auto& rank : sums) {
      for (const auto& chunk : rank) {
        if (static_cast<int>(chunk.size()) < n) return false;
      }
    }
    return true;
  };
  int step = 0;
  for (; !complete(); ++step) {
    const Sums before = sums;
    for (int r = 0; r < n; ++r) {
      const int c = ((r - step) % n + n) % n;
      sums[(r + 1) % n][c].insert(before[r][c].begin(), before[r][c].end());
      ++(*chunks_sent)[r];
    }
  }
  return step;
}

TEST(OracleTest, RingMovesChunks) {
  Compare("q02.ring_bytes", [](const Given& g, const std::string&) {
    std::vector<int> sent;
    const int n = static_cast<int>(g.at("N"));
    RunRing(n, &sent);
    return sent[0] * (g.at("S") * 1048576 / n);
  });
  Compare("q02.ring_time", [](const Given& g, const std::string&) {
    std::vector<int> sent;
    const int n = static_cast<int>(g.at("N"));
    double time = 0;
    for (int step = RunRing(n, &sent); step > 0; --step)
      time += g.at("a") / 1e6 + g.at("S") * 1048576 / n / (g.at("W") * 1e9);
    return time;
  });
}

TEST(OracleTest, DoublingExchangesUntilAllIsThere) {
  Compare("q02.doubling_bytes", [](const Given& g, const std::string&) {
    const int n = static_cast<int>(g.at("N"));
    std::vector<std::set<int>> sums(n);
    for (int r = 0; r < n; ++r) sums[r] = {r};
    double bytes = 0;
    for (int distance = 1; static_cast<int>(sums[0].size()) < n; distance += distance) {
      const auto before = sums;
      for (int r = 0; r < n; ++r) sums[r].insert(before[r ^ distance].begin(), before[r ^ distance].end());
      bytes += g.at("S") * 1048576;
    }
    return bytes;
  });
}

TEST(OracleTest, ZeroAddsUpWhatEachRankHolds) {
  const auto per_parameter = [](const Given& g) {
    struct Part {
      double bytes;
      int sharded_from;
    };
    double sum = 0;
    for (const Part part : {Part{2, 3}, Part{2, 2}, Part{4, 1}, Part{4, 1}, Part{4, 1}}) {
      sum += g.at("stage") >= part.sharded_from ? part.bytes / g.at("N") : part.bytes;
    }
    return sum;
  };
  Compare("q03.stage_memory", [&](const Given& g, const std::string&) { return g.at("P") * 1e9 * per_parameter(g); });
  Compare("q03.largest_model", [&](const Given& g, const std::string&) {
    double low = 0;
    double high = 1e15;
    for (int i = 0; i < 200; ++i) {
      const double middle = (low + high) / 2;
      (middle * per_parameter(g) > g.at("M") * 1073741824.0 ? high : low) = middle;
    }
    return low;
  });
  Compare("q03.stage_traffic", [](const Given& g, const std::string&) {
    // Collectives over all parameters in fp16: gradients reduce-scattered, weights gathered.
    std::vector<const char*> calls = {"reduce-scatter gradients", "gather weights"};
    if (g.at("stage") == 3) calls.push_back("gather weights for backward");
    double bytes = 0;
    for (size_t i = 0; i < calls.size(); ++i) bytes += g.at("P") * 1e9 * 2;
    return bytes;
  });
}

TEST(OracleTest, PaddingIsCounted) {
  const auto padding = [](int elements, int ranks) {
    int more = 0;
    while ((elements + more) % ranks != 0) ++more;
    return more;
  };
  Compare("q03.padding", [&](const Given& g, const std::string&) {
    return padding(static_cast<int>(g.at("E")), static_cast<int>(g.at("N")));
  });
  Compare("q12.repeats", [&](const Given& g, const std::string&) {
    return padding(static_cast<int>(g.at("S")), static_cast<int>(g.at("R")));
  });
}

TEST(OracleTest, AccumulationIsRun) {
  const auto windows = [](const Given& g) {
    std::vector<int> sizes;
    for (int i = 0; i < g.at("M"); ++i) {
      if (sizes.empty() || sizes.back() == g.at("k")) sizes.push_back(0);
      ++sizes.back();
    }
    return sizes;
  };
  Compare("q04.steps", [&](const Given& g, const std::string&) { return static_cast<double>(windows(g).size()); });
  Compare("q04.partial_window", [&](const Given& g, const std::string&) { return windows(g).back(); });
  Compare("q04.weighted_loss", [](const Given& g, const std::string&) {
    double sum = 0;
    int tokens = 0;
    for (int i = 0; i < g.at("n1"); ++i, ++tokens) sum += g.at("l1");
    for (int i = 0; i < g.at("n2"); ++i, ++tokens) sum += g.at("l2");
    return sum / tokens;
  });
}

float RoundToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  std::memcpy(&value, &bits, 4);
  return value;
}

TEST(OracleTest, Bf16AdditionIsDone) {
  Compare("q04.bf16_sum", [](const Given& g, const std::string&) {
    const auto a = static_cast<float>(g.at("A"));
    float x = a;
    while (RoundToBf16(a + x) != a) x /= 2;
    return x;
  });
}

// The positive numbers of a format with IEEE's infinities, by decoding every pattern.
std::vector<double> Numbers(int exponent_bits, int mantissa_bits, bool normal_only = false) {
  std::vector<double> numbers;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  for (int exponent = normal_only ? 1 : 0; exponent < (1 << exponent_bits) - 1; ++exponent) {
    for (int mantissa = 0; mantissa < 1 << mantissa_bits; ++mantissa) {
      const double fraction = std::ldexp(mantissa, -mantissa_bits);
      numbers.push_back(exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
    }
  }
  return numbers;
}

TEST(OracleTest, FormatsAreEnumerated) {
  Compare("q05.largest", [](const Given& g, const std::string&) {
    return Numbers(static_cast<int>(g.at("E")), static_cast<int>(g.at("M"))).back();
  });
  Compare("q05.spacing", [](const Given& g, const std::string& prompt) {
    static const std::vector<double> fp16 = Numbers(5, 10);
    static const std::vector<double> bf16 = Numbers(8, 7);
    const auto& numbers = Says(prompt, "fp16") ? fp16 : bf16;
    return *std::upper_bound(numbers.begin(), numbers.end(), g.at("x")) - g.at("x");
  });
  Compare("q05.loss_scale", [](const Given& g, const std::string&) {
    static const double smallest = Numbers(5, 10, /*normal_only=*/true).front();
    int k = 0;
    while (std::ldexp(1, k - static_cast<int>(g.at("g"))) < smallest) ++k;
    return k;
  });
  Compare("q05.e4m3_scale", [](const Given& g, const std::string&) {
    double largest = 0;
    for (int pattern = 0; pattern < 127; ++pattern) {  // 127 is NaN
      const int exponent = pattern >> 3;
      const double fraction = (pattern & 7) / 8.0;
      largest = std::max(largest, exponent == 0 ? std::ldexp(fraction, -6) : std::ldexp(1 + fraction, exponent - 7));
    }
    return largest / g.at("A");
  });
}

TEST(OracleTest, LossScalerIsRun) {
  Compare("q05.dynamic_scale", [](const Given& g, const std::string&) {
    double scale = g.at("s");
    int good = 0;
    const int a = static_cast<int>(g.at("a"));
    for (int step = 0; step < a + 1 + g.at("b"); ++step) {
      if (step == a) {
        scale /= 2;
        good = 0;
      } else if (++good == 2000) {
        scale *= 2;
        good = 0;
      }
    }
    return scale;
  });
}

struct Op {
  bool forward;
  int micro;
  int chunk;
};

struct Run {
  double time = 0;
  double busy = 0;             // of each stage: all are equal
  std::vector<int> in_flight;  // at most, by stage
};

// Executes each stage's list of operations in order, as soon as what they need is there. Chunk c of stage s is layer
// block c * stages + s.
Run Execute(const std::vector<std::vector<Op>>& lists, int chunks, double f, double b) {
  const int stages = static_cast<int>(lists.size());
  std::map<std::pair<int, int>, double> forward_done;  // (micro, block)
  std::map<std::pair<int, int>, double> backward_done;
  std::vector<size_t> next(stages);
  std::vector<double> clock(stages);
  std::vector<int> held(stages);
  Run run;
  run.in_flight.assign(stages, 0);
  bool moved = true;
  while (moved) {
    moved = false;
    for (int s = 0; s < stages; ++s) {
      while (next[s] < lists[s].size()) {
        const Op op = lists[s][next[s]];
        const int block = op.chunk * stages + s;
        double ready = 0;
        if (op.forward && block > 0) {
          if (forward_done.count({op.micro, block - 1}) == 0) break;
          ready = forward_done[{op.micro, block - 1}];
        } else if (!op.forward) {
          if (forward_done.count({op.micro, block}) == 0) break;
          ready = forward_done[{op.micro, block}];
          if (block + 1 < stages * chunks) {
            if (backward_done.count({op.micro, block + 1}) == 0) break;
            ready = backward_done[{op.micro, block + 1}];
          }
        }
        clock[s] = std::max(clock[s], ready) + (op.forward ? f : b);
        (op.forward ? forward_done : backward_done)[{op.micro, block}] = clock[s];
        held[s] += op.forward ? 1 : -1;
        run.in_flight[s] = std::max(run.in_flight[s], held[s]);
        if (s == 0) run.busy += op.forward ? f : b;
        ++next[s];
        moved = true;
      }
    }
  }
  for (int s = 0; s < stages; ++s) {
    EXPECT_EQ(next[s], lists[s].size()) << "the schedule deadlocks";
    run.time = std::max(run.time, clock[s]);
  }
  return run;
}

std::vector<std::vector<Op>> GPipe(int p, int m) {
  std::vector<std::vector<Op>> lists(p);
  for (auto& list : lists) {
    for (int i = 0; i < m; ++i) list.push_back({true, i, 0});
    for (int i = m - 1; i >= 0; --i) list.push_back({false, i, 0});
  }
  return lists;
}

// Megatron-LM's order (interleaved for v > 1): warm up, then one forward and one backward in turn.
std::vector<std::vector<Op>> OneFOneB(int p, int m, int v) {
  std::vector<std::vector<Op>> lists(p);
  for (int s = 0; s < p; ++s) {
    const int total = m * v;
    const auto op = [&](bool forward, int k) {
      if (v == 1) return Op{forward, k, 0};
      const int chunk = k % (p * v) / p;
      return Op{forward, k / (p * v) * p + k % p, forward ? chunk : v - 1 - chunk};
    };
    int warm = v == 1 ? p - s - 1 : m == p ? total : 2 * (p - s - 1) + (v - 1) * p;
    warm = std::min(warm, total);
    for (int k = 0; k < warm; ++k) lists[s].push_back(op(true, k));
    for (int k = 0; k < total; ++k) {
      if (warm + k < total) lists[s].push_back(op(true, warm + k));
      lists[s].push_back(op(false, k));
    }
  }
  return lists;
}

double IdleShare(const Run& run) { return 1 - run.busy / run.time; }

int At(const Given& g, const char* name) { return static_cast<int>(g.at(name)); }

TEST(OracleTest, SchedulesAreExecuted) {
  const auto lists = [](const Given& g, const std::string& prompt) {
    return Says(prompt, "GPipe") ? GPipe(At(g, "p"), At(g, "m")) : OneFOneB(At(g, "p"), At(g, "m"), 1);
  };
  Compare("q06.bubble",
          [&](const Given& g, const std::string& prompt) { return IdleShare(Execute(lists(g, prompt), 1, 1, 2)); });
  Compare("q06.in_flight", [&](const Given& g, const std::string& prompt) {
    return Execute(lists(g, prompt), 1, 1, 2).in_flight[At(g, "i")];
  });
  Compare("q06.time", [](const Given& g, const std::string&) {
    return Execute(OneFOneB(At(g, "p"), At(g, "m"), 1), 1, g.at("f") / 1e3, g.at("b") / 1e3).time;
  });
  Compare(
      "q06.interleaved",
      [](const Given& g, const std::string&) {
        return IdleShare(Execute(OneFOneB(At(g, "p"), At(g, "m"), At(g, "v")), At(g, "v"), 1, 2));
      },
      1e-9, 40);
  Compare(
      "q06.enough",
      [](const Given& g, const std::string&) {
        int m = 1;
        while (IdleShare(Execute(OneFOneB(At(g, "p"), m, 1), 1, 1, 2)) > g.at("b") / 100 + 1e-12) ++m;
        return m;
      },
      1e-9, 12);
}

}  // namespace
}  // namespace workbench::quiz
