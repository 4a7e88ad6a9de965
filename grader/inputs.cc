#include "grader/inputs.h"

#include <cstring>

namespace workbench {
namespace {

struct Layout {
  int fraction_bits;
  uint32_t sign;
  uint32_t infinity;
  uint32_t one;  // the pattern of 1.0
};

Layout LayoutOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return {10, 0x8000u, 0x7c00u, 0x3c00u};
    case ElementType::kBFloat16:
      return {7, 0x8000u, 0x7f80u, 0x3f80u};
    default:
      return {23, 0x80000000u, 0x7f800000u, 0x3f800000u};
  }
}

uint32_t RandomBits(ElementType type, uint64_t hash) {
  if (type == ElementType::kInt32) return static_cast<uint32_t>(hash);
  const Layout layout = LayoutOf(type);
  const uint32_t fraction = static_cast<uint32_t>(hash >> 8) & ((1u << layout.fraction_bits) - 1);
  const uint32_t binade = static_cast<uint32_t>(hash & 0xff) % 12;  // 2^-6 .. 2^5
  const uint32_t exponent = (layout.one >> layout.fraction_bits) + binade - 6;
  return (hash >> 40 & 1 ? layout.sign : 0) | (exponent << layout.fraction_bits) | fraction;
}

uint32_t LargeBits(ElementType type, uint64_t hash) {
  if (type == ElementType::kInt32) return static_cast<uint32_t>(hash);
  const Layout layout = LayoutOf(type);
  // The top binade's lower half: the mean of many stays below the largest finite value, any sum of two does not.
  const uint32_t fraction = static_cast<uint32_t>(hash >> 8) & ((1u << (layout.fraction_bits - 1)) - 1);
  return (layout.infinity - (1u << layout.fraction_bits)) | fraction;
}

uint32_t SpecialBits(ElementType type, uint64_t hash) {
  const Layout layout = LayoutOf(type);
  if (type == ElementType::kInt32) {
    const uint32_t edges[] = {0x80000000u, 0x7fffffffu, 0xffffffffu, 0u};
    return hash % 8 < 4 ? edges[hash % 4] : static_cast<uint32_t>(hash >> 8);
  }
  const uint32_t sign = hash >> 41 & 1 ? layout.sign : 0;
  switch ((hash >> 48) % 24) {
    case 0:
      return sign | layout.infinity | (1u << (layout.fraction_bits - 1));  // quiet NaN
    case 1:
      return sign | layout.infinity;
    case 2:
      return sign;
    case 3:
      return sign | (1u + static_cast<uint32_t>(hash & 7));  // subnormal
    default:
      return RandomBits(type, hash);
  }
}

}  // namespace

uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

void FillInput(InputKind kind, ElementType type, uint64_t seed, int rank, int scale, size_t count, void* data) {
  const uint64_t stream = Mix(seed ^ Mix(static_cast<uint64_t>(rank) + 1));
  const size_t bytes = TraitsOf(type).bytes;
  char* at = static_cast<char*>(data);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t hash = Mix(stream + i);
    uint32_t bits = 0;
    switch (kind) {
      case InputKind::kSmallIntegers: {
        const int range = scale > 1 ? 4 : 8;
        StoreSmallInteger(type, data, i,
                          (static_cast<int>(hash % static_cast<uint64_t>(2 * range + 1)) - range) * scale);
        continue;
      }
      case InputKind::kRandom:
        bits = RandomBits(type, hash);
        break;
      case InputKind::kLarge:
        bits = LargeBits(type, hash);
        break;
      case InputKind::kSpecial:
        bits = SpecialBits(type, hash);
        break;
      case InputKind::kSubnormal:
        bits = type == ElementType::kInt32 ? static_cast<uint32_t>(hash) : 1u + static_cast<uint32_t>(hash % 7);
        break;
    }
    std::memcpy(at + i * bytes, &bits, bytes);
  }
}

void Poison(void* data, size_t bytes) { std::memset(data, 0xff, bytes); }

}  // namespace workbench
