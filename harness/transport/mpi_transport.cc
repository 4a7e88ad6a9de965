#include "harness/transport/mpi_transport.h"

#include <algorithm>
#include <string>

#include "harness/runner/rank_program.h"

namespace workbench {
namespace {

constexpr size_t kPiece = size_t{1} << 30;

}  // namespace

void CheckMpi(int code, const char* call, const char* file, int line) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  FailRun(ErrorKind::kHarness, std::string(call) + " failed at " + file + ":" + std::to_string(line) + ": " + text);
}

MpiTransport::MpiTransport(MPI_Comm communicator)
    : Transport(
          [&] {
            int rank = 0;
            MPI_Comm_rank(communicator, &rank);
            return rank;
          }(),
          [&] {
            int size = 1;
            MPI_Comm_size(communicator, &size);
            return size;
          }()),
      communicator_(communicator) {
  MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN);
}

void MpiTransport::Send(const void* data, size_t bytes, int destination, int tag) {
  const char* at = static_cast<const char*>(data);
  do {
    const size_t piece = std::min(bytes, kPiece);
    WB_CHECK_MPI(MPI_Send(at, static_cast<int>(piece), MPI_BYTE, destination, tag, communicator_));
    at += piece;
    bytes -= piece;
  } while (bytes > 0);
}

void MpiTransport::Recv(void* data, size_t bytes, int source, int tag) {
  char* at = static_cast<char*>(data);
  do {
    const size_t piece = std::min(bytes, kPiece);
    WB_CHECK_MPI(MPI_Recv(at, static_cast<int>(piece), MPI_BYTE, source, tag, communicator_, MPI_STATUS_IGNORE));
    at += piece;
    bytes -= piece;
  } while (bytes > 0);
}

void MpiTransport::SendRecv(const void* send_data, size_t send_bytes, int destination, void* recv_data,
                            size_t recv_bytes, int source, int tag) {
  if (send_bytes <= kPiece && recv_bytes <= kPiece) {
    WB_CHECK_MPI(MPI_Sendrecv(send_data, static_cast<int>(send_bytes), MPI_BYTE, destination, tag, recv_data,
                              static_cast<int>(recv_bytes), MPI_BYTE, source, tag, communicator_, MPI_STATUS_IGNORE));
    return;
  }
  Request receive = Irecv(recv_data, recv_bytes, source, tag);
  Send(send_data, send_bytes, destination, tag);
  Wait(receive);
}

int32_t MpiTransport::TakeSlot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<int32_t>(slots_.size() - 1);
  }
  const int32_t id = free_.back();
  free_.pop_back();
  return id;
}

Transport::Request MpiTransport::Isend(const void* data, size_t bytes, int destination, int tag) {
  const int32_t id = TakeSlot();
  const char* at = static_cast<const char*>(data);
  size_t piece = std::min(bytes, kPiece);
  WB_CHECK_MPI(MPI_Isend(at, static_cast<int>(piece), MPI_BYTE, destination, tag, communicator_, &slots_[id].first));
  while (bytes > kPiece) {
    at += kPiece;
    bytes -= kPiece;
    piece = std::min(bytes, kPiece);
    slots_[id].extra.emplace_back();
    WB_CHECK_MPI(
        MPI_Isend(at, static_cast<int>(piece), MPI_BYTE, destination, tag, communicator_, &slots_[id].extra.back()));
  }
  return Request{id};
}

Transport::Request MpiTransport::Irecv(void* data, size_t bytes, int source, int tag) {
  const int32_t id = TakeSlot();
  char* at = static_cast<char*>(data);
  size_t piece = std::min(bytes, kPiece);
  WB_CHECK_MPI(MPI_Irecv(at, static_cast<int>(piece), MPI_BYTE, source, tag, communicator_, &slots_[id].first));
  while (bytes > kPiece) {
    at += kPiece;
    bytes -= kPiece;
    piece = std::min(bytes, kPiece);
    slots_[id].extra.emplace_back();
    WB_CHECK_MPI(
        MPI_Irecv(at, static_cast<int>(piece), MPI_BYTE, source, tag, communicator_, &slots_[id].extra.back()));
  }
  return Request{id};
}

void MpiTransport::Wait(Request& request) {
  if (request.id < 0) return;
  Slot& slot = slots_[request.id];
  WB_CHECK_MPI(MPI_Wait(&slot.first, MPI_STATUS_IGNORE));
  if (!slot.extra.empty()) {
    WB_CHECK_MPI(MPI_Waitall(static_cast<int>(slot.extra.size()), slot.extra.data(), MPI_STATUSES_IGNORE));
    slot.extra.clear();
  }
  free_.push_back(request.id);
  request.id = -1;
}

size_t MpiTransport::WaitAny(std::span<Request> requests) {
  scratch_.clear();
  for (const Request& request : requests) {
    scratch_.push_back(request.id < 0 ? MPI_REQUEST_NULL : slots_[request.id].first);
  }
  int index = MPI_UNDEFINED;
  WB_CHECK_MPI(MPI_Waitany(static_cast<int>(scratch_.size()), scratch_.data(), &index, MPI_STATUS_IGNORE));
  if (index == MPI_UNDEFINED) FailRun(ErrorKind::kImplementation, "WaitAny was called with no request to wait for");
  slots_[requests[index].id].first = MPI_REQUEST_NULL;  // MPI_Waitany has freed it
  Wait(requests[index]);
  return static_cast<size_t>(index);
}

}  // namespace workbench
