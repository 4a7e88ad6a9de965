// Q13 part D: tensors that are split over ranks, saved by some number of them and loaded by any other.
//
// Saving: every rank tells all others its boxes, and all make the same plan of them (nobody has to send it): boxes are
// cut where they overlap into pieces that share nothing, and the chunks of each piece are given to those that have it
// in memory. Then as part B does: data under names that no save has had, synced; a vote; rank 0 writes the manifest.
// Its name, `manifest`, is the checkpoint: the rename is the commit.
//
// Loading: rank 0 reads the manifest and shares it out. Each rank finds the chunks that have elements of its slices,
// reads each once, runs of them together, verifies it, and copies what it wants from it.
#include <map>
#include <queue>
#include <set>

#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/shard_boxes.h"
#include "solutions/q13_checkpoint/shard_format.h"
#include "solutions/q13_checkpoint/shard_read.h"

namespace q13 {
namespace {

constexpr int64_t kReadBytes = 4 << 20;  // at a time, at most

bool SameInfo(const TensorInfo& a, const TensorInfo& b) { return a.type == b.type && a.shape == b.shape; }

int CheckSlices(std::span<const Slice> slices) {
  for (const Slice& slice : slices) {
    int64_t bytes;
    if (!TensorBytes(slice.info, &bytes) || !LiesIn(BoxOf(slice), slice.info.shape)) return kInvalid;
    if (slice.data == nullptr && Elements(BoxOf(slice)) > 0) return kInvalid;
  }
  return 0;
}

// ------------------------------------------------------------------------------------------------ The plan

struct RankBox {
  Box box;
  Holder holder;
};

// Cuts boxes into pieces that share no element; who holds a box holds its pieces.
std::vector<Piece> CutIntoPieces(const std::vector<RankBox>& boxes) {
  std::map<Box, std::vector<Holder>> distinct;
  for (const RankBox& rank_box : boxes) {
    if (Elements(rank_box.box) == 0) continue;
    std::vector<Holder>& holders = distinct[rank_box.box];
    if (holders.empty() || holders.back().rank != rank_box.holder.rank) holders.push_back(rank_box.holder);
  }
  std::vector<Piece> done;
  std::vector<Piece> pieces;
  for (const auto& [box, holders] : distinct) {
    // Boxes come by their begin: what ends before this one's in the first dimension meets none that are to come.
    const auto behind = std::partition(pieces.begin(), pieces.end(), [&box = box](const Piece& piece) {
      return box.begin.empty() || piece.box.begin[0] + piece.box.extent[0] > box.begin[0];
    });
    done.insert(done.end(), std::make_move_iterator(behind), std::make_move_iterator(pieces.end()));
    pieces.erase(behind, pieces.end());

    std::vector<Box> left = {box};
    for (size_t i = 0; i < pieces.size() && !left.empty(); ++i) {
      std::vector<Box> next;
      for (const Box& part : left) {
        Box shared;
        if (!Intersect(pieces[i].box, part, &shared)) {
          next.push_back(part);
          continue;
        }
        std::vector<Box> rest;
        Subtract(pieces[i].box, shared, &rest);
        for (Box& other : rest) pieces.push_back({std::move(other), {}, pieces[i].holders});
        pieces[i].box = shared;
        Subtract(part, shared, &next);
        for (const Holder& holder : holders) {
          const auto same = [&](const Holder& other) { return other.rank == holder.rank; };
          if (std::none_of(pieces[i].holders.begin(), pieces[i].holders.end(), same)) {
            pieces[i].holders.push_back(holder);
          }
        }
      }
      left = std::move(next);
    }
    for (Box& part : left) pieces.push_back({std::move(part), {}, holders});
  }
  done.insert(done.end(), std::make_move_iterator(pieces.begin()), std::make_move_iterator(pieces.end()));
  std::sort(done.begin(), done.end(), [](const Piece& a, const Piece& b) { return a.box < b.box; });
  return done;
}

// Gives every chunk to one of its holders: those that have no choice first, then always to whom has the least to write.
void ShareOut(ShardManifest* manifest, size_t ranks) {
  struct Task {
    Piece* piece;
    int64_t chunks;
    int64_t bytes;
  };
  std::vector<Task> tasks;
  for (auto& [name, tensor] : manifest->tensors) {
    for (Piece& piece : tensor.pieces) {
      tasks.push_back({&piece, Chunks(tensor.info, piece), Elements(piece.box) * TypeBytes(tensor.info.type)});
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) {
    const size_t holders_a = a.piece->holders.size();
    const size_t holders_b = b.piece->holders.size();
    return holders_a != holders_b ? holders_a < holders_b : a.bytes > b.bytes;
  });
  std::vector<int64_t> load(ranks);
  for (const Task& task : tasks) {
    const std::vector<Holder>& holders = task.piece->holders;
    using Entry = std::pair<int64_t, size_t>;  // load, holder
    std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> least;
    for (size_t i = 0; i < holders.size(); ++i) least.emplace(load[holders[i].rank], i);
    // In steps of a small part of a fair share, so that large tensors cost no more than others.
    const int64_t step = holders.size() == 1
                             ? task.chunks
                             : std::max<int64_t>(task.chunks / (16 * static_cast<int64_t>(holders.size())), 1);
    std::vector<int64_t> chunks(holders.size());
    for (int64_t left = task.chunks; left > 0;) {
      const auto [has, holder] = least.top();
      least.pop();
      const int64_t taken = std::min(step, left);
      const int64_t bytes = std::min(taken * kShardChunk, task.bytes);
      chunks[holder] += taken;
      load[holders[holder].rank] += bytes;
      least.emplace(has + bytes, holder);
      left -= taken;
    }
    for (size_t i = 0; i < holders.size(); ++i) {
      if (chunks[i] > 0) task.piece->parts.push_back({holders[i].rank, chunks[i]});
    }
  }
}

Bytes EncodeSlices(int64_t generation, std::span<const Slice> slices) {
  Encoder out;
  out.Put(generation);
  out.Put<uint64_t>(slices.size());
  for (const Slice& slice : slices) {
    out.PutText(slice.name);
    PutInfo(&out, slice.info);
    PutBox(&out, BoxOf(slice));
  }
  return out.Take();
}

// The same on every rank: a function of what all have told all. kInvalid: they contradict each other, or some element
// is nobody's.
int MakePlan(const std::vector<Message>& all, ShardManifest* manifest) {
  std::map<std::string, std::vector<RankBox>> boxes;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    Decoder in(all[rank].body);
    const int64_t generation = in.Get<int64_t>();
    if (rank == 0) manifest->generation = generation;
    const uint64_t count = in.Get<uint64_t>();
    for (uint64_t i = 0; i < count; ++i) {
      const std::string name = in.GetText();
      const TensorInfo info = GetInfo(&in);
      const Box box = GetBox(&in, info.shape.size());
      if (!in.ok()) return kInvalid;
      const auto [at, added] = manifest->tensors.try_emplace(name, ShardTensor{info, {}});
      if (!added && !SameInfo(at->second.info, info)) return kInvalid;
      boxes[name].push_back({box, {static_cast<uint32_t>(rank), i}});
    }
  }
  int64_t total = 0;
  for (auto& [name, tensor] : manifest->tensors) {
    tensor.pieces = CutIntoPieces(boxes[name]);
    int64_t elements = 0;
    for (const Piece& piece : tensor.pieces) elements += Elements(piece.box);
    int64_t bytes = 0;
    if (!TensorBytes(tensor.info, &bytes) || elements * TypeBytes(tensor.info.type) != bytes) return kInvalid;
    if (__builtin_add_overflow(total, bytes, &total)) return kInvalid;
  }
  ShareOut(manifest, all.size());
  std::vector<FileEnd> ends;
  return Locate(manifest, all.size(), &ends) ? 0 : kInvalid;
}

// ------------------------------------------------------------------------------------------------ Chunks

// The chunks of a part, out of a slice that holds its piece.
int WriteChunks(const ShardTensor& tensor, const Piece& piece, const Part& part, const Slice& slice, FileWriter* out,
                Encoder* checksums) {
  const int64_t element = TypeBytes(tensor.info.type);
  const int64_t per_chunk = ChunkElements(tensor.info);
  const Overlap overlap(piece.box, piece.box, BoxOf(slice));
  const auto* data = static_cast<const std::byte*>(slice.data);
  Bytes buffer(static_cast<size_t>(kShardChunk));
  for (int64_t chunk = part.first; chunk < part.first + part.chunks; ++chunk) {
    const int64_t first = chunk * per_chunk;
    const int64_t last = std::min(first + per_chunk, Elements(piece.box));
    const std::byte* bytes = buffer.data();
    overlap.ForEachRun(first, last, [&](int64_t in_piece, int64_t in_slice, int64_t elements) {
      const std::byte* from = data + in_slice * element;
      if (overlap.single_run()) {
        bytes = from;
      } else {
        std::memcpy(buffer.data() + (in_piece - first) * element, from, static_cast<size_t>(elements * element));
      }
    });
    const int64_t size = (last - first) * element;
    checksums->Put(DigestOf(bytes, static_cast<size_t>(size)));
    if (const int error = out->Append(bytes, size); error != 0) return error;
  }
  return 0;
}

// ------------------------------------------------------------------------------------------------ The checkpoint

class Shards {
 public:
  Shards(Io* io, Group* group, const std::string& directory)
      : io_(io), group_(group), directory_(directory), rank_(static_cast<size_t>(group->rank())) {}

  int Save(std::span<const Slice> slices) {
    int64_t generation = 0;
    Bytes mine;
    std::vector<Message> all;
    int status = Guarded([&] {
      int error = CheckSlices(slices);
      if (error == 0 && rank_ == 0) error = ChooseGeneration(&generation);
      if (error == 0) mine = EncodeSlices(generation, slices);
      return error;
    });
    if (!Exchange(group_, {status, mine}, &all)) return kRankLost;
    if (const int error = FirstError(all); error != 0) return error;

    ShardManifest manifest;
    RankFile written;
    status = Guarded([&] {
      const int error = MakePlan(all, &manifest);
      return error != 0 ? error : WriteData(manifest, slices, &written);
    });
    // As in part B: who has voted for it cannot take that back when this fails.
    if (!Exchange(group_, {status, Encoded(written)}, &all)) return kRankLost;
    status = FirstError(all);
    if (rank_ == 0) {
      bool in_doubt = false;
      if (status == 0) status = Guarded([&] { return Commit(&manifest, all, &in_doubt); });
      if (!in_doubt) RemoveLeftovers();
    }
    return Exchange(group_, {status}, &all) ? FirstError(all) : kRankLost;
  }

  int Load(std::span<const Slice> slices) {
    Bytes frame;
    std::vector<Message> all;
    int status = Guarded([&] {
      const int error = CheckSlices(slices);
      return error == 0 && rank_ == 0 ? ReadManifest(&frame) : error;
    });
    if (!Exchange(group_, {status, frame}, &all)) return kRankLost;
    if (const int error = FirstError(all); error != 0) return error;
    status = Guarded([&] {
      ShardManifest manifest;
      return Decode(all[0].body, &manifest) ? LoadSlices(manifest, slices) : kDamaged;
    });
    return Exchange(group_, {status}, &all) ? FirstError(all) : kRankLost;
  }

 private:
  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  // ---------------------------------------------------------------------------------------------- Saving

  int ChooseGeneration(int64_t* generation) {
    RemoveLeftovers();  // first: the space that they take may be needed
    int64_t newest = 0;
    if (const int error = ReadGeneration(&newest); error != 0 && error != kDamaged) return error;
    std::vector<std::string> names;
    if (const int error = io_->List(directory_, &names); error != 0) return error;
    for (const std::string& name : names) {
      int64_t other;
      bool temporary;
      if (ParseShardName(name, &other, &temporary)) newest = std::max(newest, other);
    }
    *generation = newest + 1;
    return *generation < kMostShardGeneration ? 0 : -EOVERFLOW;
  }

  // Phase one: when it returns 0, the file survives whatever happens next.
  int WriteData(const ShardManifest& manifest, std::span<const Slice> slices, RankFile* written) {
    std::unique_ptr<File> file;
    int error = CreateFile(io_, Path(ShardDataName(manifest.generation, rank_)), &file);
    if (error == 0) error = WriteParts(file.get(), manifest, slices, written);
    if (error == 0) error = file->Sync();
    if (error == 0) error = io_->SyncDirectory(directory_);
    return error;
  }

  int WriteParts(File* file, const ShardManifest& manifest, std::span<const Slice> slices, RankFile* written) {
    FileWriter out(file);
    Encoder checksums;
    for (const auto& [name, tensor] : manifest.tensors) {
      for (const Piece& piece : tensor.pieces) {
        const auto mine = [&](const auto& of) { return of.rank == rank_; };
        const auto part = std::find_if(piece.parts.begin(), piece.parts.end(), mine);
        if (part == piece.parts.end()) continue;
        const auto holder = std::find_if(piece.holders.begin(), piece.holders.end(), mine);
        const int error = WriteChunks(tensor, piece, *part, slices[holder->slice], &out, &checksums);
        if (error != 0) return error;
      }
    }
    written->data_bytes = out.offset();
    const Bytes frame = Seal(kChecksumsMagic, checksums.bytes());
    written->index_bytes = static_cast<int64_t>(frame.size());
    written->index = DigestOf(frame.data(), frame.size());
    if (const int error = out.Append(frame.data(), written->index_bytes); error != 0) return error;
    return out.Flush();
  }

  // Phase two. `in_doubt`: the manifest has its name, but that is not known to be durable.
  int Commit(ShardManifest* manifest, const std::vector<Message>& votes, bool* in_doubt) {
    for (const Message& vote : votes) manifest->files.push_back(Decoder(vote.body).Get<RankFile>());
    const Bytes frame = Encode(*manifest);
    if (static_cast<int64_t>(frame.size()) > kMostShardManifestBytes) return -EFBIG;
    const std::string temporary = Path(ShardTemporaryName(manifest->generation));
    std::unique_ptr<File> file;
    int error = CreateFile(io_, temporary, &file);
    if (error == 0) error = WriteAll(file.get(), 0, frame.data(), static_cast<int64_t>(frame.size()));
    if (error == 0) error = file->Sync();
    if (error != 0) return error;
    *in_doubt = true;
    error = io_->Rename(temporary, Path(kShardManifestName));
    if (error == 0) error = io_->SyncDirectory(directory_);
    *in_doubt = error != 0;
    return error;
  }

  // Removes what belongs to no checkpoint: temporary files and data of other generations than the manifest's.
  void RemoveLeftovers() {
    int64_t kept;
    std::vector<std::string> names;
    std::vector<std::string> leftovers;
    if (ReadGeneration(&kept) != 0 || io_->List(directory_, &names) != 0) return;
    for (const std::string& name : names) {
      int64_t generation;
      bool temporary;
      if (!ParseShardName(name, &generation, &temporary)) continue;
      if (temporary || generation != kept) leftovers.push_back(name);
    }
    if (leftovers.empty()) return;
    // No crash may bring back the manifest of what goes now.
    if (io_->SyncDirectory(directory_) != 0) return;
    for (const std::string& name : leftovers) io_->Remove(Path(name));
    io_->SyncDirectory(directory_);
  }

  // ---------------------------------------------------------------------------------------------- Loading

  int LoadSlices(const ShardManifest& manifest, std::span<const Slice> slices) {
    std::map<const Piece*, WantedPiece> pieces;
    for (const auto& [name, tensor] : manifest.tensors) {
      if (!AreDisjoint(tensor.pieces)) return kDamaged;
    }
    for (const Slice& slice : slices) {
      const auto found = manifest.tensors.find(slice.name);
      if (found == manifest.tensors.end()) return kNotFound;
      const ShardTensor& tensor = found->second;
      if (!SameInfo(tensor.info, slice.info)) return kInvalid;
      int64_t missing = Elements(BoxOf(slice));
      for (const Piece& piece : tensor.pieces) {
        Box shared;
        if (!Intersect(piece.box, BoxOf(slice), &shared)) continue;
        missing -= Elements(shared);
        WantedPiece& wanted = pieces.try_emplace(&piece, WantedPiece{&tensor, &piece, {}}).first->second;
        wanted.wants.push_back({&slice, Overlap(shared, piece.box, BoxOf(slice))});
      }
      if (missing != 0) return kDamaged;
    }
    std::vector<WantedChunk> chunks;
    for (const auto& [piece, wanted] : pieces) FindChunks(wanted, &chunks);
    std::sort(chunks.begin(), chunks.end(), [](const WantedChunk& a, const WantedChunk& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.offset < b.offset;
    });
    for (size_t first = 0; first < chunks.size();) {
      size_t last = first;
      while (last < chunks.size() && chunks[last].rank == chunks[first].rank) ++last;
      const int error = ReadChunks(manifest, std::span(chunks).subspan(first, last - first));
      if (error != 0) return error;
      first = last;
    }
    return 0;
  }

  // Chunks of one file, ascending. Those that lie next to each other are read together.
  int ReadChunks(const ShardManifest& manifest, std::span<const WantedChunk> chunks) {
    const size_t rank = chunks[0].rank;
    const RankFile& expected = manifest.files[rank];
    std::unique_ptr<File> file;
    const int error = OpenFile(io_, Path(ShardDataName(manifest.generation, rank)), OpenMode::kRead, &file);
    if (error != 0) return error == -ENOENT ? kDamaged : error;
    std::vector<Digest> checksums;
    if (const int failed = ReadChecksums(file.get(), expected, &checksums); failed != 0) return failed;
    Bytes buffer;
    for (size_t first = 0; first < chunks.size();) {
      size_t last = first;
      int64_t bytes = 0;
      while (last < chunks.size() && chunks[last].offset == chunks[first].offset + bytes &&
             bytes + chunks[last].bytes <= kReadBytes) {
        bytes += chunks[last++].bytes;
      }
      buffer.resize(static_cast<size_t>(bytes));
      if (const int failed = ReadAll(file.get(), chunks[first].offset, buffer.data(), bytes); failed != 0) {
        return failed;
      }
      const std::byte* at = buffer.data();
      for (; first < last; ++first) {
        const WantedChunk& chunk = chunks[first];
        const auto number = static_cast<size_t>(chunk.chunk);
        if (number >= checksums.size()) return kDamaged;
        if (DigestOf(at, static_cast<size_t>(chunk.bytes)) != checksums[number]) return kDamaged;
        CopyOut(chunk, at);
        at += chunk.bytes;
      }
    }
    return 0;
  }

  int ReadChecksums(File* file, const RankFile& expected, std::vector<Digest>* checksums) {
    const int64_t size = file->Size();
    if (size < 0) return static_cast<int>(size);
    if (size != expected.data_bytes + expected.index_bytes) return kDamaged;
    Bytes frame(static_cast<size_t>(expected.index_bytes));
    const int error = ReadAll(file, expected.data_bytes, frame.data(), expected.index_bytes);
    if (error != 0) return error;
    if (DigestOf(frame.data(), frame.size()) != expected.index) return kDamaged;
    Bytes payload;
    if (!Unseal(kChecksumsMagic, frame, &payload)) return kDamaged;
    checksums->resize(payload.size() / sizeof(Digest));
    Decoder in(payload);
    for (Digest& digest : *checksums) digest = in.Get<Digest>();
    return in.done() ? 0 : kDamaged;
  }

  int ReadManifest(Bytes* frame) const {
    const int error = ReadFile(io_, Path(kShardManifestName), kMostShardManifestBytes, frame);
    return error == -ENOENT ? kNotFound : error;
  }

  // Of the checkpoint that is there; kNoShardGeneration where there is none.
  int ReadGeneration(int64_t* generation) const {
    *generation = kNoShardGeneration;
    Bytes frame;
    Bytes payload;
    const int error = ReadManifest(&frame);
    if (error != 0) return error == kNotFound ? 0 : error;
    if (!Unseal(kShardMagic, frame, &payload)) return kDamaged;
    const int64_t found = Decoder(payload).Get<int64_t>();
    if (found < 0 || found >= kMostShardGeneration) return kDamaged;
    *generation = found;
    return 0;
  }

  Io* io_;
  Group* group_;
  const std::string& directory_;
  size_t rank_;
};

}  // namespace
}  // namespace q13

extern "C" int q13_shard_save(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const q13::Slice> slices) {
  if (io == nullptr || group == nullptr) return q13::kInvalid;
  return q13::Shards(io, group, directory).Save(slices);
}

extern "C" int q13_shard_load(q13::Io* io, q13::Group* group, const std::string& directory,
                              std::span<const q13::Slice> slices) {
  if (io == nullptr || group == nullptr) return q13::kInvalid;
  return q13::Shards(io, group, directory).Load(slices);
}
