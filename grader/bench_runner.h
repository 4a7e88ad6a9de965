// Keeps the ranks of several implementations and times one batch at a time on any of them; the others are idle
// meanwhile.
#ifndef GRADER_BENCH_RUNNER_H_
#define GRADER_BENCH_RUNNER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grader/benchmark_case.h"
#include "harness/launch/rank_session.h"
#include "harness/launch/shared_devices.h"
#include "harness/status.h"

namespace workbench {

struct BenchOptions {
  std::map<std::string, std::map<std::string, std::string>> libraries;  // implementation -> part -> shared object
  std::string runner;
  bool gpu = false;
  std::vector<std::string> rest;  // flags that are not ours
};

// --answer=PART=PATH, --reference=PART=PATH, --runner=PATH, --mode=host|gpu; everything else is left in `rest`.
BenchOptions ParseBenchOptions(int argc, char** argv);

class BenchRunner {
 public:
  explicit BenchRunner(BenchOptions options);
  ~BenchRunner();

  bool Has(const std::string& implementation, const std::string& part) const;
  // Seconds a call, one value a batch. implementation: "answer", "reference", or "peer" (run by the reference's ranks).
  Result<std::vector<double>> Time(const BenchmarkCase& benchmark, const std::string& implementation);
  // Of the GPU of the case's ranks; REQUIRES: the case has a ceiling_request.
  Result<double> CopyBandwidth(const BenchmarkCase& benchmark);
  // Ends the ranks of sessions with another number of ranks: they would only be in the way.
  void KeepOnly(int ranks);

 private:
  using Replies = std::vector<std::vector<std::byte>>;
  Result<Replies> Ask(const BenchmarkCase& benchmark, const std::string& owner, const std::vector<std::byte>& request);
  std::vector<pid_t> OthersThan(const std::string& key) const;

  BenchOptions options_;
  SharedDevices devices_;
  std::map<std::string, std::unique_ptr<RankSession>> sessions_;
  uint64_t seed_ = 1;
};

}  // namespace workbench

#endif  // GRADER_BENCH_RUNNER_H_
