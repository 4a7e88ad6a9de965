#include <gtest/gtest.h>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "kernels/hash/hash.cuh"
#include "kernels/testing/device_array.h"

namespace kernels {
namespace {

using Bytes = std::vector<unsigned char>;

struct Hash {
  uint64_t low, high;
  auto operator<=>(const Hash&) const = default;
};

struct Row {
  const unsigned char* data;
  size_t bytes, piece;
  __device__ HashPiece operator()(size_t p) const {
    const size_t rest = bytes - p * piece;
    return {data + p * piece, rest < piece ? rest : piece};
  }
};

std::vector<Hash> HashesOf(const Bytes& bytes, size_t piece, size_t offset = 0) {
  DeviceArray<unsigned char> data(bytes, offset);
  const size_t pieces = (bytes.size() + piece - 1) / piece;
  DeviceArray<Hash> hashes(pieces);
  EXPECT_EQ(HashPieces(Row{data.data(), bytes.size(), piece}, pieces, hashes.data(), nullptr), cudaSuccess);
  return hashes.Read();
}

Bytes Random(size_t bytes, uint64_t seed) {
  Bytes data(bytes);
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<unsigned char>(internal::HashMix(seed * 1000003 + i));
  return data;
}

// The definition, plainly: NH of groups, polynomials of threads, the tree, the end. Products in 128 bits.
Hash Plain(const Bytes& piece) {
  using internal::HashFieldKey;
  using Wide = unsigned __int128;
  constexpr int kThreads = internal::kHashThreads, kGroup = internal::kHashGroup, kLanes = internal::kHashLanes;
  constexpr uint64_t kPrime = internal::kHashPrime;
  const size_t vectors = (piece.size() + 15) / 16, groups = (vectors + kThreads * kGroup - 1) / (kThreads * kGroup);
  Bytes padded = piece;
  padded.resize(16 * vectors);
  uint64_t of_lane[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    std::vector<uint64_t> states(kThreads);
    for (size_t t = 0; t < kThreads; ++t) {
      for (size_t g = 0; g < groups; ++g) {
        uint64_t sum = 0;
        for (int u = 0; u < kGroup; ++u) {
          const size_t v = (g * kGroup + static_cast<size_t>(u)) * kThreads + t;
          if (v >= vectors) continue;
          uint32_t w[4];
          std::memcpy(w, padded.data() + 16 * v, sizeof w);
          for (int i = 0; i < 4; i += 2) {
            const uint32_t a = w[i] + internal::HashWordKey(4 * u + 2 * lane + i);
            const uint32_t b = w[i + 1] + internal::HashWordKey(4 * u + 2 * lane + i + 1);
            sum += static_cast<uint64_t>(a) * b;
          }
        }
        const Wide next = static_cast<Wide>(states[t]) * HashFieldKey(2 * lane) + (sum & kPrime) +
                          static_cast<Wide>(sum >> 61) * HashFieldKey(2 * lane + 1);
        states[t] = static_cast<uint64_t>(next % kPrime);
      }
    }
    int level = 0;
    for (size_t distance = 1; distance < kThreads; distance *= 2, ++level) {
      for (size_t t = 0; t < kThreads; t += 2 * distance) {
        const Wide joined = static_cast<Wide>(states[t]) * HashFieldKey(100 + kLanes * level + lane);
        states[t] = static_cast<uint64_t>((joined + states[t + distance]) % kPrime);
      }
    }
    of_lane[lane] = states[0];
  }
  Hash hash = {internal::HashMix(piece.size() ^ 0xa4093822299f31d0u),
               internal::HashMix(piece.size() + 0x082efa98ec4e6c89u)};
  for (int lane = 0; lane < kLanes; ++lane) {
    hash.low = internal::HashMix(hash.low ^ of_lane[lane]);
    hash.high = internal::HashMix(hash.high + of_lane[kLanes - 1 - lane] * 0x9fb21c651e98df25u);
  }
  return hash;
}

TEST(HashTest, IsWhatItIsDefinedToBe) {
  for (const size_t bytes : {1, 15, 16, 17, 100, 4095, 4096, 4097, 65535, 65536, 65537, 200001, 1 << 20}) {
    const Bytes data = Random(bytes, bytes);
    ASSERT_EQ(HashesOf(data, 1 << 20)[0], Plain(data)) << bytes << " bytes";
  }
  // Sums of products that come near 2^64, and values of the field near its prime.
  const Bytes ones(70000, 0xff);
  EXPECT_EQ(HashesOf(ones, 1 << 20)[0], Plain(ones));
}

TEST(HashTest, AddressesDoNotMatter) {
  const Bytes data = Random(70001, 3);
  const Hash expected = Plain(data);
  for (size_t offset = 0; offset <= 17; ++offset) EXPECT_EQ(HashesOf(data, 1 << 20, offset)[0], expected) << offset;
}

TEST(HashTest, PiecesAreHashedEachByItself) {
  const Bytes data = Random(10 * 4096 + 77, 4);
  const std::vector<Hash> hashes = HashesOf(data, 4096);
  ASSERT_EQ(hashes.size(), 11u);
  for (size_t p = 0; p < hashes.size(); ++p) {
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(4096 * p);
    EXPECT_EQ(hashes[p],
              Plain(Bytes(begin, begin + static_cast<std::ptrdiff_t>(std::min<size_t>(4096, data.size() - 4096 * p)))));
  }
}

TEST(HashTest, ZerosOfAnyLengthDiffer) {
  std::set<Hash> seen;
  for (size_t bytes = 1; bytes < 300; ++bytes) EXPECT_TRUE(seen.insert(HashesOf(Bytes(bytes), 512)[0]).second) << bytes;
}

TEST(HashTest, NoPieces) {
  EXPECT_EQ(HashPieces(Row{nullptr, 0, 16}, 0, static_cast<Hash*>(nullptr), nullptr), cudaSuccess);
}

}  // namespace
}  // namespace kernels
