// The fast transport: MPI calls and nothing else. For timing; JudgeTransport is the one that counts.
#ifndef HARNESS_TRANSPORT_MPI_TRANSPORT_H_
#define HARNESS_TRANSPORT_MPI_TRANSPORT_H_

#include <mpi.h>

#include <vector>

#include "harness/answer/transport.h"

namespace workbench {

class MpiTransport : public Transport {
 public:
  // Uses `communicator` (not owned) for all messages. A message travels as pieces of at most 1 GiB, since MPI-3 counts
  // are ints.
  explicit MpiTransport(MPI_Comm communicator);

  void Send(const void* data, size_t bytes, int destination, int tag) override;
  void Recv(void* data, size_t bytes, int source, int tag) override;
  void SendRecv(const void* send_data, size_t send_bytes, int destination, void* recv_data, size_t recv_bytes,
                int source, int tag) override;
  Request Isend(const void* data, size_t bytes, int destination, int tag) override;
  Request Irecv(void* data, size_t bytes, int source, int tag) override;
  void Wait(Request& request) override;
  size_t WaitAny(std::span<Request> requests) override;

 private:
  // Slots are reused; slots_[id].extra holds the requests of pieces behind the first.
  struct Slot {
    MPI_Request first = MPI_REQUEST_NULL;
    std::vector<MPI_Request> extra;
  };
  int32_t TakeSlot();

  MPI_Comm communicator_;
  std::vector<Slot> slots_;
  std::vector<int32_t> free_;
  std::vector<MPI_Request> scratch_;
};

// Ends the run when an MPI call has failed, with the call and MPI's own words.
void CheckMpi(int code, const char* call, const char* file, int line);

}  // namespace workbench

#define WB_CHECK_MPI(call) ::workbench::CheckMpi((call), #call, __FILE__, __LINE__)

#endif  // HARNESS_TRANSPORT_MPI_TRANSPORT_H_
