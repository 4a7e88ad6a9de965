// Answers on clusters, memory, serving and platforms (q07 to q14) by brute force.
#include <algorithm>
#include <set>
#include <vector>

#include "harness/quiz/oracle.h"

namespace workbench::quiz {
namespace {

int At(const Given& g, const char* name) { return static_cast<int>(g.at(name)); }

TEST(OracleTest, ShortestFirstIsTheBestOrder) {
  Compare("q07.shortest_first", [](const Given& g, const std::string&) {
    std::vector<double> jobs = {g.at("a"), g.at("b"), g.at("c")};
    std::sort(jobs.begin(), jobs.end());
    double best = 1e300;
    do {
      double now = 0;
      double sum = 0;
      for (const double job : jobs) sum += now += job;
      best = std::min(best, sum / 3);
    } while (std::next_permutation(jobs.begin(), jobs.end()));
    return best * 60;
  });
}

TEST(OracleTest, DominantSharesAreFilledUp) {
  Compare(
      "q07.drf",
      [](const Given& g, const std::string&) {
        const double step = 1e-4;
        double a = 0;
        double b = 0;
        const auto share = [&](double tasks, const char* cpu, const char* gb) {
          return std::max(tasks * g.at(cpu) / g.at("C"), tasks * g.at(gb) / g.at("M"));
        };
        while (a * g.at("ac") + b * g.at("bc") <= g.at("C") && a * g.at("am") + b * g.at("bm") <= g.at("M")) {
          (share(a, "ac", "am") <= share(b, "bc", "bm") ? a : b) += step;
        }
        return a;
      },
      2e-3, 60);
}

TEST(OracleTest, BackfillDoesNotDelayTheHead) {
  // When the head can start: minute by minute, with the candidate running from now on or not.
  const auto head_starts = [](const Given& g, bool with) {
    for (int minute = 0;; ++minute) {
      double free = g.at("f");
      if (minute >= g.at("t")) free += g.at("r");
      if (with && minute < g.at("l")) free -= g.at("c");
      if (free >= g.at("h")) return minute;
    }
  };
  Compare(
      "q07.backfill",
      [&](const Given& g, const std::string&) {
        return g.at("c") <= g.at("f") && head_starts(g, true) <= head_starts(g, false) ? 1.0 : 0.0;
      },
      1e-9, 500);
}

TEST(OracleTest, PodsArePlaced) {
  Compare("q08.pods", [](const Given& g, const std::string&) {
    double free[] = {g.at("f1"), g.at("f2"), g.at("f3"), g.at("f4")};
    int pods = 0;
    for (double& node : free) {
      for (; node >= g.at("g"); node -= g.at("g")) ++pods;
    }
    return pods;
  });
}

TEST(OracleTest, AccessesAreCounted) {
  Compare("q09.bank_conflicts", [](const Given& g, const std::string&) {
    int hits[32] = {};
    for (int i = 0; i < 32; ++i) ++hits[At(g, "s") * i % 32];
    return *std::max_element(hits, hits + 32);
  });
  Compare("q09.sectors", [](const Given& g, const std::string&) {
    std::set<int> sectors;
    for (int i = 0; i < 32; ++i) sectors.insert(At(g, "s") * i * 4 / 32);
    return static_cast<double>(sectors.size());
  });
}

TEST(OracleTest, BlocksAreAddedWhileTheyFit) {
  Compare("q09.occupancy", [](const Given& g, const std::string&) {
    // Warps live on four partitions, each with a quarter of the registers; blocks bring whole warps.
    int warps = 0;
    const int per_block = At(g, "t") / 32;
    const int per_partition = 16384 / (At(g, "r") * 32);
    while ((warps + per_block + 3) / 4 <= std::min(per_partition, 16)) warps += per_block;
    return warps / 64.0;
  });
  Compare(
      "q09.rounding",
      [](const Given& g, const std::string&) {
        double bytes = 0;
        for (int i = 0; i < g.at("n"); ++i) {
          double block = 0;
          while (block < g.at("x")) block += 512;
          bytes += block;
        }
        return bytes;
      },
      1e-9, 30);
  Compare("q09.recompute", [](const Given& g, const std::string&) {
    // Held at most: the segments' inputs, and the inputs of the segment that is recomputed.
    const int n = At(g, "n");
    const int length = n / At(g, "k");
    std::set<int> kept;
    for (int layer = 0; layer < n; layer += length) kept.insert(layer);
    return static_cast<double>(kept.size()) + length;
  });
}

TEST(OracleTest, CacheIsFilled) {
  Compare("q10.kv_cache", [](const Given& g, const std::string&) {
    double bytes = 0;
    for (int layer = 0; layer < g.at("L"); ++layer) {
      for (int head = 0; head < g.at("kv"); ++head) {
        for (const char* what : {"key", "value"})
          bytes += what != nullptr ? g.at("T") * g.at("B") * 128 * sizeof(uint16_t) : 0;
      }
    }
    return bytes;
  });
  Compare(
      "q10.concat",
      [](const Given& g, const std::string&) {
        double bytes = 0;
        for (int held = 0; held < g.at("T"); ++held) bytes += held * g.at("c") * 1024;
        return bytes;
      },
      1e-9, 50);
  Compare("q11.blocks", [](const Given& g, const std::string&) {
    int blocks = 0;
    for (const char* sequence : {"t1", "t2", "t3"}) {
      for (int token = 0; token < g.at(sequence); ++token) blocks += token % At(g, "b") == 0;
    }
    return blocks;
  });
}

TEST(OracleTest, PercentileIsCounted) {
  Compare("q10.percentile", [](const Given& g, const std::string&) {
    int rank = 1;
    while (rank * 100 < g.at("q") * g.at("n")) ++rank;
    return rank;
  });
}

TEST(OracleTest, DraftsAreEnumerated) {
  Compare("q10.speculative", [](const Given& g, const std::string&) {
    const int k = At(g, "k");
    double mean = 0;
    for (int outcome = 0; outcome < 1 << k; ++outcome) {  // bit i: draft token i would be accepted
      double probability = 1;
      int tokens = 1;
      bool going = true;
      for (int i = 0; i < k; ++i) {
        const bool accepted = (outcome >> i & 1) != 0;
        probability *= accepted ? g.at("a") : 1 - g.at("a");
        going = going && accepted;
        tokens += going ? 1 : 0;
      }
      mean += probability * tokens;
    }
    return mean;
  });
}

TEST(OracleTest, QueueIsABirthDeathChain) {
  Compare(
      "q11.queue",
      [](const Given& g, const std::string&) {
        // Mean number in the system from the balance of each state, then the mean time by arrivals.
        double weight = 1;
        double sum = 0;
        double number = 0;
        for (int n = 0; n < 5000; ++n) {
          sum += weight;
          number += n * weight;
          weight *= g.at("l") / g.at("m");
        }
        return number / sum / g.at("l");
      },
      1e-6);
}

TEST(OracleTest, BatcherIsRun) {
  Compare("q11.batch", [](const Given& g, const std::string&) {
    int batch = 0;
    for (double now = 0; now <= g.at("t") && batch < g.at("B"); now += g.at("g")) ++batch;
    return batch;
  });
  Compare("q11.replicas", [](const Given& g, const std::string&) {
    int replicas = 1;
    while (g.at("q") * 100 > replicas * g.at("c") * g.at("u")) ++replicas;
    return replicas;
  });
}

TEST(OracleTest, LoaderAndGpuAreRun) {
  Compare("q12.overlap", [](const Given& g, const std::string&) {
    double loaded = 0;
    double computed = 0;
    for (int i = 0; i < g.at("n"); ++i) {
      loaded += g.at("l");
      computed = std::max(loaded, computed) + g.at("c");
    }
    return computed / 1e3;
  });
}

TEST(OracleTest, IntervalsAreSearched) {
  Compare(
      "q13.young",
      [](const Given& g, const std::string&) {
        const double mtbf = g.at("M") * 86400 / g.at("n");
        const auto cost = [&](double t) { return g.at("C") / t + t / 2 / mtbf; };
        double best = 1;
        for (double t = 1; t < 1e6; t *= 1.0005) best = cost(t) < cost(best) ? t : best;
        return best;
      },
      2e-3, 30);
  Compare(
      "q13.overhead",
      [](const Given& g, const std::string&) {
        // Failures at every second of an interval, equally likely, each losing what was done in it.
        const double interval = g.at("T") * 60;
        double lost = 0;
        for (int second = 0; second < interval; ++second) lost += second + 0.5;
        return g.at("C") / interval + lost / interval / (g.at("M") * 3600);
      },
      1e-6, 50);
}

TEST(OracleTest, PlatformNumbers) {
  Compare("q14.optimal", [](const Given& g, const std::string&) {
    double low = 1;
    double high = 1e15;
    for (int i = 0; i < 300; ++i) {
      const double middle = (low + high) / 2;
      double flops = 0;
      for (int pass = 0; pass < 3; ++pass)
        flops += 2 * middle * 20 * middle;  // forward, and backward by input and weight
      (flops > g.at("c") * std::pow(10, g.at("e")) ? high : low) = middle;
    }
    return low;
  });
  Compare(
      "q14.no_failure",
      [](const Given& g, const std::string&) {
        // Node by node, minute by minute.
        double survives = 1;
        const double minute = 1 - 1 / (g.at("M") * 1440);
        for (int i = 0; i < g.at("t") * 60; ++i) survives *= minute;
        double all = 1;
        for (int node = 0; node < g.at("n"); ++node) all *= survives;
        return all;
      },
      1e-3, 30);
  Compare(
      "q14.time",
      [](const Given& g, const std::string&) {
        double flops = 0;
        for (int pass = 0; pass < 3; ++pass) flops += 2 * g.at("P") * 1e9 * g.at("D") * 1e12;
        double rate = 0;
        for (int gpu = 0; gpu < g.at("G"); ++gpu) rate += g.at("F") * 1e12 * g.at("u") / 100;
        return flops / rate;
      },
      1e-9, 50);
}

}  // namespace
}  // namespace workbench::quiz
