// Part c's files: what a manifest says, and how files are named.
#ifndef SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_MANIFEST_H_
#define SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_MANIFEST_H_

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"
#include "solutions/q13_checkpoint/commit.h"

namespace q13 {

inline constexpr uint64_t kManifestMagic = 0x31304d4350313351;  // "Q31PCM01", in this order of bytes
inline constexpr int64_t kMostManifestBytes = int64_t{1} << 32;
inline constexpr int64_t kChunkRecordBytes = 64;
inline constexpr int64_t kMostId = int64_t{1} << 62;  // one more never overflows

struct DataFile {
  int64_t step = 0;  // whose file it is
  int64_t id = 0;
  friend auto operator<=>(const DataFile&, const DataFile&) = default;
};

struct Chunk {
  Hash128 hash;   // of the device, to find it again
  Digest digest;  // of what was written, to verify it
  DataFile file;
  int64_t offset = 0;
  int64_t length = 0;
};

struct Tensor {
  std::string name;
  Type type = Type::kF32;
  int64_t bytes = 0;
  std::vector<Chunk> chunks = {};
};

struct Manifest {
  std::vector<Tensor> tensors;

  template <typename Visit>
  void ForEachChunk(const Visit& visit) {
    for (Tensor& tensor : tensors) {
      for (Chunk& chunk : tensor.chunks) visit(chunk);
    }
  }
};

constexpr int64_t ChunksOf(int64_t bytes) { return bytes / kChunk + (bytes % kChunk != 0); }
constexpr int64_t LengthOf(int64_t bytes, int64_t chunk) { return std::min(kChunk, bytes - chunk * kChunk); }

inline Bytes Encode(int64_t step, const Manifest& manifest) {
  Encoder out;
  out.Put(step);
  out.Put<uint64_t>(manifest.tensors.size());
  for (const Tensor& tensor : manifest.tensors) {
    out.PutText(tensor.name);
    out.Put(tensor.type);
    out.Put(tensor.bytes);
    out.Put<uint64_t>(tensor.chunks.size());
    for (const Chunk& chunk : tensor.chunks) out.Put(chunk);
  }
  return Seal(kManifestMagic, out.bytes());
}
static_assert(sizeof(Chunk) == kChunkRecordBytes);

inline bool Decode(const Bytes& frame, int64_t step, Manifest* manifest) {
  Bytes payload;
  if (!Unseal(kManifestMagic, frame, &payload)) return false;
  Decoder in(payload);
  if (in.Get<int64_t>() != step) return false;
  std::set<std::string> names;
  const size_t tensors = in.GetCount(28);
  for (size_t t = 0; t < tensors && in.ok(); ++t) {
    Tensor tensor{in.GetText()};
    tensor.type = in.Get<Type>();
    tensor.bytes = in.Get<int64_t>();
    tensor.chunks.resize(in.GetCount(kChunkRecordBytes));
    if (tensor.type < Type::kBool || tensor.type > Type::kU64 || !names.insert(tensor.name).second) return false;
    if (tensor.bytes < 0 || tensor.bytes % TypeBytes(tensor.type) != 0) return false;
    if (static_cast<int64_t>(tensor.chunks.size()) != ChunksOf(tensor.bytes)) return false;
    for (size_t c = 0; c < tensor.chunks.size(); ++c) {
      tensor.chunks[c] = in.Get<Chunk>();
      if (tensor.chunks[c].length != LengthOf(tensor.bytes, static_cast<int64_t>(c))) return false;
      if (tensor.chunks[c].offset < 0) return false;
    }
    manifest->tensors.push_back(std::move(tensor));
  }
  return in.done();
}

// Chunks by what is in them.
struct Key {
  Hash128 hash;
  int64_t length = 0;
  friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
  size_t operator()(const Key& key) const { return key.hash.low; }
};
using ChunkTable = std::unordered_map<Key, Chunk, KeyHash>;

inline Key KeyOf(const Chunk& chunk) { return {chunk.hash, chunk.length}; }

inline std::string ManifestName(int64_t step) { return "step." + std::to_string(step); }
inline std::string DataName(const DataFile& file) {
  return "data." + std::to_string(file.step) + "." + std::to_string(file.id);
}
inline std::string TemporaryName(int64_t id) { return "temporary." + std::to_string(id); }

// The numbers of "prefix.1.2", if `name` is exactly that.
inline bool ParseName(const std::string& name, const std::string& prefix, std::initializer_list<int64_t*> numbers) {
  std::string again = prefix;
  const char *at = name.data() + std::min(prefix.size(), name.size()), *end = name.data() + name.size();
  for (int64_t* number : numbers) {
    if (at == end || *at != '.') return false;
    const auto [next, error] = std::from_chars(at + 1, end, *number);
    if (error != std::errc() || *number < 0) return false;
    at = next;
    again += "." + std::to_string(*number);
  }
  return again == name;  // nothing behind, no zeros in front
}

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_INCREMENTAL_MANIFEST_H_
