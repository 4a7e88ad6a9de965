#include "harness/transport/judge_transport.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "harness/runner/rank_program.h"
#include "harness/transport/mpi_transport.h"

namespace workbench {
namespace {

constexpr size_t kPiece = size_t{1} << 30;
constexpr int kMaxTag = 32767;
constexpr double kTellAfterSeconds = 0.3;

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

struct JudgeTransport::Operation {
  bool is_send = false;
  bool blocking = false;
  const char* send_data = nullptr;
  char* recv_data = nullptr;
  size_t bytes = 0;
  int peer = 0;
  int tag = 0;
  bool started = false;   // a send: handed to MPI. A receive: its data is being received
  bool complete = false;  // its data has moved
  double hold_until = 0;  // wall time before which it does not count as complete
  double model_done = 0;  // model time at which it is complete
  Header header{};
  MPI_Request header_request = MPI_REQUEST_NULL;
  std::vector<MPI_Request> data_requests;
  std::vector<char> bounce;  // adversarial receives land here first
};

JudgeTransport::JudgeTransport(MPI_Comm headers, MPI_Comm data, const JudgeOptions& options)
    : Transport(
          [&] {
            int rank = 0;
            MPI_Comm_rank(headers, &rank);
            return rank;
          }(),
          [&] {
            int size = 1;
            MPI_Comm_size(headers, &size);
            return size;
          }()),
      headers_(headers),
      data_(data),
      options_(options),
      random_(options.seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(rank())) {}

JudgeTransport::~JudgeTransport() = default;

void JudgeTransport::CheckPeer(int peer, int tag, const char* call) const {
  if (peer < 0 || peer >= size()) {
    FailRun(ErrorKind::kImplementation, std::string(call) + " names rank " + std::to_string(peer) +
                                            "; there are ranks 0 to " + std::to_string(size() - 1));
  }
  if (tag < 0 || tag > kMaxTag) {
    FailRun(ErrorKind::kImplementation,
            std::string(call) + " uses tag " + std::to_string(tag) + "; tags are 0 to 32767");
  }
}

std::string JudgeTransport::Describe(const Operation& operation) const {
  return std::string(operation.is_send ? "to send " : "to receive ") + std::to_string(operation.bytes) + " bytes " +
         (operation.is_send ? "to rank " : "from rank ") + std::to_string(operation.peer) + " (tag " +
         std::to_string(operation.tag) + ")";
}

int32_t JudgeTransport::Post(std::unique_ptr<Operation> operation) {
  CheckPeer(operation->peer, operation->tag, operation->is_send ? "a send" : "a receive");
  const uint64_t bit = uint64_t{1} << (operation->peer & 63);
  if (operation->is_send) {
    if (options_.max_message_bytes != 0 && operation->bytes > options_.max_message_bytes) {
      FailRun(ErrorKind::kImplementation,
              "a message of " + std::to_string(operation->bytes) + " bytes to rank " + std::to_string(operation->peer) +
                  " is larger than segment_bytes = " + std::to_string(options_.max_message_bytes));
    }
    ++counts_.messages_sent;
    counts_.bytes_sent += operation->bytes;
    counts_.largest_message = std::max<uint64_t>(counts_.largest_message, operation->bytes);
    counts_.destinations |= bit;
    operation->header.bytes = operation->bytes;
    operation->header.start = std::max(clock_, send_port_free_);
    send_port_free_ = operation->header.start + options_.alpha + options_.beta * static_cast<double>(operation->bytes);
    if (options_.alpha == 1 && options_.beta == 0) {
      constexpr double kLast = std::size(JudgeCounts{}.step_bytes) - 1;
      counts_.step_bytes[static_cast<size_t>(std::min(kLast, operation->header.start))] += operation->bytes;
    }
    operation->model_done = send_port_free_;
  } else {
    counts_.sources |= bit;
    WB_CHECK_MPI(MPI_Irecv(&operation->header, sizeof(Header), MPI_BYTE, operation->peer, operation->tag, headers_,
                           &operation->header_request));
  }
  Operation* raw = operation.get();
  active_.push_back(raw);
  operations_.push_back(std::move(operation));
  // A kind transport reads the buffer at once; an unkind one when the rank next blocks.
  if (raw->is_send && options_.adversarial == 0) StartSend(raw);
  return static_cast<int32_t>(operations_.size() - 1);
}

void JudgeTransport::StartSend(Operation* operation) {
  if (operation->started) return;
  operation->started = true;
  // The header says when and how much; eager always. With rendezvous the data's send is synchronous.
  operation->data_requests.emplace_back();
  WB_CHECK_MPI(MPI_Isend(&operation->header, sizeof(Header), MPI_BYTE, operation->peer, operation->tag, headers_,
                         &operation->data_requests.back()));
  const char* at = operation->send_data;
  size_t left = operation->bytes;
  do {
    const size_t piece = std::min(left, kPiece);
    operation->data_requests.emplace_back();
    MPI_Request* request = &operation->data_requests.back();
    if (options_.rendezvous != 0) {
      WB_CHECK_MPI(MPI_Issend(at, static_cast<int>(piece), MPI_BYTE, operation->peer, operation->tag, data_, request));
    } else {
      WB_CHECK_MPI(MPI_Isend(at, static_cast<int>(piece), MPI_BYTE, operation->peer, operation->tag, data_, request));
    }
    at += piece;
    left -= piece;
  } while (left > 0);
}

// Moves every active operation along. Sends are handed over in the order of posting, and data is received in the order
// of the headers, so that messages with one source and tag stay in order.
void JudgeTransport::Progress() {
  // Sources and tags with a receive that has no header yet: later receives of theirs must not overtake it, even if
  // their header is seen in the same pass.
  std::set<std::pair<int, int>> behind;
  for (Operation* operation : active_) {
    if (operation->is_send) {
      StartSend(operation);
    } else if (!operation->started) {
      if (behind.contains({operation->peer, operation->tag})) continue;
      int arrived = 0;
      WB_CHECK_MPI(MPI_Test(&operation->header_request, &arrived, MPI_STATUS_IGNORE));
      if (!arrived) {
        behind.insert({operation->peer, operation->tag});
        continue;
      }
      if (operation->header.bytes != operation->bytes) {
        FailRun(ErrorKind::kImplementation,
                "rank " + std::to_string(operation->peer) + " sent " + std::to_string(operation->header.bytes) +
                    " bytes where rank " + std::to_string(rank()) + " receives " + std::to_string(operation->bytes) +
                    " (tag " + std::to_string(operation->tag) + ")");
      }
      operation->started = true;
      ++counts_.messages_received;
      counts_.bytes_received += operation->bytes;
      char* at = operation->recv_data;
      if (options_.adversarial != 0) {
        operation->bounce.resize(operation->bytes);
        at = operation->bounce.data();
        if (random_() % 4 == 0) operation->hold_until = Seconds() + 1e-6 * static_cast<double>(random_() % 1000);
      }
      size_t left = operation->bytes;
      do {
        const size_t piece = std::min(left, kPiece);
        operation->data_requests.emplace_back();
        WB_CHECK_MPI(MPI_Irecv(at, static_cast<int>(piece), MPI_BYTE, operation->peer, operation->tag, data_,
                               &operation->data_requests.back()));
        at += piece;
        left -= piece;
      } while (left > 0);
    }
    if (operation->started && !operation->complete) {
      int done = 0;
      WB_CHECK_MPI(MPI_Testall(static_cast<int>(operation->data_requests.size()), operation->data_requests.data(),
                               &done, MPI_STATUSES_IGNORE));
      operation->complete = done != 0;
    }
  }
  std::erase_if(active_, [](const Operation* operation) { return operation->complete; });
}

bool JudgeTransport::Complete(Operation* operation) {
  return operation->complete && (operation->hold_until == 0 || Seconds() >= operation->hold_until);
}

void JudgeTransport::BlockUntilAny(std::span<Operation* const> operations, size_t* which) {
  double since = Seconds();
  bool told = false;
  for (uint64_t spins = 0;; ++spins) {
    Progress();
    // The last one first, to surprise those who count on the order of posting.
    for (size_t i = operations.size(); i-- > 0;) {
      const size_t at = options_.adversarial != 0 ? i : operations.size() - 1 - i;
      if (operations[at] != nullptr && Complete(operations[at])) {
        *which = at;
        if (told) ReportUnblocked();
        return;
      }
    }
    // A rank that waits for long gives the cores to those that don't.
    if (spins > 2000) {
      usleep(100);
    } else if (spins > 50) {
      sched_yield();
    }
    // Data that is on its way (gigabytes take seconds) is no deadlock.
    const bool moving = std::any_of(active_.begin(), active_.end(), [](const Operation* operation) {
      return !operation->is_send && operation->started && !operation->complete;
    });
    if (moving) {
      if (told) ReportUnblocked();
      told = false;
      since = Seconds();
    }
    if (!told && spins % 64 == 63 && Seconds() - since > kTellAfterSeconds) {
      told = true;
      std::string text;
      for (const Operation* operation : operations) {
        if (operation != nullptr && text.size() < 200) text += (text.empty() ? "" : " or ") + Describe(*operation);
      }
      ReportBlocked(text);
    }
  }
}

void JudgeTransport::FinishOperation(Operation* operation) {
  if (operation->is_send) {
    clock_ = std::max(clock_, operation->model_done);
    return;
  }
  const double cost = options_.alpha + options_.beta * static_cast<double>(operation->bytes);
  recv_port_free_ = std::max(operation->header.start, recv_port_free_) + cost;
  clock_ = std::max(clock_, recv_port_free_);
  if (!operation->bounce.empty()) std::memcpy(operation->recv_data, operation->bounce.data(), operation->bytes);
}

Transport::Request JudgeTransport::Isend(const void* data, size_t bytes, int destination, int tag) {
  auto operation = std::make_unique<Operation>();
  operation->is_send = true;
  operation->send_data = static_cast<const char*>(data);
  operation->bytes = bytes;
  operation->peer = destination;
  operation->tag = tag;
  return Request{Post(std::move(operation))};
}

Transport::Request JudgeTransport::Irecv(void* data, size_t bytes, int source, int tag) {
  auto operation = std::make_unique<Operation>();
  operation->recv_data = static_cast<char*>(data);
  operation->bytes = bytes;
  operation->peer = source;
  operation->tag = tag;
  return Request{Post(std::move(operation))};
}

void JudgeTransport::Wait(Request& request) { (void)WaitAny(std::span(&request, 1)); }

size_t JudgeTransport::WaitAny(std::span<Request> requests) {
  std::vector<Operation*> operations;
  bool any = false;
  for (const Request& request : requests) {
    Operation* operation = nullptr;
    if (request.id >= 0) {
      if (static_cast<size_t>(request.id) >= operations_.size() || operations_[request.id] == nullptr) {
        FailRun(ErrorKind::kImplementation, "a request was waited for twice, or never came from this transport");
      }
      operation = operations_[request.id].get();
      any = true;
    }
    operations.push_back(operation);
  }
  if (!any) {
    if (requests.size() == 1) return 0;  // Wait for nothing
    FailRun(ErrorKind::kImplementation, "WaitAny was called with no request to wait for");
  }
  size_t which = 0;
  BlockUntilAny(operations, &which);
  FinishOperation(operations[which]);
  operations_[requests[which].id].reset();
  requests[which].id = -1;
  return which;
}

void JudgeTransport::Send(const void* data, size_t bytes, int destination, int tag) {
  Request request = Isend(data, bytes, destination, tag);
  Wait(request);
}

void JudgeTransport::Recv(void* data, size_t bytes, int source, int tag) {
  Request request = Irecv(data, bytes, source, tag);
  Wait(request);
}

void JudgeTransport::SendRecv(const void* send_data, size_t send_bytes, int destination, void* recv_data,
                              size_t recv_bytes, int source, int tag) {
  Request send = Isend(send_data, send_bytes, destination, tag);
  Request receive = Irecv(recv_data, recv_bytes, source, tag);
  Wait(receive);
  Wait(send);
}

JudgeCounts JudgeTransport::Finish() {
  JudgeCounts counts = counts_;
  counts.model_seconds = std::max(clock_, send_port_free_);
  for (const auto& operation : operations_) counts.unwaited_requests += operation != nullptr;
  return counts;
}

}  // namespace workbench
