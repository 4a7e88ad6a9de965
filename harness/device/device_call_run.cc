#include "harness/device/device_call_run.h"

#include <cstdio>
#include <string>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"

namespace workbench {
namespace {

constexpr size_t kAlignment = 256;

// One buffer on the device, red zones and all.
struct Placed {
  BufferSpec spec{};
  const std::byte* contents = nullptr;  // in the request; nullptr: poisoned
  DeviceBuffer<unsigned char> memory;
  DeviceBuffer<unsigned char> pristine;  // an in-out's contents before the call

  size_t front() const { return kCallRedZoneBytes + spec.offset; }
  unsigned char* data() const { return memory.data() + front(); }
  bool has_reply() const { return spec.role == BufferRole::kOutput || spec.role == BufferRole::kInOut; }
};

template <typename T>
Status Assign(Result<T> made, T* target) {
  if (!made.ok()) return made.status();
  *target = std::move(*made);
  return Status::Ok();
}

template <typename T>
bool Take(std::span<const std::byte>* bytes, T* value) {
  if (bytes->size() < sizeof *value) return false;
  std::memcpy(value, bytes->data(), sizeof *value);
  *bytes = bytes->subspan(sizeof *value);
  return true;
}

struct Parsed {
  CallHeader header{};
  std::span<const std::byte> parameters;
  std::vector<Placed> buffers;
};

Status Parse(std::span<const std::byte> request, Parsed* parsed) {
  const Status malformed = Error("the judge's request is malformed");
  if (!Take(&request, &parsed->header) || request.size() < parsed->header.parameter_bytes) return malformed;
  parsed->parameters = request.first(parsed->header.parameter_bytes);
  request = request.subspan(parsed->header.parameter_bytes);
  parsed->buffers.resize(parsed->header.buffers);
  for (Placed& buffer : parsed->buffers) {
    if (!Take(&request, &buffer.spec)) return malformed;
  }
  for (Placed& buffer : parsed->buffers) {
    if (buffer.spec.role != BufferRole::kInput && buffer.spec.role != BufferRole::kInOut) continue;
    if (request.size() < buffer.spec.bytes) return malformed;
    buffer.contents = request.data();
    request = request.subspan(buffer.spec.bytes);
  }
  return Status::Ok();
}

Status Place(Placed* buffer, cudaStream_t stream) {
  const size_t bytes = buffer->spec.bytes;
  const size_t all = (buffer->front() + bytes + kCallRedZoneBytes + kAlignment - 1) / kAlignment * kAlignment;
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<unsigned char>::Create(all), &buffer->memory));
  WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(buffer->memory.data(), kCallRedZoneByte, all, stream));
  if (bytes == 0) return Status::Ok();
  if (buffer->contents == nullptr) {
    return WB_CUDA(cudaMemsetAsync(buffer->data(), kCallPoisonByte, bytes, stream));
  }
  WB_RETURN_IF_CUDA_ERROR(cudaMemcpyAsync(buffer->data(), buffer->contents, bytes, cudaMemcpyHostToDevice, stream));
  if (buffer->spec.role != BufferRole::kInOut) return Status::Ok();
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<unsigned char>::Create(bytes), &buffer->pristine));
  return WB_CUDA(cudaMemcpyAsync(buffer->pristine.data(), buffer->data(), bytes, cudaMemcpyDeviceToDevice, stream));
}

// All but the inputs as they were before the first call.
Status Restore(const std::vector<Placed>& buffers, cudaStream_t stream) {
  for (const Placed& buffer : buffers) {
    if (buffer.spec.role == BufferRole::kInput || buffer.spec.bytes == 0) continue;
    if (buffer.spec.role != BufferRole::kInOut) {
      WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(buffer.data(), kCallPoisonByte, buffer.spec.bytes, stream));
    } else {
      WB_RETURN_IF_CUDA_ERROR(
          cudaMemcpyAsync(buffer.data(), buffer.pristine.data(), buffer.spec.bytes, cudaMemcpyDeviceToDevice, stream));
    }
  }
  return Status::Ok();
}

// The whole block as it is after the call: its red zones and, for an input, whether it has changed.
Status Inspect(const Placed& buffer, int index, CallOutcome* outcome, std::vector<std::byte>* reply) {
  std::vector<unsigned char> after(buffer.memory.size());
  WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(after.data(), buffer.memory.data(), after.size(), cudaMemcpyDeviceToHost));
  const size_t front = buffer.front(), end = front + buffer.spec.bytes;
  for (size_t i = 0; i < after.size(); ++i) {
    if (i == front) i = end;
    if (i >= after.size() || after[i] == kCallRedZoneByte) continue;
    if (outcome->zone_bytes++ > 0) continue;
    outcome->zone_buffer = index;
    outcome->zone_side = i >= end;
    outcome->zone_offset = static_cast<int64_t>(i) - static_cast<int64_t>(i >= end ? end : front);
  }
  const auto* data = reinterpret_cast<const std::byte*>(after.data()) + front;
  if (buffer.has_reply()) reply->insert(reply->end(), data, data + buffer.spec.bytes);
  if (buffer.spec.role != BufferRole::kInput || outcome->changed_input >= 0) return Status::Ok();
  for (size_t i = 0; i < buffer.spec.bytes; ++i) {
    if (data[i] == buffer.contents[i]) continue;
    outcome->changed_input = index;
    outcome->changed_offset = i;
    break;
  }
  return Status::Ok();
}

void Note(cudaError_t error, CallOutcome* outcome) {
  outcome->error = error;
  std::snprintf(outcome->error_name, sizeof outcome->error_name, "%s", cudaGetErrorName(error));
}

}  // namespace

Result<DeviceCallRunner> DeviceCallRunner::Create() {
  DeviceCallRunner runner;
  DisablePersistingL2();
  WB_RETURN_IF_ERROR(Assign(CreateStream(), &runner.stream_));
  WB_RETURN_IF_ERROR(Assign(L2Flusher::Create(), &runner.flusher_));
  return Result<DeviceCallRunner>(std::move(runner));
}

Status DeviceCallRunner::Run(std::span<const std::byte> request, const WorkspaceBytes& workspace_bytes,
                             const Entry& entry, std::vector<std::byte>* reply) {
  Parsed parsed;
  WB_RETURN_IF_ERROR(Parse(request, &parsed));
  cudaStream_t stream = stream_.get();
  std::vector<void*> data;
  const auto place = [&](Placed* buffer) -> Status {
    WB_RETURN_IF_ERROR(Place(buffer, stream));
    data.push_back(buffer->spec.bytes == 0 ? nullptr : buffer->data());
    return Status::Ok();
  };
  for (Placed& buffer : parsed.buffers) WB_RETURN_IF_ERROR(place(&buffer));
  if (workspace_bytes != nullptr) {
    const size_t bytes = workspace_bytes(parsed.parameters, data.data());
    parsed.buffers.emplace_back();
    parsed.buffers.back().spec = {BufferRole::kScratch, 0, bytes};
    WB_RETURN_IF_ERROR(place(&parsed.buffers.back()));
  }
  WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));

  const CallOptions& options = parsed.header.options;
  CallOutcome outcome;
  const auto enqueue = [&]() -> Status {
    if (!options.keep) WB_RETURN_IF_ERROR(Restore(parsed.buffers, stream));
    const cudaError_t error = entry(parsed.parameters, data.data(), stream);
    if (error == cudaSuccess) return Status::Ok();
    Note(error, &outcome);
    return Error("the call returned an error");
  };
  Status status;
  if (options.graph) {
    Result<GraphExec> graph = CaptureGraph(stream, enqueue);
    status = graph.status();
    for (uint32_t call = 0; call < options.calls && status.ok(); ++call) {
      status = WB_CUDA(cudaGraphLaunch(graph->get(), stream));
    }
    if (status.ok()) status = WB_CUDA(cudaStreamSynchronize(stream)).WithContext("a replayed call");
  } else {
    status = HoldUp(stream);
    for (uint32_t call = 0; call < options.calls && status.ok(); ++call) status = enqueue();
    if (status.ok()) status = WB_CUDA(cudaStreamSynchronize(stream)).WithContext("the call");
  }
  const size_t at = reply->size();
  reply->resize(at + sizeof outcome);
  if (outcome.error != 0) {
    (void)cudaGetLastError();
    WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
  } else {
    WB_RETURN_IF_ERROR(status);
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
    for (size_t i = 0; i < parsed.buffers.size(); ++i) {
      WB_RETURN_IF_ERROR(Inspect(parsed.buffers[i], static_cast<int>(i), &outcome, reply));
    }
  }
  std::memcpy(reply->data() + at, &outcome, sizeof outcome);
  return Status::Ok();
}

Status DeviceCallRunner::Time(const TimingOptions& options, const std::function<Status(cudaStream_t)>& prepare,
                              const std::function<cudaError_t(cudaStream_t)>& call, std::vector<double>* seconds,
                              cudaError_t* call_error) {
  cudaStream_t stream = stream_.get();
  Event begin, end;
  WB_RETURN_IF_ERROR(Assign(CreateEvent(), &begin));
  WB_RETURN_IF_ERROR(Assign(CreateEvent(), &end));
  for (int sample = -options.warmup; sample < options.samples; ++sample) {
    WB_RETURN_IF_ERROR(prepare(stream));
    if (options.flush_l2) WB_RETURN_IF_ERROR(flusher_.Flush(stream));
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(begin.get(), stream));
    for (int i = 0; i < options.calls_per_sample; ++i) {
      *call_error = call(stream);
      if (*call_error != cudaSuccess) return WB_CUDA(cudaStreamSynchronize(stream));
    }
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(end.get(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
    float milliseconds = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
    if (sample >= 0) seconds->push_back(milliseconds * 1e-3 / options.calls_per_sample);
  }
  return Status::Ok();
}

}  // namespace workbench
