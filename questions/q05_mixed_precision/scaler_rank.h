// Part C inside a rank: the answer's scalers, and optimisers that record what is asked of them.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_SCALER_RANK_H_
#define QUESTIONS_Q05_MIXED_PRECISION_SCALER_RANK_H_

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q05_mixed_precision/api.h"
#include "questions/q05_mixed_precision/scaler_case.h"

namespace q05 {

class ScalerRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // A ScalerRequest; the reply is ScalerRecords.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  struct Entries {
    decltype(&q05_scaler_create) create = nullptr;
    decltype(&q05_scaler_destroy) destroy = nullptr;
    decltype(&q05_scaler_scale) scale = nullptr;
    decltype(&q05_scaler_step) step = nullptr;
    decltype(&q05_scaler_save) save = nullptr;
    decltype(&q05_scaler_restore) restore = nullptr;
  };

  void Destroy(int scaler);
  void RunOne(const ScalerConfig& config, const ScalerOperation& operation, std::vector<std::byte>* reply);

  Entries entries_;
  std::array<void*, kScalers> scalers_ = {};
  std::array<ScalerState, kScalers> saved_ = {};
};

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_SCALER_RANK_H_
