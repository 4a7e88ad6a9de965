// The transport that judges: counts messages and bytes, keeps model time, and is as unkind as the contract allows.
#ifndef HARNESS_TRANSPORT_JUDGE_TRANSPORT_H_
#define HARNESS_TRANSPORT_JUDGE_TRANSPORT_H_

#include <mpi.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "harness/answer/transport.h"
#include "harness/transport/judge_options.h"

namespace workbench {

class JudgeTransport : public Transport {
 public:
  // Two communicators, not owned: one for a message's header, one for its data.
  JudgeTransport(MPI_Comm headers, MPI_Comm data, const JudgeOptions& options);
  ~JudgeTransport() override;

  void Send(const void* data, size_t bytes, int destination, int tag) override;
  void Recv(void* data, size_t bytes, int source, int tag) override;
  void SendRecv(const void* send_data, size_t send_bytes, int destination, void* recv_data, size_t recv_bytes,
                int source, int tag) override;
  Request Isend(const void* data, size_t bytes, int destination, int tag) override;
  Request Irecv(void* data, size_t bytes, int source, int tag) override;
  void Wait(Request& request) override;
  size_t WaitAny(std::span<Request> requests) override;

  // The counts so far. Call after the entry point has returned.
  JudgeCounts Finish();

 private:
  struct Header {
    uint64_t bytes;
    double start;  // model time at which the message left the sender's port
  };
  struct Operation;

  int32_t Post(std::unique_ptr<Operation> operation);
  void StartSend(Operation* operation);
  void Progress();
  bool Complete(Operation* operation);
  void FinishOperation(Operation* operation);
  void BlockUntilAny(std::span<Operation* const> operations, size_t* which);
  void CheckPeer(int peer, int tag, const char* call) const;
  std::string Describe(const Operation& operation) const;

  MPI_Comm headers_;
  MPI_Comm data_;
  JudgeOptions options_;
  JudgeCounts counts_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Operation>> operations_;  // by request id; null once it is done
  std::deque<Operation*> active_;                       // posted and not complete, in the order of posting
  double clock_ = 0;
  double send_port_free_ = 0;
  double recv_port_free_ = 0;
};

}  // namespace workbench

#endif  // HARNESS_TRANSPORT_JUDGE_TRANSPORT_H_
