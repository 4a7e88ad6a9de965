// The reference implementation's own cases, byte for byte, and headers that a strict reader takes or refuses.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASES_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASES_H_

#include <vector>

#include "questions/q13_checkpoint/safetensors_judge.h"

namespace q13 {

// Of huggingface/safetensors @24b0b2857fef49be734b9ab72ce97c09bb25f5b9, safetensors/src/tensor.rs, tests.
std::vector<JudgedFile> ReferenceCases();
// Those of them that its writer makes, with what it makes them from.
struct WrittenCase {
  std::string name;
  WriteRequest request;
  std::string file;
};
std::vector<WrittenCase> ReferenceWrites();

// Each with one thing that is odd; what is expected is said there, not by the oracle.
std::vector<JudgedFile> StrictCases();
// With more than one thing wrong.
std::vector<JudgedFile> OrderCases();

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASES_H_
