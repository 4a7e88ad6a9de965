#include "harness/traces/trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace workbench {
namespace {

constexpr unsigned kBufferBytes = 1u << 16;

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error(path + ": cannot be opened: " + std::strerror(errno));
  struct stat what = {};
  if (fstat(fd, &what) == 0 && S_ISDIR(what.st_mode)) {
    close(fd);
    return Error(path + ": is a folder, not a file");
  }
  gzFile gz = gzdopen(fd, "rb");
  if (gz == nullptr) {
    close(fd);
    return Error(path + ": cannot be read: no memory");
  }
  gzbuffer(gz, kBufferBytes);
  std::unique_ptr<TraceFile> file(new TraceFile(path, gz));
  file->Fill();
  if (file->buffer_.starts_with("\xef\xbb\xbf")) file->next_ = 3;
  if (!file->status_.ok()) return file->status_;
  if (file->Peek() < 0 && file->status_.ok()) return file->At(1, 1, "the file is empty");
  return file;
}

TraceFile::~TraceFile() { gzclose(static_cast<gzFile>(gz_)); }

bool TraceFile::Fill() {
  if (at_end_) return false;
  next_ = 0;
  buffer_.resize(kBufferBytes);
  gzFile gz = static_cast<gzFile>(gz_);
  const int got = gzread(gz, buffer_.data(), kBufferBytes);
  buffer_.resize(got > 0 ? static_cast<size_t>(got) : 0);
  if (got == static_cast<int>(kBufferBytes)) return true;
  int fault = Z_OK;
  const char* words = gzerror(gz, &fault);
  // A gzip file that is cut off gives what there is first; the fault is told when that has been read.
  if (fault == Z_OK || fault == Z_STREAM_END || (fault == Z_BUF_ERROR && got > 0)) {
    at_end_ = got <= 0;
    return got > 0;
  }
  at_end_ = true;
  if (fault == Z_BUF_ERROR) {
    Fail(Here("the gzip data ends too early: the file is cut off"));
  } else if (fault == Z_ERRNO) {
    Fail(Here(std::string("cannot be read: ") + std::strerror(errno)));
  } else {
    Fail(Here(std::string("the gzip data is damaged (") + words + ")"));
  }
  return false;
}

void TraceFile::Fail(Status fault) {
  if (status_.ok()) status_ = std::move(fault);
  at_end_ = true;
  buffer_.clear();
  next_ = 0;
}

int TraceFile::Peek() {
  if (next_ >= buffer_.size() && !Fill()) return -1;
  return static_cast<unsigned char>(buffer_[next_]);
}

int TraceFile::Get() {
  const int byte = Peek();
  if (byte < 0) return byte;
  if (ended_line_) {
    ++line_;
    column_ = 0;
  }
  ++column_;
  ended_line_ = byte == '\n';
  if (byte == 0) {
    Fail(Here("a NUL byte: this is no text file"));
    return -1;
  }
  ++next_;
  return byte;
}

Status TraceFile::At(int64_t line, int64_t column, const std::string& message) const {
  return Error(path_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message);
}

}  // namespace workbench
