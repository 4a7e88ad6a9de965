#include "questions/q13_checkpoint/incremental_rank.h"

#include <dlfcn.h>

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "harness/device/findings.h"
#include "harness/runner/rank_program.h"

namespace q13 {
namespace {

using Try = void (*)(IncrementalTrial&);
constexpr Try kTries[] = {TryHash,  TryAvalanche, TryRoundtrip, TryChanges, TryTensors, TrySteps,
                          TryKeep,  TryCompact,   TryRestart,   TryCrash,   TryErrors,  TryBitflips,
                          TryStats, TryArguments, TimeHash,     TimeSave};
static_assert(std::size(kTries) == static_cast<size_t>(IncrementalScenario::kScenarios));

}  // namespace

workbench::Status IncrementalRank::Load(void* library) {
  entries_.create = reinterpret_cast<decltype(entries_.create)>(dlsym(library, "q13_incremental_create"));
  entries_.hash = reinterpret_cast<decltype(entries_.hash)>(dlsym(library, "q13_hash_chunks"));
  for (const auto& [entry, name] : {std::pair(reinterpret_cast<void*>(entries_.create), "q13_incremental_create"),
                                    std::pair(reinterpret_cast<void*>(entries_.hash), "q13_hash_chunks")}) {
    if (entry == nullptr) {
      return workbench::Error(std::string("the implementation does not define ") + name +
                              "; is it still extern \"C\", as device_api.h has it?");
    }
  }
  return workbench::Status::Ok();
}

workbench::Result<std::vector<std::byte>> IncrementalRank::Run(std::span<const std::byte> bytes) {
  const std::optional<IncrementalRequest> request = DecodeIncrementalRequest(bytes);
  if (!request) return workbench::Error("not a request of part c");
  cudaStream_t stream = nullptr;
  RequireCuda(cudaStreamCreate(&stream), "cudaStreamCreate");
  IncrementalTrial trial(entries_, *request, stream);
  kTries[static_cast<int>(request->scenario)](trial);
  RequireCuda(cudaDeviceSynchronize(), "what the implementation has left on the device");
  RequireCuda(cudaStreamDestroy(stream), "cudaStreamDestroy");
  if (const std::string findings = workbench::TakeDeviceFindings(); !findings.empty()) {
    workbench::FailRun(workbench::ErrorKind::kDevice, findings);
  }
  return Encode(trial.reply());
}

}  // namespace q13
