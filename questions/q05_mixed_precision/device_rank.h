// Parts A, B, D, E and F inside a rank: the answer's entry points, called on buffers as the grader describes them.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_DEVICE_RANK_H_
#define QUESTIONS_Q05_MIXED_PRECISION_DEVICE_RANK_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/device/device_buffer.h"
#include "harness/device/device_call_run.h"
#include "harness/device/gpu_sharing.h"
#include "harness/device/ipc_window.h"
#include "harness/device/nccl_communicator.h"
#include "harness/runner/rank_program.h"
#include "harness/status.h"
#include "questions/q05_mixed_precision/device_entries.h"
#include "questions/q05_mixed_precision/protocol.h"

namespace q05 {

// What a RankMax needs.
struct RankMaxState {
  std::unique_ptr<workbench::NcclCommunicator> communicator;
  workbench::DeviceBuffer<float> largest;
};

class DeviceRank {
 public:
  // Takes a GPU; for part b on several ranks, a communicator of all of them.
  workbench::Status Prepare(const workbench::RankEnvironment& environment);
  workbench::Status Load(void* library) { return entries_.Load(library, part_); }
  // Ends the run (FailRun) where the device reports an error.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  workbench::Status Dispatch(std::span<const std::byte> request, std::vector<std::byte>* reply);
  workbench::Status RunRange(const ConvertRange& range, std::vector<std::byte>* reply);
  workbench::Status RunTiming(std::span<const std::byte> request, std::vector<std::byte>* reply);
  workbench::Status Measure(std::vector<std::byte>* reply);

  std::string part_;
  workbench::RankLinks links_;
  workbench::GpuShare share_;
  DeviceEntries entries_;
  std::optional<workbench::DeviceCallRunner> runner_;
  RankMaxState rank_max_;
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_DEVICE_RANK_H_
