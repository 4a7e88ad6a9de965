// Part c: what a hash of chunks has to tell apart, and what not.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/incremental_judge.h"

namespace q13 {
namespace {

using Contents = std::vector<std::byte>;

const std::string kDiffer = "chunks that differ have different hashes";
const std::string kEqual = "a hash is a function of the chunk's bytes and length alone";

std::string Text(const Hash128& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint64_t word : {hash.high, hash.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  }
  return text;
}

class HashTrial {
 public:
  explicit HashTrial(IncrementalTrial& trial) : trial_(trial) {}

  // Hashes of `data` at `offset` bytes from an aligned address. False, and a failure: an error, or memory was written
  // that is nobody's.
  bool Hash(const Contents& data, size_t chunk_bytes, std::vector<Hash128>* hashes, size_t offset = 0) {
    constexpr size_t kZone = 4;
    const size_t chunks = (data.size() + chunk_bytes - 1) / chunk_bytes;
    const DeviceBytes memory(offset + data.size()), out((chunks + 2 * kZone) * sizeof(Hash128));
    const Hash128 poison = {0xa5a5a5a5a5a5a5a5u, 0xa5a5a5a5a5a5a5a5u};
    std::vector<Hash128> all(chunks + 2 * kZone, poison);
    RequireCuda(cudaMemcpyAsync(out.data(), all.data(), out.size(), cudaMemcpyHostToDevice, trial_.stream()),
                "copying");
    RequireCuda(
        cudaMemcpyAsync(memory.data() + offset, data.data(), data.size(), cudaMemcpyHostToDevice, trial_.stream()),
        "copying");
    const cudaError_t error = trial_.entries().hash(memory.data() + offset, data.size(), chunk_bytes,
                                                    reinterpret_cast<Hash128*>(out.data()) + kZone, trial_.stream());
    trial_.Count();
    if (error != cudaSuccess) {
      (void)cudaGetLastError();
      trial_.Input("bytes", std::to_string(data.size()));
      trial_.Input("chunk_bytes", std::to_string(chunk_bytes));
      return trial_.Fail("q13_hash_chunks gives cudaSuccess", "cudaSuccess", cudaGetErrorName(error));
    }
    RequireCuda(cudaStreamSynchronize(trial_.stream()), "q13_hash_chunks");
    RequireCuda(cudaMemcpy(all.data(), out.data(), out.size(), cudaMemcpyDeviceToHost), "copying");
    for (size_t i = 0; i < kZone; ++i) {
      if (all[i] == poison && all[kZone + chunks + i] == poison) continue;
      return trial_.Fail("nothing but the hashes is written", "memory around `hashes` as it was", "something else");
    }
    hashes->assign(all.begin() + kZone, all.end() - kZone);
    return true;
  }

  // Chunks of one length, by name; equal contents are to hash alike, others not.
  struct Variant {
    std::string name;
    Contents bytes;
  };
  bool Distinct(const std::vector<Variant>& variants, size_t chunk_bytes) {
    Contents all;
    for (const Variant& variant : variants) {
      all.insert(all.end(), variant.bytes.begin(), variant.bytes.end());
    }
    std::vector<Hash128> hashes;
    if (!Hash(all, chunk_bytes, &hashes)) return false;
    std::map<std::pair<uint64_t, uint64_t>, size_t> seen;
    for (size_t i = 0; i < variants.size(); ++i) {
      const auto [found, is_new] = seen.emplace(std::pair(hashes[i].low, hashes[i].high), i);
      if (is_new || variants[found->second].bytes == variants[i].bytes) continue;
      trial_.Input("chunk_bytes", std::to_string(chunk_bytes));
      trial_.Input("one chunk", variants[found->second].name);
      trial_.Input("the other", variants[i].name);
      return trial_.Fail(kDiffer, "two hashes", Text(hashes[i]) + " for both");
    }
    return true;
  }

  IncrementalTrial& trial() { return trial_; }

 private:
  IncrementalTrial& trial_;
};

Contents Flipped(Contents bytes, size_t bit) {
  bytes[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
  return bytes;
}

// Every bit of small chunks, and some of large ones.
bool TryBits(HashTrial& hash) {
  IncrementalTrial& trial = hash.trial();
  for (const size_t bytes : {size_t{16}, size_t{112}, trial.Affordable<size_t>(128, 320, 2048, 8192)}) {
    for (const bool zeros : {false, true}) {
      const Contents base = zeros ? Contents(bytes) : RandomBytes(bytes, trial.Key(bytes));
      const std::string what = zeros ? "zeros" : "random bytes";
      std::vector<HashTrial::Variant> variants = {{what, base}};
      for (size_t bit = 0; bit < 8 * bytes; ++bit) {
        variants.push_back({what + ", bit " + std::to_string(bit) + " flipped", Flipped(base, bit)});
      }
      if (!hash.Distinct(variants, bytes)) return false;
    }
  }
  const size_t large = trial.Affordable<size_t>(65536, 1 << 20, 1 << 20, 1 << 20);
  const Contents base = RandomBytes(large, trial.Key(1));
  std::vector<HashTrial::Variant> variants = {{"random bytes", base}};
  std::vector<size_t> bits = {0, 8 * large - 1, 4 * large, 4 * large - 1};
  for (int i = 0; i < trial.Affordable(4, 16, 200, 200); ++i) {
    bits.push_back(trial.Key(1000 + static_cast<uint64_t>(i)) % (8 * large));
  }
  for (const size_t bit : bits) variants.push_back({"bit " + std::to_string(bit) + " flipped", Flipped(base, bit)});
  return hash.Distinct(variants, large);
}

// The same bytes in another order, and changes that cancel in sums.
bool TryOrder(HashTrial& hash) {
  IncrementalTrial& trial = hash.trial();
  const size_t bytes = trial.Affordable<size_t>(16384, 262144, 1 << 20, 1 << 20);
  const Contents base = RandomBytes(bytes, trial.Key(2));
  std::vector<HashTrial::Variant> variants = {{"random bytes", base}};
  const auto swapped = [&](size_t a, size_t b, size_t length) {
    if (a + length > bytes || b + length > bytes) return;
    Contents other = base;
    std::swap_ranges(other.begin() + static_cast<std::ptrdiff_t>(a),
                     other.begin() + static_cast<std::ptrdiff_t>(a + length),
                     other.begin() + static_cast<std::ptrdiff_t>(b));
    variants.push_back(
        {std::to_string(length) + " bytes at " + std::to_string(a) + " and " + std::to_string(b) + " swapped",
         std::move(other)});
  };
  for (const size_t length : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536}) {
    swapped(0, length, length);
    swapped(bytes / 2 - length, bytes / 2, length);
  }
  for (const size_t distance : {8, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072}) {
    swapped(48, 48 + distance, 4);
    swapped(48, 48 + distance, 8);
    swapped(48, 48 + distance, 16);
  }
  swapped(0, bytes / 2, bytes / 2);
  Contents rotated(base.begin() + 16, base.end());
  rotated.insert(rotated.end(), base.begin(), base.begin() + 16);
  variants.push_back({"moved by 16 bytes, around the end", rotated});
  variants.push_back({"reversed", Contents(base.rbegin(), base.rend())});
  // Added here, taken off there: sums, and exclusive ors of words, stay what they were.
  for (const size_t distance : {4, 8, 16, 32, 4096, 8192, 65536, 131072}) {
    if (64 + 3 * distance > bytes) continue;
    for (const bool exclusive : {false, true}) {
      Contents other = base;
      for (int i = 0; i < 3; ++i) {
        uint32_t word;
        std::memcpy(&word, other.data() + 64 + static_cast<size_t>(i) * distance, 4);
        const uint32_t d = i == 1 ? 2 : 1;  // 1 - 2 + 1
        word = exclusive ? word ^ (i == 2 ? 3u : d) : i == 1 ? word - d : word + d;
        std::memcpy(other.data() + 64 + static_cast<size_t>(i) * distance, &word, 4);
      }
      variants.push_back({std::string("three words ") + std::to_string(distance) + " bytes apart changed so that " +
                              (exclusive ? "their exclusive or" : "their sum") + " stays",
                          std::move(other)});
    }
  }
  if (!hash.Distinct(variants, bytes)) return false;
  // A single word that is not zero, everywhere.
  variants.clear();
  const size_t sparse = 4096;
  for (size_t at = 0; at < sparse; at += trial.Affordable<size_t>(64, 4, 4, 4)) {
    Contents other(sparse);
    other[at] = std::byte{1};
    variants.push_back({"zeros with a 1 in byte " + std::to_string(at), std::move(other)});
  }
  return hash.Distinct(variants, sparse);
}

// Chunks that are parts of each other, and zeros of every length.
bool TryLengths(HashTrial& hash) {
  IncrementalTrial& trial = hash.trial();
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= trial.Affordable<size_t>(40, 140, 300, 300); ++n) lengths.push_back(n);
  for (const size_t around : {256, 512, 1024, 4096, 8192, 65536}) {
    for (const size_t n : {around - 1, around, around + 1, around + 15, around + 16, around + 17}) {
      if (n > lengths.back()) lengths.push_back(n);
    }
  }
  for (const int fill : {0, 1, 2}) {
    Contents base = fill == 0 ? Contents(70000) : RandomBytes(70000, trial.Key(3));
    // Zeros behind a few bytes: the length is all that tells them apart.
    if (fill == 1) std::fill(base.begin() + 5, base.end(), std::byte{0});
    const std::string what = fill == 0 ? "zeros" : fill == 1 ? "five bytes and zeros" : "random bytes";
    std::map<std::pair<uint64_t, uint64_t>, size_t> seen;
    for (const size_t n : lengths) {
      std::vector<Hash128> hashes;
      if (!hash.Hash(Contents(base.begin(), base.begin() + static_cast<std::ptrdiff_t>(n)), 131072, &hashes)) {
        return false;
      }
      const auto [found, is_new] = seen.emplace(std::pair(hashes[0].low, hashes[0].high), n);
      if (is_new) continue;
      trial.Input("chunk", what);
      return trial.Fail(
          "chunks of different lengths have different hashes", "two hashes",
          Text(hashes[0]) + " for " + std::to_string(found->second) + " and for " + std::to_string(n) + " bytes");
    }
  }
  return true;
}

// The same bytes elsewhere: at other addresses, in other places of an array, cut by another chunk size.
bool TryPlaces(HashTrial& hash) {
  IncrementalTrial& trial = hash.trial();
  const size_t chunk = 4096;
  Contents data = RandomBytes(7 * chunk + 1234, trial.Key(4));
  std::copy_n(data.begin(), chunk, data.begin() + 3 * chunk);  // chunk 3 is chunk 0
  std::vector<Hash128> aligned;
  if (!hash.Hash(data, chunk, &aligned)) return false;
  trial.Input("chunk_bytes", std::to_string(chunk));
  if (aligned[0] != aligned[3]) {
    return trial.Fail(kEqual, "chunk 3, a copy of chunk 0, hashes alike", Text(aligned[0]) + ", " + Text(aligned[3]));
  }
  for (size_t offset = 1; offset <= 17; ++offset) {
    std::vector<Hash128> moved;
    if (!hash.Hash(data, chunk, &moved, offset)) return false;
    for (size_t c = 0; c < moved.size(); ++c) {
      if (moved[c] == aligned[c]) continue;
      trial.Input("data", std::to_string(offset) + " bytes past an aligned address");
      return trial.Fail(kEqual, Text(aligned[c]) + " for chunk " + std::to_string(c), Text(moved[c]));
    }
  }
  for (size_t c = 0; c < aligned.size(); ++c) {
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(c * chunk);
    const size_t length = std::min(chunk, data.size() - c * chunk);
    for (const size_t other : {chunk, size_t{4112}, size_t{1} << 20}) {
      std::vector<Hash128> alone;
      if (!hash.Hash(Contents(begin, begin + static_cast<std::ptrdiff_t>(length)), other, &alone)) return false;
      if (alone.size() == 1 && alone[0] == aligned[c]) continue;
      trial.Input("chunk_bytes", std::to_string(chunk) + ", then " + std::to_string(other));
      trial.Input("chunk", std::to_string(c) + ", of " + std::to_string(length) + " bytes");
      return trial.Fail(kEqual, Text(aligned[c]), Text(alone[0]));
    }
  }
  // Every bit of the short last chunk counts, and nothing behind it.
  for (size_t bit = 0; bit < 8; ++bit) {
    std::vector<Hash128> other;
    if (!hash.Hash(Flipped(data, 8 * (data.size() - 1) + bit), chunk, &other)) return false;
    if (other.back() == aligned.back()) {
      return trial.Fail(kDiffer, "another hash of the last chunk, whose last byte has changed", Text(other.back()));
    }
    if (!std::equal(other.begin(), other.end() - 1, aligned.begin())) {
      return trial.Fail(kEqual, "the other chunks' hashes as they were", "another one");
    }
  }
  return true;
}

// Many chunks that count up: a hash of too few bits has collisions among them.
bool TryMany(HashTrial& hash) {
  IncrementalTrial& trial = hash.trial();
  const size_t count = trial.Affordable<size_t>(300, 12000, 1 << 20, 1 << 18);
  for (const bool counter : {true, false}) {
    Contents data = counter ? Contents(16 * count) : RandomBytes(16 * count, trial.Key(5));
    for (size_t i = 0; counter && i < count; ++i) std::memcpy(data.data() + 16 * i, &i, sizeof i);
    std::vector<Hash128> hashes;
    if (!hash.Hash(data, 16, &hashes)) return false;
    std::sort(hashes.begin(), hashes.end(),
              [](const Hash128& a, const Hash128& b) { return std::pair(a.low, a.high) < std::pair(b.low, b.high); });
    const auto same = std::adjacent_find(hashes.begin(), hashes.end());
    if (same == hashes.end()) continue;
    trial.Input("chunks", std::to_string(count) + " of 16 bytes, " + (counter ? "counting up" : "random"));
    return trial.Fail(kDiffer, "no two equal hashes", Text(*same) + " twice");
  }
  return true;
}

}  // namespace

void TryHash(IncrementalTrial& trial) {
  HashTrial hash(trial);
  (void)(TryBits(hash) && TryOrder(hash) && TryLengths(hash) && TryPlaces(hash) && TryMany(hash));
}

// A flipped bit of the chunk flips each bit of the hash with a chance of one half, whatever bit it was.
void TryAvalanche(IncrementalTrial& trial) {
  HashTrial hash(trial);
  const size_t pairs = trial.Affordable<size_t>(100, 1200, 20000, 100000);
  for (const size_t bytes : {16, 100, 1024}) {
    for (const bool zeros : {false, true}) {
      const size_t stride = (bytes + 15) / 16 * 16;
      const size_t bits = 8 * bytes;
      // Chunks of a multiple of 16 bytes; others are one chunk each, so there are fewer of them. No pair is there
      // twice: a coin that is thrown once and counted six times is not six coins. Of zeros there are bits (bits - 1)
      // pairs.
      size_t count = stride == bytes ? pairs : std::min<size_t>(pairs, 400);
      if (zeros) count = std::min(count, bits * (bits - 1) / 2);
      std::set<std::pair<size_t, size_t>> drawn;
      std::vector<Hash128> hashes;
      Contents all;
      for (size_t p = 0, draws = 0; p < count; ++draws) {
        const uint64_t draw = MixBits(trial.Key(99) + draws);
        // The first and the last word, too.
        const size_t bit = draw % 4 == 0 ? draw / 4 % 64 : draw % 4 == 1 ? bits - 1 - draw / 4 % 64 : draw / 4 % bits;
        const size_t second = (bit + 1 + MixBits(draw) % (bits - 1)) % bits;
        if (zeros && !drawn.emplace(bit, second).second) continue;
        const Contents base = zeros ? Contents(bytes) : RandomBytes(bytes, trial.Key(77 + p));
        ++p;
        Contents other = Flipped(base, bit);
        if (zeros) other = Flipped(other, second);
        const Contents& one = zeros ? Flipped(base, bit) : base;
        if (stride == bytes) {
          all.insert(all.end(), one.begin(), one.end());
          all.insert(all.end(), other.begin(), other.end());
          continue;
        }
        for (const Contents& chunk : {one, other}) {
          std::vector<Hash128> single;
          if (!hash.Hash(chunk, stride, &single)) return;
          hashes.push_back(single[0]);
        }
      }
      if (stride == bytes && !hash.Hash(all, bytes, &hashes)) return;
      std::array<size_t, 128> flips = {};
      size_t total = 0;
      for (size_t p = 0; p < count; ++p) {
        const uint64_t changed[] = {hashes[2 * p].low ^ hashes[2 * p + 1].low,
                                    hashes[2 * p].high ^ hashes[2 * p + 1].high};
        for (size_t bit = 0; bit < 128; ++bit) flips[bit] += changed[bit / 64] >> (bit % 64) & 1;
        total += static_cast<size_t>(std::popcount(changed[0]) + std::popcount(changed[1]));
      }
      // Six and a half standard deviations of a fair coin: 10^-10.
      const double n = static_cast<double>(count);
      for (size_t bit = 0; bit < 128; ++bit) {
        const double away = (static_cast<double>(flips[bit]) - n / 2) / std::sqrt(n / 4);
        if (std::fabs(away) < 6.5) continue;
        trial.Input("chunks", std::to_string(count) + " pairs of " + std::to_string(bytes) + " bytes, " +
                                  (zeros ? "zeros but for one or two bits" : "random, one bit apart"));
        trial.Fail("a changed bit changes each bit of the hash half of the time",
                   "about " + std::to_string(count / 2) + " of " + std::to_string(count),
                   std::to_string(flips[bit]) + " for bit " + std::to_string(bit % 64) + " of `" +
                       (bit < 64 ? "low" : "high") + "`");
        return;
      }
      trial.reply().figures.emplace_back(
          "bits changed of 128, " + std::to_string(bytes) + " bytes" + (zeros ? " of zeros" : ""),
          static_cast<double>(total) / n);
    }
  }
}

}  // namespace q13
