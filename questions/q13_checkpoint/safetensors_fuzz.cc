// Fuzz target: the reference's reader of safetensors, held against the oracle (fuzz_target.h says how to build it).
// FILES has questions/q13_checkpoint/safetensors_oracle.cc and solutions/q13_checkpoint/safetensors.cc; -max_len=512.
//
// The input is a header; a length and a size of the file that fit are made for it, so that most inputs get past both.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/fuzz_target.h"
#include "questions/q13_checkpoint/safetensors_oracle.h"

namespace {

q13::FuzzCounter g_objects("comparisons of headers that are well formed", 50);
q13::FuzzCounter g_right("comparisons of files that are right", 20);

bool Same(const q13::SafetensorsFile& a, const q13::SafetensorsFile& b) {
  return a.metadata == b.metadata && std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                                                [](const q13::SafetensorsEntry& x, const q13::SafetensorsEntry& y) {
                                                  return x.name == y.name && x.info.type == y.info.type &&
                                                         x.info.shape == y.info.shape && x.begin == y.begin &&
                                                         x.end == y.end;
                                                });
}

void Compare(const std::string& head, uint64_t bytes) {
  const q13::OracleFile expected = q13::OracleParse(head, bytes);
  if (expected.error == q13::FormatError::kOk) g_right.Add();
  if (expected.error == q13::FormatError::kOk || expected.error >= q13::FormatError::kInvalidOffset) g_objects.Add();
  // Of its own size, so that what is read behind it is found.
  const std::vector<char> exact(head.begin(), head.end());
  q13::SafetensorsFile file;
  const q13::FormatError error =
      q13_safetensors_parse(reinterpret_cast<const std::byte*>(exact.data()), exact.size(), bytes, &file);
  if (error == expected.error && (error != q13::FormatError::kOk || Same(file, expected.file))) return;
  std::fprintf(stderr, "expected %s (%s), got %s\n", q13::FormatErrorName(expected.error), expected.why.c_str(),
               q13::FormatErrorName(error));
  std::abort();
}

}  // namespace

std::vector<std::string> q13::FuzzSeeds() {
  return {
      "{}",
      R"({"__metadata__":{"format":"pt","k":"\u00e9\ud83d\ude00\n"}})",
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
      R"( {"b":{"data_offsets":[0,16],"shape":[2,2],"dtype":"F32"}} )",
      R"({"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"I32","shape":[],"data_offsets":[12,16]}})",
      R"({"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"":{"dtype":"I64","shape":[0,3],"data_offsets":[16,16]},)"
      R"("y":{"dtype":"BOOL","shape":[1,1,8],"data_offsets":[16,24]}})",
      R"({"\u0061\"":{"dtype":"F8_E4M3","shape":[9223372036854775807,0],"data_offsets":[0,0]},"__metadata__":{}})",
  };
}

// libFuzzer's; the driver changes seeds itself.
extern "C" __attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Left alone, libFuzzer collects what is not JSON in ever new ways. Every other input is a changed seed.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int random) {
  static const std::vector<std::string> seeds = q13::FuzzSeeds();
  const std::string& seed = seeds[random / 2 % seeds.size()];
  if (random % 2 == 0 && seed.size() <= max_size) {
    size = seed.size();
    std::copy(seed.begin(), seed.end(), data);
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint64_t length = size;
  std::string head(reinterpret_cast<const char*>(&length), sizeof length);
  head.append(reinterpret_cast<const char*>(data), size);
  Compare(head, head.size());
  // With some data behind it.
  for (const uint64_t more : {uint64_t{1}, uint64_t{4}, uint64_t{16}, uint64_t{24}}) Compare(head, head.size() + more);
  // And as a whole file, its own length in front.
  const std::string whole(reinterpret_cast<const char*>(data), size);
  Compare(whole, whole.size());
  return 0;
}
