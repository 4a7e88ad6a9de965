// Q13 Checkpointing: what an answer implements. The types that all parts share, the file system that answers write to,
// and the parts that live on the host: B (durable and atomic), D (sharded, resharded) and F (safetensors). The parts on
// device memory, A, C and E, are in device_api.h.
//
// Sources: POSIX.1-2017 (rename, fsync); Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014 (what a
// crash leaves behind); Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020; the
// safetensors format (huggingface/safetensors, README "Format" and safetensors/src/tensor.rs).
#ifndef QUESTIONS_Q13_CHECKPOINT_API_H_
#define QUESTIONS_Q13_CHECKPOINT_API_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/answer/io.h"

namespace q13 {

// ------------------------------------------------------------------------------------------------ Tensors

// safetensors' names: BOOL U8 I8 F8_E5M2 F8_E4M3 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64.
enum class Type : int32_t {
  kBool = 0,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64,
};

constexpr int64_t TypeBytes(Type type) {
  return type <= Type::kF8E4M3 ? 1 : type <= Type::kBF16 ? 2 : type <= Type::kF32 ? 4 : 8;
}

// Row-major, contiguous, little-endian. An empty shape is a scalar; an extent of 0 is an empty tensor.
struct TensorInfo {
  Type type = Type::kF32;
  std::vector<int64_t> shape;
};

// A named tensor in the caller's memory (host memory in this header).
struct TensorView {
  std::string name;
  TensorInfo info;
  void* data = nullptr;  // product of shape * TypeBytes bytes; any alignment; may be null if that is 0
};

struct HostTensor {
  TensorInfo info;
  std::vector<std::byte> data;
};
using State = std::map<std::string, HostTensor>;

// ------------------------------------------------------------------------------------------------ Files and ranks

// Answers touch files through an Io alone; harness/answer/io.h says what its functions do and what a crash leaves.
using workbench::File;
using workbench::Io;
using workbench::OpenMode;

// The ranks that save together. Collective: every rank calls in the same order.
class Group {
 public:
  virtual ~Group() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // all[i] is what rank i gave. False if a rank is gone; so it is from then on.
  virtual bool AllGather(const std::vector<std::byte>& mine, std::vector<std::vector<std::byte>>* all) = 0;
};

// What functions below return: 0, or one of these, or minus an errno of Io's.
enum Error : int32_t {
  kOk = 0,
  kNotFound = 1,  // no such checkpoint (complete ones are meant)
  kDamaged = 2,   // a checksum, a length or a format is not what it has to be
  kInvalid = 3,   // an argument makes no sense (a name twice, a negative extent, a size that overflows)
  kRankLost = 4,  // Group::AllGather failed
};

}  // namespace q13

// ---------------------------------------------------------------------------------------------------- Part B
//
// A store of checkpoints in `directory` (which exists): one for each step. Steps are saved in ascending order, or the
// newest one again; names of tensors are any bytes, none at all included. The files are the answer's own affair. What
// is promised:
// - Save returns 0 when the checkpoint of that step is durable, on all ranks, and is what Load finds as the latest.
// Until
//   then, and after a crash at any point, the checkpoints that were there are there, whole. A step that exists already
//   is replaced by the new one: the old or the new one is found, never parts of both.
// - When any rank fails, Save fails on all ranks that are still there, with the failing rank's error or kRankLost, and
//   nothing that was there before is damaged. A later Save may succeed; also of the same step.
// - Short writes and -EINTR are not errors: they are continued.
// - SaveAsync returns as soon as the tensors' memory may be changed again (at the latest when they have been copied);
// what
//   becomes of the save is returned by the next call of Wait, Save or SaveAsync of this store (0: it is as after Save;
//   a Save or SaveAsync that finds that the one before it failed returns that error and does nothing else).
// - Load restores what this rank saved (its own tensors), bit for bit, or returns an error and leaves *state empty:
// kDamaged
//   if any bit that matters has changed. With step kLatest: the newest step that is whole (a damaged newer one is
//   passed over). All ranks load the same step, and when it fails on one it fails on all: agree. With another number of
//   ranks than saved: kInvalid (part D is for that).
// - After a Save the newest `keep` checkpoints that are whole are kept; older ones are removed, and so is what an
// earlier
//   crash left behind. One is only removed when `keep` newer ones are whole (their checksums were verified, or they
//   were written, by this store).
// - Nothing is read that was written by others with trust: file contents may be anything, lengths too.
namespace q13 {

inline constexpr int64_t kLatest = -1;

struct StoreConfig {
  Io* io = nullptr;
  Group* group = nullptr;  // outlives the store; one store a rank
  std::string directory;
  int32_t keep = 2;  // >= 1
};

class Store {
 public:
  virtual ~Store() = default;                                               // waits for what is in the background
  virtual int Save(int64_t step, std::span<const TensorView> tensors) = 0;  // collective; step >= 0
  virtual int SaveAsync(int64_t step, std::span<const TensorView> tensors) = 0;
  virtual int Wait() = 0;
  virtual int Load(int64_t step, State* state, int64_t* loaded_step) = 0;  // collective
  virtual int Steps(std::vector<int64_t>* steps) = 0;                      // complete ones, ascending; not collective
};

// ---------------------------------------------------------------------------------------------------- Part D
//
// Tensors that are split over ranks. A slice is a box of a global tensor: begin[d] .. begin[d] + extent[d] in each
// dimension. Ranks may hold the same elements (replicated): they are written once in all, by whom is free, spread so
// that no rank writes much more than its share (an element counts for each rank that holds it as one part of as many).
// Every element of every tensor is held by some rank. A rank may hold several boxes of one tensor, overlapping ones
// too, in any order, or none at all; an extent of 0 is an empty box.
struct Slice {
  std::string name;
  TensorInfo info;              // of the whole tensor; the same wherever it is named
  std::vector<int64_t> begin;   // as many as shape has
  std::vector<int64_t> extent;  // begin + extent <= shape
  void* data = nullptr;         // the box, row-major, contiguous
};

// Bytes are stored in chunks of at most this, each with a checksum of its own: a reader that wants a part of a chunk
// may read all of it, and no more.
inline constexpr int64_t kShardChunk = 64 * 1024;

}  // namespace q13

extern "C" q13::Store* q13_store_create(const q13::StoreConfig& config);  // nullptr: the configuration makes no sense

// Collective. Durable and atomic as part B's Save; there is one checkpoint in `directory` (which exists), the newest:
// it alone counts. kInvalid, on all ranks: a box that leaves its tensor, begin or extent of another length than shape,
// a size that overflows, a tensor of which ranks name different types or shapes.
extern "C" int q13_shard_save(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const q13::Slice> slices);
// Collective over a group of any size. Fills every slice's data, from whatever ranks wrote it, reading no data chunks
// but those that have elements of these slices. kNotFound: no checkpoint, or no such tensor; kInvalid: another type or
// shape. Nothing is known of `slices`' data after an error. When it fails on one rank it fails on all that are still
// there, with the failing rank's error or kRankLost. kDamaged as Store::Load.
extern "C" int q13_shard_load(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const q13::Slice> slices);

// ---------------------------------------------------------------------------------------------------- Part F
//
// safetensors. A file is: 8 bytes, little-endian, the length n of the header, n <= 100,000,000; n bytes of JSON, an
// object; then the data. A key "__metadata__" has an object of strings; every other key names a tensor:
// {"dtype": name, "shape": [non-negative integers], "data_offsets": [begin, end]}, offsets into the data.
namespace q13 {

enum class FormatError : int32_t {
  kOk = 0,
  kHeaderTooSmall = 1,       // fewer than 8 bytes
  kHeaderTooLarge = 2,       // n > 100,000,000
  kInvalidHeaderLength = 3,  // the file ends before the header does
  kInvalidHeader = 4,  // not UTF-8, not JSON, not an object of the form above (missing, unknown or duplicate members, a
                       // type that is not known, a number that is not written with digits alone or exceeds 2^63 - 1, a
                       // \u escape that is half of a surrogate pair); the first byte is not '{' or white space of JSON
  kInvalidOffset = 5,  // begin > end, or the tensors do not cover the data without holes and overlaps from 0 on
  kTensorInvalidInfo = 6,   // end - begin is not the product of the shape times the type's bytes
  kValidationOverflow = 7,  // that product exceeds 2^63 - 1 (an extent of 0 makes it 0, whatever the others are)
  kMetadataIncomplete = 8,  // the last tensor ends before or after the file does
};

struct SafetensorsEntry {
  std::string name;
  TensorInfo info;
  int64_t begin = 0;  // offset in the file (not in the data)
  int64_t end = 0;
};

struct SafetensorsFile {
  std::vector<SafetensorsEntry> tensors;  // ordered by begin, then end, then name
  std::map<std::string, std::string> metadata;
};

}  // namespace q13

// Reads the header of a file of `bytes` bytes that begins with head[0, head_bytes); head_bytes >= min(bytes, 8 + n).
// Strict: everything that FormatError lists is found. Where several are wrong, the first in the order kHeaderTooSmall,
// kHeaderTooLarge, kInvalidHeaderLength, kInvalidHeader, then tensor by tensor in order of begin, end, name
// (kInvalidOffset, kValidationOverflow, kTensorInvalidInfo), then kMetadataIncomplete. *file is replaced. Memory is
// bounded by the file's size, whatever it says.
extern "C" q13::FormatError q13_safetensors_parse(const std::byte* head, size_t head_bytes, uint64_t bytes,
                                                  q13::SafetensorsFile* file);

// Writes what q13_safetensors_parse reads: the header (compact JSON; "__metadata__" first if there is any; tensors by
// descending Type (in the order of the enumeration), then name, as the reference writer; padded with spaces so that the
// data starts at a multiple of 8), then the data in that order. `sink` is called with consecutive pieces; false from
// it: -EIO is returned. kInvalid: a name twice, "__metadata__" as a name, a name or metadata that is not UTF-8, a shape
// that overflows or has a negative extent, tensors of more than 2^63 - 1 bytes together, a type that does not exist, a
// header of more than 100,000,000 bytes; nothing is written then.
extern "C" int q13_safetensors_write(std::span<const q13::TensorView> tensors,
                                     const std::map<std::string, std::string>& metadata,
                                     bool (*sink)(void* context, const void* data, size_t bytes), void* context);

#endif  // QUESTIONS_Q13_CHECKPOINT_API_H_
