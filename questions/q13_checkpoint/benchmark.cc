// Q13's timed cases. Part A, on a GPU: a restore from memory. Part E: compression (host code for the most part), and on
// a GPU the planes. Part C, on a GPU: hashes, and the save of a state of which 1 % of the chunks have changed.
#include "grader/benchmark_case.h"
#include "grader/inputs.h"
#include "questions/q13_checkpoint/compress_case.h"
#include "questions/q13_checkpoint/incremental_case.h"
#include "questions/q13_checkpoint/restore_case.h"

namespace q13 {
namespace {

using Replies = std::vector<std::vector<std::byte>>;
using workbench::BenchmarkCase;

BenchmarkCase RestoreBenchmark() {
  constexpr int64_t kBytes = int64_t{1} << 30;
  BenchmarkCase benchmark;
  benchmark.name = "a/restore";
  benchmark.part = "a";
  benchmark.on_gpu = true;
  benchmark.bytes = static_cast<double>(kBytes);
  benchmark.request = [](uint64_t seed, bool) {
    RestoreSpeedRequest request;
    request.bytes = kBytes;
    request.pinned_bytes = int64_t{64} << 20;
    request.chunk_bytes = int64_t{4} << 20;
    request.readers = 8;
    request.samples = 11;
    request.seed = seed;
    return PackRestoreSpeed(request);
  };
  benchmark.seconds = [](const Replies& replies) {
    RestoreSpeedReply reply;
    std::vector<double> seconds;
    const bool good = ParseRestoreSpeed(replies[0], &reply, &seconds) && reply.error == 0 && reply.wrong_bytes == 0;
    return good ? seconds : std::vector<double>();
  };
  return benchmark;
}

BenchmarkCase CompressBenchmark() {
  constexpr size_t kElements = 1 << 20;
  BenchmarkCase benchmark;
  benchmark.name = "e/compress/random_halves";
  benchmark.part = "e";
  benchmark.bytes = 4.0 * kElements;
  benchmark.request = [](uint64_t seed, bool) {
    CompressCall call;
    call.elements = kElements;
    call.element_bytes = 4;
    call.budget_seconds = 0.5;
    call.data.resize(4 * kElements);
    // Of each element two bytes are random, and two are alike: what planes are for.
    for (size_t i = 0; i < call.data.size(); ++i) {
      call.data[i] = i % 4 < 2 ? static_cast<std::byte>(workbench::Mix(seed + i)) : std::byte{0x3c};
    }
    return Encode(call);
  };
  benchmark.seconds = [](const Replies& replies) {
    CompressOutcome outcome;
    if (!Decode(Reader(replies[0]), &outcome) || outcome.result != 0) return std::vector<double>();
    return std::vector<double>{outcome.wall_seconds};
  };
  return benchmark;
}

BenchmarkCase PlanesBenchmark(int32_t element_bytes, bool join) {
  constexpr uint64_t kBytes = 1ull << 30;
  BenchmarkCase benchmark;
  benchmark.name = std::string(join ? "e/join" : "e/split") + "/element_bytes:" + std::to_string(element_bytes);
  benchmark.part = "e";
  benchmark.on_gpu = true;
  benchmark.bytes = static_cast<double>(kBytes);
  benchmark.request = [=](uint64_t seed, bool) {
    return Encode(PlanesTiming{kBytes / static_cast<uint64_t>(element_bytes), element_bytes, join, seed, 11});
  };
  benchmark.seconds = [](const Replies& replies) {
    PlanesTimes times;
    if (!Decode(Reader(replies[0]), &times) || times.error != 0) return std::vector<double>();
    return times.seconds;
  };
  return benchmark;
}

BenchmarkCase IncrementalBenchmark(const std::string& name, IncrementalScenario scenario) {
  BenchmarkCase benchmark;
  benchmark.name = "c/" + name;
  benchmark.part = "c";
  benchmark.on_gpu = true;
  benchmark.request = [=](uint64_t seed, bool) {
    return Encode(IncrementalRequest{.scenario = scenario, .seed = seed, .size = IncrementalSize::kGpu});
  };
  benchmark.seconds = [](const Replies& replies) {
    const auto reply = DecodeIncrementalReply(replies[0]);
    return reply ? reply->seconds : std::vector<double>();
  };
  return benchmark;
}

}  // namespace
}  // namespace q13

std::vector<workbench::BenchmarkCase> workbench::MakeBenchmarks(bool gpu) {
  std::vector<BenchmarkCase> cases = {q13::CompressBenchmark()};
  if (!gpu) return cases;
  cases.push_back(q13::RestoreBenchmark());
  for (const int32_t element_bytes : {2, 4}) {
    cases.push_back(q13::PlanesBenchmark(element_bytes, false));
    cases.push_back(q13::PlanesBenchmark(element_bytes, true));
  }
  cases.push_back(q13::IncrementalBenchmark("hash", q13::IncrementalScenario::kHashSpeed));
  cases.push_back(q13::IncrementalBenchmark("save_1_percent", q13::IncrementalScenario::kSaveSpeed));
  return cases;
}
