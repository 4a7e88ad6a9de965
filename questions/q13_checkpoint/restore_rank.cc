#include "questions/q13_checkpoint/restore_rank.h"

#include <array>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/stream.h"
#include "questions/q13_checkpoint/judge_kernels.h"
#include "questions/q13_checkpoint/snapshot_memory.h"

namespace q13 {
namespace {

using workbench::DeviceBuffer;
using workbench::Status;

constexpr std::chrono::milliseconds kAfterReturn{20};  // for calls that come too late

class Call {
 public:
  Call(const RestoreCase& asked, decltype(&q13_restore) restore, std::shared_ptr<RecordingSource>* source)
      : asked_(asked), restore_(restore), gate_(std::make_shared<Gate>()) {
    source_ = std::make_shared<RecordingSource>(asked, gate_);
    *source = source_;
  }

  Status Run(RestoreReply* reply) {
    WB_RETURN_IF_ERROR(Prepare());
    const RestorePlan& plan = asked_.plan;
    cudaStream_t const stream = streams_[0].get();
    if (plan.gate != RestoreGate::kNone) {
      gate_->Close(std::chrono::milliseconds(plan.gate_ms));
      WB_RETURN_IF_CUDA_ERROR(EnqueueGate(gate_, streams_[plan.gate == RestoreGate::kOtherStream ? 1 : 0].get()));
    }
    WB_RETURN_IF_ERROR(CopyTo(before_));
    BeginCountingMemory();
    reply->value = restore_({plan.pinned_bytes, plan.chunk_bytes, plan.readers},
                            plan.arguments == RestoreArguments::kNoSource ? nullptr : source_.get(), tensors_, stream);
    reply->gate_by_itself = gate_->opened_by_itself();
    source_->Close();
    const Status copied = CopyTo(after_);
    reply->memory = EndCountingMemory();
    WB_RETURN_IF_ERROR(copied);
    // The list is the caller's: what is needed of it has been read by now.
    for (RestoreTensor& tensor : tensors_) tensor = {nullptr, Type::kBool, nullptr, -1};
    gate_->Open();
    std::this_thread::sleep_for(kAfterReturn);
    // Whatever streams there are: what is judged here is bytes. The copies tell about order.
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
    reply->reads = source_->reads();
    WB_RETURN_IF_ERROR(TakeOff(block_, &reply->block));
    WB_RETURN_IF_ERROR(TakeOff(before_, &reply->before));
    return TakeOff(after_, &reply->after);
  }

 private:
  Status Prepare() {
    const std::vector<int64_t> layout = asked_.Layout();
    for (DeviceBuffer<std::byte>* buffer : {&block_, &before_, &after_}) {
      workbench::Result<DeviceBuffer<std::byte>> made =
          DeviceBuffer<std::byte>::Create(static_cast<size_t>(layout.back()));
      if (!made.ok()) return made.status();
      *buffer = std::move(*made);
    }
    for (size_t t = 0; t < asked_.tensors.size(); ++t) {
      const SnapshotTensor& tensor = asked_.tensors[t];
      // An empty tensor may have no memory at all.
      void* data = tensor.bytes == 0 && t % 2 == 0 ? nullptr : block_.data() + layout[t];
      tensors_.push_back({"t", static_cast<Type>(tensor.type), data, tensor.bytes});
    }
    const RestoreArguments arguments = asked_.plan.arguments;
    if (arguments == RestoreArguments::kNegativeBytes) tensors_[tensors_.size() / 2].bytes = -1;
    if (arguments == RestoreArguments::kNoData) tensors_[tensors_.size() / 2] = {"t", Type::kU8, nullptr, 64};
    // Streams that the default stream waits for, and they for it: what uses that one is found to wait.
    for (workbench::Stream& stream : streams_) {
      cudaStream_t made = nullptr;
      WB_RETURN_IF_CUDA_ERROR(cudaStreamCreate(&made));
      stream = workbench::Stream(made);
    }
    WB_RETURN_IF_CUDA_ERROR(judge::FillPattern(block_.data(), block_.bytes(),
                                               PatternKey(asked_.plan.seed, 0, kRestoreBlock), streams_[0].get()));
    return WB_CUDA(cudaStreamSynchronize(streams_[0].get()));
  }

  Status CopyTo(const DeviceBuffer<std::byte>& copy) {
    return WB_CUDA(
        cudaMemcpyAsync(copy.data(), block_.data(), block_.bytes(), cudaMemcpyDeviceToDevice, streams_[0].get()));
  }

  static Status TakeOff(const DeviceBuffer<std::byte>& buffer, std::vector<std::byte>* bytes) {
    bytes->resize(buffer.bytes());
    return WB_CUDA(cudaMemcpy(bytes->data(), buffer.data(), buffer.bytes(), cudaMemcpyDeviceToHost));
  }

  const RestoreCase& asked_;
  decltype(&q13_restore) restore_;
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<RecordingSource> source_;
  DeviceBuffer<std::byte> block_, before_, after_;
  std::vector<RestoreTensor> tensors_;
  std::array<workbench::Stream, 2> streams_;
};

}  // namespace

bool IsSensible(const RestoreCase& asked) {
  for (const SnapshotTensor& tensor : asked.tensors) {
    if (tensor.bytes < 0 || tensor.offset < 0 || tensor.offset >= 256) return false;
  }
  const RestoreArguments arguments = asked.plan.arguments;
  const bool of_tensor = arguments == RestoreArguments::kNegativeBytes || arguments == RestoreArguments::kNoData;
  return asked.plan.gate_ms >= 0 && asked.plan.delay_us >= 0 && !(of_tensor && asked.tensors.empty());
}

Status RunRestore(const RestoreCase& asked, decltype(&q13_restore) restore, std::shared_ptr<RecordingSource>* source,
                  RestoreReply* reply) {
  return Call(asked, restore, source).Run(reply);
}

}  // namespace q13
