// Part G inside a rank. A request is a DeviceCall of kind kTrain (train_case.h has its parameters and buffers); the
// reply is a CallOutcome and the outputs.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_TRAIN_RANK_H_
#define QUESTIONS_Q05_MIXED_PRECISION_TRAIN_RANK_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "harness/device/device_call_run.h"
#include "harness/status.h"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {

class TrainRank {
 public:
  // Makes what the calls need on the current device. Before Load.
  workbench::Status Prepare();
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // Ends the run (FailRun) where the device reports an error.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  std::optional<workbench::DeviceCallRunner> runner_;
  decltype(&q05_train) entry_ = nullptr;
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_TRAIN_RANK_H_
