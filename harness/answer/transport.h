// Point-to-point messages between ranks: what an answer that builds collectives out of messages is given.
//
// The semantics are MPI's (MPI-4.0, chapter 3), cut down to what collectives need:
//   * Messages from one rank to another with one tag arrive in the order in which they were sent.
//   * Send may return as soon as the data is buffered, or only when the matching receive is posted. An answer may not
//     count on either: two ranks that both Send before they Recv are allowed to deadlock, and in some checks they do.
//   * Between Isend and its Wait the buffer belongs to the transport: reading it is fine, writing it is not.
//   * Between Irecv and its Wait the buffer belongs to the transport: neither read nor write it.
//   * A receive must name exactly the number of bytes that the sender sent; anything else ends the run.
//
// All sizes are bytes. A message may have any size from 0 up, past 2^31 too. Ranks and tags: 0 <= rank < size(),
// 0 <= tag < 32768. A call that breaks these rules ends the run and is reported; no call returns an error.
//
// Not thread-safe: call it from the thread that called the entry point.
#ifndef HARNESS_ANSWER_TRANSPORT_H_
#define HARNESS_ANSWER_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace workbench {

class Transport {
 public:
  // Names one Isend or Irecv until Wait or WaitAny has returned it. A default-made one names nothing; waiting for it
  // returns at once.
  struct Request {
    int32_t id = -1;
  };

  virtual ~Transport() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }

  // Blocking. `data` may be reused when Send returns; it is filled when Recv returns.
  virtual void Send(const void* data, size_t bytes, int destination, int tag) = 0;
  virtual void Recv(void* data, size_t bytes, int source, int tag) = 0;

  // Send and Recv at the same time; cannot deadlock against another SendRecv. The buffers may not overlap.
  virtual void SendRecv(const void* send_data, size_t send_bytes, int destination, void* recv_data, size_t recv_bytes,
                        int source, int tag) = 0;

  // Start and return at once. Every request must be waited for before the entry point returns.
  [[nodiscard]] virtual Request Isend(const void* data, size_t bytes, int destination, int tag) = 0;
  [[nodiscard]] virtual Request Irecv(void* data, size_t bytes, int source, int tag) = 0;

  // Returns when the request is complete, and resets it.
  virtual void Wait(Request& request) = 0;

  // Returns the index of a complete request, and resets it; requests that name nothing are passed over.
  // REQUIRES: at least one request names something.
  virtual size_t WaitAny(std::span<Request> requests) = 0;

  void WaitAll(std::span<Request> requests) {
    for (Request& request : requests) Wait(request);
  }

 protected:
  Transport(int rank, int size) : rank_(rank), size_(size) {}

 private:
  int rank_;
  int size_;
};

}  // namespace workbench

#endif  // HARNESS_ANSWER_TRANSPORT_H_
