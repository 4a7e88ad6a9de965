// Q13 parts A (snapshot), C (incremental) and E (compressed): what an answer implements on device memory. All pointers
// to tensors are device pointers; work is ordered by the stream that is given.
//
// Sources: NVIDIA, CUDA C++ Programming Guide (streams, pinned memory, copy engines); Collet, "zstd" RFC 8878 and
// "XXH3"; Wang et al., "GEMINI", SOSP 2023, and Mohan et al., "CheckFreq", FAST 2021 (snapshot, then persist);
// Hershcovitch et al., "ZipNN", 2024 (byte planes).
#ifndef QUESTIONS_Q13_CHECKPOINT_DEVICE_API_H_
#define QUESTIONS_Q13_CHECKPOINT_DEVICE_API_H_

#include <cuda_runtime.h>

#include "questions/q13_checkpoint/api.h"

namespace q13 {

struct DeviceTensor {
  const char* name = nullptr;
  Type type = Type::kF32;
  const void* data = nullptr;  // device memory; any alignment that is a multiple of the type's bytes
  int64_t bytes = 0;           // may be 0
};

// ---------------------------------------------------------------------------------------------------- Part A
//
// Where a snapshot goes. The judge's own. Called from threads of the snapshotter's, one call at a time for each save,
// in any order of tensors and offsets; every byte of every tensor exactly once, then Finish, once for each Save that
// returned 0. Slow, and may fail.
class Sink {
 public:
  virtual ~Sink() = default;
  // `data` is host memory, valid during the call only; bytes <= chunk_bytes. 0, or minus an errno: nothing more is
  // written for this save.
  virtual int Write(int64_t save, int32_t tensor, int64_t offset, const void* data, int64_t bytes) = 0;
  // `error`: 0, or what Write returned, or -EIO for a CUDA error.
  virtual void Finish(int64_t save, int error) = 0;
};

// The budgets are what is asked of CUDA's allocation functions; 64 KiB beside either is allowed for tables.
struct SnapshotConfig {
  int64_t device_bytes = 0;       // device memory that a snapshot may use (0: none)
  int64_t pinned_bytes = 0;       // pinned host memory that it may use, for all saves together; >= chunk_bytes
  int64_t chunk_bytes = 4 << 20;  // of a copy to the host, at most
};

// CUDA memory is allocated by create and freed by destroy: none of it in between. Save and Wait are called by one
// thread at a time.
class Snapshotter {
 public:
  virtual ~Snapshotter() = default;  // waits for the saves that are under way
  // Captures the tensors as they are at this point of `stream`. When it returns, work that is enqueued to `stream` from
  // then on may change them. Either
  //  - the state fits into what is free of device_bytes: a copy on the device has been enqueued to `stream`, and Save
  //    has not waited for anything (neither the stream, nor the copy, nor the sink); or
  //  - it does not, but fits into what is free of pinned_bytes: copies to the host have been enqueued, `stream` waits
  //    for them, and Save itself has not waited; or
  //  - neither: Save returns when the last chunk has been copied to pinned memory, whose chunks are used again as the
  //    sink takes them. (The sink may fail before that: then Save returns the error, or leaves it to the next call.)
  // A Save while one before it is still under way is right; it may wait for memory. The error of an earlier save that
  // failed is returned by the next call of Save or Wait, once; that Save has then captured nothing, and neither Write
  // nor Finish is called for it. kInvalid: bytes < 0, or no data where there are bytes. 0: captured.
  virtual int Save(int64_t save, std::span<const DeviceTensor> tensors, cudaStream_t stream) = 0;
  virtual int Wait() = 0;  // until all saves are finished
};

// Where a restore comes from. The judge's own. Called from threads of q13_restore's, several at a time.
class Source {
 public:
  virtual ~Source() = default;
  // Bytes [offset, offset + bytes) of a tensor, into host memory. Returns how many it gave: at least 1, perhaps fewer
  // than asked for, and that is no error; or minus an errno, of which -EINTR says that the call is to be made again; or
  // 0: there is no more, the tensor is cut short.
  virtual int64_t Read(int32_t tensor, int64_t offset, void* data, int64_t bytes) = 0;
};

struct RestoreTensor {
  const char* name = nullptr;
  Type type = Type::kF32;
  void* data = nullptr;  // device memory; any alignment that is a multiple of the type's bytes; no two overlap
  int64_t bytes = 0;     // may be 0
};

struct RestoreConfig {
  int64_t pinned_bytes = 0;       // pinned host memory that it may use; >= chunk_bytes
  int64_t chunk_bytes = 4 << 20;  // of a Read, at most; >= 1
  int32_t readers = 8;            // Reads that may be under way at a time; >= 1
};

// ---------------------------------------------------------------------------------------------------- Part C

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

inline constexpr int64_t kChunk = 1 << 20;

struct IncrementStats {
  int64_t data_bytes = 0;    // of tensor data written to files
  int64_t copied_bytes = 0;  // copied from the device to the host, hashes included
  int64_t chunks = 0;        // of the step
  int64_t changed = 0;       // of these, written
};

// Checkpoints of one rank in `directory` (which exists), each step as what has changed since the one before: tensors
// are cut into chunks of kChunk (the last one shorter), hashed on the device, and chunks whose hash is new are copied
// and written. A chunk that was anywhere in the step before is not written again, also if its tensor has been renamed.
// Durable and atomic as part B's Save; a new store on the same directory goes on where the last one ended.
class IncrementalStore {
 public:
  virtual ~IncrementalStore() = default;
  // kInvalid: step < 0, a name that is null or there twice, a type that does not exist, bytes < 0 or no multiple of the
  // type's, no data where there are bytes.
  virtual int Save(int64_t step, std::span<const DeviceTensor> tensors, cudaStream_t stream, IncrementStats* stats) = 0;
  // Any step that is kept, as bytes on the host, with the names, types and sizes of that step (shape is
  // {bytes / TypeBytes}). kNotFound: no such step. After an error *state is empty.
  virtual int Load(int64_t step, State* state) = 0;
  // Keeps the given steps alone; all of them stay loadable, bit for bit; files that no kept step needs are removed. A
  // crash in between may leave steps that were to go. kNotFound, and nothing changes: one of them is not there.
  virtual int Keep(std::span<const int64_t> steps) = 0;
  // Rewrites so that `step` needs no data of another step's files, and no later step needs data of files older than
  // `step`'s. Earlier steps stay as they are. kNotFound: no such step.
  virtual int Compact(int64_t step) = 0;
  virtual int Steps(std::vector<int64_t>* steps) = 0;
};

}  // namespace q13

// nullptr: the configuration makes no sense, or there is no memory. To be deleted by the caller.
extern "C" q13::Snapshotter* q13_snapshot_create(const q13::SnapshotConfig& config, q13::Sink* sink);

// Fills the tensors' memory from `source`: the way back, and like it bounded by the slowest of reading and copying, not
// by their sum. Reads overlap each other, as far as `readers`, the memory and the number of chunks let them, and the
// copies to the device. The tensors are written in the order of `stream`: after what was enqueued to it before the
// call, before what is enqueued after. Other streams are not waited for, but by freeing memory at the end. Returns when
// every byte has been read and nothing of the source or of the memory for staging is in use any more: all CUDA memory
// is allocated in the call and freed by its end, `pinned_bytes` of pinned host memory (64 KiB beside it for tables) and
// none on the device. 0, or the first error: minus the errno that Read gave, -EIO for 0 from Read or a CUDA error,
// -ENOMEM when there is no memory; a reader that finds that one has failed begins no Read any more, none is under way
// when it returns, and nothing is known of the tensors' bytes then. kInvalid, and nothing is read: pinned_bytes <
// chunk_bytes, chunk_bytes < 1, readers < 1, no source, bytes < 0, no data where there are bytes.
extern "C" int q13_restore(const q13::RestoreConfig& config, q13::Source* source,
                           std::span<const q13::RestoreTensor> tensors, cudaStream_t stream);

extern "C" q13::IncrementalStore* q13_incremental_create(q13::Io* io, const std::string& directory);

// hashes[i] (device memory) of the i-th chunk of `chunk_bytes` (a multiple of 16) of data[0, bytes), the last one
// shorter. A function of the chunk's bytes and length alone. Any two chunks that differ differ in their hashes, but for
// a chance of about 2^-128 (not against an adversary); also where they differ in one bit, in order, in length or in
// zeros at the end.
extern "C" cudaError_t q13_hash_chunks(const void* data, size_t bytes, size_t chunk_bytes, q13::Hash128* hashes,
                                       cudaStream_t stream);

// ---------------------------------------------------------------------------------------------------- Part E

// Byte j of element i goes to planes[j * elements + i], and back. element_bytes is 1, 2, 4 or 8. No overlap.
extern "C" cudaError_t q13_split_planes(const void* in, size_t elements, int32_t element_bytes, void* planes,
                                        cudaStream_t stream);
extern "C" cudaError_t q13_join_planes(const void* planes, size_t elements, int32_t element_bytes, void* out,
                                       cudaStream_t stream);

// Compresses elements in device memory into `out` (which is replaced), within about `budget_seconds`: the more time,
// the smaller. Never larger than the input by more than 64 bytes and 1 / 256 of it; lossless; self-describing and
// checksummed.
extern "C" int q13_compress(const void* data, size_t elements, int32_t element_bytes, double budget_seconds,
                            std::vector<std::byte>* out, cudaStream_t stream);
// Back into device memory that has room for `capacity` bytes; *bytes is how many there are. kDamaged for anything that
// q13_compress has not made, of whatever size it claims to be (memory stays bounded by the input's size and
// `capacity`).
extern "C" int q13_decompress(const std::byte* in, size_t in_bytes, void* data, size_t capacity, size_t* bytes,
                              cudaStream_t stream);

#endif  // QUESTIONS_Q13_CHECKPOINT_DEVICE_API_H_
