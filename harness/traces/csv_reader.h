// Comma-separated values after RFC 4180, with the place of each field. (Debian's CSV libraries tell no places, or
// throw.)
#ifndef HARNESS_TRACES_CSV_READER_H_
#define HARNESS_TRACES_CSV_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/status.h"
#include "harness/traces/trace_file.h"

namespace workbench {

struct CsvField {
  std::string text;
  int64_t line = 1;  // where it begins
  int64_t column = 1;
};

// Splits `file` into records at `separator`; blank lines are skipped. With `quotes`, a field in double quotes may hold
// separators, line ends, and quotes written twice.
class CsvReader {
 public:
  CsvReader(TraceFile* file, char separator, bool quotes) : file_(file), separator_(separator), quotes_(quotes) {}

  // False at the end of the file.
  Result<bool> Next(std::vector<CsvField>* record);

 private:
  Status ReadField(CsvField* field, bool* last);

  TraceFile* file_;
  char separator_;
  bool quotes_;
  int64_t record_bytes_ = 0;
};

}  // namespace workbench

#endif  // HARNESS_TRACES_CSV_READER_H_
