// A state in device memory and a real disk, for disk_benchmark: an answer's saves and loads, and plain O_DIRECT
// transfers beside them. What goes wrong ends the program.
#ifndef QUESTIONS_Q13_CHECKPOINT_REAL_DISK_H_
#define QUESTIONS_Q13_CHECKPOINT_REAL_DISK_H_

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/files/posix_io.h"
#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {

using DiskClock = std::chrono::steady_clock;

inline double Seconds(DiskClock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Says what is wrong, and ends the program.
[[noreturn]] void Give(const std::string& what);
void Check(cudaError_t error, const char* what);
void Check(int error, const char* what);

struct Interval {
  DiskClock::time_point begin, end;
};

class Disk {
 public:
  // `bytes`: of the state, at least. `keep`: the file that was saved last is left in `directory`.
  Disk(const std::string& library_a, const std::string& library_f, std::string directory, int64_t bytes, bool keep);
  ~Disk();

  int64_t bytes() const { return bytes_; }
  std::string Describe() { return io_->Describe(); }

  struct Saved {
    double seconds = 0, stall = 0;
    DiskClock::time_point called, returned;
    std::vector<Interval> writes, commits;
  };

  // From the call of Save until the file and its name are durable. `before` and `after` are called right before and
  // after Save.
  Saved Save(const SnapshotConfig& config, const std::function<void()>& before = {},
             const std::function<void()>& after = {});

  // The file into the state, until the stream has all. The seconds that it took, as do those below.
  double Load();
  // Every byte of the state, against what was made.
  void MustBeWhole();

  // As many bytes as the state has, with O_DIRECT.
  double PlainWrite();
  // Of the file that was saved.
  double PlainRead(bool direct);

  // That file: it is saved if it is not there; none of it stays in the page cache.
  void MustExist();
  void DropFromCache();

  SnapshotConfig DeviceConfig() const { return {bytes_, kRingBytes, kChunkBytes}; }
  SnapshotConfig PinnedConfig() const { return {0, bytes_, kChunkBytes}; }
  SnapshotConfig RingConfig() const { return {0, kRingBytes, kChunkBytes}; }
  cudaStream_t stream() const { return stream_; }

 private:
  static constexpr int64_t kChunkBytes = 16 << 20, kRingBytes = 256 << 20;
  static constexpr uint64_t kSeed = 13;

  struct Tensor {
    std::string name;
    int64_t at;
    int64_t bytes;
  };

  struct Free {
    void operator()(char* data) const { std::free(data); }
  };

  std::byte* At(size_t t) const { return static_cast<std::byte*>(memory_) + tensors_[t].at; }
  static uint64_t KeyOf(size_t t) { return PatternKey(kSeed, 0, static_cast<int64_t>(t)); }
  // Memory for the plain transfers, as much as a save's ring: no processor's cache has it.
  char* Plain(int64_t at) const { return plain_.get() + at % kRingBytes; }
  std::string PathOf(const char* name) const { return directory_ + "/" + name; }

  // As the writer makes it, and with more spaces behind, so that the data starts at a page.
  void MakeHeader();

  decltype(&q13_snapshot_create) create_;
  decltype(&q13_restore) restore_;
  decltype(&q13_safetensors_parse) parse_;
  decltype(&q13_safetensors_write) write_;
  const std::string directory_;
  const bool keep_;
  std::unique_ptr<workbench::PosixIo> io_;
  std::vector<Tensor> tensors_;
  std::vector<int64_t> begins_;  // of each tensor, in the file
  std::string header_;
  int64_t bytes_ = 0;
  void* memory_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<char, Free> plain_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_REAL_DISK_H_
