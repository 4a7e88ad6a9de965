// The bytes of a trace file, plain or gzip, with the place where the reading is.
#ifndef HARNESS_TRACES_TRACE_FILE_H_
#define HARNESS_TRACES_TRACE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "harness/status.h"

namespace workbench {

// No line, no row of a table and no text in JSON is longer, so that a file without line ends costs no memory.
inline constexpr int64_t kMaxTraceLine = int64_t{1} << 20;

class TraceFile {
 public:
  // gzip is known by its first two bytes, whatever the name. A byte order mark is skipped.
  static Result<std::unique_ptr<TraceFile>> Open(const std::string& path);
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // The next byte, which Get consumes; -1 at the end, and after a fault, which status() tells.
  int Peek();
  int Get();
  const Status& status() const { return status_; }

  // What follows, as far as it is in memory: the first 64 KiB of a file that was opened just now. Valid until the next
  // read.
  std::string_view Ahead() const { return std::string_view(buffer_).substr(next_); }

  const std::string& path() const { return path_; }
  // Of the byte consumed last, both from 1; columns count bytes.
  int64_t line() const { return line_; }
  int64_t column() const { return column_; }

  // "PATH:LINE:COLUMN: message", an error.
  Status At(int64_t line, int64_t column, const std::string& message) const;
  // Where the reading is.
  Status Here(const std::string& message) const { return At(line_, column_ < 1 ? 1 : column_, message); }
  // From now on, status() tells this fault, and the file is at its end.
  void Fail(Status fault);

 private:
  TraceFile(std::string path, void* gz) : path_(std::move(path)), gz_(gz) {}
  bool Fill();

  std::string path_;
  void* gz_;  // zlib's gzFile
  std::string buffer_;
  size_t next_ = 0;
  bool at_end_ = false;
  Status status_;
  int64_t line_ = 1;
  int64_t column_ = 0;
  bool ended_line_ = false;  // the byte consumed last was LF
};

}  // namespace workbench

#endif  // HARNESS_TRACES_TRACE_FILE_H_
