// What a safetensors file says, plainly: code points, then a tree of JSON, then the rules one by one. And what the
// writer has to write.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_ORACLE_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_ORACLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/safetensors_case.h"

namespace q13 {

struct OracleFile {
  FormatError error = FormatError::kOk;
  std::string why;       // of an error: which rule, where
  SafetensorsFile file;  // empty after an error
};

// The file begins with `head`, which has all of the header, and is of `bytes` bytes.
OracleFile OracleParse(const std::string& head, uint64_t bytes);

// "kInvalidOffset"
const char* FormatErrorName(FormatError error);
const char* TypeName(Type type);

// The bytes of the file. REQUIRES: names and metadata of printable ASCII without quotes and backslashes; valid tensors.
std::string OracleWrite(std::vector<WriteTensor> tensors, const std::map<std::string, std::string>& metadata);
// Before it is padded.
std::string OracleHeader(const std::vector<WriteTensor>& sorted, const std::map<std::string, std::string>& metadata);
// In the order of the file.
void OracleSort(std::vector<WriteTensor>* tensors);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_ORACLE_H_
