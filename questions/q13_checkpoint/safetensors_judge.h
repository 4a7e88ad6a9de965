// Part F's judge: sends files and tensors to an answer and holds what comes back against the oracle.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_JUDGE_H_

#include <optional>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q13_checkpoint/safetensors_case.h"
#include "questions/q13_checkpoint/safetensors_oracle.h"

namespace q13 {

// A file to be read, and what is known of it.
struct JudgedFile {
  std::string what;  // "a hole between two tensors"
  Text head;
  uint64_t bytes = 0;
  std::optional<FormatError>
      expected;         // none: what the oracle says; the oracle also says what is in a file that is right
  bool content = true;  // judged, where there is no error
};

// `header` with its length before it, and so many bytes of data, which are there for the reader or not.
JudgedFile MakeFile(const std::string& what, const std::string& header, uint64_t data_bytes,
                    std::optional<FormatError> expected, bool with_data = false);

// False when a failure was recorded. All files are read in one request; `name` is of the request.
bool JudgeFiles(workbench::CheckContext& context, const std::string& name, const std::vector<JudgedFile>& files,
                bool stale = false);

// Writes. False when a failure was recorded, and where the call ran out of memory.
bool RunWrite(workbench::CheckContext& context, const std::string& what, const WriteRequest& request,
              WriteReply* reply);
// q13_safetensors_write gives `result`, and, where that is 0 and `file` is not empty, writes `file`.
bool JudgeWrite(workbench::CheckContext& context, const std::string& what, const WriteRequest& request, int32_t result,
                const std::string& file = "");
// Writes, reads what was written (with the oracle, and with the answer itself), and compares.
bool JudgeRoundTrip(workbench::CheckContext& context, const std::string& what, const WriteRequest& request);

// Tensor `index` of a check: bytes are a function of the seed.
WriteTensor MakeTensor(const std::string& name, Type type, std::vector<int64_t> shape, uint64_t seed);

std::string Flat(const Text& text);
// A string as it may be shown: escapes for what is not printable, cut after `most` bytes.
std::string Show(const std::string& text, size_t most = 400);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_JUDGE_H_
