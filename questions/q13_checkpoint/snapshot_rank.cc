#include "questions/q13_checkpoint/snapshot_rank.h"

#include <dlfcn.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/findings.h"
#include "harness/device/stream.h"
#include "harness/runner/rank_program.h"
#include "questions/q13_checkpoint/judge_kernels.h"
#include "questions/q13_checkpoint/protocol.h"
#include "questions/q13_checkpoint/restore_case.h"
#include "questions/q13_checkpoint/restore_rank.h"
#include "questions/q13_checkpoint/restore_speed.h"
#include "questions/q13_checkpoint/snapshot_memory.h"
#include "questions/q13_checkpoint/snapshot_speed.h"

namespace q13 {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using workbench::DeviceBuffer;
using workbench::Status;

constexpr size_t kAlignment = 256;
constexpr seconds kAwaitFinish{10};
constexpr milliseconds kAfterDestroy{30};  // for calls that come too late

// One case.
class Script {
 public:
  Script(const SnapshotCase& script, decltype(&q13_snapshot_create) create)
      : script_(script),
        create_(create),
        sink_(std::make_shared<RecordingSink>(script.tensors, script.saves)),
        gate_(std::make_shared<Gate>()) {}

  Status Run(SnapshotReply* reply);
  const std::shared_ptr<RecordingSink>& sink() const { return sink_; }

 private:
  Status Prepare();
  Status Do(const SnapshotAction& action, SnapshotActionResult* result);
  void Save(const SnapshotAction& action, SnapshotActionResult* result);
  Status CloseGate(const SnapshotAction& action);
  Status Fill(const SnapshotAction& action);
  Status Join(const SnapshotAction& action);
  void Destroy();
  cudaStream_t StreamOf(int64_t index) const { return streams_[static_cast<size_t>(index)].get(); }

  const SnapshotCase& script_;
  decltype(&q13_snapshot_create) create_;
  std::shared_ptr<RecordingSink> sink_;
  std::shared_ptr<Gate> gate_;
  DeviceBuffer<std::byte> memory_;
  std::vector<DeviceTensor> tensors_;
  std::array<workbench::Stream, kSnapshotStreams> streams_;
  std::unique_ptr<Snapshotter> snapshotter_;
};

Status Script::Prepare() {
  size_t bytes = 0;
  std::vector<size_t> begin;
  for (const SnapshotTensor& tensor : script_.tensors) {
    begin.push_back(bytes + static_cast<size_t>(tensor.offset));
    bytes +=
        (static_cast<size_t>(tensor.offset) + static_cast<size_t>(tensor.bytes) + kAlignment) / kAlignment * kAlignment;
  }
  workbench::Result<DeviceBuffer<std::byte>> memory = DeviceBuffer<std::byte>::Create(bytes + kAlignment);
  if (!memory.ok()) return memory.status();
  memory_ = std::move(*memory);
  for (size_t t = 0; t < script_.tensors.size(); ++t) {
    const SnapshotTensor& tensor = script_.tensors[t];
    // An empty tensor may have no memory at all.
    const void* data = tensor.bytes == 0 && t % 2 == 0 ? nullptr : memory_.data() + begin[t];
    tensors_.push_back({"t", static_cast<Type>(tensor.type), data, tensor.bytes});
  }
  // Streams that the default stream waits for, and they for it: what uses that one is found to wait.
  for (workbench::Stream& stream : streams_) {
    cudaStream_t made = nullptr;
    WB_RETURN_IF_CUDA_ERROR(cudaStreamCreate(&made));
    stream = workbench::Stream(made);
  }
  return Status::Ok();
}

Status Script::Run(SnapshotReply* reply) {
  WB_RETURN_IF_ERROR(Prepare());
  SnapshotConfig config;
  config.device_bytes = script_.device_bytes;
  config.pinned_bytes = script_.pinned_bytes;
  config.chunk_bytes = script_.chunk_bytes;
  BeginCountingMemory();
  snapshotter_.reset(create_(config, script_.has_sink ? sink_.get() : nullptr));
  reply->created = snapshotter_ != nullptr;
  if (reply->created) {
    ForbidMemoryCalls(true);
    for (const SnapshotAction& action : script_.actions) {
      reply->actions.emplace_back();
      WB_RETURN_IF_ERROR(Do(action, &reply->actions.back()));
    }
    Destroy();
  }
  reply->memory = EndCountingMemory();
  if (!reply->created) (void)cudaGetLastError();  // an allocation that could not be
  for (const workbench::Stream& stream : streams_) WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream.get()));
  sink_->Report(reply);
  return Status::Ok();
}

Status Script::Do(const SnapshotAction& action, SnapshotActionResult* result) {
  switch (action.step) {
    case SnapshotStep::kFill:
      return Fill(action);
    case SnapshotStep::kSave:
    case SnapshotStep::kBadSave:
      Save(action, result);
      break;
    case SnapshotStep::kWait:
      if (snapshotter_ != nullptr) result->value = snapshotter_->Wait();
      break;
    case SnapshotStep::kCloseGate:
      return CloseGate(action);
    case SnapshotStep::kOpenGate:
      gate_->Open();
      break;
    case SnapshotStep::kHoldSink:
      sink_->gate().Close(milliseconds(action.a), action.b);
      break;
    case SnapshotStep::kFreeSink:
      sink_->gate().Open();
      break;
    case SnapshotStep::kSlowSink:
      sink_->set_delay(microseconds(action.a));
      break;
    case SnapshotStep::kFailWrite:
      sink_->FailAt(action.a, action.b, static_cast<int>(action.c));
      break;
    case SnapshotStep::kAwaitFinish:
      result->timed_out = !sink_->AwaitFinish(action.a, kAwaitFinish);
      break;
    case SnapshotStep::kSleep:
      std::this_thread::sleep_for(milliseconds(action.a));
      break;
    case SnapshotStep::kSync:
      WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(StreamOf(action.stream)));
      break;
    case SnapshotStep::kJoin:
      return Join(action);
    case SnapshotStep::kDestroy:
      Destroy();
      break;
  }
  result->finished = sink_->finished();
  return Status::Ok();
}

Status Script::Fill(const SnapshotAction& action) {
  for (size_t t = 0; t < tensors_.size(); ++t) {
    WB_RETURN_IF_CUDA_ERROR(
        judge::FillPattern(const_cast<void*>(tensors_[t].data), static_cast<size_t>(tensors_[t].bytes),
                           PatternKey(script_.seed, action.a, static_cast<int64_t>(t)), StreamOf(action.stream)));
  }
  return Status::Ok();
}

void Script::Save(const SnapshotAction& action, SnapshotActionResult* result) {
  if (snapshotter_ == nullptr) return;
  std::vector<DeviceTensor> tensors = tensors_;
  if (action.step == SnapshotStep::kBadSave) {
    tensors[0].bytes = action.b == 0 ? -1 : 64;
    if (action.b == 1) tensors[0].data = nullptr;
  } else if (action.b >= 0) {
    tensors.resize(static_cast<size_t>(action.b));
    sink_->ExpectTensors(action.a, action.b);
  }
  result->value = snapshotter_->Save(action.a, tensors, StreamOf(action.stream));
  result->timed_out = (gate_->opened_by_itself() ? 1 : 0) + (sink_->gate().opened_by_itself() ? 2 : 0);
  result->taken = sink_->taken(action.a);
  // The list is the caller's: what is needed of it has been read by now.
  for (DeviceTensor& tensor : tensors) tensor = {nullptr, Type::kBool, nullptr, -1};
}

Status Script::CloseGate(const SnapshotAction& action) {
  gate_->Close(milliseconds(action.a));
  return WB_CUDA(EnqueueGate(gate_, StreamOf(action.stream)));  // that may pass after this case
}

Status Script::Join(const SnapshotAction& action) {
  cudaEvent_t made = nullptr;
  WB_RETURN_IF_CUDA_ERROR(cudaEventCreateWithFlags(&made, cudaEventDisableTiming));
  const workbench::Event event(made);
  WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(made, StreamOf(action.stream)));
  return WB_CUDA(cudaStreamWaitEvent(StreamOf(action.a), made));
}

void Script::Destroy() {
  if (snapshotter_ == nullptr) return;
  ForbidMemoryCalls(false);
  snapshotter_.reset();
  sink_->Close();
  std::this_thread::sleep_for(kAfterDestroy);
  gate_->Open();
  sink_->gate().Open();
}

bool IsSensible(const SnapshotCase& script) {
  if (script.saves < 0 || script.saves > 64) return false;
  for (const SnapshotTensor& tensor : script.tensors) {
    if (tensor.bytes < 0 || tensor.offset < 0 || tensor.offset >= static_cast<int32_t>(kAlignment)) return false;
  }
  for (const SnapshotAction& action : script.actions) {
    if (action.stream < 0 || action.stream >= kSnapshotStreams) return false;
    if (action.step == SnapshotStep::kJoin && (action.a < 0 || action.a >= kSnapshotStreams)) return false;
    const bool save = action.step == SnapshotStep::kSave || action.step == SnapshotStep::kBadSave;
    if (save && (action.a < 0 || action.a >= script.saves)) return false;
    if (save && action.b > static_cast<int64_t>(script.tensors.size())) return false;
    if (action.step == SnapshotStep::kBadSave && script.tensors.empty()) return false;
  }
  return true;
}

// A device error leaves the context unusable: the run ends here, under its own verdict.
void EndRunUnlessOk(const Status& status) {
  const std::string findings = workbench::TakeDeviceFindings();
  if (!status.ok()) {
    workbench::FailRun(workbench::ErrorKind::kDevice, status.message() + (findings.empty() ? "" : "\n" + findings));
  }
  if (!findings.empty()) workbench::FailRun(workbench::ErrorKind::kDevice, findings);
}

[[noreturn]] void RefuseRequest() {
  workbench::FailRun(workbench::ErrorKind::kHarness, "a request that part a does not understand");
}

}  // namespace

Status SnapshotRank::Load(void* library) {
  create_ = reinterpret_cast<decltype(create_)>(dlsym(library, "q13_snapshot_create"));
  restore_ = reinterpret_cast<decltype(restore_)>(dlsym(library, "q13_restore"));
  if (create_ != nullptr && restore_ != nullptr) return Status::Ok();
  return workbench::Error(std::string("the implementation does not define ") +
                          (create_ == nullptr ? "q13_snapshot_create" : "q13_restore") +
                          "; is it still extern \"C\", with the signature of device_api.h?");
}

workbench::Result<std::vector<std::byte>> SnapshotRank::Run(std::span<const std::byte> request) {
  Reader reader(request);
  (void)reader.Read<RequestKind>();
  switch (reader.Read<SnapshotForm>()) {
    case SnapshotForm::kScript:
      return RunScript(request);
    case SnapshotForm::kRestore:
      return RunOneRestore(request);
    case SnapshotForm::kSpeed: {
      std::vector<std::byte> reply;
      EndRunUnlessOk(RunSnapshotSpeed(request, create_, &reply));
      return reply;
    }
    case SnapshotForm::kRestoreSpeed: {
      std::vector<std::byte> reply;
      EndRunUnlessOk(RunRestoreSpeed(request, restore_, &reply));
      return reply;
    }
  }
  RefuseRequest();
}

std::vector<std::byte> SnapshotRank::RunScript(std::span<const std::byte> request) {
  SnapshotCase script;
  if (!ParseSnapshotCase(request, &script) || !IsSensible(script)) RefuseRequest();
  SnapshotReply reply;
  {
    Script run(script, create_);
    last_sink_ = run.sink();
    EndRunUnlessOk(run.Run(&reply));
  }
  EndRunUnlessOk(Status::Ok());
  return PackSnapshotReply(reply);
}

std::vector<std::byte> SnapshotRank::RunOneRestore(std::span<const std::byte> request) {
  RestoreCase asked;
  if (!ParseRestoreCase(request, &asked) || !IsSensible(asked)) RefuseRequest();
  RestoreReply reply;
  EndRunUnlessOk(RunRestore(asked, restore_, &last_source_, &reply));
  EndRunUnlessOk(Status::Ok());
  return PackRestoreReply(reply);
}

}  // namespace q13
