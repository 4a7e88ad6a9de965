#include "questions/q02_allreduce/device_rank.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "harness/device/cuda_status.h"

namespace q02 {
namespace {

using workbench::DeviceBuffer;
using workbench::Error;
using workbench::IpcWindow;
using workbench::Status;

constexpr size_t kScratchBytes = size_t{32} << 20;
constexpr size_t kAlignment = 256;

size_t ElementBytesOf(const DeviceOperation& operation) { return ElementBytes(static_cast<DataType>(operation.type)); }

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// From one operand's red zone to the next one's.
size_t SlotBytes(const DeviceOperation& operation) {
  const size_t offset = static_cast<size_t>(std::max(operation.in_offset, operation.out_offset));
  return RoundUp(2 * kDeviceRedZoneBytes + (offset + operation.count) * ElementBytesOf(operation), kAlignment);
}

std::string Named(cudaError_t error) {
  return std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")";
}

template <typename T>
Status Assign(workbench::Result<T> made, T* target) {
  if (!made.ok()) return made.status();
  *target = std::move(*made);
  return Status::Ok();
}

}  // namespace

workbench::Result<std::unique_ptr<DeviceRank>> DeviceRank::Create(workbench::RankLinks links,
                                                                  const workbench::GpuShare& share) {
  if (links.ranks > kMaxDeviceRanks)
    return Error("part B runs on at most " + std::to_string(kMaxDeviceRanks) + " ranks");
  std::unique_ptr<DeviceRank> rank(new DeviceRank(std::move(links), share));
  WB_RETURN_IF_ERROR(workbench::AllOk(rank->links_, rank->Open()));
  WB_RETURN_IF_ERROR(Assign(IpcWindow::Create(rank->links_, kScratchBytes), &rank->scratch_));
  WB_RETURN_IF_ERROR(Assign(IpcWindow::Create(rank->links_, judge::kBarrierBytes), &rank->flags_));
  DeviceComm& comm = rank->comm_;
  comm.rank = rank->links_.rank;
  comm.ranks = rank->links_.ranks;
  comm.ranks_per_device = share.ranks_per_device;
  comm.scratch_bytes = kScratchBytes;
  for (int r = 0; r < comm.ranks; ++r) comm.scratch.data[r] = rank->scratch_->data(r);
  return rank;
}

Status DeviceRank::Open() {
  WB_RETURN_IF_CUDA_ERROR(cudaSetDevice(share_.device));
  WB_RETURN_IF_CUDA_ERROR(
      cudaDeviceGetAttribute(&comm_.multiprocessors, cudaDevAttrMultiProcessorCount, share_.device));
  workbench::DisablePersistingL2();
  WB_RETURN_IF_ERROR(Assign(workbench::CreateStream(), &stream_));
  WB_RETURN_IF_ERROR(Assign(workbench::CreateStream(workbench::StreamPriority::kLowest), &traffic_stream_));
  WB_RETURN_IF_ERROR(Assign(workbench::CreateEvent(), &fork_));
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<judge::Progress>::Create(1), &progress_));
  return Assign(workbench::L2Flusher::Create(), &flusher_);
}

DeviceRank::~DeviceRank() {
  if (has_state_ && entry_.destroy != nullptr) (void)entry_.destroy(state_);
}

Status DeviceRank::ResetAnswer() {
  Status status;
  if (has_state_) {
    has_state_ = false;
    if (const cudaError_t error = entry_.destroy(state_); error != cudaSuccess) {
      status = Error("q02_device_destroy returned " + Named(error));
    }
  }
  state_ = nullptr;
  // No peer still works on this rank's scratch, and none starts before all scratch is zero.
  WB_RETURN_IF_ERROR(workbench::AllOk(links_, status));
  status = WB_CUDA(cudaMemsetAsync(scratch_->data(links_.rank), 0, kScratchBytes, stream_.get()));
  if (status.ok()) status = WB_CUDA(cudaStreamSynchronize(stream_.get()));
  WB_RETURN_IF_ERROR(workbench::AllOk(links_, status));
  const cudaError_t error = entry_.init(comm_, &state_);
  has_state_ = error == cudaSuccess;
  if (!has_state_) status = Error("q02_device_init returned " + Named(error));
  if (status.ok()) status = WB_CUDA(cudaDeviceSynchronize()).WithContext("after q02_device_init");
  return workbench::AllOk(links_, status);
}

Status DeviceRank::Reserve(const DeviceOperation& operation, int slots) {
  const size_t bytes = SlotBytes(operation) * static_cast<size_t>(slots);
  for (std::unique_ptr<IpcWindow>* window : {&in_, &out_}) {
    if (*window != nullptr && (*window)->bytes() >= bytes) continue;
    if (*window != nullptr) WB_RETURN_IF_ERROR(workbench::AllOk(links_, (*window)->Close(links_)));
    WB_RETURN_IF_ERROR(Assign(IpcWindow::Create(links_, bytes), window));
  }
  return Status::Ok();
}

DeviceRank::Operand DeviceRank::Place(const IpcWindow& window, const DeviceOperation& operation, int offset_elements,
                                      int slot) const {
  const size_t begin = SlotBytes(operation) * static_cast<size_t>(slot);
  const size_t data = begin + kDeviceRedZoneBytes + static_cast<size_t>(offset_elements) * ElementBytesOf(operation);
  Operand operand{};
  for (int r = 0; r < links_.ranks; ++r) operand.window.data[r] = static_cast<char*>(window.data(r)) + data;
  operand.begin = static_cast<char*>(window.data(links_.rank)) + begin;
  operand.data = static_cast<char*>(window.data(links_.rank)) + data;
  operand.bytes = operation.count * ElementBytesOf(operation);
  return operand;
}

DeviceRank::Operand DeviceRank::In(const DeviceOperation& operation, int slot) const {
  return Place(*in_, operation, operation.in_offset, slot);
}

DeviceRank::Operand DeviceRank::Out(const DeviceOperation& operation, int slot) const {
  return operation.in_place ? In(operation, slot) : Place(*out_, operation, operation.out_offset, slot);
}

Status DeviceRank::Call(const DeviceOperation& operation, const Operand& in, const Operand& out, int32_t* call_error) {
  const cudaError_t error = entry_.allreduce(state_, in.window, out.window, operation.count,
                                             static_cast<DataType>(operation.type), static_cast<ReduceOp>(operation.op),
                                             static_cast<DeviceAlgorithm>(operation.algorithm), stream_.get());
  if (error == cudaSuccess) return Status::Ok();
  *call_error = error;
  return Error("q02_device_allreduce returned " + Named(error));
}

Status DeviceRank::RunCase(const DeviceCase& request, const void* host_input, void* host_output, void* host_input_after,
                           CaseExtras* extras) {
  const DeviceOperation& operation = request.operation;
  *extras = CaseExtras{};
  WB_RETURN_IF_ERROR(Reserve(operation, 1));
  if (!has_state_ || !request.keep_state) WB_RETURN_IF_ERROR(ResetAnswer());
  const Operand in = In(operation, 0), out = Out(operation, 0);
  cudaStream_t stream = stream_.get();
  for (const Operand& operand : {in, out}) {
    WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(operand.begin, kDeviceRedZoneByte, SlotBytes(operation), stream));
  }
  if (pristine_.size() < in.bytes) WB_RETURN_IF_ERROR(Assign(DeviceBuffer<char>::Create(in.bytes), &pristine_));
  if (in.bytes > 0) {
    WB_RETURN_IF_CUDA_ERROR(cudaMemcpyAsync(pristine_.data(), host_input, in.bytes, cudaMemcpyHostToDevice, stream));
  }
  WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
  links_.barrier();

  const auto enqueue = [&]() -> Status {
    WB_RETURN_IF_CUDA_ERROR(
        judge::Restore(pristine_.data(), in.bytes, in.data, operation.in_place ? nullptr : out.data, stream));
    return Call(operation, in, out, &extras->call_error);
  };
  Status status;
  if (request.graph) {
    workbench::Result<workbench::GraphExec> graph = workbench::CaptureGraph(stream, enqueue);
    status = graph.status();
    for (int call = 0; call < request.calls && status.ok(); ++call)
      status = WB_CUDA(cudaGraphLaunch(graph->get(), stream));
    if (status.ok()) status = WB_CUDA(cudaStreamSynchronize(stream)).WithContext("a replayed all-reduce");
  } else {
    for (int call = 0; call < request.calls && status.ok(); ++call) status = enqueue();
    if (status.ok()) status = WB_CUDA(cudaStreamSynchronize(stream)).WithContext("the all-reduce");
  }
  if (extras->call_error != 0) {
    std::snprintf(extras->call_error_name, sizeof extras->call_error_name, "%s",
                  cudaGetErrorName(static_cast<cudaError_t>(extras->call_error)));
    (void)cudaGetLastError();
    return WB_CUDA(cudaStreamSynchronize(stream));
  }
  WB_RETURN_IF_ERROR(status);
  links_.barrier();  // a peer may still write where it should not
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
  if (out.bytes > 0) {
    WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(host_output, out.data, out.bytes, cudaMemcpyDeviceToHost));
    if (!operation.in_place) {
      WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(host_input_after, in.data, in.bytes, cudaMemcpyDeviceToHost));
    }
  }
  WB_RETURN_IF_ERROR(ReadZones(in, 0, extras));
  if (!operation.in_place) WB_RETURN_IF_ERROR(ReadZones(out, 1, extras));
  links_.barrier();  // nobody prepares the next case in memory that is still read
  return Status::Ok();
}

Status DeviceRank::ReadZones(const Operand& operand, int buffer, CaseExtras* extras) {
  std::vector<unsigned char> front(operand.front()), behind(kDeviceRedZoneBytes);
  WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(front.data(), operand.begin, front.size(), cudaMemcpyDeviceToHost));
  WB_RETURN_IF_CUDA_ERROR(
      cudaMemcpy(behind.data(), operand.data + operand.bytes, behind.size(), cudaMemcpyDeviceToHost));
  for (const auto* zone : {&front, &behind}) {
    for (size_t i = 0; i < zone->size(); ++i) {
      if ((*zone)[i] == kDeviceRedZoneByte) continue;
      if (extras->zone_bytes++ > 0) continue;
      extras->zone_broken = 1;
      extras->zone_buffer = buffer;
      extras->zone_side = zone == &front ? 0 : 1;
      extras->zone_offset = static_cast<int64_t>(i) - (zone == &front ? static_cast<int64_t>(front.size()) : 0);
    }
  }
  return Status::Ok();
}

}  // namespace q02
