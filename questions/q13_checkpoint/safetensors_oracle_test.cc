// The oracle against what is stated: the reference implementation's cases, and the lists of odd headers.
#include "questions/q13_checkpoint/safetensors_oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "questions/q13_checkpoint/safetensors_cases.h"
#include "questions/q13_checkpoint/safetensors_mutations.h"

namespace q13 {
namespace {

void ExpectStated(const std::vector<JudgedFile>& files) {
  for (const JudgedFile& file : files) {
    const OracleFile oracle = OracleParse(Flat(file.head), file.bytes);
    EXPECT_STREQ(FormatErrorName(oracle.error), FormatErrorName(*file.expected)) << file.what << ": " << oracle.why;
  }
}

TEST(SafetensorsOracle, ReferenceCases) {
  ASSERT_EQ(ReferenceCases().size(), 11u);
  ExpectStated(ReferenceCases());
}
TEST(SafetensorsOracle, StrictCases) { ExpectStated(StrictCases()); }
TEST(SafetensorsOracle, OrderCases) { ExpectStated(OrderCases()); }

TEST(SafetensorsOracle, WritesTheReferenceCases) {
  for (const WrittenCase& one : ReferenceWrites()) {
    EXPECT_EQ(OracleWrite(one.request.tensors, one.request.metadata), one.file) << one.name;
  }
}

TEST(SafetensorsOracle, FindsWhatIsInTheReferenceCase) {
  const JudgedFile file = ReferenceCases()[0];
  const OracleFile oracle = OracleParse(Flat(file.head), file.bytes);
  ASSERT_EQ(oracle.file.tensors.size(), 1u);
  EXPECT_EQ(oracle.file.tensors[0].name, "attn.0");
  EXPECT_EQ(oracle.file.tensors[0].info.type, Type::kF32);
  EXPECT_EQ(oracle.file.tensors[0].info.shape, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(oracle.file.tensors[0].begin, 72);
  EXPECT_EQ(oracle.file.tensors[0].end, 96);
}

// Every error is met often enough for the fuzzer to be worth its time, and its files are the same in every run.
TEST(SafetensorsMutations, ReachEveryError) {
  std::map<FormatError, int> met;
  constexpr int kFiles = 20'000;
  for (uint64_t i = 0; i < kFiles; ++i) {
    const JudgedFile file = FuzzFile(7, i);
    ++met[OracleParse(Flat(file.head), file.bytes).error];
    // What api.h requires of who calls the parser.
    uint64_t length = 0;
    const std::string head = Flat(file.head);
    if (head.size() >= 8) std::memcpy(&length, head.data(), 8);
    ASSERT_GE(head.size(), std::min(file.bytes, length > 100'000'000 ? 8 : 8 + length)) << file.what;
  }
  for (int error = 0; error <= static_cast<int>(FormatError::kMetadataIncomplete); ++error) {
    EXPECT_GE(met[static_cast<FormatError>(error)], 5) << FormatErrorName(static_cast<FormatError>(error));
  }
  EXPECT_GE(met[FormatError::kOk], kFiles / 5);
  EXPECT_EQ(Flat(FuzzFile(7, 12).head), Flat(FuzzFile(7, 12).head));
}

}  // namespace
}  // namespace q13
