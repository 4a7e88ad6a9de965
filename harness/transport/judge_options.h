// What JudgeTransport is told and what it tells; apart from it, so that the grader need not know MPI.
#ifndef HARNESS_TRANSPORT_JUDGE_OPTIONS_H_
#define HARNESS_TRANSPORT_JUDGE_OPTIONS_H_

#include <cstdint>

namespace workbench {

// Trivially copyable: travels from the grader inside a case.
struct JudgeOptions {
  // Send (and the wait for an Isend) returns only once the receive is posted: a cycle of blocking sends deadlocks.
  uint32_t rendezvous = 0;
  // Received data lands only when it is waited for; an Isend's buffer is read only when the rank next blocks; messages
  // are held back for up to a millisecond; WaitAny prefers the request that came last. Drawn from `seed`.
  uint32_t adversarial = 0;
  uint64_t seed = 0;
  uint64_t max_message_bytes = 0;  // larger messages end the run; 0: no limit
  double alpha = 1;                // model time: seconds a message
  double beta = 0;                 // model time: seconds a byte
};

struct JudgeCounts {
  uint64_t messages_sent = 0;
  uint64_t messages_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t largest_message = 0;
  uint64_t destinations = 0;  // bit mask of ranks sent to (rank mod 64)
  uint64_t sources = 0;
  double model_seconds = 0;  // this rank's clock in the model of Q2 part C, when the entry point returned
  uint64_t unwaited_requests = 0;
  // Bytes sent by step, where the model counts steps (alpha 1, beta 0); the last holds all that follow.
  uint64_t step_bytes[32] = {};
};

}  // namespace workbench

#endif  // HARNESS_TRANSPORT_JUDGE_OPTIONS_H_
