#include "questions/q05_mixed_precision/train_rank.h"

#include <dlfcn.h>

#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/findings.h"
#include "harness/runner/rank_program.h"
#include "questions/q05_mixed_precision/protocol.h"
#include "questions/q05_mixed_precision/train_case.h"

namespace q05 {

using workbench::Error;
using workbench::Status;

Status TrainRank::Prepare() {
  int devices = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaGetDeviceCount(&devices));
  if (devices == 0) return Error("no GPU is visible");
  auto made = workbench::DeviceCallRunner::Create();
  if (!made.ok()) return made.status();
  runner_.emplace(std::move(*made));
  return Status::Ok();
}

Status TrainRank::Load(void* library) {
  entry_ = reinterpret_cast<decltype(entry_)>(dlsym(library, "q05_train"));
  if (entry_ != nullptr) return Status::Ok();
  return Error("the implementation does not define q05_train; is it still extern \"C\", as device_api.h has it?");
}

workbench::Result<std::vector<std::byte>> TrainRank::Run(std::span<const std::byte> request) {
  const auto train = [this](std::span<const std::byte> bytes, void* const* buffers, cudaStream_t stream) {
    const auto parameters = Read<TrainParameters>(bytes);
    const auto floats = [&](TrainBuffer buffer) { return static_cast<float*>(buffers[buffer]); };
    TrainTask task;
    task.inputs = parameters.inputs;
    task.hidden = parameters.hidden;
    task.classes = parameters.classes;
    task.batch = parameters.batch;
    task.steps = parameters.steps;
    task.x = floats(kTrainX);
    task.labels = static_cast<const int32_t*>(buffers[kTrainLabels]);
    task.w1 = floats(kTrainW1);
    task.b1 = floats(kTrainB1);
    task.w2 = floats(kTrainW2);
    task.b2 = floats(kTrainB2);
    task.learning_rate = parameters.learning_rate;
    task.loss_multiplier = parameters.loss_multiplier;
    const TrainOutcome outcome = {floats(kTrainLoss),    floats(kTrainW1After),
                                  floats(kTrainB1After), floats(kTrainW2After),
                                  floats(kTrainB2After), static_cast<int64_t*>(buffers[kTrainGradients])};
    // q05_train takes no stream: what the buffers were filled by has to be over.
    const cudaError_t filled = cudaStreamSynchronize(stream);
    return filled != cudaSuccess ? filled : entry_(static_cast<Recipe>(parameters.recipe), task, outcome);
  };
  std::vector<std::byte> reply;
  const Status status = runner_->Run(request, 0, train, &reply);
  const std::string findings = workbench::TakeDeviceFindings();
  if (!status.ok()) {
    workbench::FailRun(workbench::ErrorKind::kDevice, status.message() + (findings.empty() ? "" : "\n" + findings));
  }
  if (!findings.empty()) workbench::FailRun(workbench::ErrorKind::kDevice, findings);
  return reply;
}

}  // namespace q05
