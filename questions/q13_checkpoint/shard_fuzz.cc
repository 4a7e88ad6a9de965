// Fuzz target: part D's checkpoint, of which a file says anything (fuzz_target.h says how to build it). FILES has
// questions/q13_checkpoint/thread_group.cc and solutions/q13_checkpoint/reshard.cc.
//
// What changes blindly fails at a checksum. So an input may also be what is behind one: a manifest with its checksum
// made for it, or the tensors of one, with files that fit them. What is loaded is what was saved; of a forged
// checkpoint it is what the files say, and whatever it is, every byte of it was read from a file.
#include <algorithm>
#include <limits>
#include <optional>

#include "questions/q13_checkpoint/fuzz_target.h"
#include "questions/q13_checkpoint/thread_group.h"
#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/shard_format.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::MemoryIo;

constexpr int kRanks = 2;
constexpr int64_t kMostLoaded = 1 << 17;  // bytes of a forged checkpoint

// What is done with the content of an input.
enum Kind : int {
  kFile = 0,   // is a file, as it is
  kEdit,       // where (4 bytes) a file is overwritten, whether it ends there (one), and with what
  kManifest,   // the manifest's payload
  kTensors,    // what a manifest's payload says of tensors; files are made that fit
  kChecksums,  // the payload of a rank's checksums, which the manifest follows
  kNames,      // lines: names of further files
  kKinds,
};

FuzzCounter g_opened("inputs behind the checksum of a manifest or of checksums", 300);
FuzzCounter g_decoded("with a manifest that makes sense", 50);
FuzzCounter g_forged("that were loaded, but never saved", 20);

struct Tensor {
  std::string name;
  TensorInfo info;
  std::vector<std::byte> data;
};

std::vector<Tensor> MakeTensors(int seed) {
  std::vector<Tensor> tensors = {{"w", {Type::kF32, {4, 6}}, {}},
                                 {"chunks", {Type::kF64, {3, 3001}}, {}},  // more than one
                                 {"", {Type::kF64, {}}, {}},
                                 {"none", {Type::kI16, {0, 7}}, {}}};
  for (Tensor& tensor : tensors) {
    int64_t bytes = 0;
    if (!TensorBytes(tensor.info, &bytes)) std::abort();
    tensor.data.resize(static_cast<size_t>(bytes));
    for (size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<std::byte>(i * 7 + i / 251 + seed);
  }
  return tensors;
}

Slice Whole(const std::string& name, const TensorInfo& info, std::vector<std::byte>* data) {
  return {name, info, std::vector<int64_t>(info.shape.size()), info.shape, data->data()};
}

// Of the last dimension each rank has a half; what has none is everybody's.
void SaveTensors(Io* io, std::vector<Tensor>* tensors) {
  ThreadGroup group(kRanks);
  group.Run([&](int rank) {
    std::vector<Slice> slices;
    std::vector<std::vector<std::byte>> halves(tensors->size());
    for (size_t i = 0; i < tensors->size(); ++i) {
      Tensor& tensor = (*tensors)[i];
      slices.push_back(Whole(tensor.name, tensor.info, &tensor.data));
      if (tensor.name != "w") continue;
      Slice& half = slices.back();
      const int64_t rows = half.extent[0], columns = half.extent[1] /= kRanks, element = TypeBytes(tensor.info.type);
      half.begin[1] = rank * columns;
      for (int64_t row = 0; row < rows; ++row) {
        const auto from = tensor.data.begin() + (row * kRanks + rank) * columns * element;
        halves[i].insert(halves[i].end(), from, from + columns * element);
      }
      half.data = halves[i].data();
    }
    if (q13_shard_save(io, group.rank(rank), "", slices) != 0) FuzzFail("saving the small checkpoint");
  });
}

// A checkpoint that two ranks have saved.
struct Small {
  FileTree tree;
  std::vector<Tensor> tensors = MakeTensors(1);
  ShardManifest manifest;
  std::vector<std::string> names;

  Small() {
    MemoryIo io;
    SaveTensors(&io, &tensors);
    tree = io.Tree();
    if (!Decode(*tree.files.at(kShardManifestName), &manifest)) FuzzFail("the manifest of the small checkpoint");
    for (const auto& [name, bytes] : tree.files) names.push_back(name);
  }
};

const Small& TheCheckpoint() {
  static const Small checkpoint;
  return checkpoint;
}

Bytes Payload(uint64_t magic, const Bytes& frame) {
  Bytes payload;
  if (!Unseal(magic, frame, &payload)) FuzzFail("a frame of the small checkpoint does not open");
  return payload;
}

// The payload of a manifest: what it says of files, which is of a fixed length, and of tensors.
size_t TensorsAt(size_t files) { return sizeof(int64_t) + sizeof(uint64_t) + files * sizeof(RankFile); }

struct Case {
  FileTree tree;
  bool touched = false;                   // some file that is a part of the checkpoint is another
  bool forged = false;                    // with right checksums
  std::optional<ShardManifest> manifest;  // the forged one, if it makes sense
  bool names = false;
  bool fits = false;  // all of its files do
};

// A rank's file with these checksums, and what the manifest has to say of it.
Bytes MakeFile(Bytes data, const Bytes& checksums, RankFile* file) {
  const Bytes frame = Seal(kChecksumsMagic, checksums);
  *file = {static_cast<int64_t>(data.size()), static_cast<int64_t>(frame.size()), DigestOf(frame.data(), frame.size())};
  data.insert(data.end(), frame.begin(), frame.end());
  return data;
}

const Bytes& Pattern() {
  static const Bytes pattern = [] {
    Bytes bytes(static_cast<size_t>(kMostLoaded) + kRanks);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 13 + i / 241);
    return bytes;
  }();
  return pattern;
}

// Files that are what the manifest says, if they are small.
bool MakeFiles(ShardManifest* manifest, FileTree* tree) {
  std::vector<FileEnd> ends;
  if (!Locate(manifest, manifest->files.size(), &ends)) return false;
  int64_t total = 0;
  for (const FileEnd& end : ends) {
    if (end.bytes > kMostLoaded - total) return false;
    total += end.bytes;
  }
  std::vector<Encoder> checksums(ends.size());
  std::vector<Bytes> data(ends.size());
  for (size_t rank = 0; rank < ends.size(); ++rank) {
    const auto from = Pattern().begin() + static_cast<std::ptrdiff_t>(rank);
    data[rank].assign(from, from + ends[rank].bytes);
  }
  for (const auto& [name, tensor] : manifest->tensors) {
    for (const Piece& piece : tensor.pieces) {
      int64_t left = Elements(piece.box) * TypeBytes(tensor.info.type);
      for (const Part& part : piece.parts) {
        int64_t at = part.file_offset;
        for (int64_t chunk = 0; chunk < part.chunks; ++chunk) {
          const int64_t bytes = std::min(left, kShardChunk);
          checksums[part.rank].Put(DigestOf(data[part.rank].data() + at, static_cast<size_t>(bytes)));
          at += bytes;
          left -= bytes;
        }
      }
    }
  }
  for (size_t rank = 0; rank < ends.size(); ++rank) {
    PutFile(tree, ShardDataName(manifest->generation, rank),
            MakeFile(std::move(data[rank]), checksums[rank].bytes(), &manifest->files[rank]));
  }
  return true;
}

Case MakeCase(const FuzzInput& input) {
  const Small& small = TheCheckpoint();
  Case made;
  made.tree = small.tree;
  switch (input.kind) {
    case kFile:
    case kEdit: {
      const std::string& name = small.names[input.which % small.names.size()];
      const Bytes content = input.kind == kFile ? input.content : Edited(*small.tree.files.at(name), input.content);
      made.touched = content != *small.tree.files.at(name);
      // A mutator that sees comparisons finds checksums.
      Bytes payload;
      made.forged = made.touched && name == kShardManifestName && Unseal(kShardMagic, content, &payload);
      PutFile(&made.tree, name, content);
      break;
    }
    case kManifest:
      PutFile(&made.tree, kShardManifestName, Seal(kShardMagic, input.content));
      made.touched = made.forged = true;
      break;
    case kTensors: {
      ShardManifest manifest;
      Encoder payload;
      payload.Put(small.manifest.generation);
      payload.Put(uint64_t{kRanks});
      for (int rank = 0; rank < kRanks; ++rank) payload.Put(RankFile{});
      payload.Append(input.content.data(), input.content.size());
      const Bytes frame = Seal(kShardMagic, payload.bytes());
      // Without files it does not decode, but when it gets so far all tensors are there.
      Decode(frame, &manifest);
      made.fits = MakeFiles(&manifest, &made.tree);
      Bytes bytes = Payload(kShardMagic, frame);
      for (size_t rank = 0; rank < kRanks && made.fits; ++rank) {
        std::memcpy(bytes.data() + TensorsAt(rank), &manifest.files[rank], sizeof(RankFile));
      }
      PutFile(&made.tree, kShardManifestName, Seal(kShardMagic, bytes));
      made.touched = made.forged = true;
      break;
    }
    case kChecksums: {
      const size_t rank = input.which % kRanks;
      const std::string name = ShardDataName(small.manifest.generation, rank);
      ShardManifest manifest = small.manifest;
      const Bytes& file = *small.tree.files.at(name);
      PutFile(&made.tree, name,
              MakeFile({file.begin(), file.begin() + manifest.files[rank].data_bytes}, input.content,
                       &manifest.files[rank]));
      PutFile(&made.tree, kShardManifestName, Encode(manifest));
      made.touched = made.forged = true;
      break;
    }
    default:
      AddNames(input.content, *small.tree.files.at(kShardManifestName), &made.tree);
      made.names = true;
      break;
  }
  if (!made.forged) return made;
  g_opened.Add();
  ShardManifest manifest;
  const auto disjoint = [](const auto& tensor) { return AreDisjoint(tensor.second.pieces); };
  if (Decode(*made.tree.files.at(kShardManifestName), &manifest) &&
      std::all_of(manifest.tensors.begin(), manifest.tensors.end(), disjoint)) {
    made.manifest = std::move(manifest);
  }
  if (made.manifest) g_decoded.Add();
  return made;
}

// Loads all of the slices, whose memory is full of `fill` before.
int LoadAll(Io* io, const std::vector<Slice>& slices, const std::vector<size_t>& bytes, std::byte fill) {
  for (size_t i = 0; i < slices.size(); ++i) {
    if (bytes[i] > 0) std::memset(slices[i].data, static_cast<int>(fill), bytes[i]);
  }
  OneRank group;
  return q13_shard_load(io, &group, "", slices);
}

void CheckError(int error, bool forged) {
  const bool known = error == kDamaged || error == kNotFound || (forged && error == kInvalid);
  if (!known) FuzzFail("loading gave " + std::to_string(error));
}

// What was saved, or an error.
void CheckSaved(const Case& made, Io* io, const std::vector<Tensor>& saved) {
  for (const Tensor& tensor : saved) {
    if (made.forged && tensor.data.size() > kShardChunk) continue;  // CheckForged loads it
    std::vector<std::byte> data(tensor.data.size());
    const int error = LoadAll(io, {Whole(tensor.name, tensor.info, &data)}, {data.size()}, std::byte{0xa5});
    if (error != 0) {
      CheckError(error, made.forged);
      if (!made.touched) FuzzFail("what was saved was not found");
    } else if (!made.forged && !SameBytes(data, tensor.data)) {
      FuzzFail("other bytes were loaded than were saved");
    }
  }
}

// The bytes of each piece, one after another, as the files have them.
Bytes PieceBytes(const ShardTensor& tensor, const Piece& piece, const ShardManifest& manifest, const FileTree& tree) {
  Bytes bytes;
  int64_t left = Elements(piece.box) * TypeBytes(tensor.info.type);
  for (const Part& part : piece.parts) {
    const Bytes& file = *tree.files.at(ShardDataName(manifest.generation, part.rank));
    const int64_t size = std::min(left, part.chunks * kShardChunk);
    const auto from = file.begin() + part.file_offset;
    bytes.insert(bytes.end(), from, from + size);
    left -= size;
  }
  return bytes;
}

// What the files say of a tensor, row by row; nothing, if an element is in no piece or in several.
std::optional<Bytes> Says(const ShardTensor& tensor, const ShardManifest& manifest, const FileTree& tree, size_t size) {
  const auto element = static_cast<size_t>(TypeBytes(tensor.info.type));
  const std::vector<int64_t>& shape = tensor.info.shape;
  Bytes says(size), there(size);
  for (const Piece& piece : tensor.pieces) {
    const Bytes bytes = PieceBytes(tensor, piece, manifest, tree);
    const size_t columns = shape.empty() ? 1 : static_cast<size_t>(piece.box.extent.back());
    const size_t row = columns * element;
    for (size_t at = 0; at < bytes.size(); at += row) {
      size_t rest = at / element, place = 0, stride = element;
      for (size_t d = shape.size(); d-- > 0;) {
        const auto extent = static_cast<size_t>(piece.box.extent[d]);
        place += (static_cast<size_t>(piece.box.begin[d]) + rest % extent) * stride;
        rest /= extent;
        stride *= static_cast<size_t>(shape[d]);
      }
      if (std::memchr(there.data() + place, 1, row) != nullptr) return std::nullopt;
      std::memset(there.data() + place, 1, row);
      std::memcpy(says.data() + place, bytes.data() + at, row);
    }
  }
  if (size > 0 && std::memchr(there.data(), 0, size) != nullptr) return std::nullopt;
  return says;
}

// Of what a forged manifest says there is: small tensors whole, of others their last elements.
void CheckForged(const Case& made, Io* io) {
  for (const auto& [name, tensor] : made.manifest->tensors) {
    int64_t bytes = 0;
    if (!TensorBytes(tensor.info, &bytes)) FuzzFail("a manifest was decoded with a tensor that overflows");
    std::vector<std::byte> data;
    Slice slice = Whole(name, tensor.info, &data);
    const bool whole = bytes <= kMostLoaded;
    if (!whole) {
      bytes = TypeBytes(tensor.info.type);
      for (size_t d = slice.extent.size(); d-- > 0;) {
        const int64_t extent = bytes > kMostLoaded / 2 ? 1 : std::min<int64_t>(slice.extent[d], 2);
        slice.begin[d] = slice.extent[d] - extent;
        slice.extent[d] = extent;
        bytes *= extent;
      }
    }
    const auto size = static_cast<size_t>(bytes);
    data.resize(size);
    slice.data = data.data();
    const int error = LoadAll(io, {slice}, {size}, std::byte{0xa5});
    const std::vector<std::byte> first = data;
    if (LoadAll(io, {slice}, {size}, std::byte{0x5a}) != error) FuzzFail("loading twice gave two errors");
    if (error == 0 && !SameBytes(data, first)) FuzzFail("a byte was loaded that is in no file");
    if (error != 0) CheckError(error, true);
    if (error == 0) g_forged.Add();
    if (!whole || !made.fits) continue;
    const std::optional<Bytes> says = Says(tensor, *made.manifest, made.tree, size);
    if (says && (error != 0 || !SameBytes(*says, data))) FuzzFail("what was loaded is not what the files say");
  }
}

// Whatever there is, the next checkpoint can be saved, and is what is found then.
void CheckSave(MemoryIo* io) {
  static std::vector<Tensor> tensors = MakeTensors(2);
  std::vector<Slice> slices;
  for (Tensor& tensor : tensors) slices.push_back(Whole(tensor.name, tensor.info, &tensor.data));
  OneRank group;
  const int error = q13_shard_save(io, &group, "", slices);
  if (error == -EOVERFLOW) return;  // the last generation there is, it says
  if (error != 0) FuzzFail("saving gave " + std::to_string(error));
  Case saved;
  CheckSaved(saved, io, tensors);
}

// A tensor of these pieces, each of so many chunks, which the ranks have in turn.
Bytes TensorOf(const TensorInfo& info, const std::vector<Box>& boxes, int64_t chunks) {
  Encoder out;
  out.Put(uint64_t{1});
  out.PutText("t");
  PutInfo(&out, info);
  out.Put<uint64_t>(boxes.size());
  for (size_t i = 0; i < boxes.size(); ++i) {
    PutBox(&out, boxes[i]);
    out.Put(uint64_t{1});
    out.Put(static_cast<uint32_t>(i % kRanks));
    out.Put(chunks);
  }
  return out.Take();
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  const Small& small = TheCheckpoint();
  std::vector<std::string> seeds;
  for (size_t i = 0; i < small.names.size(); ++i) {
    const Bytes& file = *small.tree.files.at(small.names[i]);
    if (file.size() < 2048) seeds.push_back(FuzzInputOf(kFile, i, file));
    for (const size_t at : {size_t{0}, file.size() - 20}) {
      seeds.push_back(FuzzInputOf(kEdit, i, EditOf(file, at)));
    }
  }
  const Bytes payload = Payload(kShardMagic, *small.tree.files.at(kShardManifestName));
  seeds.push_back(FuzzInputOf(kManifest, 0, payload));
  Bytes last = payload;  // generation there is
  const int64_t generation = std::numeric_limits<int64_t>::max();
  std::memcpy(last.data(), &generation, sizeof generation);
  last.resize(last.size() / 32 * 32 - 2);  // so that a save follows
  seeds.push_back(FuzzInputOf(kManifest, 0, last));
  const auto tensors = payload.begin() + static_cast<std::ptrdiff_t>(TensorsAt(kRanks));
  seeds.push_back(FuzzInputOf(kTensors, 0, {tensors, payload.end()}));
  // One tensor of three dimensions in three pieces, of which two ranks have parts.
  const std::vector<Box> boxes = {{{0, 0, 0}, {4, 1, 2}}, {{0, 1, 0}, {2, 2, 2}}, {{2, 1, 0}, {2, 2, 2}}};
  seeds.push_back(FuzzInputOf(kTensors, 0, TensorOf({Type::kU16, {4, 3, 2}}, boxes, 1)));
  // Pieces that overlap, as many elements as are in none.
  const std::vector<Box> overlapping = {{{0}, {2}}, {{1}, {2}}};
  seeds.push_back(FuzzInputOf(kTensors, 0, TensorOf({Type::kU8, {4}}, overlapping, 1)));
  // As many elements as there can be, and one chunk fewer or more than they take.
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (const int64_t chunks : {kMost / kShardChunk, kMost / kShardChunk + 1}) {
    seeds.push_back(FuzzInputOf(kTensors, 0, TensorOf({Type::kU8, {kMost}}, {{{0}, {kMost}}}, chunks)));
  }
  // A chunk fewer than the piece has.
  constexpr int64_t kTwoChunks = 2 * kShardChunk;
  seeds.push_back(FuzzInputOf(kTensors, 0, TensorOf({Type::kU8, {kTwoChunks}}, {{{0}, {kTwoChunks}}}, 1)));
  seeds.push_back(FuzzInputOf(kTensors, 0, TensorOf({Type::kU8, {kTwoChunks}}, {{{0}, {kTwoChunks}}}, 2)));
  seeds.push_back(FuzzInputOf(kChecksums, 0, {}));
  for (size_t rank = 0; rank < kRanks; ++rank) {
    const Bytes& file = *small.tree.files.at(ShardDataName(small.manifest.generation, rank));
    const auto behind = file.begin() + small.manifest.files[rank].data_bytes;
    seeds.push_back(FuzzInputOf(kChecksums, rank, Payload(kChecksumsMagic, {behind, file.end()})));
  }
  for (const char* names : {"shard_9.rank_0\nshard_4611686018427387903.manifest.tmp\nshard_1.rank_7\nshard_-1.rank_1",
                            "shard_9223372036854775807.rank_0"}) {
    seeds.push_back(FuzzInputOf(kNames, 0, BytesOf(names, std::strlen(names))));
  }
  return seeds;
}

}  // namespace q13

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace q13;
  const Case made = MakeCase(ReadFuzzInput(data, size, kKinds));
  MemoryIo io(made.tree);
  CheckSaved(made, &io, TheCheckpoint().tensors);
  if (made.manifest) CheckForged(made, &io);
  if (made.names || size % 32 == 0) CheckSave(&io);  // it costs more than all the rest
  return 0;
}
