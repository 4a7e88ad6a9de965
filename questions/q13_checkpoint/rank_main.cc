// Q13 inside the process that holds an implementation: which part's it is, and who runs its cases.
#include <functional>
#include <memory>
#include <string>

#include "harness/runner/rank_program.h"
#include "questions/q13_checkpoint/compress_rank.h"
#include "questions/q13_checkpoint/durable_rank.h"
#include "questions/q13_checkpoint/incremental_rank.h"
#include "questions/q13_checkpoint/reshard_rank.h"
#include "questions/q13_checkpoint/safetensors_rank.h"
#include "questions/q13_checkpoint/snapshot_rank.h"

namespace q13 {
namespace {

using workbench::Result;
using workbench::Status;

class Program : public workbench::RankProgram {
 public:
  Status Prepare(const workbench::RankEnvironment& environment) override {
    const std::string& part = environment.part;
    if (part == "a") return Take(std::make_shared<SnapshotRank>());
    if (part == "b") return Take(std::make_shared<DurableRank>());
    if (part == "c") return Take(std::make_shared<IncrementalRank>());
    if (part == "d") return Take(std::make_shared<ReshardRank>());
    if (part == "e") return Take(std::make_shared<CompressRank>());
    if (part == "f") return Take(std::make_shared<SafetensorsRank>());
    return workbench::Error("Q13 has no part " + part);
  }

  Status Load(void* library) override { return load_(library); }
  Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override { return run_(request); }

 private:
  // The parts' ranks have the same two functions; only the one in use is made.
  template <typename Rank>
  Status Take(std::shared_ptr<Rank> rank) {
    load_ = [rank](void* library) { return rank->Load(library); };
    run_ = [rank](std::span<const std::byte> request) { return rank->Run(request); };
    return Status::Ok();
  }

  std::function<Status(void*)> load_;
  std::function<Result<std::vector<std::byte>>(std::span<const std::byte>)> run_;
};

}  // namespace
}  // namespace q13

std::unique_ptr<workbench::RankProgram> workbench::MakeRankProgram() { return std::make_unique<q13::Program>(); }
