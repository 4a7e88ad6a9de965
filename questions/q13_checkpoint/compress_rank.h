// Part E inside the process that holds an answer.
#ifndef QUESTIONS_Q13_CHECKPOINT_COMPRESS_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_COMPRESS_RANK_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "harness/device/device_call_run.h"
#include "harness/status.h"
#include "questions/q13_checkpoint/compress_case.h"
#include "questions/q13_checkpoint/device_api.h"

namespace q13 {

class CompressRank {
 public:
  CompressRank();  // takes the device; Load says if it could not
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // Ends the run (FailRun) where the device reports an error.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  workbench::Status Dispatch(std::span<const std::byte> request, std::vector<std::byte>* reply);
  workbench::Status RunPlanes(std::span<const std::byte> request, std::vector<std::byte>* reply);
  workbench::Status RunCompress(const CompressCall& call, CompressOutcome* outcome);
  workbench::Status RunDecompress(const DecompressCall& call, DecompressOutcome* outcome);
  workbench::Status RunDamage(const DamageCall& call, DamageOutcome* outcome);
  workbench::Status RunTiming(const PlanesTiming& call, PlanesTimes* times);
  workbench::Status Measure(CompressCeilings* ceilings);
  cudaError_t Planes(const PlanesParameters& parameters, const void* in, void* out, cudaStream_t stream) const;

  workbench::Status prepared_;
  std::optional<workbench::DeviceCallRunner> runner_;
  decltype(&q13_split_planes) split_ = nullptr;
  decltype(&q13_join_planes) join_ = nullptr;
  decltype(&q13_compress) compress_ = nullptr;
  decltype(&q13_decompress) decompress_ = nullptr;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_COMPRESS_RANK_H_
