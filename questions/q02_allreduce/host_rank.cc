#include "questions/q02_allreduce/host_rank.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "harness/runner/rank_program.h"
#include "harness/transport/judge_transport.h"
#include "harness/transport/mpi_transport.h"

namespace q02 {
namespace {

using workbench::Error;

constexpr std::byte kRedZoneByte{0xa5};
constexpr size_t kFoldBytes = size_t{32} << 20;

// `bytes` of address space over one block of kFoldBytes: reads and writes go through, at next to no memory.
class FoldedMemory {
 public:
  explicit FoldedMemory(size_t bytes) : bytes_((bytes + kFoldBytes - 1) / kFoldBytes * kFoldBytes) {
    const int fd = memfd_create("folded", MFD_CLOEXEC);
    void* base = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool good = fd >= 0 && ftruncate(fd, kFoldBytes) == 0 && base != MAP_FAILED;
    for (size_t at = 0; good && at < bytes_; at += kFoldBytes) {
      good = mmap(static_cast<char*>(base) + at, kFoldBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
             MAP_FAILED;
    }
    if (fd >= 0) close(fd);
    if (!good)
      workbench::FailRun(workbench::ErrorKind::kHarness, workbench::ErrnoError("map a folded buffer").message());
    data_ = base;
  }
  ~FoldedMemory() { munmap(data_, bytes_); }
  void* data() { return data_; }

 private:
  size_t bytes_;
  void* data_ = nullptr;
};

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

// Every rank stays in MPI until all have returned: a message that is already "sent" may still need its sender's help.
void HostRank::WaitForOthers() {
  MPI_Request request;
  WB_CHECK_MPI(MPI_Ibarrier(headers_, &request));
  const double since = Seconds();
  bool told = false;
  for (uint64_t spins = 0;; ++spins) {
    int done = 0;
    WB_CHECK_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done) break;
    if (spins > 1000) usleep(100);
    if (!told && spins % 64 == 63 && Seconds() - since > 0.3) {
      told = true;
      workbench::ReportBlocked("for the other ranks to return; it has returned itself");
    }
  }
  if (told) workbench::ReportUnblocked();
}

HostRank::HostRank() {
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_dup(MPI_COMM_WORLD, &headers_);
  MPI_Comm_dup(MPI_COMM_WORLD, &data_);
  MPI_Comm_set_errhandler(headers_, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(data_, MPI_ERRORS_RETURN);
}

HostRank::~HostRank() {
  MPI_Comm_free(&headers_);
  MPI_Comm_free(&data_);
}

void HostRank::Buffer::Prepare(size_t element_bytes, size_t count, size_t offset_elements, bool reuse) {
  bytes = element_bytes * count;
  const size_t room = 64 + 2 * kRedZoneBytes + offset_elements * element_bytes + bytes;
  if (!reuse || storage.size() < room) storage = std::vector<std::byte>(room);
  const uintptr_t start = reinterpret_cast<uintptr_t>(storage.data()) + kRedZoneBytes;
  const size_t to_boundary = (64 - start % 64) % 64;
  data = storage.data() + kRedZoneBytes + to_boundary + offset_elements * element_bytes;
  std::fill(storage.begin(), storage.end(), kRedZoneByte);
  workbench::Poison(data, bytes);
}

workbench::Result<std::vector<std::byte>> HostRank::RunCase(const HostCase& request) {
  if (request.folded != 0) return RunFolded(request);
  // A type that does not exist is for the implementation to refuse; its buffers are those of another.
  const bool known = request.type >= DataType::kFloat32 && request.type <= DataType::kInt32;
  return RunCase(request, known ? request.type : DataType::kFloat32);
}

workbench::Result<std::vector<std::byte>> HostRank::RunCase(const HostCase& request, DataType buffer_type) {
  const size_t element = ElementBytes(buffer_type);
  in_.Prepare(element, request.count, request.offset_elements, request.reuse_buffers != 0);
  Buffer& out = request.in_place ? in_ : out_;
  if (!request.in_place) out_.Prepare(element, request.count, request.offset_elements, request.reuse_buffers != 0);
  workbench::FillInput(request.input, ElementTypeOf(buffer_type), request.seed, rank_, request.input_scale,
                       request.count, in_.data);

  workbench::JudgeTransport transport(headers_, data_, request.transport);
  HostReply reply;
  reply.result = entry_(transport, in_.data, out.data, request.count, request.type, request.op, request.algorithm,
                        request.segment_bytes);
  reply.counts = transport.Finish();
  WaitForOthers();

  std::vector<std::byte> payload;
  const std::span<const std::byte> output = out.WithRedZones();
  payload.reserve(sizeof reply + output.size() + in_.bytes);
  Append(&payload, reply);
  payload.insert(payload.end(), output.begin(), output.end());
  if (!request.in_place) payload.insert(payload.end(), in_.data, in_.data + in_.bytes);
  return payload;
}

workbench::Result<std::vector<std::byte>> HostRank::RunFolded(const HostCase& request) {
  const size_t bytes = ElementBytes(request.type) * request.count;
  FoldedMemory in(bytes), out(bytes);
  workbench::JudgeTransport transport(headers_, data_, request.transport);
  HostReply reply;
  reply.result = entry_(transport, in.data(), out.data(), request.count, request.type, request.op, request.algorithm,
                        request.segment_bytes);
  reply.counts = transport.Finish();
  WaitForOthers();
  std::vector<std::byte> payload;
  Append(&payload, reply);
  return payload;
}

workbench::Result<std::vector<std::byte>> HostRank::RunTiming(const HostTimingCase& request) {
  in_.Prepare(sizeof(float), request.count, 0, true);
  out_.Prepare(sizeof(float), request.count, 0, true);
  workbench::FillInput(workbench::InputKind::kSmallIntegers, workbench::ElementType::kFloat32, request.seed, rank_, 1,
                       request.count, in_.data);
  workbench::MpiTransport transport(data_);
  HostTimingReply reply;
  std::vector<double> seconds;
  for (uint32_t batch = 0; batch < request.batches; ++batch) {
    WB_CHECK_MPI(MPI_Barrier(headers_));
    const double start = Seconds();
    for (uint32_t call = 0; call < request.calls && reply.result == Result::kOk; ++call) {
      if (request.peer != 0) {
        WB_CHECK_MPI(MPI_Allreduce(in_.data, out_.data, static_cast<int>(request.count), MPI_FLOAT, MPI_SUM, headers_));
      } else {
        reply.result = entry_(transport, in_.data, out_.data, request.count, DataType::kFloat32, ReduceOp::kSum,
                              request.algorithm, kAnySegment);
      }
    }
    seconds.push_back((Seconds() - start) / std::max<uint32_t>(1, request.calls));
    WaitForOthers();
  }
  std::vector<std::byte> payload;
  Append(&payload, reply);
  for (const double value : seconds) Append(&payload, value);
  if (request.return_output != 0) payload.insert(payload.end(), out_.data, out_.data + out_.bytes);
  return payload;
}

}  // namespace q02
