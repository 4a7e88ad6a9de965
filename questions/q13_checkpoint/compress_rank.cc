#include "questions/q13_checkpoint/compress_rank.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/findings.h"
#include "harness/device/nvml.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"
#include "harness/runner/rank_program.h"
#include "harness/workloads/trained_tensors.h"
#include "questions/q13_checkpoint/compress_damage.h"
#include "questions/q13_checkpoint/memory_limit.h"

namespace q13 {
namespace {

constexpr size_t kHeldUpBytes = 1 << 20;

using workbench::DeviceBuffer;
using workbench::Status;

constexpr size_t kZone = 4096;  // a multiple of 256
constexpr unsigned char kZoneByte = 0xa5, kPoisonByte = 0xff;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Device memory with zones of a known value around `bytes` of it.
class GuardedBuffer {
 public:
  Status Create(size_t bytes, size_t offset) {
    offset_ = kZone + offset;
    bytes_ = bytes;
    auto made = DeviceBuffer<std::byte>::Create(offset_ + bytes + kZone);
    if (!made.ok()) return made.status();
    memory_ = std::move(*made);
    WB_RETURN_IF_CUDA_ERROR(cudaMemset(memory_.data(), kZoneByte, memory_.size()));
    if (bytes > 0) WB_RETURN_IF_CUDA_ERROR(cudaMemset(data(), kPoisonByte, bytes));
    return WB_CUDA(cudaDeviceSynchronize());
  }
  std::byte* data() const { return memory_.data() + offset_; }

  // All of it, after everything that is under way.
  Status Read() {
    after_.resize(memory_.size());
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
    return WB_CUDA(cudaMemcpy(after_.data(), memory_.data(), after_.size(), cudaMemcpyDeviceToHost));
  }
  std::span<const std::byte> inside() const { return std::span(after_).subspan(offset_, bytes_); }
  // Bytes of the zones that have changed; the first one from the begin of the data.
  int64_t Outside(int64_t* first) const {
    int64_t changed = 0;
    for (size_t i = 0; i < after_.size(); ++i) {
      if (i == offset_) i += bytes_;
      if (i >= after_.size() || after_[i] == std::byte{kZoneByte}) continue;
      if (changed++ == 0) *first = static_cast<int64_t>(i) - static_cast<int64_t>(offset_);
    }
    return changed;
  }

 private:
  size_t offset_ = 0, bytes_ = 0;
  DeviceBuffer<std::byte> memory_;
  std::vector<std::byte> after_;
};

// What an entry point returns; kThrewException if it does not.
template <typename Call>
int32_t Guarded(const Call& call) {
  try {
    return call();
  } catch (...) {
    return kThrewException;
  }
}

// A device error leaves the context unusable: the run ends here, under its own verdict.
void EndRunUnlessOk(const Status& status) {
  const std::string findings = workbench::TakeDeviceFindings();
  if (!status.ok()) {
    workbench::FailRun(workbench::ErrorKind::kDevice, status.message() + (findings.empty() ? "" : "\n" + findings));
  }
  if (!findings.empty()) workbench::FailRun(workbench::ErrorKind::kDevice, findings);
}

[[noreturn]] void FailRequest() {
  workbench::FailRun(workbench::ErrorKind::kHarness, "a request that part e does not understand");
}

template <typename Call>
Call DecodeOrFail(const Reader& reader) {
  Call call;
  if (!Decode(reader, &call)) FailRequest();
  return call;
}

}  // namespace

CompressRank::CompressRank() {
  auto made = workbench::DeviceCallRunner::Create();
  prepared_ = made.status();
  if (made.ok()) runner_.emplace(std::move(*made));
}

Status CompressRank::Load(void* library) {
  if (!runner_) workbench::FailRun(workbench::ErrorKind::kHarness, prepared_.message());
  const auto find = [library](const char* name, auto* entry) {
    *entry = reinterpret_cast<std::remove_pointer_t<decltype(entry)>>(dlsym(library, name));
    if (*entry != nullptr) return Status::Ok();
    return workbench::Error(std::string("the implementation does not define ") + name +
                            "; is it still extern \"C\", with the signature of device_api.h?");
  };
  WB_RETURN_IF_ERROR(find("q13_split_planes", &split_));
  WB_RETURN_IF_ERROR(find("q13_join_planes", &join_));
  WB_RETURN_IF_ERROR(find("q13_compress", &compress_));
  return find("q13_decompress", &decompress_);
}

workbench::Result<std::vector<std::byte>> CompressRank::Run(std::span<const std::byte> request) {
  std::vector<std::byte> reply;
  EndRunUnlessOk(Dispatch(request, &reply));
  return reply;
}

Status CompressRank::Dispatch(std::span<const std::byte> request, std::vector<std::byte>* reply) {
  Reader reader(request);
  if (reader.Read<RequestKind>() != RequestKind::kCompress) FailRequest();
  switch (reader.Read<CompressMode>()) {
    case CompressMode::kPlanes:
      return RunPlanes(reader.rest(), reply);
    case CompressMode::kCompress: {
      CompressOutcome outcome;
      WB_RETURN_IF_ERROR(RunCompress(DecodeOrFail<CompressCall>(reader), &outcome));
      *reply = Encode(outcome);
      return Status::Ok();
    }
    case CompressMode::kDecompress: {
      DecompressOutcome outcome;
      WB_RETURN_IF_ERROR(RunDecompress(DecodeOrFail<DecompressCall>(reader), &outcome));
      *reply = Encode(outcome);
      return Status::Ok();
    }
    case CompressMode::kDamage: {
      DamageOutcome outcome;
      WB_RETURN_IF_ERROR(RunDamage(DecodeOrFail<DamageCall>(reader), &outcome));
      *reply = Encode(outcome);
      return Status::Ok();
    }
    case CompressMode::kTiming: {
      PlanesTimes times;
      WB_RETURN_IF_ERROR(RunTiming(DecodeOrFail<PlanesTiming>(reader), &times));
      *reply = Encode(times);
      return Status::Ok();
    }
    case CompressMode::kCeilings: {
      CompressCeilings ceilings;
      WB_RETURN_IF_ERROR(Measure(&ceilings));
      Append(reply, ceilings);
      return Status::Ok();
    }
  }
  FailRequest();
}

cudaError_t CompressRank::Planes(const PlanesParameters& parameters, const void* in, void* out,
                                 cudaStream_t stream) const {
  return (parameters.join != 0 ? join_ : split_)(in, parameters.elements, parameters.element_bytes, out, stream);
}

Status CompressRank::RunPlanes(std::span<const std::byte> request, std::vector<std::byte>* reply) {
  return runner_->Run(
      request, nullptr,
      [this](std::span<const std::byte> bytes, void* const* buffers, cudaStream_t stream) {
        return Planes(Reader(bytes).Read<PlanesParameters>(), buffers[0], buffers[1], stream);
      },
      reply);
}

Status CompressRank::RunCompress(const CompressCall& call, CompressOutcome* outcome) {
  cudaStream_t stream = runner_->stream();
  GuardedBuffer input, staged, planes;
  WB_RETURN_IF_ERROR(input.Create(call.data.size(), call.offset));
  WB_RETURN_IF_ERROR(staged.Create(call.data.size(), 0));
  if (!call.data.empty()) {
    WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(staged.data(), call.data.data(), call.data.size(), cudaMemcpyHostToDevice));
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceSynchronize());
    // The data arrives on the stream, while the call is made; where that is timed, right before it.
    if (call.data.size() <= kHeldUpBytes) WB_RETURN_IF_ERROR(workbench::HoldUp(stream));
    WB_RETURN_IF_CUDA_ERROR(
        cudaMemcpyAsync(input.data(), staged.data(), call.data.size(), cudaMemcpyDeviceToDevice, stream));
  }
  std::vector<std::byte> out(3, std::byte{0x5c});  // not empty: it is to be replaced
  const std::byte* data = call.null != 0 ? nullptr : input.data();
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = CpuSeconds();
  outcome->result =
      Guarded([&] { return compress_(data, call.elements, call.element_bytes, call.budget_seconds, &out, stream); });
  outcome->cpu_seconds = CpuSeconds() - cpu;
  outcome->wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (outcome->result != 0) {
    (void)cudaGetLastError();
  } else {
    outcome->out = std::move(out);
  }
  WB_RETURN_IF_ERROR(input.Read().WithContext("q13_compress"));
  const auto& inside = input.inside();
  const auto differs = std::mismatch(inside.begin(), inside.end(), call.data.begin()).first;
  if (differs != inside.end()) outcome->changed = differs - inside.begin();
  int64_t first = 0;
  if (outcome->changed < 0 && input.Outside(&first) > 0) outcome->changed = first;

  if (call.measure_split != 0) {
    WB_RETURN_IF_ERROR(planes.Create(call.data.size(), 0));
    std::vector<std::byte> host(call.data.size());
    const double before = CpuSeconds();
    WB_RETURN_IF_CUDA_ERROR(split_(input.data(), call.elements, call.element_bytes, planes.data(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaMemcpyAsync(host.data(), planes.data(), host.size(), cudaMemcpyDeviceToHost, stream));
    WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
    outcome->split_cpu_seconds = CpuSeconds() - before;
  }
  return Status::Ok();
}

Status CompressRank::RunDecompress(const DecompressCall& call, DecompressOutcome* outcome) {
  GuardedBuffer room;
  WB_RETURN_IF_ERROR(room.Create(call.capacity, call.offset));
  // Poisoned on the stream as well: what is written on another one may be written too early.
  if (call.capacity > 0) {
    WB_RETURN_IF_ERROR(workbench::HoldUp(runner_->stream()));
    WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(room.data(), kPoisonByte, call.capacity, runner_->stream()));
  }
  // A copy of exactly that size, which is gone after the call.
  auto stream = std::make_unique<std::byte[]>(call.stream.size());
  std::copy(call.stream.begin(), call.stream.end(), stream.get());
  size_t bytes = 0;
  outcome->result = Guarded([&] {
    return decompress_(stream.get(), call.stream.size(), call.null != 0 ? nullptr : room.data(), call.capacity, &bytes,
                       runner_->stream());
  });
  outcome->bytes = bytes;
  if (outcome->result != 0) (void)cudaGetLastError();
  WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(runner_->stream()));
  std::fill_n(stream.get(), call.stream.size(), std::byte{0x77});
  WB_RETURN_IF_ERROR(room.Read().WithContext("q13_decompress"));
  outcome->outside = room.Outside(&outcome->first_outside);
  if (outcome->result == 0) outcome->data.assign(room.inside().begin(), room.inside().end());
  return Status::Ok();
}

Status CompressRank::RunDamage(const DamageCall& call, DamageOutcome* outcome) {
  GuardedBuffer room;
  WB_RETURN_IF_ERROR(room.Create(call.capacity, 0));
  std::unique_ptr<MemoryLimit> limit;
  Status status;
  constexpr uint64_t kBetweenReads = 64;  // the zones are looked at so often
  std::string since;                      // what was done since
  const auto look = [&] {
    status = room.Read().WithContext("q13_decompress on a damaged stream");
    int64_t first = 0;
    if (!status.ok() || outcome->outside != 0 || room.Outside(&first) == 0) return;
    outcome->outside = 1;
    if (outcome->wrong++ == 0) outcome->first = since + ", or one of the " + std::to_string(kBetweenReads) + " before";
  };
  ForEachDamage(call, [&](const std::vector<std::byte>& damaged, const std::function<std::string()>& what) {
    if (!status.ok()) return;
    auto stream = std::make_unique<std::byte[]>(damaged.size());
    std::copy(damaged.begin(), damaged.end(), stream.get());
    if (limit == nullptr && call.more_memory > 0) limit = std::make_unique<MemoryLimit>(call.more_memory);
    size_t bytes = 0;
    const int32_t result = Guarded([&] {
      return decompress_(stream.get(), damaged.size(), room.data(), call.capacity, &bytes, runner_->stream());
    });
    if (result != 0) (void)cudaGetLastError();
    status = WB_CUDA(cudaStreamSynchronize(runner_->stream()));
    ++outcome->cases;
    if (result != kDamaged && outcome->wrong++ == 0) {
      outcome->result = result;
      outcome->first = what();
    }
    if (status.ok() && outcome->cases % kBetweenReads == 0) {
      since = what();
      look();
    }
  });
  limit.reset();
  if (status.ok()) look();
  return status;
}

Status CompressRank::RunTiming(const PlanesTiming& call, PlanesTimes* times) {
  const size_t bytes = call.elements * static_cast<size_t>(call.element_bytes);
  if (bytes < kTimingWindow) FailRequest();
  DeviceBuffer<std::byte> in, out;
  for (DeviceBuffer<std::byte>* buffer : {&in, &out}) {
    auto made = DeviceBuffer<std::byte>::Create(bytes);
    if (!made.ok()) return made.status();
    *buffer = std::move(*made);
  }
  const std::vector<std::byte> tile = workbench::RandomBytes(kTimingPeriod, call.seed);
  for (size_t at = 0; at < bytes; at += tile.size()) {
    WB_RETURN_IF_CUDA_ERROR(
        cudaMemcpy(in.data() + at, tile.data(), std::min(tile.size(), bytes - at), cudaMemcpyHostToDevice));
  }
  const auto prepare = [&](cudaStream_t stream) -> Status {
    return WB_CUDA(cudaMemsetAsync(out.data(), kPoisonByte, bytes, stream));
  };
  const PlanesParameters parameters = {call.elements, call.element_bytes, call.join};
  cudaError_t error = cudaSuccess;
  WB_RETURN_IF_ERROR(runner_->Time(
      {.samples = call.samples, .warmup = 3}, prepare,
      [&](cudaStream_t stream) { return Planes(parameters, in.data(), out.data(), stream); }, &times->seconds, &error));
  times->error = error;
  if (error != cudaSuccess) return Status::Ok();
  times->first.resize(kTimingWindow);
  times->last.resize(kTimingWindow);
  WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(times->first.data(), out.data(), kTimingWindow, cudaMemcpyDeviceToHost));
  return WB_CUDA(
      cudaMemcpy(times->last.data(), out.data() + bytes - kTimingWindow, kTimingWindow, cudaMemcpyDeviceToHost));
}

Status CompressRank::Measure(CompressCeilings* ceilings) {
  auto measured = workbench::MeasureCopyBandwidth(runner_->stream());
  if (!measured.ok()) return measured.status();
  ceilings->copy_bytes_per_second = *measured;
  int device = 0;
  char bus[64] = "";
  WB_RETURN_IF_CUDA_ERROR(cudaGetDevice(&device));
  WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetPCIBusId(bus, sizeof bus, device));
  const workbench::Nvml nvml(bus);
  std::snprintf(ceilings->device, sizeof ceilings->device, "%s, driver %s%s", nvml.gpu_name().c_str(),
                nvml.driver_version().c_str(),
                nvml.ReadClocks().Throttled() ? ", THROTTLED: times are not comparable" : "");
  return Status::Ok();
}

}  // namespace q13
