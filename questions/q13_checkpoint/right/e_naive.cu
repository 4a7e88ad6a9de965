// Odd but right: one element a thread, one thread on the host, and pieces of 64 KiB that do not care where a plane
// ends.
//
// A stream is a Head, then for each piece a Piece and its bytes: as they are, or a zstd frame if that is shorter.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"

namespace q13 {
namespace {

constexpr int kThreads = 256;
constexpr size_t kPieceBytes = 64 * 1024;
constexpr double kSlowBytesPerSecond = 3e6;  // of level 15

struct Head {
  uint32_t magic = 0x6576616e;
  uint32_t element_bytes = 0;
  uint64_t elements = 0;
  uint32_t checksum = 0;  // of what is in front of it
  uint32_t padding = 0;
};

struct Piece {
  uint32_t bytes = 0;
  uint32_t checksum = 0;  // of the bytes, their number and the piece's
};

__global__ void Split(const uint8_t* in, size_t elements, int width, uint8_t* planes) {
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  for (int j = 0; j < width; ++j) planes[j * elements + i] = in[i * width + j];
}

__global__ void Join(const uint8_t* planes, size_t elements, int width, uint8_t* out) {
  const size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= elements) return;
  for (int j = 0; j < width; ++j) out[i * width + j] = planes[j * elements + i];
}

bool IsWidth(int32_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }
unsigned BlocksFor(size_t elements) { return static_cast<unsigned>((elements + kThreads - 1) / kThreads); }

uint32_t Checksum(const void* data, size_t bytes, uint32_t before = 0) {
  return static_cast<uint32_t>(crc32(before, static_cast<const Bytef*>(data), static_cast<uInt>(bytes)));
}

uint32_t ChecksumOf(const std::byte* data, uint32_t bytes, uint64_t index) {
  const uint64_t place[] = {index, bytes};
  return Checksum(data, bytes, Checksum(place, sizeof place));
}

void Append(std::vector<std::byte>* out, const void* data, size_t bytes) {
  const size_t at = out->size();
  out->resize(at + bytes);
  std::memcpy(out->data() + at, data, bytes);
}

class DeviceMemory {
 public:
  explicit DeviceMemory(size_t bytes) : status_(bytes > 0 ? cudaMalloc(&data_, bytes) : cudaSuccess) {}
  ~DeviceMemory() { (void)cudaFree(data_); }
  bool ok() const { return status_ == cudaSuccess; }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  cudaError_t status_;
};

// The piece as a frame, in the shortest form that there is time for; not shorter: empty.
std::vector<std::byte> Shorten(const std::byte* data, size_t bytes, bool time_for_more) {
  std::vector<std::byte> best;
  for (const int level : {1, 15}) {
    if (level > 1 && (!time_for_more || best.empty())) break;
    std::vector<std::byte> frame(ZSTD_compressBound(bytes));
    const size_t size = ZSTD_compress(frame.data(), frame.size(), data, bytes, level);
    if (ZSTD_isError(size) || size >= (best.empty() ? bytes : best.size())) continue;
    frame.resize(size);
    best = frame;
  }
  return best;
}

// False: not what Shorten makes.
bool Lengthen(const std::byte* frame, size_t bytes, std::byte* to, size_t expected) {
  return ZSTD_decompress(to, expected, frame, bytes) == expected;
}

void Pack(const std::vector<std::byte>& planes, size_t elements, int32_t width, double seconds,
          std::vector<std::byte>* out) {
  const auto begin = std::chrono::steady_clock::now();
  Head head;
  head.element_bytes = static_cast<uint32_t>(width);
  head.elements = elements;
  head.checksum = Checksum(&head, offsetof(Head, checksum));
  out->clear();
  Append(out, &head, sizeof head);
  for (size_t at = 0; at < planes.size(); at += kPieceBytes) {
    const size_t bytes = std::min(kPieceBytes, planes.size() - at);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    const double left = seconds - elapsed.count();
    const bool time_for_more = left > static_cast<double>(planes.size() - at) / kSlowBytesPerSecond;
    const std::vector<std::byte> frame = Shorten(planes.data() + at, bytes, time_for_more);
    const std::byte* stored = frame.empty() ? planes.data() + at : frame.data();
    Piece piece;
    piece.bytes = static_cast<uint32_t>(frame.empty() ? bytes : frame.size());
    piece.checksum = ChecksumOf(stored, piece.bytes, at / kPieceBytes);
    Append(out, &piece, sizeof piece);
    Append(out, stored, piece.bytes);
  }
}

// Reads a head; false: it is none, or the stream is too short for what it says.
bool ReadHead(const std::byte* in, size_t in_bytes, Head* head) {
  if (in_bytes < sizeof *head) return false;
  std::memcpy(head, in, sizeof *head);
  if (head->magic != Head().magic || head->padding != 0 || !IsWidth(static_cast<int32_t>(head->element_bytes))) {
    return false;
  }
  if (head->checksum != Checksum(head, offsetof(Head, checksum))) return false;
  if (head->elements > std::numeric_limits<size_t>::max() / head->element_bytes - kPieceBytes) return false;
  const size_t pieces = (head->elements * head->element_bytes + kPieceBytes - 1) / kPieceBytes;
  return pieces <= (in_bytes - sizeof *head) / sizeof(Piece);
}

bool Unpack(const std::byte* in, size_t in_bytes, std::vector<std::byte>* planes) {
  size_t at = 0;
  for (size_t done = 0; done < planes->size(); done += kPieceBytes) {
    const size_t expected = std::min(kPieceBytes, planes->size() - done);
    Piece piece;
    if (in_bytes - at < sizeof piece) return false;
    std::memcpy(&piece, in + at, sizeof piece);
    at += sizeof piece;
    if (piece.bytes > expected || piece.bytes > in_bytes - at) return false;
    if (piece.checksum != ChecksumOf(in + at, piece.bytes, done / kPieceBytes)) return false;
    if (piece.bytes == expected) {
      std::memcpy(planes->data() + done, in + at, expected);
    } else if (!Lengthen(in + at, piece.bytes, planes->data() + done, expected)) {
      return false;
    }
    at += piece.bytes;
  }
  return at == in_bytes;
}

int Compress(const void* data, size_t elements, int32_t width, double seconds, std::vector<std::byte>* out,
             cudaStream_t stream) {
  const size_t bytes = elements * static_cast<size_t>(width);
  const DeviceMemory device(bytes);
  if (!device.ok()) return -ENOMEM;
  std::vector<std::byte> planes(bytes);
  if (q13_split_planes(data, elements, width, device.data(), stream) != cudaSuccess) return -EIO;
  if (bytes > 0 && cudaMemcpyAsync(planes.data(), device.data(), bytes, cudaMemcpyDefault, stream) != cudaSuccess) {
    return -EIO;
  }
  if (cudaStreamSynchronize(stream) != cudaSuccess) return -EIO;
  Pack(planes, elements, width, seconds, out);
  return kOk;
}

int Decompress(const std::byte* in, size_t in_bytes, void* data, size_t capacity, size_t* bytes, cudaStream_t stream) {
  Head head;
  if (!ReadHead(in, in_bytes, &head)) return kDamaged;
  const auto width = static_cast<int32_t>(head.element_bytes);
  const size_t all = head.elements * head.element_bytes;
  if (all > capacity) return kInvalid;
  std::vector<std::byte> planes(all);
  if (!Unpack(in + sizeof head, in_bytes - sizeof head, &planes)) return kDamaged;
  const DeviceMemory device(all);
  if (!device.ok()) return -ENOMEM;
  if (all > 0 && cudaMemcpyAsync(device.data(), planes.data(), all, cudaMemcpyDefault, stream) != cudaSuccess) {
    return -EIO;
  }
  if (q13_join_planes(device.data(), head.elements, width, data, stream) != cudaSuccess) return -EIO;
  if (cudaStreamSynchronize(stream) != cudaSuccess) return -EIO;
  *bytes = all;
  return kOk;
}

}  // namespace
}  // namespace q13

extern "C" cudaError_t q13_split_planes(const void* in, size_t elements, int32_t element_bytes, void* planes,
                                        cudaStream_t stream) {
  if (!q13::IsWidth(element_bytes)) return cudaErrorInvalidValue;
  if (elements == 0) return cudaSuccess;
  q13::Split<<<q13::BlocksFor(elements), q13::kThreads, 0, stream>>>(static_cast<const uint8_t*>(in), elements,
                                                                     element_bytes, static_cast<uint8_t*>(planes));
  return cudaGetLastError();
}

extern "C" cudaError_t q13_join_planes(const void* planes, size_t elements, int32_t element_bytes, void* out,
                                       cudaStream_t stream) {
  if (!q13::IsWidth(element_bytes)) return cudaErrorInvalidValue;
  if (elements == 0) return cudaSuccess;
  q13::Join<<<q13::BlocksFor(elements), q13::kThreads, 0, stream>>>(static_cast<const uint8_t*>(planes), elements,
                                                                    element_bytes, static_cast<uint8_t*>(out));
  return cudaGetLastError();
}

extern "C" int q13_compress(const void* data, size_t elements, int32_t element_bytes, double budget_seconds,
                            std::vector<std::byte>* out, cudaStream_t stream) {
  if (!q13::IsWidth(element_bytes)) return q13::kInvalid;
  try {
    return q13::Compress(data, elements, element_bytes, budget_seconds, out, stream);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}

extern "C" int q13_decompress(const std::byte* in, size_t in_bytes, void* data, size_t capacity, size_t* bytes,
                              cudaStream_t stream) {
  try {
    return q13::Decompress(in, in_bytes, data, capacity, bytes, stream);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  }
}
