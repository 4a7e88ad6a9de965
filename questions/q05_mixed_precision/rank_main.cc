// Q5 inside a rank: which part's entry points an implementation has, and who runs them.
#include <memory>
#include <optional>

#include "harness/runner/rank_program.h"
#include "questions/q05_mixed_precision/device_rank.h"
#include "questions/q05_mixed_precision/scaler_rank.h"
#include "questions/q05_mixed_precision/train_rank.h"

namespace q05 {
namespace {

using workbench::Status;

class Program : public workbench::RankProgram {
 public:
  Status Prepare(const workbench::RankEnvironment& environment) override {
    if (environment.part == "c") {
      scaler_.emplace();
      return Status::Ok();
    }
    if (environment.part == "g") return train_.emplace().Prepare();
    return device_.emplace().Prepare(environment);
  }

  Status Load(void* library) override {
    return scaler_ ? scaler_->Load(library) : train_ ? train_->Load(library) : device_->Load(library);
  }

  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override {
    return scaler_ ? scaler_->Run(request) : train_ ? train_->Run(request) : device_->Run(request);
  }

 private:
  std::optional<ScalerRank> scaler_;
  std::optional<TrainRank> train_;
  std::optional<DeviceRank> device_;
};

}  // namespace
}  // namespace q05

std::unique_ptr<workbench::RankProgram> workbench::MakeRankProgram() { return std::make_unique<q05::Program>(); }
