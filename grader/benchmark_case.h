// What a question gives `:benchmark` and `:compare`: cases that are timed on the answer, the reference and peers.
#ifndef GRADER_BENCHMARK_CASE_H_
#define GRADER_BENCHMARK_CASE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace workbench {

struct BenchmarkCase {
  std::string name;  // "a/ring/64MiB/ranks:4"
  std::string part;
  int ranks = 1;
  double bytes = 0;       // S, of one rank's buffer
  double bus_factor = 1;  // busbw = bus_factor * algbw (docs/metrics.md)
  int repeats = 3;        // requests a measurement; each gives several batches
  bool on_gpu = false;    // what is timed runs on a GPU
  std::string peer;       // a library that does the same, or empty
  // The request that times the implementation (or the peer) once more, with fresh inputs.
  std::function<std::vector<std::byte>(uint64_t seed, bool peer)> request;
  // Seconds a call from the ranks' replies: the slowest rank of each batch.
  std::function<std::vector<double>(const std::vector<std::vector<std::byte>>& replies)> seconds;
  // Optional: asks the reference's ranks for the copy bandwidth of their GPU (bytes read plus bytes written a second),
  // and with it the bytes that one call has to move at least, all ranks together. The report then shows the busbw that
  // the measured bandwidth allows.
  double least_bytes = 0;
  std::function<std::vector<std::byte>()> ceiling_request;
  std::function<double(const std::vector<std::vector<std::byte>>& replies)> copy_bandwidth;
};

// Defined once by each question. `gpu`: cases that need one too.
std::vector<BenchmarkCase> MakeBenchmarks(bool gpu);

}  // namespace workbench

#endif  // GRADER_BENCHMARK_CASE_H_
