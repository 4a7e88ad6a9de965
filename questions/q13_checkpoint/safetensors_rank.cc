#include "questions/q13_checkpoint/safetensors_rank.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>

namespace q13 {
namespace {

using workbench::Status;

// A file's head, which ends where a page begins that cannot be read.
class GuardedText {
 public:
  explicit GuardedText(const Text& text) : bytes_(SizeOf(text)) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes_ + page - 1) / page * page + page;
    void* at = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return;
    base_ = static_cast<char*>(at);
    char* to = base_ + (mapped_ - page - bytes_);
    data_ = to;
    for (const Repeated& part : text) {
      for (uint64_t i = 0; i < part.count; ++i, to += part.text.size()) {
        if (!part.text.empty()) std::memcpy(to, part.text.data(), part.text.size());
      }
    }
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    mprotect(base_, mapped_ - page, PROT_READ);
  }
  ~GuardedText() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }
  GuardedText(const GuardedText&) = delete;
  GuardedText& operator=(const GuardedText&) = delete;

  bool ok() const { return base_ != nullptr; }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(data_); }
  size_t size() const { return bytes_; }

 private:
  size_t bytes_;
  size_t mapped_ = 0;
  char* base_ = nullptr;
  char* data_ = nullptr;
};

// While it lives, the address space may grow by so much. Sanitizers reserve far more than they use: not with them.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t allowance) {
#if !defined(__SANITIZE_ADDRESS__)
    long long pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return;
    const bool read = std::fscanf(file, "%lld", &pages) == 1;
    std::fclose(file);
    if (!read || getrlimit(RLIMIT_AS, &before_) != 0) return;
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + allowance;
    if (limit.rlim_cur < before_.rlim_cur) limited_ = setrlimit(RLIMIT_AS, &limit) == 0;
#else
    (void)allowance;
#endif
  }
  ~MemoryLimit() {
    if (limited_) setrlimit(RLIMIT_AS, &before_);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_ = {};
  bool limited_ = false;
};

struct Sink {
  const WriteRequest* request;
  WriteReply* reply;
  bool failed = false;

  static bool Take(void* context, const void* data, size_t bytes) {
    Sink& sink = *static_cast<Sink*>(context);
    WriteReply& reply = *sink.reply;
    if (sink.failed) {
      ++reply.calls_after;
      return false;
    }
    const auto fail_at = static_cast<uint64_t>(sink.request->fail_at);
    if (sink.request->fail_at >= 0 && reply.bytes + bytes > fail_at) {
      sink.failed = true;
      return false;
    }
    if (reply.file.size() < sink.request->keep && bytes > 0) {
      const uint64_t kept = std::min<uint64_t>(bytes, sink.request->keep - reply.file.size());
      const auto* at = static_cast<const std::byte*>(data);
      reply.file.insert(reply.file.end(), at, at + kept);
    }
    reply.bytes += bytes;
    return true;
  }
};

}  // namespace

Status SafetensorsRank::Load(void* library) {
  parse_ = reinterpret_cast<decltype(parse_)>(dlsym(library, "q13_safetensors_parse"));
  write_ = reinterpret_cast<decltype(write_)>(dlsym(library, "q13_safetensors_write"));
  if (parse_ != nullptr && write_ != nullptr) return Status::Ok();
  return workbench::Error(
      "the implementation does not define both q13_safetensors_parse and q13_safetensors_write; are they still extern "
      "\"C\", with the signatures of api.h?");
}

ParseReply SafetensorsRank::Parse(const ParseCase& one, bool stale) {
  const GuardedText head(one.head);
  ParseReply reply;
  if (!head.ok()) {
    reply.end = CallEnd::kOutOfMemory;
    return reply;
  }
  if (stale) {
    reply.file.tensors.push_back({"left over", {Type::kU8, {3}}, 100, 103});
    reply.file.metadata["left over"] = "yes";
  }
  {
    const MemoryLimit limit(MemoryAllowance(head.size()));
    try {
      reply.error = parse_(head.data(), head.size(), one.bytes, &reply.file);
    } catch (const std::bad_alloc&) {
      reply.end = CallEnd::kOutOfMemory;
    } catch (const std::length_error&) {
      reply.end = CallEnd::kOutOfMemory;  // a vector of more than there can be
    }
  }
  if (reply.error != FormatError::kOk || reply.end != CallEnd::kReturned) reply.file = {};
  return reply;
}

WriteReply SafetensorsRank::Write(const WriteRequest& request) {
  std::vector<std::vector<std::byte>> memory;  // with room for a shift
  std::vector<TensorView> views;
  for (const WriteTensor& tensor : request.tensors) {
    std::vector<std::byte>& at = memory.emplace_back(tensor.data.size() + 32);
    auto shift = static_cast<size_t>(-reinterpret_cast<intptr_t>(at.data()) & 15) +
                 (static_cast<size_t>(tensor.misaligned) & 15);
    if (!tensor.data.empty()) std::memcpy(at.data() + shift, tensor.data.data(), tensor.data.size());
    views.push_back({tensor.name, tensor.info, tensor.data.empty() ? nullptr : at.data() + shift});
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : request.metadata) {
    std::string& whole = metadata[key];
    whole.reserve(value.size() * request.metadata_repeat);
    for (uint64_t i = 0; i < request.metadata_repeat; ++i) whole += value;
  }
  WriteReply reply;
  Sink sink{&request, &reply};
  try {
    reply.result = write_(views, metadata, &Sink::Take, &sink);
  } catch (const std::bad_alloc&) {
    reply.end = CallEnd::kOutOfMemory;
  } catch (const std::length_error&) {
    reply.end = CallEnd::kOutOfMemory;
  }
  return reply;
}

workbench::Result<std::vector<std::byte>> SafetensorsRank::Run(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  const auto kind = reader.Read<RequestKind>();
  const auto op = reader.Read<SafetensorsOp>();
  if (kind != RequestKind::kSafetensors) return workbench::Error("not a case of part f");
  std::vector<std::byte> reply;
  if (op == SafetensorsOp::kParse) {
    ParseRequest request;
    if (!Decode(&reader, &request)) return workbench::Error("the case cannot be read");
    for (const ParseCase& one : request.cases) AppendReply(&reply, Parse(one, request.stale != 0));
    return reply;
  }
  WriteRequest request;
  if (op != SafetensorsOp::kWrite || !Decode(&reader, &request)) return workbench::Error("the case cannot be read");
  AppendReply(&reply, Write(request));
  return reply;
}

}  // namespace q13
