#include "questions/q05_mixed_precision/scaler_rank.h"

#include <dlfcn.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace q05 {
namespace {

using workbench::Error;
using workbench::Status;

class RecordingOptimizer : public Optimizer {
 public:
  RecordingOptimizer(int index, bool overflow, double norm, ScalerRecord* record, std::vector<RecordedCall>* calls)
      : index_(index), overflow_(overflow), norm_(norm), record_(record), calls_(calls) {}

  bool Unscale(double inverse_scale, double* norm) override {
    Note(OptimizerCall::kUnscale, inverse_scale);
    *norm = overflow_ ? std::numeric_limits<double>::quiet_NaN() : norm_;
    return overflow_;
  }
  void Clip(double factor) override { Note(OptimizerCall::kClip, factor); }
  void Step() override { Note(OptimizerCall::kStep, 0); }

 private:
  void Note(OptimizerCall call, double argument) {
    if (record_->calls++ < kMaxCalls) calls_->push_back({call, index_, argument});
  }

  int index_;
  bool overflow_;
  double norm_;
  ScalerRecord* record_;
  std::vector<RecordedCall>* calls_;
};

}  // namespace

Status ScalerRank::Load(void* library) {
  const auto find = [&](const char* name, auto* entry) {
    *entry = reinterpret_cast<std::remove_pointer_t<decltype(entry)>>(dlsym(library, name));
    return *entry != nullptr;
  };
  const bool all = find("q05_scaler_create", &entries_.create) && find("q05_scaler_destroy", &entries_.destroy) &&
                   find("q05_scaler_scale", &entries_.scale) && find("q05_scaler_step", &entries_.step) &&
                   find("q05_scaler_save", &entries_.save) && find("q05_scaler_restore", &entries_.restore);
  if (all) return Status::Ok();
  return Error(
      "the implementation does not define all of q05_scaler_create, _destroy, _scale, _step, _save and _restore; are "
      "they still extern \"C\", with the signatures of api.h?");
}

void ScalerRank::Destroy(int scaler) {
  void*& at = scalers_[static_cast<size_t>(scaler)];
  if (at != nullptr) entries_.destroy(at);
  at = nullptr;
}

void ScalerRank::RunOne(const ScalerConfig& config, const ScalerOperation& operation, std::vector<std::byte>* reply) {
  void*& scaler = scalers_[static_cast<size_t>(operation.scaler)];
  ScalerState& saved = saved_[static_cast<size_t>(operation.place)];
  ScalerRecord record;
  std::vector<RecordedCall> calls;
  if (operation.op == ScalerOp::kCreate) {
    Destroy(operation.scaler);
    scaler = this;  // so that an answer that leaves it alone after an error is noticed
    record.result = entries_.create(config, &scaler);
    // A scaler that was made of a configuration that has been refused is not the judge's to destroy.
    if (record.result != Result::kOk) {
      record.scale = scaler == nullptr ? 0 : -1;
      scaler = nullptr;
      Append(reply, record);
      return;
    }
  }
  if (scaler == nullptr || scaler == this) {
    scaler = nullptr;
    record.scale = -1;
    Append(reply, record);
    return;
  }
  switch (operation.op) {
    case ScalerOp::kCreate:
      break;
    case ScalerOp::kStep: {
      std::vector<RecordingOptimizer> optimizers;
      optimizers.reserve(kMaxOptimizers);
      Optimizer* pointers[kMaxOptimizers] = {};
      for (int i = 0; i < std::min(operation.optimizers, kMaxOptimizers); ++i) {
        optimizers.emplace_back(i, (operation.overflow >> i) & 1, operation.norm[i], &record, &calls);
        pointers[i] = &optimizers.back();
      }
      record.result = entries_.step(scaler, pointers, operation.optimizers, operation.max_norm);
      break;
    }
    case ScalerOp::kSave:
      entries_.save(scaler, &saved);
      record.state = saved;
      break;
    case ScalerOp::kRestore:
      record.result = entries_.restore(scaler, saved);
      break;
    case ScalerOp::kGiven:
      record.result = entries_.restore(scaler, operation.state);
      break;
  }
  record.scale = entries_.scale(scaler);
  Append(reply, record);
  AppendAll(reply, calls);
}

workbench::Result<std::vector<std::byte>> ScalerRank::Run(std::span<const std::byte> bytes) {
  const auto request = Read<ScalerRequest>(bytes);
  std::vector<std::byte> reply;
  for (size_t at = sizeof request; at + sizeof(ScalerOperation) <= bytes.size(); at += sizeof(ScalerOperation)) {
    RunOne(request.config, Read<ScalerOperation>(bytes, at), &reply);
  }
  for (int scaler = 0; scaler < kScalers; ++scaler) Destroy(scaler);
  return reply;
}

}  // namespace q05
