// The one document that a grade leaves behind; its schema is grader/result.schema.json.
#ifndef GRADER_RESULT_JSON_H_
#define GRADER_RESULT_JSON_H_

#include <string>

#include "grader/verdict.h"
#include "harness/status.h"

namespace workbench {

// Pretty-printed, ending in a newline. Text that is not UTF-8 has its bad bytes replaced.
std::string ResultJson(const GradeResult& grade);

// Writes beside the target and renames, so that a reader sees the old file or the whole new one.
Status WriteFileAtomically(const std::string& path, const std::string& content);

}  // namespace workbench

#endif  // GRADER_RESULT_JSON_H_
