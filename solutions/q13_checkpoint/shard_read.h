// Part D's loading: which chunks have elements that are wanted, and getting these out of them.
#ifndef SOLUTIONS_Q13_CHECKPOINT_SHARD_READ_H_
#define SOLUTIONS_Q13_CHECKPOINT_SHARD_READ_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "solutions/q13_checkpoint/shard_boxes.h"
#include "solutions/q13_checkpoint/shard_format.h"

namespace q13 {

// What a slice wants of a piece.
struct Want {
  const Slice* slice;
  Overlap overlap;  // a: the piece, b: the slice
};

struct WantedPiece {
  const ShardTensor* tensor;
  const Piece* piece;
  std::vector<Want> wants;
};

// A chunk to be read.
struct WantedChunk {
  uint32_t rank;
  int64_t chunk;  // of the file
  int64_t offset;
  int64_t bytes;
  int64_t first;  // element of the piece
  const WantedPiece* piece;
};

// The chunks that have a wanted element, each once, ascending.
inline void FindChunks(const WantedPiece& wanted, std::vector<WantedChunk>* chunks) {
  const int64_t per_chunk = ChunkElements(wanted.tensor->info);
  const int64_t element = TypeBytes(wanted.tensor->info.type);
  const int64_t elements = Elements(wanted.piece->box);
  const std::vector<Part>& parts = wanted.piece->parts;
  std::vector<int64_t> found;
  for (const Want& want : wanted.wants) {
    want.overlap.ForEachRun(0, elements, [&](int64_t in_piece, int64_t, int64_t count) {
      int64_t chunk = in_piece / per_chunk;
      const int64_t last = (in_piece + count - 1) / per_chunk;
      if (!found.empty() && found.back() == chunk) ++chunk;
      for (; chunk <= last; ++chunk) found.push_back(chunk);
    });
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  auto part = parts.begin();
  for (const int64_t chunk : found) {
    while (chunk >= part->first + part->chunks) ++part;
    const int64_t in_part = chunk - part->first;
    const int64_t bytes = std::min(per_chunk, elements - chunk * per_chunk) * element;
    chunks->push_back({part->rank, part->first_file + in_part, part->file_offset + in_part * kShardChunk, bytes,
                       chunk * per_chunk, &wanted});
  }
}

inline void CopyOut(const WantedChunk& chunk, const std::byte* bytes) {
  const int64_t element = TypeBytes(chunk.piece->tensor->info.type);
  const int64_t last = chunk.first + chunk.bytes / element;
  for (const Want& want : chunk.piece->wants) {
    auto* data = static_cast<std::byte*>(want.slice->data);
    want.overlap.ForEachRun(chunk.first, last, [&](int64_t in_piece, int64_t in_slice, int64_t elements) {
      std::memcpy(data + in_slice * element, bytes + (in_piece - chunk.first) * element,
                  static_cast<size_t>(elements * element));
    });
  }
}

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_SHARD_READ_H_
