// Philox4x32-10: 128 random bits as a function of a 64-bit key and a 64-bit counter, with no state to keep.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#ifndef KERNELS_CAST_PHILOX_CUH_
#define KERNELS_CAST_PHILOX_CUH_

#include <cstdint>

namespace kernels {

struct PhiloxWords {
  uint32_t word[4];
};

__host__ __device__ inline PhiloxWords Philox(uint64_t key, uint64_t counter) {
  uint32_t a = static_cast<uint32_t>(counter), b = static_cast<uint32_t>(counter >> 32), c = 0, d = 0;
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53u} * a;
    const uint64_t second = uint64_t{0xCD9E8D57u} * c;
    a = static_cast<uint32_t>(second >> 32) ^ b ^ key0;
    b = static_cast<uint32_t>(second);
    c = static_cast<uint32_t>(first >> 32) ^ d ^ key1;
    d = static_cast<uint32_t>(first);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

}  // namespace kernels

#endif  // KERNELS_CAST_PHILOX_CUH_
