// Q13 part c: checkpoints as increments.
//
// Files of a directory: step.N, the manifest of step N, names every tensor and for each of its chunks where it is;
// data.N.I has chunks that Save(N) or Compact(N) wrote. I is larger than that of any file there is, so no file is ever
// written again. What counts is what a manifest names: all else was left behind by a save that failed or a crash, and
// is removed.
//
// What is durable when: data files, then manifests under temporary names, are written and synced, and so is the
// directory that names them; only then a rename makes a manifest current, and the directory is synced again. A file is
// removed after that, when no manifest that may come back after a crash names it.
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/hash/hash.cuh"
#include "questions/q13_checkpoint/device_api.h"
#include "solutions/q13_checkpoint/commit.h"
#include "solutions/q13_checkpoint/incremental_manifest.h"
#include "solutions/q13_checkpoint/incremental_ring.h"

namespace q13 {
namespace {

// Chunks of one array.
struct RowOfPieces {
  const unsigned char* data;
  size_t bytes, piece_bytes;
  __device__ kernels::HashPiece operator()(size_t p) const {
    const size_t begin = p * piece_bytes, rest = bytes - begin;
    return {data + begin, rest < piece_bytes ? rest : piece_bytes};
  }
};

struct TableOfPieces {
  const kernels::HashPiece* pieces;
  __device__ kernels::HashPiece operator()(size_t p) const { return pieces[p]; }
};

int CheckTensors(std::span<const DeviceTensor> tensors) {
  std::set<std::string> names;
  for (const DeviceTensor& tensor : tensors) {
    if (tensor.name == nullptr || !names.insert(tensor.name).second) return kInvalid;
    if (tensor.type < Type::kBool || tensor.type > Type::kU64) return kInvalid;
    if (tensor.bytes < 0 || tensor.bytes % TypeBytes(tensor.type) != 0) return kInvalid;
    if (tensor.bytes > 0 && tensor.data == nullptr) return kInvalid;
  }
  return 0;
}

class Increments : public IncrementalStore {
 public:
  Increments(Io* io, std::string directory) : io_(io), directory_(std::move(directory)) {}

  int Save(int64_t step, std::span<const DeviceTensor> tensors, cudaStream_t stream, IncrementStats* stats) override {
    if (step < 0) return kInvalid;
    if (const int error = CheckTensors(tensors); error != 0) return error;
    IncrementStats counted;
    const int error = Change([&] { return SaveStep(step, tensors, stream, &counted); });
    if (stats != nullptr) *stats = counted;
    return error;
  }

  int Load(int64_t step, State* state) override {
    state->clear();
    const int error = Guarded([&] { return LoadStep(step, state); });
    if (error != 0) state->clear();
    return error;
  }

  int Keep(std::span<const int64_t> steps) override {
    return Change([&] { return KeepSteps({steps.begin(), steps.end()}); });
  }

  int Compact(int64_t step) override {
    return Change([&] { return CompactStep(step); });
  }

  int Steps(std::vector<int64_t>* steps) override {
    steps->clear();
    known_ = false;
    return Guarded([&] {
      if (const int error = Refresh(); error != 0) return error;
      for (const auto& [step, manifest] : kept_) steps->push_back(step);
      return 0;
    });
  }

 private:
  using OpenFiles = std::map<DataFile, std::unique_ptr<File>>;

  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  // Begins with what is on the disk, and ends so: after an error nothing that is remembered is taken for true.
  int Change(const std::function<int()>& work) {
    return Guarded([&] {
      if (const int error = Refresh(); error != 0) return error;
      RemoveUnused();
      const int error = Guarded(work);
      if (error == 0) {
        RemoveUnused();
      } else {
        known_ = false;
        if (Refresh() == 0) RemoveUnused();
      }
      return error;
    });
  }

  // What there is, unless that is known.
  int Refresh() {
    if (known_) return 0;
    kept_.clear();
    files_.clear();
    temporary_.clear();
    damaged_.clear();
    std::vector<std::string> names;
    if (const int error = io_->List(directory_, &names); error != 0) return error;
    std::vector<int64_t> steps;
    for (const std::string& name : names) {
      DataFile file;
      int64_t number = 0;
      if (ParseName(name, "data", {&file.step, &file.id}) && file.id < kMostId) {
        files_.insert(file);
        next_id_ = std::max(next_id_, file.id + 1);
      } else if (ParseName(name, "temporary", {&number}) && number < kMostId) {
        temporary_.insert(number);
        next_id_ = std::max(next_id_, number + 1);
      } else if (ParseName(name, "step", {&number})) {
        steps.push_back(number);
      }
    }
    for (const int64_t step : steps) {
      Manifest manifest;
      const int error = ReadManifest(step, &manifest);
      if (error < 0) return error;
      bool whole = error == 0;
      manifest.ForEachChunk([&](const Chunk& chunk) { whole = whole && files_.contains(chunk.file); });
      if (whole) {
        kept_.emplace(step, std::move(manifest));
      } else {
        damaged_.insert(step);
      }
    }
    known_ = true;
    return 0;
  }

  int ReadManifest(int64_t step, Manifest* manifest) {
    Bytes frame;
    if (const int error = ReadFile(io_, Path(ManifestName(step)), kMostManifestBytes, &frame); error != 0) return error;
    return Decode(frame, step, manifest) ? 0 : kDamaged;
  }

  // Files that no manifest names. While there is one that cannot be read, nobody knows what it names.
  void RemoveUnused() {
    std::set<DataFile> used;
    for (auto& [step, manifest] : kept_) {
      manifest.ForEachChunk([&](const Chunk& chunk) { used.insert(chunk.file); });
    }
    std::vector<DataFile> unused;
    if (damaged_.empty()) {
      std::set_difference(files_.begin(), files_.end(), used.begin(), used.end(), std::back_inserter(unused));
    }
    if (unused.empty() && temporary_.empty()) return;
    // A manifest that is gone, but not durably, may come back and name them.
    if (io_->SyncDirectory(directory_) != 0) return;
    for (const DataFile& file : unused) {
      if (io_->Remove(Path(DataName(file))) == 0) files_.erase(file);
    }
    for (const int64_t id : std::set<int64_t>(temporary_)) {
      if (io_->Remove(Path(TemporaryName(id))) == 0) temporary_.erase(id);
    }
  }

  // Makes these the manifests of their steps. All that they name is written and synced.
  int Commit(std::map<int64_t, Manifest> manifests) {
    std::map<int64_t, int64_t> names;
    for (const auto& [step, manifest] : manifests) {
      int64_t id = 0;
      if (const int error = NewId(&id); error != 0) return error;
      names[step] = id;
      temporary_.insert(id);
      std::unique_ptr<File> file;
      if (const int error = OpenFile(io_, Path(TemporaryName(id)), OpenMode::kCreate, &file); error != 0) return error;
      const Bytes frame = Encode(step, manifest);
      if (const int error = WriteAll(file.get(), 0, frame.data(), static_cast<int64_t>(frame.size())); error != 0) {
        return error;
      }
      if (const int error = file->Sync(); error != 0) return error;
    }
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    for (const auto& [step, id] : names) {
      if (const int error = io_->Rename(Path(TemporaryName(id)), Path(ManifestName(step))); error != 0) return error;
      temporary_.erase(id);
    }
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    for (auto& [step, manifest] : manifests) {
      damaged_.erase(step);
      kept_[step] = std::move(manifest);
    }
    return 0;
  }

  // What has a number that no store gets to would be taken for nobody's by the next one.
  int NewId(int64_t* id) {
    if (next_id_ >= kMostId) return -EOVERFLOW;
    *id = next_id_++;
    return 0;
  }

  int CreateData(int64_t step, DataFile* name, std::unique_ptr<File>* file) {
    name->step = step;
    if (const int error = NewId(&name->id); error != 0) return error;
    files_.insert(*name);
    return OpenFile(io_, Path(DataName(*name)), OpenMode::kCreate, file);
  }

  // ---- Save

  int SaveStep(int64_t step, std::span<const DeviceTensor> tensors, cudaStream_t stream, IncrementStats* stats) {
    Manifest manifest;
    if (const int error = HashTensors(tensors, stream, &manifest, stats); error != 0) return error;
    ChunkTable known;
    if (!kept_.empty()) {
      kept_.rbegin()->second.ForEachChunk([&](const Chunk& chunk) { known.emplace(KeyOf(chunk), chunk); });
    }
    // Chunks that are nowhere yet; of equal ones, the first.
    std::vector<NewChunk> fresh;
    std::unordered_map<Key, size_t, KeyHash> index;
    int64_t end = 0;
    for (size_t t = 0; t < tensors.size(); ++t) {
      const auto* data = static_cast<const std::byte*>(tensors[t].data);
      for (Chunk& chunk : manifest.tensors[t].chunks) {
        const std::byte* at = data;
        data += chunk.length;
        if (const auto found = known.find(KeyOf(chunk)); found != known.end()) {
          chunk = found->second;
        } else if (index.emplace(KeyOf(chunk), fresh.size()).second) {
          chunk.offset = end;
          end += chunk.length;
          fresh.push_back({at, &chunk});
        }
      }
    }
    if (!fresh.empty()) {
      DataFile name;
      std::unique_ptr<File> file;
      if (const int error = CreateData(step, &name, &file); error != 0) return error;
      for (const NewChunk& chunk : fresh) chunk.chunk->file = name;
      if (const int error = ring_.Write(fresh, file.get(), stream); error != 0) return error;
      if (const int error = file->Sync(); error != 0) return error;
      manifest.ForEachChunk([&](Chunk& chunk) {
        if (const auto found = index.find(KeyOf(chunk)); found != index.end()) chunk = *fresh[found->second].chunk;
      });
      stats->data_bytes = end;
      stats->copied_bytes += end;
      stats->changed = static_cast<int64_t>(fresh.size());
    }
    return Commit({{step, std::move(manifest)}});
  }

  // All tensors' chunks, by one kernel.
  int HashTensors(std::span<const DeviceTensor> tensors, cudaStream_t stream, Manifest* manifest,
                  IncrementStats* stats) {
    std::vector<kernels::HashPiece> pieces;
    for (const DeviceTensor& tensor : tensors) {
      manifest->tensors.push_back({tensor.name, tensor.type, tensor.bytes});
      for (int64_t c = 0; c < ChunksOf(tensor.bytes); ++c) {
        Chunk chunk;
        chunk.length = LengthOf(tensor.bytes, c);
        manifest->tensors.back().chunks.push_back(chunk);
        pieces.push_back({static_cast<const std::byte*>(tensor.data) + c * kChunk, static_cast<size_t>(chunk.length)});
      }
    }
    if (pieces.empty()) return 0;
    const size_t table_bytes = pieces.size() * sizeof pieces[0], hash_bytes = pieces.size() * sizeof(Hash128);
    if (const int error = pieces_.Reserve(table_bytes); error != 0) return error;
    if (const int error = hashes_.Reserve(hash_bytes); error != 0) return error;
    std::vector<Hash128> hashes(pieces.size());
    auto status = cudaMemcpyAsync(pieces_.As<void>(), pieces.data(), table_bytes, cudaMemcpyHostToDevice, stream);
    if (status == cudaSuccess) {
      status = kernels::HashPieces(TableOfPieces{pieces_.As<kernels::HashPiece>()}, pieces.size(),
                                   hashes_.As<Hash128>(), stream);
    }
    if (status == cudaSuccess) {
      status = cudaMemcpyAsync(hashes.data(), hashes_.As<void>(), hash_bytes, cudaMemcpyDeviceToHost, stream);
    }
    const cudaError_t finished = cudaStreamSynchronize(stream);
    if (status == cudaSuccess) status = finished;
    if (status != cudaSuccess) return ErrorOf(status);
    size_t next = 0;
    manifest->ForEachChunk([&](Chunk& chunk) { chunk.hash = hashes[next++]; });
    stats->chunks = static_cast<int64_t>(pieces.size());
    stats->copied_bytes = static_cast<int64_t>(hash_bytes);
    return 0;
  }

  // ---- Load

  // A chunk, as it was written.
  int ReadChunk(const Chunk& chunk, OpenFiles* files, std::byte* to) {
    std::unique_ptr<File>& file = (*files)[chunk.file];
    if (file == nullptr) {
      const int error = OpenFile(io_, Path(DataName(chunk.file)), OpenMode::kRead, &file);
      if (error != 0) return error == -ENOENT ? kDamaged : error;
    }
    if (const int error = ReadAll(file.get(), chunk.offset, to, chunk.length); error != 0) return error;
    return DigestOf(to, static_cast<size_t>(chunk.length)) == chunk.digest ? 0 : kDamaged;
  }

  int LoadStep(int64_t step, State* state) {
    Manifest manifest;
    const int error = step < 0 ? -ENOENT : ReadManifest(step, &manifest);
    if (error != 0) return error == -ENOENT ? kNotFound : error;
    OpenFiles files;
    for (const Tensor& tensor : manifest.tensors) {
      HostTensor& to = (*state)[tensor.name];
      to.info = {tensor.type, {tensor.bytes / TypeBytes(tensor.type)}};
      for (const Chunk& chunk : tensor.chunks) {
        const size_t at = to.data.size();
        to.data.resize(at + static_cast<size_t>(chunk.length));
        if (const int damage = ReadChunk(chunk, &files, to.data.data() + at); damage != 0) return damage;
      }
    }
    return 0;
  }

  // ---- Keep, Compact

  int KeepSteps(const std::set<int64_t>& steps) {
    for (const int64_t step : steps) {
      if (!kept_.contains(step)) return damaged_.contains(step) ? kDamaged : kNotFound;
    }
    std::set<int64_t> drop = damaged_;
    for (const auto& [step, manifest] : kept_) {
      if (!steps.contains(step)) drop.insert(step);
    }
    for (const int64_t step : drop) {
      if (const int error = io_->Remove(Path(ManifestName(step))); error != 0) return error;
    }
    if (drop.empty()) return 0;
    // Before the data goes: a manifest that comes back must find it.
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    for (const int64_t step : drop) kept_.erase(step);
    damaged_.clear();
    return 0;
  }

  int CompactStep(int64_t step) {
    if (!kept_.contains(step)) return damaged_.contains(step) ? kDamaged : kNotFound;
    // Manifests that change: of this step all chunks move, of later ones those that are not in a later step's file.
    std::map<int64_t, Manifest> changed;
    std::vector<Chunk*> moving;
    for (auto kept = kept_.find(step); kept != kept_.end(); ++kept) {
      Manifest& manifest = changed[kept->first] = kept->second;
      const size_t before = moving.size();
      manifest.ForEachChunk([&](Chunk& chunk) {
        if (kept->first != step && chunk.file.step > step) return;
        moving.push_back(&chunk);
      });
      if (moving.size() == before) changed.erase(kept->first);
    }
    if (moving.empty()) return 0;
    DataFile name;
    std::unique_ptr<File> file;
    if (const int error = CreateData(step, &name, &file); error != 0) return error;
    OpenFiles files;
    ChunkTable moved;
    Bytes buffer(kChunk);
    int64_t end = 0;
    for (Chunk* chunk : moving) {
      const auto [place, is_new] = moved.emplace(KeyOf(*chunk), *chunk);
      if (is_new) {
        if (const int error = ReadChunk(*chunk, &files, buffer.data()); error != 0) return error;
        if (const int error = WriteAll(file.get(), end, buffer.data(), chunk->length); error != 0) return error;
        place->second.file = name;
        place->second.offset = end;
        end += chunk->length;
      }
      *chunk = place->second;
    }
    if (const int error = file->Sync(); error != 0) return error;
    return Commit(std::move(changed));
  }

  Io* io_;
  std::string directory_;

  // What is on the disk.
  bool known_ = false;
  std::map<int64_t, Manifest> kept_;
  std::set<int64_t> damaged_;  // steps whose manifests cannot be read
  std::set<DataFile> files_;
  std::set<int64_t> temporary_;
  int64_t next_id_ = 0;

  Buffer pieces_{false}, hashes_{false};
  Ring ring_;
};

}  // namespace
}  // namespace q13

extern "C" q13::IncrementalStore* q13_incremental_create(q13::Io* io, const std::string& directory) {
  if (io == nullptr) return nullptr;
  return new (std::nothrow) q13::Increments(io, directory);
}

extern "C" cudaError_t q13_hash_chunks(const void* data, size_t bytes, size_t chunk_bytes, q13::Hash128* hashes,
                                       cudaStream_t stream) {
  if (chunk_bytes == 0 || chunk_bytes % 16 != 0) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  if (data == nullptr || hashes == nullptr) return cudaErrorInvalidValue;
  const size_t chunks = (bytes - 1) / chunk_bytes + 1;
  return kernels::HashPieces(q13::RowOfPieces{static_cast<const unsigned char*>(data), bytes, chunk_bytes}, chunks,
                             hashes, stream);
}
