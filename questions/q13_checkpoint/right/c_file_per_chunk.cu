// Odd but right: no increments at all. Each chunk is a file that is named by its hash and belongs to no step, so that
// nothing has to be compacted; one thread hashes a chunk, byte by byte; everything is copied and written in turn, and
// nothing is remembered from one call to the next.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"

namespace q13 {
namespace {

using Bytes = std::vector<std::byte>;

__host__ __device__ inline uint64_t Scramble(uint64_t v) {
  v ^= v >> 32;
  v *= 0xd6e8feb86659fd93u;
  v ^= v >> 32;
  v *= 0xd6e8feb86659fd93u;
  return v ^ (v >> 32);
}

__host__ __device__ inline Hash128 HashOf(const unsigned char* data, size_t bytes) {
  Hash128 hash = {Scramble(bytes + 1), Scramble(~static_cast<uint64_t>(bytes))};
  for (size_t i = 0; i < bytes; ++i) {
    hash.low = Scramble(hash.low + data[i] + 1);
    hash.high = (hash.high ^ data[i]) * 0x9e3779b97f4a7c15u;
    hash.high ^= hash.high >> 29;
  }
  hash.high = Scramble(Scramble(hash.high) + 0x9e3779b97f4a7c15u);
  return hash;
}

__global__ void HashAll(const unsigned char* data, size_t bytes, size_t chunk_bytes, Hash128* hashes, size_t chunks) {
  const size_t c = static_cast<size_t>(blockIdx.x) * 32 + threadIdx.x;
  if (c >= chunks) return;
  const size_t rest = bytes - c * chunk_bytes;
  hashes[c] = HashOf(data + c * chunk_bytes, rest < chunk_bytes ? rest : chunk_bytes);
}

cudaError_t EnqueueHashes(const void* data, size_t bytes, size_t chunk_bytes, Hash128* hashes, cudaStream_t stream) {
  if (chunk_bytes == 0 || chunk_bytes % 16 != 0) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  const size_t chunks = (bytes + chunk_bytes - 1) / chunk_bytes;
  HashAll<<<static_cast<unsigned>((chunks + 31) / 32), 32, 0, stream>>>(static_cast<const unsigned char*>(data), bytes,
                                                                        chunk_bytes, hashes, chunks);
  return cudaGetLastError();
}

std::string Hex(const Hash128& hash) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

class FilePerChunk : public IncrementalStore {
 public:
  FilePerChunk(Io* io, std::string directory) : io_(io), directory_(std::move(directory)) {}

  int Save(int64_t step, std::span<const DeviceTensor> tensors, cudaStream_t stream, IncrementStats* stats) override {
    if (step < 0) return kInvalid;
    std::set<std::string> names;
    for (const DeviceTensor& t : tensors) {
      if (t.name == nullptr || !names.insert(t.name).second || t.type < Type::kBool || t.type > Type::kU64) {
        return kInvalid;
      }
      if (t.bytes < 0 || t.bytes % TypeBytes(t.type) != 0 || (t.bytes > 0 && t.data == nullptr)) return kInvalid;
    }
    *stats = {};
    std::vector<std::string> files;
    if (const int error = io_->List(directory_, &files); error != 0) return error;
    // Only what a manifest names is sure to be durable.
    std::set<std::string> used;
    if (const int error = Used(files, &used); error != 0) return error;
    Bytes manifest;
    for (const DeviceTensor& t : tensors) {
      Put(&manifest, std::string(t.name));
      Put(&manifest, std::to_string(static_cast<int>(t.type)));
      Put(&manifest, std::to_string(t.bytes));
      for (int64_t at = 0; at < t.bytes; at += kChunk) {
        const int64_t length = std::min(kChunk, t.bytes - at);
        const auto* data = static_cast<const std::byte*>(t.data) + at;
        Hash128 hash;
        if (!HashOnDevice(data, length, &hash, stream)) return -EIO;
        stats->chunks += 1;
        stats->copied_bytes += static_cast<int64_t>(sizeof hash);
        const std::string name = "c" + Hex(hash) + "." + std::to_string(length);
        Put(&manifest, name);
        if (used.contains(name)) continue;
        Bytes bytes(static_cast<size_t>(length));
        if (cudaMemcpyAsync(bytes.data(), data, bytes.size(), cudaMemcpyDeviceToHost, stream) != cudaSuccess) {
          return -EIO;
        }
        if (cudaStreamSynchronize(stream) != cudaSuccess) return -EIO;
        stats->copied_bytes += length;
        stats->data_bytes += length;
        stats->changed += 1;
        if (const int error = WriteNew(name, bytes, files); error != 0) return error;
        used.insert(name);
      }
    }
    const Hash128 sum = HashOf(reinterpret_cast<const unsigned char*>(manifest.data()), manifest.size());
    Put(&manifest, Hex(sum));
    if (const int error = WriteNew("t", manifest, files); error != 0) return error;
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    if (const int error = io_->Rename(Path("t"), Path("s" + std::to_string(step))); error != 0) return error;
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    Sweep();
    return 0;
  }

  int Load(int64_t step, State* state) override {
    state->clear();
    const int error = LoadAll(step, state);
    if (error != 0) state->clear();
    return error;
  }

  int Keep(std::span<const int64_t> steps) override {
    std::vector<int64_t> there;
    if (const int error = Steps(&there); error != 0) return error;
    for (const int64_t step : steps) {
      if (std::find(there.begin(), there.end(), step) == there.end()) return kNotFound;
    }
    for (const int64_t step : there) {
      if (std::find(steps.begin(), steps.end(), step) != steps.end()) continue;
      if (const int error = io_->Remove(Path("s" + std::to_string(step))); error != 0) return error;
    }
    if (const int error = io_->SyncDirectory(directory_); error != 0) return error;
    Sweep();
    return 0;
  }

  int Compact(int64_t step) override {
    std::vector<int64_t> there;
    if (const int error = Steps(&there); error != 0) return error;
    return std::find(there.begin(), there.end(), step) == there.end() ? kNotFound : 0;
  }

  int Steps(std::vector<int64_t>* steps) override {
    steps->clear();
    std::vector<std::string> files;
    if (const int error = io_->List(directory_, &files); error != 0) return error;
    for (const std::string& name : files) {
      if (name[0] != 's') continue;
      std::vector<std::string> manifest;
      const int error = ReadManifest(name, &manifest);
      if (error < 0) return error;
      if (error == 0) steps->push_back(std::stoll(name.substr(1)));
    }
    std::sort(steps->begin(), steps->end());
    return 0;
  }

 private:
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  static void Put(Bytes* bytes, const std::string& text) {
    const uint64_t size = text.size();
    const auto* at = reinterpret_cast<const std::byte*>(&size);
    bytes->insert(bytes->end(), at, at + sizeof size);
    const auto* words = reinterpret_cast<const std::byte*>(text.data());
    bytes->insert(bytes->end(), words, words + size);
  }

  static bool HashOnDevice(const void* data, int64_t bytes, Hash128* hash, cudaStream_t stream) {
    Hash128* on_device = nullptr;
    if (cudaMalloc(reinterpret_cast<void**>(&on_device), sizeof *hash) != cudaSuccess) return false;
    bool good = EnqueueHashes(data, static_cast<size_t>(bytes), kChunk, on_device, stream) == cudaSuccess &&
                cudaMemcpyAsync(hash, on_device, sizeof *hash, cudaMemcpyDeviceToHost, stream) == cudaSuccess;
    good = cudaStreamSynchronize(stream) == cudaSuccess && good;
    (void)cudaFree(on_device);
    return good;
  }

  int Open(const std::string& name, OpenMode mode, std::unique_ptr<File>* file) {
    int error;
    do error = io_->Open(Path(name), mode, file);
    while (error == -EINTR);
    return error;
  }

  // A file that no manifest names may be there already, whole or not: it is removed first.
  int WriteNew(const std::string& name, const Bytes& bytes, const std::vector<std::string>& files) {
    std::unique_ptr<File> file;
    if (std::find(files.begin(), files.end(), name) != files.end()) {
      if (const int error = io_->Remove(Path(name)); error != 0 && error != -ENOENT) return error;
    }
    if (const int error = Open(name, OpenMode::kCreate, &file); error != 0) return error;
    for (size_t at = 0; at < bytes.size();) {
      const int64_t n =
          file->WriteAt(static_cast<int64_t>(at), bytes.data() + at, static_cast<int64_t>(bytes.size() - at));
      if (n == -EINTR) continue;
      if (n <= 0) return n < 0 ? static_cast<int>(n) : -EIO;
      at += static_cast<size_t>(n);
    }
    return file->Sync();
  }

  int Read(const std::string& name, Bytes* bytes) {
    std::unique_ptr<File> file;
    if (const int error = Open(name, OpenMode::kRead, &file); error != 0) return error;
    const int64_t size = file->Size();
    if (size < 0) return static_cast<int>(size);
    bytes->resize(static_cast<size_t>(size));
    for (int64_t at = 0; at < size;) {
      const int64_t n = file->ReadAt(at, bytes->data() + at, size - at);
      if (n == -EINTR) continue;
      if (n <= 0) return n < 0 ? static_cast<int>(n) : kDamaged;
      at += n;
    }
    return 0;
  }

  int ReadManifest(const std::string& name, std::vector<std::string>* texts) {
    Bytes bytes;
    if (const int error = Read(name, &bytes); error != 0) return error;
    constexpr size_t kTail = 8 + 32;
    if (bytes.size() < kTail) return kDamaged;
    const size_t body = bytes.size() - kTail;
    Bytes tail;
    Put(&tail, Hex(HashOf(reinterpret_cast<const unsigned char*>(bytes.data()), body)));
    if (!std::equal(tail.begin(), tail.end(), bytes.begin() + static_cast<std::ptrdiff_t>(body))) return kDamaged;
    for (size_t at = 0; at < body;) {
      uint64_t size = 0;
      if (body - at < sizeof size) return kDamaged;
      std::memcpy(&size, bytes.data() + at, sizeof size);
      at += sizeof size;
      if (size > body - at) return kDamaged;
      texts->emplace_back(reinterpret_cast<const char*>(bytes.data()) + at, size);
      at += size;
    }
    return 0;
  }

  // What manifests name. Chunks are the texts behind a tensor's three.
  int Used(const std::vector<std::string>& files, std::set<std::string>* used) {
    for (const std::string& name : files) {
      if (name[0] != 's') continue;
      std::vector<std::string> texts;
      const int error = ReadManifest(name, &texts);
      if (error < 0) return error;
      used->insert(texts.begin(), texts.end());
    }
    return 0;
  }

  void Sweep() {
    std::vector<std::string> files;
    std::set<std::string> used;
    if (io_->List(directory_, &files) != 0 || Used(files, &used) != 0) return;
    for (const std::string& name : files) {
      if (name[0] == 'c' && !used.contains(name)) (void)io_->Remove(Path(name));
    }
  }

  int LoadAll(int64_t step, State* state) {
    std::vector<std::string> texts;
    const int error = ReadManifest("s" + std::to_string(step), &texts);
    if (error != 0) return error == -ENOENT ? kNotFound : error;
    for (size_t i = 0; i + 3 <= texts.size();) {
      HostTensor& tensor = (*state)[texts[i]];
      const auto type = static_cast<Type>(std::stoi(texts[i + 1]));
      const int64_t bytes = std::stoll(texts[i + 2]);
      tensor.info = {type, {bytes / TypeBytes(type)}};
      i += 3;
      for (int64_t at = 0; at < bytes; at += kChunk) {
        Bytes chunk;
        const int missing = i < texts.size() ? Read(texts[i], &chunk) : kDamaged;
        if (missing != 0) return missing == -ENOENT ? kDamaged : missing;
        const Hash128 hash = HashOf(reinterpret_cast<const unsigned char*>(chunk.data()), chunk.size());
        if (texts[i] != "c" + Hex(hash) + "." + std::to_string(chunk.size())) return kDamaged;
        if (static_cast<int64_t>(chunk.size()) != std::min(kChunk, bytes - at)) return kDamaged;
        tensor.data.insert(tensor.data.end(), chunk.begin(), chunk.end());
        ++i;
      }
    }
    return 0;
  }

  Io* io_;
  std::string directory_;
};

}  // namespace
}  // namespace q13

extern "C" q13::IncrementalStore* q13_incremental_create(q13::Io* io, const std::string& directory) {
  return io == nullptr ? nullptr : new (std::nothrow) q13::FilePerChunk(io, directory);
}

extern "C" cudaError_t q13_hash_chunks(const void* data, size_t bytes, size_t chunk_bytes, q13::Hash128* hashes,
                                       cudaStream_t stream) {
  return q13::EnqueueHashes(data, bytes, chunk_bytes, hashes, stream);
}
