// Q7 inside the process that holds an implementation: which part's it is, and who runs its cases.
#include <memory>
#include <optional>

#include "harness/runner/rank_program.h"
#include "questions/q07_scheduling/executor_rank.h"
#include "questions/q07_scheduling/placement_rank.h"
#include "questions/q07_scheduling/policy_rank.h"
#include "questions/q07_scheduling/sharing_rank.h"

namespace q07 {
namespace {

using workbench::Status;

class Program : public workbench::RankProgram {
 public:
  Status Prepare(const workbench::RankEnvironment& environment) override {
    part_ = environment.part;
    return Status::Ok();
  }

  bool StartsProcesses() const override { return part_ == "d"; }

  Status Load(void* library) override {
    if (part_ == "a") return policy_.Load(library);
    if (part_ == "b") return placement_.Load(library);
    if (part_ == "c") return sharing_.Load(library);
    if (part_ == "d") return executor_.Load(library);
    return workbench::Error("Q7 has no part " + part_);
  }

  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override {
    if (part_ == "a") return policy_.Run(request);
    if (part_ == "b") return placement_.Run(request);
    if (part_ == "c") return sharing_.Run(request);
    return executor_.Run(request);
  }

 private:
  std::string part_;
  PolicyRank policy_;
  PlacementRank placement_;
  SharingRank sharing_;
  ExecutorRank executor_;
};

}  // namespace
}  // namespace q07

std::unique_ptr<workbench::RankProgram> workbench::MakeRankProgram() { return std::make_unique<q07::Program>(); }
