#include "questions/q13_checkpoint/damaged_files.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace q13 {
namespace {

using workbench::FileBytes;
using workbench::FileTree;

FileTree With(const FileTree& tree, const std::string& path, FileBytes bytes) {
  FileTree other = tree;
  other.files[path] = std::make_shared<const FileBytes>(std::move(bytes));
  return other;
}

}  // namespace

void ForEachFlip(const FileTree& tree, uint64_t seed, int64_t most, const DamageVisitor& visit) {
  const auto flip = [&](const std::string& path, size_t bit) {
    FileBytes bytes = *tree.files.at(path);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    visit(With(tree, path, std::move(bytes)), [&] {
      return "bit " + std::to_string(bit % 8) + " of byte " + std::to_string(bit / 8) + " of " + path + " changed";
    });
  };
  const int64_t bits = static_cast<int64_t>(tree.TotalBytes()) * 8;
  if (bits <= most) {
    for (const auto& [path, bytes] : tree.files) {
      for (size_t bit = 0; bit < bytes->size() * 8; ++bit) flip(path, bit);
    }
  } else {
    std::mt19937_64 random(seed);
    for (int64_t i = 0; i < most; ++i) {
      uint64_t bit = random() % static_cast<uint64_t>(bits);
      for (const auto& [path, bytes] : tree.files) {
        if (bit < bytes->size() * 8) {
          flip(path, bit);
          break;
        }
        bit -= bytes->size() * 8;
      }
    }
  }
  constexpr size_t kMostLengths = 400;
  for (const auto& [path, bytes] : tree.files) {
    const size_t step = std::max<size_t>(1, bytes->size() / kMostLengths);
    std::vector<size_t> lengths;
    for (size_t length = 0; length < bytes->size(); length += step) lengths.push_back(length);
    if (!bytes->empty()) lengths.push_back(bytes->size() - 1);
    for (const size_t more : {1, 8, 512}) lengths.push_back(bytes->size() + more);
    for (const size_t length : lengths) {
      FileBytes other = *bytes;
      other.resize(length, std::byte{0x41});
      visit(With(tree, path, std::move(other)), [&] {
        return path + " made " + std::to_string(length) + " bytes long (it was " + std::to_string(bytes->size()) + ")";
      });
    }
    FileTree without = tree;
    without.files.erase(path);
    visit(without, [&] { return path + " removed"; });
  }
}

void ForEachGarbage(const FileTree& tree, uint64_t seed, int64_t most, const DamageVisitor& visit) {
  std::mt19937_64 random(seed);
  int64_t visited = 0;
  const auto show = [&](const std::string& path, FileBytes bytes, const std::string& what) {
    if (visited++ >= most) return;
    visit(With(tree, path, std::move(bytes)), [&] { return path + " " + what; });
  };
  const auto noise = [&](size_t size) {
    FileBytes bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    return bytes;
  };
  for (const auto& [path, bytes] : tree.files) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{7}, bytes->size(), size_t{1000}, size_t{70000}}) {
      show(path, noise(size), "replaced by " + std::to_string(size) + " bytes of noise");
      for (const int value : {0x00, 0xff, 0x20, 0x39, 0x7f}) {
        show(path, FileBytes(size, static_cast<std::byte>(value)),
             "replaced by " + std::to_string(size) + " bytes of " + std::to_string(value));
      }
    }
    for (const size_t begin : {size_t{4}, size_t{8}, size_t{16}, size_t{32}, size_t{64}}) {
      if (begin >= bytes->size()) break;
      FileBytes other = *bytes;  // what it begins with is right
      const FileBytes tail = noise(bytes->size() - begin);
      std::copy(tail.begin(), tail.end(), other.begin() + static_cast<std::ptrdiff_t>(begin));
      show(path, other, "noise from byte " + std::to_string(begin) + " on");
      std::fill(other.begin() + static_cast<std::ptrdiff_t>(begin), other.end(), std::byte{0xff});
      show(path, other, "0xff from byte " + std::to_string(begin) + " on");
    }
  }
  // Fields: numbers that are lengths, counts and offsets somewhere.
  constexpr uint64_t kNumbers[] = {~uint64_t{0},      ~uint64_t{0} >> 1, uint64_t{1} << 62, uint64_t{1} << 40,
                                   uint64_t{1} << 32, 0xffffffffu,       0x7fffffffu,       0};
  for (const auto& [path, bytes] : tree.files) {
    const size_t fields = std::min<size_t>(bytes->size(), 2048);
    for (size_t at = 0; at < fields; ++at) {
      for (const size_t width : {size_t{8}, size_t{4}}) {
        if (at + width > bytes->size()) continue;
        for (const uint64_t number : kNumbers) {
          if (width == 4 && number != 0 && number != 0xffffffffu && number != 0x7fffffffu) continue;
          FileBytes other = *bytes;
          std::memcpy(other.data() + at, &number, width);
          show(
              path, std::move(other),
              "the " + std::to_string(width) + " bytes at " + std::to_string(at) + " set to " + std::to_string(number));
        }
      }
    }
  }
}

}  // namespace q13
