// Part D's files: their names, and the manifest, which is the index of the whole checkpoint.
//
// A tensor is stored as pieces: boxes that share nothing and together are all of it. A piece is its elements in
// row-major order, cut into chunks of kShardChunk; runs of its chunks are in the files of one or more ranks. A rank's
// file is its chunks in the order of the manifest, then the chunks' checksums.
#ifndef SOLUTIONS_Q13_CHECKPOINT_SHARD_FORMAT_H_
#define SOLUTIONS_Q13_CHECKPOINT_SHARD_FORMAT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/shard_boxes.h"

namespace q13 {

inline constexpr uint64_t kShardMagic = Magic("q13dman1");
inline constexpr uint64_t kChecksumsMagic = Magic("q13dsum1");
inline constexpr int64_t kMostShardManifestBytes = 64 << 20;
inline constexpr int64_t kMostShardGeneration = int64_t{1} << 62;  // one more never overflows
inline constexpr int64_t kNoShardGeneration = -1;

// Chunks of a piece that are in one file.
struct Part {
  uint32_t rank = 0;
  int64_t chunks = 0;
  // Not in the manifest: they follow from it.
  int64_t first = 0;        // chunk of the piece
  int64_t first_file = 0;   // chunk of the file
  int64_t file_offset = 0;  // in bytes
};

// Who has a piece's elements in memory. Known while saving.
struct Holder {
  uint32_t rank;
  size_t slice;  // of that rank's
};

struct Piece {
  Box box;
  std::vector<Part> parts;  // in the order of chunks
  std::vector<Holder> holders;
};

struct ShardTensor {
  TensorInfo info;
  std::vector<Piece> pieces;
};

struct ShardManifest {
  int64_t generation = 0;
  std::vector<RankFile> files;
  std::map<std::string, ShardTensor> tensors;
};

inline Box BoxOf(const Slice& slice) { return {slice.begin, slice.extent}; }

inline int64_t ChunkElements(const TensorInfo& info) { return kShardChunk / TypeBytes(info.type); }
inline int64_t Chunks(const TensorInfo& info, const Piece& piece) {
  const int64_t elements = Elements(piece.box);
  return elements / ChunkElements(info) + (elements % ChunkElements(info) != 0);
}

struct FileEnd {
  int64_t chunks = 0;
  int64_t bytes = 0;
};

// Says of each part where it is, and where each file's data ends. False: parts are not all of their piece.
inline bool Locate(ShardManifest* manifest, size_t ranks, std::vector<FileEnd>* ends) {
  ends->assign(ranks, {});
  for (auto& [name, tensor] : manifest->tensors) {
    const int64_t element = TypeBytes(tensor.info.type);
    for (Piece& piece : tensor.pieces) {
      const int64_t chunks = Chunks(tensor.info, piece);
      const int64_t bytes = Elements(piece.box) * element;
      int64_t chunk = 0;
      for (Part& part : piece.parts) {
        if (part.rank >= ranks || part.chunks <= 0 || part.chunks > chunks - chunk) return false;
        FileEnd& end = (*ends)[part.rank];
        part.first = chunk;
        part.first_file = end.chunks;
        part.file_offset = end.bytes;
        chunk += part.chunks;
        end.chunks += part.chunks;
        const int64_t part_bytes = (chunk == chunks ? bytes : chunk * kShardChunk) - part.first * kShardChunk;
        if (__builtin_add_overflow(end.bytes, part_bytes, &end.bytes)) return false;
      }
      if (chunk != chunks) return false;
    }
  }
  return true;
}

// Pieces in order, as they are saved, of which no two share an element. What is missing is found when it is wanted.
inline bool AreDisjoint(const std::vector<Piece>& pieces) {
  std::vector<const Box*> open;  // those that reach into what is to come, in the first dimension
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Box& box = pieces[i].box;
    if (i > 0 && !(pieces[i - 1].box < box)) return false;
    std::erase_if(open, [&](const Box* other) {
      return !box.begin.empty() && other->begin[0] + other->extent[0] <= box.begin[0];
    });
    Box shared;
    for (const Box* other : open) {
      if (Intersect(*other, box, &shared)) return false;
    }
    open.push_back(&box);
  }
  return true;
}

inline void PutBox(Encoder* out, const Box& box) {
  for (const int64_t begin : box.begin) out->Put(begin);
  for (const int64_t extent : box.extent) out->Put(extent);
}

inline Box GetBox(Decoder* in, size_t dimensions) {
  Box box{std::vector<int64_t>(dimensions), std::vector<int64_t>(dimensions)};
  for (int64_t& begin : box.begin) begin = in->Get<int64_t>();
  for (int64_t& extent : box.extent) extent = in->Get<int64_t>();
  return box;
}

inline Bytes Encode(const ShardManifest& manifest) {
  Encoder out;
  out.Put(manifest.generation);
  out.Put<uint64_t>(manifest.files.size());
  for (const RankFile& file : manifest.files) out.Put(file);
  out.Put<uint64_t>(manifest.tensors.size());
  for (const auto& [name, tensor] : manifest.tensors) {
    out.PutText(name);
    PutInfo(&out, tensor.info);
    out.Put<uint64_t>(tensor.pieces.size());
    for (const Piece& piece : tensor.pieces) {
      PutBox(&out, piece.box);
      out.Put<uint64_t>(piece.parts.size());
      for (const Part& part : piece.parts) {
        out.Put(part.rank);
        out.Put(part.chunks);
      }
    }
  }
  return Seal(kShardMagic, out.bytes());
}

inline bool Decode(const Bytes& frame, ShardManifest* manifest) {
  Bytes payload;
  if (!Unseal(kShardMagic, frame, &payload)) return false;
  Decoder in(payload);
  manifest->generation = in.Get<int64_t>();
  manifest->files.resize(in.GetCount(sizeof(RankFile)));
  for (RankFile& file : manifest->files) {
    file = in.Get<RankFile>();
    if (!IsPlain(file)) return false;
  }
  for (uint64_t left = in.Get<uint64_t>(); left > 0; --left) {
    const std::string name = in.GetText();
    ShardTensor tensor{GetInfo(&in), {}};
    int64_t bytes;
    if (!in.ok() || !TensorBytes(tensor.info, &bytes)) return false;
    const size_t dimensions = tensor.info.shape.size();
    tensor.pieces.resize(in.GetCount(dimensions * 2 * sizeof(int64_t) + sizeof(uint64_t)));
    for (Piece& piece : tensor.pieces) {
      piece.box = GetBox(&in, dimensions);
      if (!in.ok() || !LiesIn(piece.box, tensor.info.shape)) return false;
      piece.parts.resize(in.GetCount(sizeof(uint32_t) + sizeof(int64_t)));
      for (Part& part : piece.parts) {
        part.rank = in.Get<uint32_t>();
        part.chunks = in.Get<int64_t>();
      }
    }
    if (!manifest->tensors.emplace(name, std::move(tensor)).second) return false;
  }
  std::vector<FileEnd> ends;
  if (!in.done() || !Locate(manifest, manifest->files.size(), &ends)) return false;
  for (size_t rank = 0; rank < ends.size(); ++rank) {
    if (ends[rank].bytes != manifest->files[rank].data_bytes) return false;
  }
  return true;
}

// ------------------------------------------------------------------------------------------------ Names

inline constexpr char kShardManifestName[] = "manifest";

inline std::string ShardName(int64_t generation, const std::string& what) {
  return "shard_" + std::to_string(generation) + "." + what;
}
inline std::string ShardDataName(int64_t generation, size_t rank) {
  return ShardName(generation, "rank_" + std::to_string(rank));
}
inline std::string ShardTemporaryName(int64_t generation) { return ShardName(generation, "manifest.tmp"); }

// False: a name that is not given here; it is left alone.
inline bool ParseShardName(std::string_view name, int64_t* generation, bool* temporary) {
  int64_t rank;
  if (!TakeText(&name, "shard_") || !TakeNumber(&name, generation) || !TakeText(&name, ".")) return false;
  if (*generation >= kMostShardGeneration) return false;
  *temporary = name == "manifest.tmp";
  return *temporary || (TakeText(&name, "rank_") && TakeNumber(&name, &rank) && name.empty());
}

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_SHARD_FORMAT_H_
