// Runs one host case on N ranks and judges what the check at hand is about.
#ifndef QUESTIONS_Q02_ALLREDUCE_HOST_CASE_H_
#define QUESTIONS_Q02_ALLREDUCE_HOST_CASE_H_

#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {

const char* Name(Algorithm algorithm);
const char* Name(ReduceOp op);
const char* Name(DataType type);
inline constexpr Algorithm kAlgorithms[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling,
                                            Algorithm::kHalvingDoubling, Algorithm::kTree};
inline constexpr DataType kTypes[] = {DataType::kFloat32, DataType::kFloat16, DataType::kBFloat16, DataType::kInt32};
inline constexpr ReduceOp kOps[] = {ReduceOp::kSum, ReduceOp::kMax, ReduceOp::kAverage};

// The rows that a report shows for a case.
workbench::CheckContext::Inputs Describe(const HostCase& request, int ranks);

// Which properties of a case are judged; a check judges its own and leaves the others to theirs.
struct Judged {
  bool values = true;
  bool identical = false;
  bool red_zones = false;
  bool input_intact = false;
};

// False when a failure was recorded. `counts`, if given, gets every rank's traffic.
bool RunHostCase(workbench::CheckContext& context, int ranks, const HostCase& request, const Judged& judged,
                 std::vector<workbench::JudgeCounts>* counts = nullptr);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_HOST_CASE_H_
