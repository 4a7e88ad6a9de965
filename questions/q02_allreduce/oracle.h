// What an all-reduce must give, in plain double precision, and how far from it an answer may be. Shares no code with
// any implementation.
#ifndef QUESTIONS_Q02_ALLREDUCE_ORACLE_H_
#define QUESTIONS_Q02_ALLREDUCE_ORACLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "grader/inputs.h"
#include "questions/q02_allreduce/api.h"

namespace q02 {

// How an implementation may round.
enum class Rounding {
  kPerHop,   // part A: the partial sum is in the element type
  kOnceWide  // part B: sums in fp32, rounded once
};

struct Operands {
  int ranks = 1;
  size_t count = 0;
  DataType type = DataType::kFloat32;
  ReduceOp op = ReduceOp::kSum;
  workbench::InputKind input = workbench::InputKind::kSmallIntegers;
  int input_scale = 1;
  uint64_t seed = 0;
  Rounding rounding = Rounding::kPerHop;
};

struct Mismatch {
  size_t index = 0;  // of the first wrong element
  std::string expected;
  std::string actual;
  size_t differing = 0;
};

class Oracle {
 public:
  // Makes every rank's input and reduces it.
  explicit Oracle(const Operands& operands);

  // Compares `count` elements; nothing when all are right.
  std::optional<Mismatch> Compare(const void* output) const;
  // The input of one rank, as the rank itself makes it.
  const std::vector<std::byte>& input(int rank) const { return inputs_[rank]; }

 private:
  struct Bound {
    double expected;
    double tolerance;  // 0: exact
    bool nan;          // any NaN is right, nothing else is
  };
  Bound BoundAt(size_t index) const;

  Operands operands_;
  std::vector<std::vector<std::byte>> inputs_;
};

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_ORACLE_H_
