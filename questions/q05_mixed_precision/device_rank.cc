#include "questions/q05_mixed_precision/device_rank.h"

#include <mpi.h>
#include <nccl.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/findings.h"
#include "harness/device/nvml.h"
#include "questions/q05_mixed_precision/judge_kernels.h"

namespace q05 {
namespace {

using workbench::DeviceBuffer;
using workbench::Error;
using workbench::Status;

template <typename T>
Status Assign(workbench::Result<T> made, T* target) {
  if (!made.ok()) return made.status();
  *target = std::move(*made);
  return Status::Ok();
}

// RankMax's. Out of place and back: host mode's checks take the reads and writes of one call in place for a race.
cudaError_t EnqueueMax(void* state, float* value, cudaStream_t stream) {
  const auto& [communicator, largest] = *static_cast<RankMaxState*>(state);
  if (ncclAllReduce(value, largest.data(), 1, ncclFloat32, ncclMax, communicator->handle(), stream) != ncclSuccess) {
    return cudaErrorUnknown;
  }
  return cudaMemcpyAsync(value, largest.data(), sizeof(float), cudaMemcpyDeviceToDevice, stream);
}

// A device error leaves the context unusable: the run ends here, under its own verdict.
void EndRunUnlessOk(const Status& status) {
  const std::string findings = workbench::TakeDeviceFindings();
  if (!status.ok()) {
    workbench::FailRun(workbench::ErrorKind::kDevice, status.message() + (findings.empty() ? "" : "\n" + findings));
  }
  if (!findings.empty()) workbench::FailRun(workbench::ErrorKind::kDevice, findings);
}

}  // namespace

Status DeviceRank::Prepare(const workbench::RankEnvironment& environment) {
  part_ = environment.part;
  links_.rank = environment.rank;
  links_.ranks = environment.size;
  int local_rank = 0, local_ranks = 1;
  if (environment.has_mpi) {
    links_.allgather = [](const void* mine, size_t bytes, void* all) {
      MPI_Allgather(mine, static_cast<int>(bytes), MPI_BYTE, all, static_cast<int>(bytes), MPI_BYTE, MPI_COMM_WORLD);
    };
    links_.barrier = [] { MPI_Barrier(MPI_COMM_WORLD); };
    MPI_Comm host;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, environment.rank, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &local_rank);
    MPI_Comm_size(host, &local_ranks);
    MPI_Comm_free(&host);
  }
  int devices = 0;
  WB_RETURN_IF_CUDA_ERROR(cudaGetDeviceCount(&devices));
  if (devices == 0) return Error("no GPU is visible");
  share_ = workbench::ShareGpus(local_rank, local_ranks, devices);
  WB_RETURN_IF_CUDA_ERROR(cudaSetDevice(share_.device));
  workbench::Result<workbench::DeviceCallRunner> runner = workbench::DeviceCallRunner::Create();
  if (!runner.ok()) return runner.status();
  runner_ = std::move(*runner);
  if (links_.ranks == 1 || part_ != "b") return Status::Ok();
  WB_RETURN_IF_ERROR(Assign(workbench::NcclCommunicator::Create(links_, share_), &rank_max_.communicator));
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<float>::Create(1), &rank_max_.largest));
  entries_.set_ranks({&rank_max_, EnqueueMax});
  // NCCL connects at its first call.
  DeviceBuffer<float> value;
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<float>::Create(1), &value));
  WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(value.data(), 0, value.bytes(), runner_->stream()));
  WB_RETURN_IF_CUDA_ERROR(EnqueueMax(&rank_max_, value.data(), runner_->stream()));
  return WB_CUDA(cudaStreamSynchronize(runner_->stream()));
}

workbench::Result<std::vector<std::byte>> DeviceRank::Run(std::span<const std::byte> request) {
  std::vector<std::byte> reply;
  EndRunUnlessOk(Dispatch(request, &reply));
  return reply;
}

Status DeviceRank::Dispatch(std::span<const std::byte> request, std::vector<std::byte>* reply) {
  const RequestKind kind = Read<RequestKind>(request);
  switch (kind) {
    case RequestKind::kConvertRange:
      return RunRange(Read<ConvertRange>(request), reply);
    case RequestKind::kTiming:
      return RunTiming(request, reply);
    case RequestKind::kCeilings:
      return Measure(reply);
    case RequestKind::kByRank: {
      const size_t ranks = Read<ByRank>(request).ranks;
      const std::vector<uint64_t> lengths = ReadAll<uint64_t>(request, sizeof(ByRank), ranks);
      size_t begin = sizeof(ByRank) + ranks * sizeof(uint64_t);
      for (int rank = 0; rank < links_.rank; ++rank) begin += lengths[static_cast<size_t>(rank)];
      return Dispatch(request.subspan(begin, lengths[static_cast<size_t>(links_.rank)]), reply);
    }
    default:
      return runner_->Run(
          request,
          [&](std::span<const std::byte> parameters, void* const* buffers) {
            return entries_.WorkspaceBytes(kind, parameters, buffers);
          },
          [&](std::span<const std::byte> parameters, void* const* buffers, cudaStream_t stream) {
            return entries_.Enqueue(kind, parameters, buffers, stream);
          },
          reply);
  }
}

Status DeviceRank::RunRange(const ConvertRange& range, std::vector<std::byte>* reply) {
  const size_t bytes = range.count * ElementBytes(static_cast<Format>(range.to));
  DeviceBuffer<uint32_t> in;
  DeviceBuffer<std::byte> out;
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<uint32_t>::Create(range.count), &in));
  WB_RETURN_IF_ERROR(Assign(DeviceBuffer<std::byte>::Create(bytes), &out));
  cudaStream_t stream = runner_->stream();
  WB_RETURN_IF_CUDA_ERROR(judge::FillWithBits(in.data(), static_cast<uint32_t>(range.first), range.count, stream));
  WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(out.data(), workbench::kCallPoisonByte, bytes, stream));
  workbench::CallOutcome outcome;
  ConvertParameters parameters;
  parameters.count = range.count;
  parameters.to = range.to;
  parameters.overflow = range.overflow;
  const cudaError_t error = entries_.Convert(parameters, in.data(), out.data(), stream);
  WB_RETURN_IF_ERROR(WB_CUDA(cudaStreamSynchronize(stream)).WithContext("the call"));
  outcome.error = error;
  std::snprintf(outcome.error_name, sizeof outcome.error_name, "%s", cudaGetErrorName(error));
  Append(reply, outcome);
  const size_t at = reply->size();
  reply->resize(at + bytes);
  return WB_CUDA(cudaMemcpy(reply->data() + at, out.data(), bytes, cudaMemcpyDeviceToHost));
}

Status DeviceRank::RunTiming(std::span<const std::byte> bytes, std::vector<std::byte>* reply) {
  const TimingRequest request = Read<TimingRequest>(bytes);
  const std::span<const std::byte> parameters = bytes.subspan(sizeof request, request.parameter_bytes);
  const size_t tables = sizeof request + request.parameter_bytes;
  const std::vector<TimedBuffer> shapes = ReadAll<TimedBuffer>(bytes, tables, request.buffers);
  const std::vector<Window> windows =
      ReadAll<Window>(bytes, tables + shapes.size() * sizeof(TimedBuffer), request.windows);

  std::vector<DeviceBuffer<std::byte>> memory;
  std::vector<void*> buffers;
  const auto allocate = [&](size_t size) -> Status {
    memory.emplace_back();
    if (size > 0) WB_RETURN_IF_ERROR(Assign(DeviceBuffer<std::byte>::Create(size), &memory.back()));
    buffers.push_back(memory.back().data());
    return Status::Ok();
  };
  for (const TimedBuffer& shape : shapes) WB_RETURN_IF_ERROR(allocate(shape.elements * BytesOf(shape.type)));
  WB_RETURN_IF_ERROR(allocate(entries_.WorkspaceBytes(request.call, parameters, buffers.data())));

  const auto prepare = [&](cudaStream_t stream) -> Status {
    for (size_t i = 0; i < shapes.size(); ++i) {
      WB_RETURN_IF_CUDA_ERROR(judge::FillTimed(buffers[i], shapes[i], request.seed, static_cast<int>(i), stream));
    }
    return Status::Ok();
  };
  const auto call = [&](cudaStream_t stream) {
    return entries_.Enqueue(request.call, parameters, buffers.data(), stream);
  };
  std::vector<double> seconds;
  cudaError_t error = cudaSuccess;
  WB_RETURN_IF_ERROR(
      runner_->Time({.samples = request.samples, .warmup = request.warmup}, prepare, call, &seconds, &error));
  TimingReply result;
  result.call_error = error;
  std::snprintf(result.call_error_name, sizeof result.call_error_name, "%s", cudaGetErrorName(error));
  result.samples = static_cast<uint32_t>(seconds.size());
  Append(reply, result);
  if (error != cudaSuccess) return Status::Ok();
  AppendAll(reply, seconds);
  for (const Window& window : windows) {
    const size_t at = reply->size();
    reply->resize(at + window.bytes);
    const char* from = static_cast<const char*>(buffers[static_cast<size_t>(window.buffer)]) + window.offset;
    WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(reply->data() + at, from, window.bytes, cudaMemcpyDeviceToHost));
  }
  return Status::Ok();
}

Status DeviceRank::Measure(std::vector<std::byte>* reply) {
  Ceilings ceilings;
  WB_RETURN_IF_ERROR(Assign(workbench::MeasureCopyBandwidth(runner_->stream()), &ceilings.copy_bytes_per_second));
  char bus[64] = "";
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetPCIBusId(bus, sizeof bus, share_.device));
  const workbench::Nvml nvml(bus);
  std::snprintf(ceilings.device, sizeof ceilings.device, "%s, driver %s%s", nvml.gpu_name().c_str(),
                nvml.driver_version().c_str(),
                nvml.ReadClocks().Throttled() ? ", THROTTLED: times are not comparable" : "");
  Append(reply, ceilings);
  return Status::Ok();
}

}  // namespace q05
