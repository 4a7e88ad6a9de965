// libFuzzer on the reference's reader of safetensors, held against the oracle. By hand, with clang:
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. questions/q13_checkpoint/safetensors_fuzz.cc \
//       questions/q13_checkpoint/safetensors_oracle.cc solutions/q13_checkpoint/safetensors.cc -o /tmp/safetensors_fuzz
//   /tmp/safetensors_fuzz -runs=1000000 -max_len=512 -rss_limit_mb=512
//
// The input is a header; a length and a size of the file that fit are made for it, so that most inputs get past both.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/safetensors_oracle.h"

namespace {

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
