#include "harness/traces/trace_csv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "harness/traces/trace_formats.h"

namespace workbench {
namespace {

class RowWriter {
 public:
  explicit RowWriter(std::FILE* out) : out_(out) {}

  RowWriter& Text(std::string_view text) {
    if (text.find_first_of(",\"\r\n\t") == std::string_view::npos) return Plain(text);
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return Plain(quoted + "\"");
  }
  RowWriter& Number(int64_t value) { return Plain(std::to_string(value)); }
  RowWriter& Time(int64_t ms) { return ms == kUnknownTime ? Plain("") : Number(ms); }
  RowWriter& Empty(int fields) {
    for (int i = 0; i < fields; ++i) Plain("");
    return *this;
  }
  // False: it could not be written; errno says why.
  bool End() {
    line_ += '\n';
    const bool written = std::fwrite(line_.data(), 1, line_.size(), out_) == line_.size();
    line_.clear();
    first_ = true;
    return written;
  }

 private:
  RowWriter& Plain(std::string_view text) {
    if (!first_) line_ += ',';
    first_ = false;
    line_ += text;
    return *this;
  }

  std::FILE* out_;
  std::string line_;
  bool first_ = true;
};

std::string Joined(const std::vector<std::string>& models) {
  std::string joined;
  for (const std::string& model : models) joined += (joined.empty() ? "" : "|") + model;
  return joined;
}

bool WriteRows(const ClusterTrace& trace, std::FILE* out) {
  RowWriter row(out);
  for (const std::string_view column : InfoOf(TraceFormat::kWorkbench).columns) row.Text(column);
  if (!row.End()) return false;
  for (const TraceNode& node : trace.nodes) {
    row.Text("node").Text(node.name).Empty(6).Number(node.gpus).Empty(1).Number(node.cpu_milli).Number(node.memory_mib);
    row.Empty(1).Text(node.model);
    if (node.gpu_memory_mib > 0) {
      row.Number(node.gpu_memory_mib);
    } else {
      row.Empty(1);
    }
    if (!row.Empty(4).End()) return false;
  }
  for (const TraceJob& job : trace.jobs) {
    row.Text("job").Text(job.name).Text(job.user).Text(job.tenant);
    row.Time(job.submit_ms).Time(job.start_ms).Time(job.end_ms).Time(job.duration_ms);
    row.Number(job.gpus).Number(job.gpu_milli).Number(job.cpu_milli).Number(job.memory_mib).Number(job.nodes);
    row.Text(Joined(job.models)).Empty(1).Text(job.status).Text(job.qos).Text(job.type);
    if (job.steps > 0) {
      row.Number(job.steps);
    } else {
      row.Empty(1);
    }
    if (!row.End()) return false;
  }
  return std::fflush(out) == 0;
}

}  // namespace

Status WriteTraceCsv(const ClusterTrace& trace, std::FILE* out) {
  if (WriteRows(trace, out)) return Status::Ok();
  return Error(std::string("cannot be written: ") + std::strerror(errno));
}

Status WriteTraceCsv(const ClusterTrace& trace, const std::string& path) {
  struct stat old = {};
  if (stat(path.c_str(), &old) == 0 && !S_ISREG(old.st_mode))
    return Error(path + ": is no plain file that could be replaced");
  std::string draft = path + ".XXXXXX";
  const int fd = mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0) return Error(path + ": cannot be made: " + std::strerror(errno));
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  std::FILE* out = fdopen(fd, "w");
  bool written = out != nullptr && WriteRows(trace, out) && fsync(fd) == 0;
  int fault = errno;
  if (out == nullptr) {
    close(fd);
  } else if (std::fclose(out) != 0 && written) {
    written = false;
    fault = errno;
  }
  if (written && std::rename(draft.c_str(), path.c_str()) == 0) return Status::Ok();
  if (written) fault = errno;
  unlink(draft.c_str());
  return Error(path + ": cannot be written: " + std::strerror(fault));
}

}  // namespace workbench
