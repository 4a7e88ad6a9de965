// Q13 part E: byte planes on the device, zstd on the host. The contract is in
// questions/q13_checkpoint/device_api.h.
//
// A tensor is cut into slabs of kSlab elements. The device splits a slab into planes and copies them to pinned memory,
// a batch of slabs at a time, while threads compress the batch before it, one plane of one slab (a chunk) at a time.
// Sign and exponent share the upper plane, which is where floating-point numbers repeat themselves; the lower planes
// are noise, which level 1 finds out at the speed of memory and which is then stored as it is.
//
// A stream is: Header; Entry for each chunk, slab by slab and in these plane by plane; the chunks. An entry of as many
// bytes as the chunk has elements is stored, a shorter one is a zstd frame. All lengths follow from the header, or add
// up to what there is, and are covered by its checksum: nothing that is read decides how much memory is taken.
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/planes/planes.cuh"
#include "questions/q13_checkpoint/device_api.h"
#include "solutions/q13_checkpoint/compress_workers.h"

namespace q13 {
namespace {

constexpr uint32_t kMagic = 0x31453331;    // "13E1"
constexpr size_t kSlab = size_t{1} << 16;  // elements
constexpr size_t kSmall = 4096;            // elements up to which all planes are one chunk: entries cost 12 bytes each
constexpr size_t kBatchBytes = 8u << 20;   // two batches are on their way at any time

struct Header {
  uint32_t magic = kMagic;
  uint32_t element_bytes = 0;
  uint64_t elements = 0;
  uint64_t checksum = 0;  // of the fields above and all entries
};
static_assert(sizeof(Header) == 24);

struct Entry {
  uint32_t bytes = 0;
  uint32_t checksum_low = 0, checksum_high = 0;  // of the bytes in the stream, with the chunk's index as the seed

  uint64_t checksum() const { return uint64_t{checksum_high} << 32 | checksum_low; }
};
static_assert(sizeof(Entry) == 12);

Entry EntryOf(const std::byte* data, size_t bytes, size_t chunk) {
  const uint64_t checksum = XXH3_64bits_withSeed(data, bytes, chunk);
  return {static_cast<uint32_t>(bytes), static_cast<uint32_t>(checksum), static_cast<uint32_t>(checksum >> 32)};
}

uint64_t HeaderChecksum(const Header& header, const std::byte* entries, size_t bytes) {
  const uint64_t seed = XXH3_64bits(&header, offsetof(Header, checksum));
  return XXH3_64bits_withSeed(entries, bytes, seed);
}

// Where the chunks of a tensor are. REQUIRES: elements * element_bytes does not overflow.
struct Layout {
  size_t elements, element_bytes;

  bool small() const { return elements <= kSmall; }
  size_t bytes() const { return elements * element_bytes; }
  size_t slabs() const { return elements / kSlab + (elements % kSlab != 0); }
  size_t slab_elements(size_t slab) const { return std::min(kSlab, elements - slab * kSlab); }
  size_t chunks_of_slab() const { return small() ? 1 : element_bytes; }
  size_t chunks() const { return slabs() * chunks_of_slab(); }
  // Of a chunk that is stored, among all chunks.
  size_t chunk_offset(size_t slab, size_t plane) const {
    return slab * kSlab * element_bytes + plane * slab_elements(slab);
  }
  size_t chunk_bytes(size_t slab) const { return slab_elements(slab) * (small() ? element_bytes : 1); }
  size_t slabs_of_batch() const { return std::max<size_t>(1, kBatchBytes / (kSlab * element_bytes)); }
  size_t batches() const { return (slabs() + slabs_of_batch() - 1) / slabs_of_batch(); }
  size_t batch_bytes() const { return std::min(bytes(), slabs_of_batch() * kSlab * element_bytes); }
};

// Throws what `cudaError_t` says; caught at the entry points, as is std::bad_alloc.
struct CudaFailure {};
void Require(cudaError_t error) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();
  throw CudaFailure();
}

// Two batches on the device and in pinned memory, and when their copies are over.
class Buffers {
 public:
  Buffers(size_t bytes, bool two, cudaStream_t stream) : stream_(stream) {
    for (int i = 0; i < (two ? 2 : 1); ++i) {
      void *device = nullptr, *host = nullptr;
      Require(cudaMalloc(&device, bytes));
      device_[i].reset(static_cast<std::byte*>(device));
      Require(cudaMallocHost(&host, bytes));
      host_[i].reset(static_cast<std::byte*>(host));
      cudaEvent_t event = nullptr;
      Require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
      copied_[i].reset(event);
    }
  }
  ~Buffers() { (void)cudaStreamSynchronize(stream_); }  // nothing is under way when they are freed
  std::byte* device(size_t batch) const { return device_[batch % 2].get(); }
  std::byte* host(size_t batch) const { return host_[batch % 2].get(); }
  cudaEvent_t copied(size_t batch) const { return copied_[batch % 2].get(); }

 private:
  struct Free {
    void operator()(std::byte* p) const { (void)cudaFree(p); }
  };
  struct FreeHost {
    void operator()(std::byte* p) const { (void)cudaFreeHost(p); }
  };
  struct Destroy {
    void operator()(cudaEvent_t event) const { (void)cudaEventDestroy(event); }
  };
  cudaStream_t stream_;
  std::unique_ptr<std::byte, Free> device_[2];
  std::unique_ptr<std::byte, FreeHost> host_[2];
  std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, Destroy> copied_[2];
};

// Chooses levels so that what is left fits into the time that is left. What a level costs is a guess that every chunk
// corrects.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(double seconds, size_t bytes) : begin_(Clock::now()), seconds_(seconds), left_(bytes), all_(bytes) {}
  void SetThreads(size_t threads) { threads_ = static_cast<double>(threads); }  // before the first chunk

  bool Over() const { return Elapsed() >= seconds_; }
  // The level to try after level 1, which has made something of a chunk of `bytes`; 0: none, there is no time.
  int Pick(size_t bytes) {
    const std::lock_guard lock(mutex_);
    compressible_ += bytes;
    // As much of the rest will be compressible as was of what has been seen; at first, all of it may be.
    const double seen = static_cast<double>(all_ - left_);
    const double share = (static_cast<double>(compressible_) + 1) / (seen + 1);
    const double rest = static_cast<double>(left_) * std::min(1.0, share) + static_cast<double>(bytes);
    const double affordable = (seconds_ - Elapsed()) * threads_ / rest;  // seconds a byte
    int level = 0;
    for (const Level& each : kLevels) {
      if (each.seconds_a_byte * slowness_ <= affordable) level = each.level;
    }
    return level;
  }
  void Took(int level, size_t bytes, double seconds) {
    const std::lock_guard lock(mutex_);
    for (const Level& each : kLevels) {
      if (each.level != level) continue;
      slowness_ += 0.25 * (seconds / (each.seconds_a_byte * static_cast<double>(bytes)) - slowness_);
    }
  }
  // A chunk is dealt with.
  void Begin(size_t bytes) {
    const std::lock_guard lock(mutex_);
    left_ -= bytes;
  }
  double Elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  struct Level {
    int level;
    double seconds_a_byte;
  };
  // Between level 1 and 6, and from 17 on, nothing is gained on floating-point numbers: 3 is worse than 1 on them.
  static constexpr Level kLevels[] = {{6, 1 / 65e6}, {15, 1 / 5.5e6}, {17, 1 / 4e6}};

  const Clock::time_point begin_;
  const double seconds_;
  double threads_ = 1;
  std::mutex mutex_;
  size_t left_;
  const size_t all_;
  size_t compressible_ = 0;
  double slowness_ = 2;
};

// The shortest of what is tried, in `codec`; none: the chunk is stored.
const std::vector<std::byte>* CompressChunk(const std::byte* data, size_t bytes, Pace* pace, Codec* codec) {
  pace->Begin(bytes);
  if (pace->Over()) return nullptr;
  const auto attempt = [&](int level, std::vector<std::byte>* to) {
    to->resize(ZSTD_compressBound(bytes));
    const size_t size = ZSTD_compressCCtx(codec->compressor.get(), to->data(), to->size(), data, bytes, level);
    to->resize(ZSTD_isError(size) != 0 ? bytes : std::min(size, bytes));
  };
  std::vector<std::byte>*best = &codec->attempts[0], *second = &codec->attempts[1];
  attempt(1, best);
  // Noise: more effort makes nothing of it.
  if (best->size() > bytes - bytes / 256) return best->size() < bytes ? best : nullptr;
  const int level = pace->Pick(bytes);
  if (level > 0) {
    const double begin = pace->Elapsed();
    attempt(level, second);
    pace->Took(level, bytes, pace->Elapsed() - begin);
    if (second->size() < best->size()) std::swap(best, second);
  }
  return best->size() < bytes ? best : nullptr;
}

void Compress(const Layout& layout, const std::byte* data, double budget, std::vector<std::byte>* out,
              cudaStream_t stream) {
  // Chunks are compressed into the places that they would have if all were stored, and moved together at the end: fresh
  // memory costs more than copying within what is there.
  std::vector<Entry> entries(layout.chunks());
  const size_t front = sizeof(Header) + entries.size() * sizeof(Entry);
  out->clear();
  out->resize(front + layout.bytes());
  std::byte* const chunks = out->data() + front;
  if (layout.elements > 0) {
    Buffers buffers(layout.batch_bytes(), layout.batches() > 1, stream);
    Pace pace(budget, layout.bytes());
    Workers workers(layout.chunks());  // the last: it goes before what its jobs use
    pace.SetThreads(workers.parallelism());
    const size_t batch_bytes = layout.slabs_of_batch() * kSlab * layout.element_bytes;

    const auto enqueue = [&](size_t batch) {
      const size_t begin = batch * batch_bytes, bytes = std::min(batch_bytes, layout.bytes() - begin);
      for (size_t at = 0; at < bytes; at += kSlab * layout.element_bytes) {
        const size_t elements = std::min(kSlab, (bytes - at) / layout.element_bytes);
        Require(kernels::SplitPlanes(data + begin + at, elements, static_cast<int>(layout.element_bytes),
                                     buffers.device(batch) + at, stream));
      }
      Require(cudaMemcpyAsync(buffers.host(batch), buffers.device(batch), bytes, cudaMemcpyDeviceToHost, stream));
      Require(cudaEventRecord(buffers.copied(batch), stream));
    };
    const auto submit = [&](size_t batch) {
      Require(cudaEventSynchronize(buffers.copied(batch)));
      const size_t first = batch * layout.slabs_of_batch(),
                   last = std::min(layout.slabs(), first + layout.slabs_of_batch());
      // The upper planes first: where time runs out, it has gone into those that are worth it.
      for (size_t plane = layout.chunks_of_slab(); plane-- > 0;) {
        for (size_t slab = first; slab < last; ++slab) {
          const size_t bytes = layout.chunk_bytes(slab);
          const std::byte* from =
              buffers.host(batch) + (slab - first) * kSlab * layout.element_bytes + plane * layout.slab_elements(slab);
          const size_t chunk = slab * layout.chunks_of_slab() + plane;
          std::byte* const to = chunks + layout.chunk_offset(slab, plane);
          workers.Submit(batch, [from, bytes, to, chunk, &entries, &pace](Codec& codec) {
            const std::vector<std::byte>* best = CompressChunk(from, bytes, &pace, &codec);
            const size_t size = best != nullptr ? best->size() : bytes;
            std::memcpy(to, best != nullptr ? best->data() : from, size);
            entries[chunk] = EntryOf(to, size, chunk);
          });
        }
      }
    };
    for (size_t batch = 0; batch <= layout.batches(); ++batch) {
      if (batch < layout.batches()) {
        workers.Wait(batch);  // the one that had this buffer
        enqueue(batch);
      }
      if (batch > 0) submit(batch - 1);
    }
    workers.Wait(0);
    workers.Wait(1);
  }

  std::byte* end = chunks;
  for (size_t chunk = 0; chunk < entries.size(); ++chunk) {
    const size_t slab = chunk / layout.chunks_of_slab(), plane = chunk % layout.chunks_of_slab();
    std::memmove(end, chunks + layout.chunk_offset(slab, plane), entries[chunk].bytes);
    end += entries[chunk].bytes;
  }
  Header header;
  header.element_bytes = static_cast<uint32_t>(layout.element_bytes);
  header.elements = layout.elements;
  const auto* table = reinterpret_cast<const std::byte*>(entries.data());
  header.checksum = HeaderChecksum(header, table, entries.size() * sizeof(Entry));
  std::memcpy(out->data(), &header, sizeof header);
  if (!entries.empty()) std::memcpy(out->data() + sizeof header, table, entries.size() * sizeof(Entry));
  out->resize(static_cast<size_t>(end - out->data()));
}

// A stream whose header, lengths and table are right; nothing has been allocated for it.
struct Parsed {
  Layout layout{0, 1};
  const std::byte* entries = nullptr;
  const std::byte* chunks = nullptr;

  Entry entry(size_t chunk) const {
    Entry entry;
    std::memcpy(&entry, entries + chunk * sizeof entry, sizeof entry);
    return entry;
  }
};

bool Parse(const std::byte* in, size_t in_bytes, Parsed* parsed) {
  Header header;
  if (in == nullptr || in_bytes < sizeof header) return false;
  std::memcpy(&header, in, sizeof header);
  const uint32_t width = header.element_bytes;
  if (header.magic != kMagic || (width != 1 && width != 2 && width != 4 && width != 8)) return false;
  if (header.elements > std::numeric_limits<size_t>::max() / width) return false;
  parsed->layout = {header.elements, width};
  const Layout& layout = parsed->layout;
  if (layout.chunks() > (in_bytes - sizeof header) / sizeof(Entry)) return false;
  const size_t table_bytes = layout.chunks() * sizeof(Entry);
  parsed->entries = in + sizeof header;
  parsed->chunks = parsed->entries + table_bytes;
  if (HeaderChecksum(header, parsed->entries, table_bytes) != header.checksum) return false;
  size_t rest = in_bytes - sizeof header - table_bytes;
  for (size_t i = 0; i < layout.chunks(); ++i) {
    const size_t bytes = parsed->entry(i).bytes;
    if (bytes > rest || bytes > layout.chunk_bytes(i / layout.chunks_of_slab())) return false;
    rest -= bytes;
  }
  return rest == 0;
}

bool DecompressChunk(const std::byte* from, const Entry& entry, size_t chunk, std::byte* to, size_t bytes,
                     Codec* codec) {
  if (XXH3_64bits_withSeed(from, entry.bytes, chunk) != entry.checksum()) return false;
  if (entry.bytes == bytes) {
    std::memcpy(to, from, bytes);
    return true;
  }
  return ZSTD_decompressDCtx(codec->decompressor.get(), to, bytes, from, entry.bytes) == bytes;
}

// False: a chunk is damaged.
bool Decompress(const Parsed& parsed, std::byte* data, cudaStream_t stream) {
  const Layout& layout = parsed.layout;
  if (layout.elements == 0) return true;
  Buffers buffers(layout.batch_bytes(), layout.batches() > 1, stream);
  std::atomic<bool> damaged{false};
  Workers workers(layout.chunks());
  const size_t width = layout.element_bytes, batch_bytes = layout.slabs_of_batch() * kSlab * width;
  const std::byte* from = parsed.chunks;
  for (size_t batch = 0; batch < layout.batches(); ++batch) {
    if (batch >= 2) Require(cudaEventSynchronize(buffers.copied(batch)));  // of the one that had this buffer
    const size_t first = batch * layout.slabs_of_batch(),
                 last = std::min(layout.slabs(), first + layout.slabs_of_batch());
    for (size_t slab = first; slab < last; ++slab) {
      for (size_t plane = 0; plane < layout.chunks_of_slab(); ++plane) {
        const size_t chunk = slab * layout.chunks_of_slab() + plane, bytes = layout.chunk_bytes(slab);
        const Entry entry = parsed.entry(chunk);
        std::byte* to = buffers.host(batch) + (slab - first) * kSlab * width + plane * layout.slab_elements(slab);
        workers.Submit(batch, [from, entry, chunk, to, bytes, &damaged](Codec& codec) {
          if (!DecompressChunk(from, entry, chunk, to, bytes, &codec)) damaged = true;
        });
        from += entry.bytes;
      }
    }
    workers.Wait(batch);
    if (damaged) return false;
    const size_t begin = batch * batch_bytes, bytes = std::min(batch_bytes, layout.bytes() - begin);
    Require(cudaMemcpyAsync(buffers.device(batch), buffers.host(batch), bytes, cudaMemcpyHostToDevice, stream));
    Require(cudaEventRecord(buffers.copied(batch), stream));
    for (size_t at = 0; at < bytes; at += kSlab * width) {
      const size_t elements = std::min(kSlab, (bytes - at) / width);
      Require(kernels::JoinPlanes(buffers.device(batch) + at, elements, static_cast<int>(width), data + begin + at,
                                  stream));
    }
  }
  return true;
}

// Exceptions end here.
template <typename Work>
int Guarded(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (...) {
    return -EIO;
  }
}

bool MakesSense(size_t elements, int32_t element_bytes) {
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4 && element_bytes != 8) return false;
  return elements <= std::numeric_limits<size_t>::max() / static_cast<size_t>(element_bytes);
}

}  // namespace
}  // namespace q13

extern "C" cudaError_t q13_split_planes(const void* in, size_t elements, int32_t element_bytes, void* planes,
                                        cudaStream_t stream) {
  if (!q13::MakesSense(elements, element_bytes)) return cudaErrorInvalidValue;
  return kernels::SplitPlanes(in, elements, element_bytes, planes, stream);
}

extern "C" cudaError_t q13_join_planes(const void* planes, size_t elements, int32_t element_bytes, void* out,
                                       cudaStream_t stream) {
  if (!q13::MakesSense(elements, element_bytes)) return cudaErrorInvalidValue;
  return kernels::JoinPlanes(planes, elements, element_bytes, out, stream);
}

extern "C" int q13_compress(const void* data, size_t elements, int32_t element_bytes, double budget_seconds,
                            std::vector<std::byte>* out, cudaStream_t stream) {
  if (out == nullptr || !q13::MakesSense(elements, element_bytes)) return q13::kInvalid;
  return q13::Guarded([&]() -> int {
    const q13::Layout layout = {elements, static_cast<size_t>(element_bytes)};
    q13::Compress(layout, static_cast<const std::byte*>(data), budget_seconds, out, stream);
    return q13::kOk;
  });
}

extern "C" int q13_decompress(const std::byte* in, size_t in_bytes, void* data, size_t capacity, size_t* bytes,
                              cudaStream_t stream) {
  return q13::Guarded([&]() -> int {
    q13::Parsed parsed;
    if (!q13::Parse(in, in_bytes, &parsed)) return q13::kDamaged;
    if (parsed.layout.bytes() > capacity) return q13::kInvalid;
    if (!q13::Decompress(parsed, static_cast<std::byte*>(data), stream)) return q13::kDamaged;
    *bytes = parsed.layout.bytes();
    return q13::kOk;
  });
}
