#include "questions/q13_checkpoint/snapshot_speed.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/nvml.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"
#include "questions/q13_checkpoint/judge_kernels.h"
#include "questions/q13_checkpoint/protocol.h"
#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {
namespace {

using Clock = std::chrono::steady_clock;
using workbench::DeviceBuffer;
using workbench::Event;
using workbench::Status;
using workbench::Stream;

constexpr int kLargeTensors = 48, kSmallTensors = 200;
constexpr int64_t kSmallBytes = 16 << 10;
constexpr int64_t kChunkBytes = 4 << 20;
constexpr int kPlainSamples = 5;
constexpr uint64_t kWordsLookedAt = 16;  // of each write
constexpr size_t kTrainElements = size_t{64} << 20;
constexpr int kTrainRounds = 256;
constexpr std::chrono::milliseconds kLate{1};

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Takes data at a rate, looks at some of it, and counts.
class TimedSink : public Sink {
 public:
  TimedSink(uint64_t seed, double bytes_per_second) : seed_(seed), bytes_per_second_(bytes_per_second) {}

  int Write(int64_t save, int32_t tensor, int64_t offset, const void* data, int64_t bytes) override {
    const uint64_t key = PatternKey(seed_, save, tensor);
    int64_t wrong = 0;
    for (uint64_t i = 0; bytes > 0 && i < kWordsLookedAt; ++i) {
      const int64_t at = static_cast<int64_t>(static_cast<uint64_t>(bytes - 1) * i / (kWordsLookedAt - 1));
      const uint8_t expected = PatternByte(key, static_cast<uint64_t>(offset + at));
      if (static_cast<const uint8_t*>(data)[at] != expected) ++wrong;
    }
    std::unique_lock lock(mutex_);
    wrong_ += wrong;
    bytes_ += bytes;
    if (bytes_per_second_ <= 0) return 0;
    // Next to no credit for the time in which nobody called: as much as a sleep may be late.
    const auto duration = std::chrono::duration<double>(static_cast<double>(bytes) / bytes_per_second_);
    free_at_ = std::max(free_at_, Clock::now() - kLate) + std::chrono::duration_cast<Clock::duration>(duration);
    const Clock::time_point until = free_at_;
    lock.unlock();
    std::this_thread::sleep_until(until);
    return 0;
  }
  void Finish(int64_t, int) override {}

  int64_t wrong() const {
    std::lock_guard lock(mutex_);
    return wrong_;
  }
  int64_t bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  const uint64_t seed_;
  const double bytes_per_second_;
  mutable std::mutex mutex_;
  Clock::time_point free_at_;
  int64_t wrong_ = 0, bytes_ = 0;
};

template <typename T>
Status Assign(workbench::Result<T> made, T* target) {
  if (!made.ok()) return made.status();
  *target = std::move(*made);
  return Status::Ok();
}

class SpeedRun {
 public:
  SpeedRun(const SnapshotSpeedRequest& request, decltype(&q13_snapshot_create) create)
      : request_(request), create_(create), sink_(request.seed, request.sink_bytes_per_second) {}

  Status Run(SnapshotSpeedReply* reply, std::vector<double>* times) {
    WB_RETURN_IF_ERROR(Prepare());
    WB_RETURN_IF_ERROR(MeasurePlain(reply));
    const int64_t whole = (bytes_ + kChunkBytes - 1) / kChunkBytes * kChunkBytes;
    SnapshotConfig config;
    config.device_bytes = request_.room == SnapshotRoom::kDevice ? whole : 0;
    config.pinned_bytes = request_.room == SnapshotRoom::kPinned ? whole : request_.ring_bytes;
    config.chunk_bytes = kChunkBytes;
    reply->bytes = bytes_;
    const std::unique_ptr<Snapshotter> snapshotter(create_(config, &sink_));
    reply->created = snapshotter != nullptr;
    if (!reply->created) {
      (void)cudaGetLastError();
      return Status::Ok();
    }
    std::vector<double> stalls, alone, beside;
    int64_t saves = 0;
    for (int32_t sample = -1; sample < request_.samples; ++sample) {  // the first one warms up
      double stall = 0, train = 0, train_beside = 0;
      WB_RETURN_IF_ERROR(Fill(saves));
      if (request_.slowdown) WB_RETURN_IF_ERROR(TimeTraining(&train));
      WB_RETURN_IF_ERROR(TimeSave(*snapshotter, saves, &stall, &train_beside, reply));
      ++saves;
      if (sample < 0) continue;
      stalls.push_back(stall);
      alone.push_back(train);
      beside.push_back(train_beside);
    }
    reply->wrong_words = sink_.wrong();
    reply->wrong_bytes = sink_.bytes() - saves * bytes_;
    reply->samples = stalls.size();
    times->insert(times->end(), stalls.begin(), stalls.end());
    if (!request_.slowdown) return Status::Ok();
    times->insert(times->end(), alone.begin(), alone.end());
    times->insert(times->end(), beside.begin(), beside.end());
    return Status::Ok();
  }

 private:
  Status Prepare() {
    WB_RETURN_IF_ERROR(Assign(workbench::CreateStream(), &stream_));
    for (Event* event : {&begin_, &end_}) WB_RETURN_IF_ERROR(Assign(workbench::CreateEvent(), event));
    const int64_t large = (request_.bytes - kSmallTensors * kSmallBytes) / kLargeTensors / 256 * 256;
    bytes_ = large * kLargeTensors + kSmallTensors * kSmallBytes;
    WB_RETURN_IF_ERROR(Assign(DeviceBuffer<std::byte>::Create(static_cast<size_t>(bytes_)), &memory_));
    int64_t at = 0;
    for (int t = 0; t < kLargeTensors + kSmallTensors; ++t) {
      // Small ones between the large ones, as biases and norms are.
      const int64_t bytes = t % 5 == 0 && t / 5 < kLargeTensors ? large : kSmallBytes;
      tensors_.push_back({"t", Type::kBF16, memory_.data() + at, bytes});
      at += bytes;
    }
    if (at != bytes_) return workbench::Error("the sizes of part a's timed state do not add up");
    if (!request_.slowdown) return Status::Ok();
    WB_RETURN_IF_ERROR(Assign(DeviceBuffer<float>::Create(kTrainElements), &weights_));
    WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(weights_.data(), 0, weights_.bytes(), stream_.get()));
    double one = 0;
    train_launches_ = 2;
    WB_RETURN_IF_ERROR(TimeTraining(&one));
    WB_RETURN_IF_ERROR(TimeTraining(&one));
    // Over before the copy to the host is, at 64 GB/s and less.
    const double span = 0.6 * static_cast<double>(bytes_) / 64e9;
    train_launches_ = std::max(2, static_cast<int>(span / (one / 2)));
    return Status::Ok();
  }

  // What the state's copy takes at least: in one piece, to the device or to pinned memory.
  Status MeasurePlain(SnapshotSpeedReply* reply) {
    WB_RETURN_IF_ERROR(Assign(workbench::MeasureCopyBandwidth(stream_.get()), &reply->copy_bytes_per_second));
    int device = 0;
    char bus[64] = "";
    WB_RETURN_IF_CUDA_ERROR(cudaGetDevice(&device));
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetPCIBusId(bus, sizeof bus, device));
    const workbench::Nvml nvml(bus);
    std::snprintf(reply->device, sizeof reply->device, "%s, driver %s%s", nvml.gpu_name().c_str(),
                  nvml.driver_version().c_str(),
                  nvml.ReadClocks().Throttled() ? ", THROTTLED: times are not comparable" : "");
    if (request_.room == SnapshotRoom::kRing) return Status::Ok();
    const bool to_device = request_.room == SnapshotRoom::kDevice;
    const size_t bytes = static_cast<size_t>(bytes_);
    void* target = nullptr;
    WB_RETURN_IF_CUDA_ERROR(to_device ? cudaMalloc(&target, bytes) : cudaMallocHost(&target, bytes));
    const auto release = to_device ? cudaFree : cudaFreeHost;
    const std::unique_ptr<void, decltype(release)> owner(target, release);
    std::vector<double> times;
    for (int i = -1; i < kPlainSamples; ++i) {
      double time = 0;
      WB_RETURN_IF_ERROR(Elapsed(&time, [&] {
        return WB_CUDA(cudaMemcpyAsync(target, memory_.data(), bytes,
                                       to_device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost, stream_.get()));
      }));
      if (i >= 0) times.push_back(time);
    }
    reply->plain_seconds = workbench::Median(times);
    return Status::Ok();
  }

  template <typename Enqueue>
  Status Elapsed(double* seconds, const Enqueue& enqueue) {
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(begin_.get(), stream_.get()));
    WB_RETURN_IF_ERROR(enqueue());
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(end_.get(), stream_.get()));
    WB_RETURN_IF_CUDA_ERROR(cudaEventSynchronize(end_.get()));
    float milliseconds = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()));
    *seconds = milliseconds * 1e-3;
    return Status::Ok();
  }

  Status Fill(int64_t version) {
    for (size_t t = 0; t < tensors_.size(); ++t) {
      WB_RETURN_IF_CUDA_ERROR(
          judge::FillPattern(const_cast<void*>(tensors_[t].data), static_cast<size_t>(tensors_[t].bytes),
                             PatternKey(request_.seed, version, static_cast<int64_t>(t)), stream_.get()));
    }
    return WB_CUDA(cudaStreamSynchronize(stream_.get()));
  }

  Status TimeTraining(double* seconds) {
    return Elapsed(seconds, [&]() -> Status {
      for (int i = 0; i < train_launches_; ++i) {
        WB_RETURN_IF_CUDA_ERROR(judge::Train(weights_.data(), kTrainElements, kTrainRounds, stream_.get()));
      }
      return Status::Ok();
    });
  }

  // The stall: from the call until the stream is free again, or until the call returns if that is later.
  Status TimeSave(Snapshotter& snapshotter, int64_t save, double* stall, double* train, SnapshotSpeedReply* reply) {
    Clock::time_point called, returned;
    int error = 0;
    WB_RETURN_IF_ERROR(Elapsed(stall, [&] {
      called = Clock::now();
      error = snapshotter.Save(save, tensors_, stream_.get());
      returned = Clock::now();
      return Status::Ok();
    }));
    *stall = std::max(*stall, Seconds(returned - called));
    if (request_.slowdown) WB_RETURN_IF_ERROR(TimeTraining(train));
    const int waited = snapshotter.Wait();
    for (const int each : {error, waited}) {
      if (reply->error == 0) reply->error = each;
    }
    return Status::Ok();
  }

  const SnapshotSpeedRequest& request_;
  decltype(&q13_snapshot_create) create_;
  TimedSink sink_;
  Stream stream_;
  Event begin_, end_;
  DeviceBuffer<std::byte> memory_;
  DeviceBuffer<float> weights_;
  std::vector<DeviceTensor> tensors_;
  int64_t bytes_ = 0;
  int train_launches_ = 0;
};

}  // namespace

Status RunSnapshotSpeed(std::span<const std::byte> request, decltype(&q13_snapshot_create) create,
                        std::vector<std::byte>* reply) {
  const SnapshotSpeedRequest speed = Reader(request).Read<SnapshotSpeedRequest>();
  if (request.size() != sizeof speed || speed.bytes < (int64_t{64} << 20) || speed.bytes > (int64_t{1} << 36) ||
      speed.samples < 1 || speed.samples > 100 || speed.ring_bytes < kChunkBytes) {
    return workbench::Error("a timing of part a that makes no sense");
  }
  SnapshotSpeedReply result;
  std::vector<double> times;
  WB_RETURN_IF_ERROR(SpeedRun(speed, create).Run(&result, &times));
  Append(reply, result);
  AppendAll(reply, std::span<const double>(times));
  return Status::Ok();
}

}  // namespace q13
