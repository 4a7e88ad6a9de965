// What the scenarios of part c share, inside the runner: states in host and device memory, calls of the answer, and the
// first thing that does not hold.
#ifndef QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_JUDGE_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/device_api.h"
#include "questions/q13_checkpoint/incremental_case.h"

namespace q13 {

// An answer's.
struct IncrementalEntries {
  decltype(&q13_incremental_create) create = nullptr;
  decltype(&q13_hash_chunks) hash = nullptr;
};

uint64_t MixBits(uint64_t value);  // splitmix64's finalizer

// Random bytes that nothing compresses.
std::vector<std::byte> RandomBytes(size_t bytes, uint64_t key);
HostTensor RandomTensor(Type type, size_t bytes, uint64_t key);
int64_t ChunksIn(const State& state);
int64_t BytesIn(const State& state);
// Of different chunks of some states, by comparing them: no two states are charged for one chunk.
int64_t DistinctChunkBytes(const std::vector<const State*>& states);
// What may be written beside the data of a step: a manifest, of some size that grows with the number of chunks.
int64_t MetadataAllowance(const State& state);

// The first of what differs, in a sentence; empty: nothing.
std::string StateDifference(const State& got, const State& saved);
std::string ErrorName(int code);
inline constexpr int kThrowsException = -1000000;

// The one way out for errors of the device and of the judge's own.
void RequireCuda(cudaError_t error, const char* what);

// Device memory of exactly so many bytes.
class DeviceBytes {
 public:
  explicit DeviceBytes(size_t bytes);
  ~DeviceBytes();
  DeviceBytes(const DeviceBytes&) = delete;
  DeviceBytes& operator=(const DeviceBytes&) = delete;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// A state in device memory, each tensor at some multiple of its type's bytes.
class DeviceState {
 public:
  explicit DeviceState(const State& state, uint64_t seed = 0);
  std::span<const DeviceTensor> tensors() const { return tensors_; }
  std::vector<DeviceTensor>& edit() { return tensors_; }
  const State& state() const { return state_; }
  std::string Changed() const;  // which tensor is not any more what it was; empty: none

 private:
  State state_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<DeviceBytes>> memory_;
  std::vector<DeviceTensor> tensors_;
};

inline constexpr const char* kIncrementalDirectory = "checkpoints";
workbench::FileTree EmptyIncrementalTree();

class IncrementalTrial {
 public:
  IncrementalTrial(const IncrementalEntries& entries, const IncrementalRequest& request, cudaStream_t stream)
      : entries_(entries), request_(request), stream_(stream) {}

  // Records what does not hold, of it the first; false.
  bool Fail(const std::string& property, const std::string& expected, const std::string& actual,
            const std::string& detail = "");
  // What is being tried; told with a failure. A value that is empty takes the name out.
  void Input(const std::string& name, const std::string& value);
  void Count() { ++reply_.cases; }
  bool failed() const { return !reply_.property.empty(); }
  IncrementalReply& reply() { return reply_; }

  const IncrementalEntries& entries() const { return entries_; }
  cudaStream_t stream() const { return stream_; }
  uint64_t seed() const { return request_.seed; }
  uint64_t Key(uint64_t salt) const { return MixBits(request_.seed ^ MixBits(salt)); }
  IncrementalSize size() const { return request_.size; }
  // The one for this size.
  template <typename T>
  T Affordable(T checked, T cpu, T gpu, T all) const {
    const T values[] = {checked, cpu, gpu, all};
    return values[static_cast<int>(request_.size)];
  }

  using Store = std::unique_ptr<IncrementalStore>;
  bool Open(Io* io, Store* store);
  // What the answer returns; kThrowsException.
  int Save(IncrementalStore* store, int64_t step, const DeviceState& state, IncrementStats* stats = nullptr);
  int Load(IncrementalStore* store, int64_t step, State* state);
  int Keep(IncrementalStore* store, const std::vector<int64_t>& steps);
  int Compact(IncrementalStore* store, int64_t step);
  int Steps(IncrementalStore* store, std::vector<int64_t>* steps);

  // False, and a failure, unless it is so.
  bool MustSave(IncrementalStore* store, int64_t step, const DeviceState& state, IncrementStats* stats = nullptr);
  bool MustLoad(IncrementalStore* store, int64_t step, const State& state,
                const std::string& property = "a step that is kept is loaded as it was saved, bit for bit");
  bool MustList(IncrementalStore* store, const std::vector<int64_t>& steps);
  bool MustReturn(int expected, int actual, const std::string& property, const std::string& call);
  // kNotFound, and an empty state.
  bool MustMiss(IncrementalStore* store, int64_t step);
  // An error leaves the state empty; success gives `state`. *code: which.
  bool LoadsOrFails(IncrementalStore* store, int64_t step, const State& state, int* code);

 private:
  const IncrementalEntries& entries_;
  IncrementalRequest request_;
  cudaStream_t stream_;
  IncrementalReply reply_;
  std::vector<std::pair<std::string, std::string>> inputs_;
};

// The scenarios.
void TryHash(IncrementalTrial& trial);
void TryAvalanche(IncrementalTrial& trial);
void TryRoundtrip(IncrementalTrial& trial);
void TryChanges(IncrementalTrial& trial);
void TryTensors(IncrementalTrial& trial);
void TrySteps(IncrementalTrial& trial);
void TryKeep(IncrementalTrial& trial);
void TryCompact(IncrementalTrial& trial);
void TryRestart(IncrementalTrial& trial);
void TryCrash(IncrementalTrial& trial);
void TryErrors(IncrementalTrial& trial);
void TryBitflips(IncrementalTrial& trial);
void TryStats(IncrementalTrial& trial);
void TryArguments(IncrementalTrial& trial);
void TimeHash(IncrementalTrial& trial);
void TimeSave(IncrementalTrial& trial);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_JUDGE_H_
