// Part c's times, on a GPU.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "harness/device/nvml.h"
#include "harness/device/roofline.h"
#include "harness/runner/rank_program.h"
#include "questions/q13_checkpoint/incremental_judge.h"
#include "questions/q13_checkpoint/incremental_kernels.h"

namespace q13 {
namespace {

// Files in memory that cost no more than copying: no log, no faults.
class PlainIo : public Io {
 public:
  int Open(const std::string& path, OpenMode mode, std::unique_ptr<File>* file) override {
    const std::lock_guard lock(mutex_);
    auto& bytes = files_[path];
    if (mode == OpenMode::kRead && bytes == nullptr) {
      files_.erase(path);
      return -ENOENT;
    }
    if (mode == OpenMode::kCreate && bytes != nullptr) return -EEXIST;
    if (mode != OpenMode::kRead) bytes = std::make_shared<Contents>();
    *file = std::make_unique<PlainFile>(bytes);
    return 0;
  }
  int Rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    auto node = files_.extract(from);
    if (node.empty()) return -ENOENT;
    files_[to] = node.mapped();
    return 0;
  }
  int Remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    return files_.erase(path) > 0 ? 0 : -ENOENT;
  }
  int MakeDirectory(const std::string&) override { return 0; }
  int List(const std::string& directory, std::vector<std::string>* names) override {
    const std::lock_guard lock(mutex_);
    names->clear();
    for (const auto& [path, bytes] : files_) {
      if (path.starts_with(directory + "/")) names->push_back(path.substr(directory.size() + 1));
    }
    return 0;
  }
  int SyncDirectory(const std::string&) override { return 0; }

 private:
  // In pieces: a vector that grows would copy what is there.
  struct Contents {
    static constexpr int64_t kPiece = 1 << 22;
    std::mutex mutex;
    std::vector<std::unique_ptr<std::byte[]>> pieces;
    int64_t size = 0;
  };
  class PlainFile : public File {
   public:
    explicit PlainFile(std::shared_ptr<Contents> bytes) : bytes_(std::move(bytes)) {}
    int64_t WriteAt(int64_t offset, const void* data, int64_t bytes) override {
      {
        const std::lock_guard lock(bytes_->mutex);
        while (static_cast<int64_t>(bytes_->pieces.size()) * Contents::kPiece < offset + bytes) {
          bytes_->pieces.emplace_back(new std::byte[Contents::kPiece]);
        }
        bytes_->size = std::max(bytes_->size, offset + bytes);
      }
      return Move(offset, bytes, [&](std::byte* at, int64_t from, size_t n) {
        std::memcpy(at, static_cast<const std::byte*>(data) + from, n);
      });
    }
    int64_t ReadAt(int64_t offset, void* data, int64_t bytes) override {
      bytes = std::max<int64_t>(0, std::min(bytes, bytes_->size - offset));
      return Move(offset, bytes, [&](std::byte* at, int64_t from, size_t n) {
        std::memcpy(static_cast<std::byte*>(data) + from, at, n);
      });
    }
    int Sync() override { return 0; }
    int64_t Size() override { return bytes_->size; }

   private:
    template <typename Copy>
    int64_t Move(int64_t offset, int64_t bytes, const Copy& copy) {
      for (int64_t done = 0; done < bytes;) {
        const int64_t at = offset + done, in = at % Contents::kPiece;
        const int64_t n = std::min(bytes - done, Contents::kPiece - in);
        std::byte* piece;
        {
          const std::lock_guard lock(bytes_->mutex);
          piece = bytes_->pieces[static_cast<size_t>(at / Contents::kPiece)].get();
        }
        copy(piece + in, done, static_cast<size_t>(n));
        done += n;
      }
      return bytes;
    }
    std::shared_ptr<Contents> bytes_;
  };

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Contents>> files_;
};

class Events {
 public:
  Events() {
    RequireCuda(cudaEventCreate(&start_), "cudaEventCreate");
    RequireCuda(cudaEventCreate(&stop_), "cudaEventCreate");
  }
  ~Events() {
    (void)cudaEventDestroy(start_);
    (void)cudaEventDestroy(stop_);
  }
  template <typename Enqueue>
  double Time(cudaStream_t stream, const Enqueue& enqueue) {
    RequireCuda(cudaEventRecord(start_, stream), "cudaEventRecord");
    enqueue();
    RequireCuda(cudaEventRecord(stop_, stream), "cudaEventRecord");
    RequireCuda(cudaEventSynchronize(stop_), "the timed call");
    float milliseconds = 0;
    RequireCuda(cudaEventElapsedTime(&milliseconds, start_, stop_), "cudaEventElapsedTime");
    return milliseconds * 1e-3;
  }

 private:
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void SetDevice(IncrementalTrial& trial) {
  int device = 0;
  char bus[32] = {};
  RequireCuda(cudaGetDevice(&device), "cudaGetDevice");
  RequireCuda(cudaDeviceGetPCIBusId(bus, sizeof bus, device), "cudaDeviceGetPCIBusId");
  const workbench::Nvml nvml(bus);
  trial.reply().device = nvml.gpu_name() + ", driver " + nvml.driver_version();
}

}  // namespace

void TimeHash(IncrementalTrial& trial) {
  SetDevice(trial);
  const size_t bytes = trial.Affordable<size_t>(1 << 21, 1 << 22, size_t{4} << 30, size_t{4} << 30);
  const int samples = trial.Affordable(1, 1, 21, 21);
  const size_t chunks = bytes / kChunk;
  const DeviceBytes data(bytes), hashes(chunks * sizeof(Hash128)), sink(16);
  auto flusher = workbench::L2Flusher::Create();
  if (!flusher.ok()) workbench::FailRun(workbench::ErrorKind::kHarness, flusher.status().message());
  RequireCuda(judge::FillRandomWords(reinterpret_cast<uint64_t*>(data.data()), bytes / 8, trial.Key(1), trial.stream()),
              "filling");
  Events events;
  for (int i = -3; i < samples; ++i) {
    const auto cold = [&] {
      if (const auto status = flusher->Flush(trial.stream()); !status.ok()) {
        workbench::FailRun(workbench::ErrorKind::kHarness, status.message());
      }
    };
    cold();
    const double reading = events.Time(trial.stream(), [&] {
      RequireCuda(judge::ReadOnce(data.data(), bytes / 16, reinterpret_cast<uint32_t*>(sink.data()), trial.stream()),
                  "reading");
    });
    cold();
    cudaError_t error = cudaSuccess;
    const double hashing = events.Time(trial.stream(), [&] {
      error =
          trial.entries().hash(data.data(), bytes, kChunk, reinterpret_cast<Hash128*>(hashes.data()), trial.stream());
    });
    if (error != cudaSuccess) {
      trial.Fail("q13_hash_chunks gives cudaSuccess", "cudaSuccess", cudaGetErrorName(error));
      return;
    }
    if (i < 0) continue;
    trial.reply().others.push_back(reading);
    trial.reply().seconds.push_back(hashing);
  }
  // What was timed is right: the same chunk alone hashes alike, and no two are equal.
  std::vector<Hash128> all(chunks);
  RequireCuda(cudaMemcpy(all.data(), hashes.data(), hashes.size(), cudaMemcpyDeviceToHost), "copying");
  std::map<std::pair<uint64_t, uint64_t>, size_t> seen;
  for (size_t c = 0; c < chunks; ++c) {
    if (!seen.emplace(std::pair(all[c].low, all[c].high), c).second) {
      trial.Fail("chunks that differ have different hashes", "two hashes", "one, for two chunks of 1 MiB");
      return;
    }
  }
  for (const size_t c : {size_t{0}, chunks / 2, chunks - 1}) {
    Hash128 alone;
    RequireCuda(cudaStreamSynchronize(trial.stream()), "waiting");
    const cudaError_t error = trial.entries().hash(data.data() + c * kChunk, kChunk, kChunk,
                                                   reinterpret_cast<Hash128*>(hashes.data()), trial.stream());
    RequireCuda(cudaStreamSynchronize(trial.stream()), "q13_hash_chunks");
    RequireCuda(cudaMemcpy(&alone, hashes.data(), sizeof alone, cudaMemcpyDeviceToHost), "copying");
    if (error != cudaSuccess || alone != all[c]) {
      trial.Fail("a hash is a function of the chunk's bytes and length alone", "the hash of chunk " + std::to_string(c),
                 "another one when it is hashed alone");
      return;
    }
  }
  trial.reply().figures.emplace_back("bytes", static_cast<double>(bytes));
}

void TimeSave(IncrementalTrial& trial) {
  SetDevice(trial);
  const size_t chunks = trial.Affordable<size_t>(2, 4, 2048, 4096);
  const int rounds = trial.Affordable(1, 1, 5, 9);
  const size_t bytes = chunks * static_cast<size_t>(kChunk);
  const DeviceBytes data(bytes);
  const DeviceTensor tensors[] = {
      {"w", Type::kF32, data.data(), static_cast<int64_t>(bytes / 2)},
      {"m", Type::kF32, data.data() + bytes / 2, static_cast<int64_t>(bytes / 2)},
  };
  for (int round = 0; round < rounds; ++round) {
    PlainIo io;
    IncrementalTrial::Store store;
    if (!trial.Open(&io, &store)) return;
    RequireCuda(judge::FillRandomWords(reinterpret_cast<uint64_t*>(data.data()), bytes / 8,
                                       trial.Key(static_cast<uint64_t>(round)), trial.stream()),
                "filling");
    RequireCuda(cudaStreamSynchronize(trial.stream()), "filling");
    IncrementStats stats;
    const double start = Now();
    int code = store->Save(1, tensors, trial.stream(), &stats);
    const double full = Now();
    const size_t touched = std::max<size_t>(1, chunks / 100);
    for (size_t i = 0; i < touched; ++i) {
      RequireCuda(cudaMemsetAsync(data.data() + i * (chunks / touched) * kChunk + 1000 * i, 0x11, 64, trial.stream()),
                  "changing");
    }
    RequireCuda(cudaStreamSynchronize(trial.stream()), "changing");
    const double again = Now();
    if (code == 0) code = store->Save(2, tensors, trial.stream(), &stats);
    const double increment = Now();
    if (!trial.MustReturn(0, code, "Save of a state gives 0", "Save")) return;
    trial.reply().others.push_back(full - start);
    trial.reply().seconds.push_back(increment - again);
    if (round > 0) continue;
    std::vector<std::byte> now(bytes);
    RequireCuda(cudaMemcpy(now.data(), data.data(), bytes, cudaMemcpyDeviceToHost), "copying");
    State state;
    for (const DeviceTensor& tensor : tensors) {
      const auto* at = now.data() + (static_cast<const std::byte*>(tensor.data) - data.data());
      state[tensor.name] = {{tensor.type, {tensor.bytes / 4}}, {at, at + tensor.bytes}};
    }
    if (!trial.MustLoad(store.get(), 2, state)) return;
  }
  trial.reply().figures.emplace_back("bytes", static_cast<double>(bytes));
}

}  // namespace q13
