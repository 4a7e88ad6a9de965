// What the fuzz targets of this question have in common. A target is a file NAME_fuzz.cc with libFuzzer's entry point;
// fuzz_driver.cc runs it where there is no libFuzzer, as a test. With clang, by hand:
//
//   FLAGS="-std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I."
//   clang++ $FLAGS questions/q13_checkpoint/NAME_fuzz.cc FILES -o /tmp/fuzz
//   /tmp/fuzz -runs=1000000 -max_len=1024 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64 SEEDS
//
// FILES are harness/files/memory_io.cc, harness/files/file_nodes.cc and the reference's file of the part; SEEDS is a
// folder that the driver's --write_seeds fills.
#ifndef QUESTIONS_Q13_CHECKPOINT_FUZZ_TARGET_H_
#define QUESTIONS_Q13_CHECKPOINT_FUZZ_TARGET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/api.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace q13 {

// Every target has its own: inputs that are right, of every kind, and some that a reader stumbled over once.
std::vector<std::string> FuzzSeeds();

// How many inputs came as far as they are meant to. Says so at the end; the driver fails when it were too few.
class FuzzCounter {
 public:
  FuzzCounter(const char* what, int least_per_thousand) : what_(what), least_per_thousand_(least_per_thousand) {
    All().push_back(this);
  }
  ~FuzzCounter() { std::fprintf(stderr, "%12lld %s\n", static_cast<long long>(count_), what_); }
  FuzzCounter(const FuzzCounter&) = delete;
  FuzzCounter& operator=(const FuzzCounter&) = delete;

  void Add() { ++count_; }
  const char* what() const { return what_; }
  bool Enough(int64_t inputs) const { return count_ * 1000 >= inputs * least_per_thousand_; }
  static std::vector<FuzzCounter*>& All() {
    static auto* all = new std::vector<FuzzCounter*>;
    return *all;
  }

 private:
  const char* what_;
  int least_per_thousand_;
  int64_t count_ = 0;
};

[[noreturn]] inline void FuzzFail(const std::string& what) {
  std::fprintf(stderr, "does not hold: %s\n", what.c_str());
  std::abort();
}

// The only rank there is: no threads, so that inputs are cheap.
class OneRank : public Group {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  bool AllGather(const std::vector<std::byte>& mine, std::vector<std::vector<std::byte>>* all) override {
    all->assign(1, mine);
    return true;
  }
};

inline void PutFile(workbench::FileTree* tree, const std::string& path, workbench::FileBytes bytes) {
  tree->files[path] = std::make_shared<const workbench::FileBytes>(std::move(bytes));
}

inline workbench::FileBytes BytesOf(const char* data, size_t size) {
  const auto* at = reinterpret_cast<const std::byte*>(data);
  return {at, at + size};
}

inline std::string TextOf(const workbench::FileBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// An input is what is done, to which file, and what goes there.
struct FuzzInput {
  int kind = 0;
  size_t which = 0;
  workbench::FileBytes content;
};

inline FuzzInput ReadFuzzInput(const uint8_t* data, size_t size, int kinds) {
  if (size < 2) return {};
  return {data[0] % kinds, data[1], BytesOf(reinterpret_cast<const char*>(data + 2), size - 2)};
}

inline std::string FuzzInputOf(int kind, size_t which, const workbench::FileBytes& content) {
  return std::string{static_cast<char>(kind), static_cast<char>(which)} + TextOf(content);
}

// An edit of a file: where it is overwritten (4 bytes), whether it ends there (one), and with what.
inline workbench::FileBytes Edited(workbench::FileBytes bytes, const workbench::FileBytes& edit) {
  uint32_t at = 0;
  if (edit.size() <= sizeof at) return bytes;
  std::memcpy(&at, edit.data(), sizeof at);
  const size_t begin = at % (bytes.size() + 1), head = sizeof at + 1;
  if (std::to_integer<int>(edit[sizeof at]) % 2 != 0) bytes.resize(begin);
  bytes.resize(std::max(bytes.size(), begin + edit.size() - head));
  std::copy(edit.begin() + head, edit.end(), bytes.begin() + static_cast<std::ptrdiff_t>(begin));
  return bytes;
}

// One that changes nothing yet.
inline workbench::FileBytes EditOf(const workbench::FileBytes& bytes, size_t at) {
  workbench::FileBytes edit(sizeof(uint32_t) + 1);
  const auto place = static_cast<uint32_t>(at);
  std::memcpy(edit.data(), &place, sizeof place);
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  edit.insert(edit.end(), from, from + static_cast<std::ptrdiff_t>(std::min<size_t>(bytes.size() - at, 20)));
  return edit;
}

// Far faster than operator== when it is instrumented.
inline bool SameBytes(const workbench::FileBytes& a, const workbench::FileBytes& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Lines as names of further files, each with `bytes`. Those that there are already stay.
inline void AddNames(const workbench::FileBytes& lines, const workbench::FileBytes& bytes, workbench::FileTree* tree) {
  const std::string text = TextOf(lines);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string name = text.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) continue;
    if (!tree->files.contains(name)) PutFile(tree, name, bytes);
  }
}

inline bool SameState(const State& a, const State& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.info.type == y.second.info.type &&
           x.second.info.shape == y.second.info.shape && SameBytes(x.second.data, y.second.data);
  });
}

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_FUZZ_TARGET_H_
