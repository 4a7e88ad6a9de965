// Q13 part E: byte planes on the device, compression on the host. The contract is in
// questions/q13_checkpoint/device_api.h.
//
// A way to go about it:
//   1. The two kernels, one element a thread, any number of elements. Planes behind the first begin at any address.
//   2. A stream that says what it is: how many elements of which size, how long each part is. Split on the device, copy
//      to the host, compress plane by plane (zstd.h, zlib.h and xxhash.h are there); what does not get shorter is
//      stored. How many bytes may all headers together take, for one element, and for a million?
//   3. The way back believes nothing: lengths that add up, a checksum over everything (headers too) before memory is
//      taken for what they say, and no more than `capacity`.
//   4. The budget: how fast is each level on the chunk before? And which planes are worth the time at all?
//   5. Speed: several bytes of a plane in one access, byte permutes in registers (__byte_perm); pinned memory, chunks,
//      and threads that compress while the next chunk is copied.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "questions/q13_checkpoint/device_api.h"

extern "C" cudaError_t q13_split_planes(const void* in, size_t elements, int32_t element_bytes, void* planes,
                                        cudaStream_t stream) {
  // Your launch goes here.
  (void)in;
  (void)elements;
  (void)element_bytes;
  (void)planes;
  (void)stream;
  return cudaSuccess;
}

extern "C" cudaError_t q13_join_planes(const void* planes, size_t elements, int32_t element_bytes, void* out,
                                       cudaStream_t stream) {
  (void)planes;
  (void)elements;
  (void)element_bytes;
  (void)out;
  (void)stream;
  return cudaSuccess;
}

extern "C" int q13_compress(const void* data, size_t elements, int32_t element_bytes, double budget_seconds,
                            std::vector<std::byte>* out, cudaStream_t stream) {
  (void)data;
  (void)elements;
  (void)element_bytes;
  (void)budget_seconds;
  (void)stream;
  out->clear();
  return q13::kOk;
}

extern "C" int q13_decompress(const std::byte* in, size_t in_bytes, void* data, size_t capacity, size_t* bytes,
                              cudaStream_t stream) {
  (void)in;
  (void)in_bytes;
  (void)data;
  (void)capacity;
  (void)stream;
  *bytes = 0;
  return q13::kDamaged;
}
