#include "questions/q13_checkpoint/restore_speed.h"

#include <cuda_runtime_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "harness/device/cuda_status.h"
#include "harness/device/device_buffer.h"
#include "harness/device/nvml.h"
#include "harness/device/stream.h"
#include "questions/q13_checkpoint/protocol.h"
#include "questions/q13_checkpoint/restore_case.h"

namespace q13 {
namespace {

using Clock = std::chrono::steady_clock;
using workbench::DeviceBuffer;
using workbench::Event;
using workbench::Status;
using workbench::Stream;

constexpr int kLargeTensors = 48, kSmallTensors = 200;
constexpr int64_t kSmallBytes = 16 << 10;
constexpr int64_t kPinnedBytes = 64 << 20;  // what a plain copy is made from, again and again
constexpr int64_t kReadBytes = 1 << 20;     // of a plain read
constexpr int kPlainSamples = 5;

double Since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// A file in memory, as in the page cache.
class MemoryFile {
 public:
  Status Make(int64_t bytes, uint64_t seed, int threads) {
    bytes_ = bytes;
    file_ = memfd_create("state", MFD_CLOEXEC);
    if (file_ < 0 || ftruncate(file_, bytes) != 0) return workbench::ErrnoError("memfd_create");
    void* const data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (data == MAP_FAILED) return workbench::ErrnoError("mmap");
    data_ = static_cast<std::byte*>(data);
    ForEach(threads, [&](int64_t at, int64_t n) {
      for (int64_t i = at; i < at + n; i += 8) {
        const uint64_t word = PatternMix(seed + static_cast<uint64_t>(i));
        std::memcpy(data_ + i, &word, static_cast<size_t>(std::min<int64_t>(8, at + n - i)));
      }
    });
    return Status::Ok();
  }
  ~MemoryFile() {
    if (data_ != nullptr) (void)munmap(data_, static_cast<size_t>(bytes_));
    if (file_ >= 0) (void)close(file_);
  }
  int file() const { return file_; }
  const std::byte* data() const { return data_; }

  // Pieces of kReadBytes, by as many threads.
  template <typename Function>
  void ForEach(int threads, const Function& function) const {
    std::atomic<int64_t> next = 0;
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (int64_t at = 0; (at = next.fetch_add(kReadBytes)) < bytes_;)
          function(at, std::min(kReadBytes, bytes_ - at));
      });
    }
    for (std::thread& worker : workers) worker.join();
  }

 private:
  int file_ = -1;
  int64_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

class FileSource : public Source {
 public:
  FileSource(int file, std::vector<int64_t> begins) : file_(file), begins_(std::move(begins)) {}
  int64_t Read(int32_t tensor, int64_t offset, void* data, int64_t bytes) override {
    const ssize_t got = pread(file_, data, static_cast<size_t>(bytes), begins_[static_cast<size_t>(tensor)] + offset);
    return got < 0 ? -errno : got;
  }

 private:
  const int file_;
  const std::vector<int64_t> begins_;
};

class SpeedRun {
 public:
  SpeedRun(const RestoreSpeedRequest& request, decltype(&q13_restore) restore) : request_(request), restore_(restore) {}

  Status Run(RestoreSpeedReply* reply, std::vector<double>* times) {
    WB_RETURN_IF_ERROR(Prepare(reply));
    WB_RETURN_IF_ERROR(MeasureCopy(reply));
    MeasureRead(reply);
    FileSource source(file_.file(), begins_);
    for (int32_t sample = -1; sample < request_.samples; ++sample) {  // the first one warms up
      WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(memory_.data(), 0xa5, memory_.bytes(), stream_.get()));
      WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream_.get()));
      const Clock::time_point called = Clock::now();
      const int error =
          restore_({request_.pinned_bytes, request_.chunk_bytes, request_.readers}, &source, tensors_, stream_.get());
      const double seconds = Since(called);
      if (reply->error == 0) reply->error = error;
      WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream_.get()));
      WB_RETURN_IF_ERROR(Compare(&reply->wrong_bytes));
      if (sample >= 0) times->push_back(seconds);
    }
    reply->samples = times->size();
    return Status::Ok();
  }

 private:
  Status Prepare(RestoreSpeedReply* reply) {
    const int64_t large = (request_.bytes - kSmallTensors * kSmallBytes) / kLargeTensors / 256 * 256;
    bytes_ = reply->bytes = large * kLargeTensors + kSmallTensors * kSmallBytes;
    workbench::Result<Stream> stream = workbench::CreateStream();
    if (!stream.ok()) return stream.status();
    stream_ = std::move(*stream);
    for (Event* event : {&begin_, &end_}) {
      workbench::Result<Event> made = workbench::CreateEvent();
      if (!made.ok()) return made.status();
      *event = std::move(*made);
    }
    workbench::Result<DeviceBuffer<std::byte>> memory = DeviceBuffer<std::byte>::Create(static_cast<size_t>(bytes_));
    if (!memory.ok()) return memory.status();
    memory_ = std::move(*memory);
    void* pinned = nullptr;
    WB_RETURN_IF_CUDA_ERROR(cudaMallocHost(&pinned, kPinnedBytes));
    pinned_.reset(static_cast<std::byte*>(pinned));
    std::memset(pinned, 0x5a, kPinnedBytes);
    WB_RETURN_IF_ERROR(file_.Make(bytes_, request_.seed, request_.readers));
    int64_t at = 0;
    for (int t = 0; t < kLargeTensors + kSmallTensors; ++t) {
      // Small ones between the large ones, as biases and norms are.
      const int64_t bytes = t % 5 == 0 && t / 5 < kLargeTensors ? large : kSmallBytes;
      tensors_.push_back({"t", Type::kBF16, memory_.data() + at, bytes});
      begins_.push_back(at);
      at += bytes;
    }
    if (at != bytes_) return workbench::Error("the sizes of part a's timed state do not add up");
    int device = 0;
    char bus[64] = "";
    WB_RETURN_IF_CUDA_ERROR(cudaGetDevice(&device));
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetPCIBusId(bus, sizeof bus, device));
    const workbench::Nvml nvml(bus);
    std::snprintf(reply->device, sizeof reply->device, "%s, driver %s%s", nvml.gpu_name().c_str(),
                  nvml.driver_version().c_str(),
                  nvml.ReadClocks().Throttled() ? ", THROTTLED: times are not comparable" : "");
    return Status::Ok();
  }

  // Each what a restore takes at least: copies from pinned memory, ...
  Status MeasureCopy(RestoreSpeedReply* reply) {
    for (int i = -1; i < kPlainSamples; ++i) {
      WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(begin_.get(), stream_.get()));
      for (int64_t at = 0; at < bytes_; at += kPinnedBytes) {
        WB_RETURN_IF_CUDA_ERROR(cudaMemcpyAsync(memory_.data() + at, pinned_.get(),
                                                static_cast<size_t>(std::min(kPinnedBytes, bytes_ - at)),
                                                cudaMemcpyHostToDevice, stream_.get()));
      }
      WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(end_.get(), stream_.get()));
      WB_RETURN_IF_CUDA_ERROR(cudaEventSynchronize(end_.get()));
      float milliseconds = 0;
      WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()));
      KeepLess(i, milliseconds * 1e-3, &reply->copy_seconds);
    }
    return Status::Ok();
  }

  // ... and reads.
  void MeasureRead(RestoreSpeedReply* reply) {
    for (int i = -1; i < kPlainSamples; ++i) {
      const Clock::time_point begin = Clock::now();
      file_.ForEach(request_.readers, [&](int64_t at, int64_t n) {
        thread_local std::vector<std::byte> mine(kReadBytes);
        (void)!pread(file_.file(), mine.data(), static_cast<size_t>(n), at);
      });
      KeepLess(i, Since(begin), &reply->read_seconds);
    }
  }

  static void KeepLess(int sample, double seconds, double* least) {
    if (sample == 0 || (sample > 0 && seconds < *least)) *least = seconds;
  }

  Status Compare(int64_t* wrong) {
    for (int64_t at = 0; at < bytes_; at += kPinnedBytes) {
      const size_t n = static_cast<size_t>(std::min(kPinnedBytes, bytes_ - at));
      WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(pinned_.get(), memory_.data() + at, n, cudaMemcpyDeviceToHost));
      if (std::memcmp(pinned_.get(), file_.data() + at, n) == 0) continue;
      for (size_t i = 0; i < n; ++i) *wrong += pinned_.get()[i] != file_.data()[static_cast<size_t>(at) + i];
    }
    return Status::Ok();
  }

  struct FreePinned {
    void operator()(std::byte* data) const { (void)cudaFreeHost(data); }
  };

  const RestoreSpeedRequest& request_;
  decltype(&q13_restore) restore_;
  MemoryFile file_;
  Stream stream_;
  Event begin_, end_;
  DeviceBuffer<std::byte> memory_;
  std::unique_ptr<std::byte, FreePinned> pinned_;
  std::vector<RestoreTensor> tensors_;
  std::vector<int64_t> begins_;
  int64_t bytes_ = 0;
};

}  // namespace

Status RunRestoreSpeed(std::span<const std::byte> request, decltype(&q13_restore) restore,
                       std::vector<std::byte>* reply) {
  const RestoreSpeedRequest speed = Reader(request).Read<RestoreSpeedRequest>();
  if (request.size() != sizeof speed || speed.bytes < (int64_t{64} << 20) || speed.bytes > (int64_t{1} << 36) ||
      speed.samples < 1 || speed.samples > 100 || speed.readers < 1 || speed.readers > 256) {
    return workbench::Error("a timing of part a's restore that makes no sense");
  }
  RestoreSpeedReply result;
  std::vector<double> times;
  WB_RETURN_IF_ERROR(SpeedRun(speed, restore).Run(&result, &times));
  Append(reply, result);
  for (const double seconds : times) Append(reply, seconds);
  return Status::Ok();
}

}  // namespace q13
