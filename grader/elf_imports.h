// Which symbols a shared object takes from elsewhere and which it gives, read from its dynamic symbol table.
#ifndef GRADER_ELF_IMPORTS_H_
#define GRADER_ELF_IMPORTS_H_

#include <string>
#include <vector>

#include "harness/status.h"

namespace workbench {

struct DynamicSymbols {
  std::vector<std::string> imports;
  std::vector<std::string> exports;
};

// ELF-64, little-endian. Anything else is an error.
Result<DynamicSymbols> ReadDynamicSymbols(const std::string& path);

// The first import that an implementation may not use (a message-passing or collective library, the dynamic loader,
// ways to reach other processes), with why; empty when there is none.
std::string FindForbiddenImport(const DynamicSymbols& symbols);

}  // namespace workbench

#endif  // GRADER_ELF_IMPORTS_H_
