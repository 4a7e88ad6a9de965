// ncclSend and ncclRecv: chunks through the buffer of the pair of ranks. A send is over when the receiver has it all.
#include <algorithm>

#include "harness/host/nccl/call.h"

namespace cuda_host::nccl {
namespace {

bool Fit(const CallRecord& send, const CallRecord& recv) { return send.count == recv.count && send.type == recv.type; }

uint64_t Chunks(const CallRecord& record) {
  return (record.count * TypeBytes(record.type) + kPairBytes - 1) / kPairBytes;
}

// Both ends, which differ in who writes which flag.
class PointToPoint : public Transfer {
 public:
  PointToPoint(const Call& call, const Operation& operation, uint64_t index)
      : Transfer(call, operation), peer_(call.record.peer), index_(index), left_(Chunks(call.record)) {}

 protected:
  Core::Peer& flow() const { return core().peers[static_cast<size_t>(peer_)]; }
  // The piece that comes next, in bytes.
  size_t Begin() const { return done_ * kPairBytes; }
  size_t Length() const { return std::min(kPairBytes, call().record.count * TypeBytes(call().record.type) - Begin()); }

  const int peer_;
  const uint64_t index_;  // among the sends, or receives, of this pair
  uint64_t left_;         // chunks
  uint64_t done_ = 0;
  bool announced_ = false;
  bool checked_ = false;
};

class SendTransfer : public PointToPoint {
 public:
  SendTransfer(const Call& call, const Operation& operation)
      : PointToPoint(call, operation, call.core->peers[static_cast<size_t>(call.record.peer)].sends++) {}

  Status Step() override {
    if (core().Stopped()) return Status::kStopped;
    if (flow().sends_finished != index_) return Wait(peer_);  // behind this rank's earlier send to the same peer
    PairChannel& channel = state().channel(state().rank(), peer_);
    if (!announced_) {
      channel.sends[index_ % 2] = Record();
      channel.send_announced.store(index_ + 1, std::memory_order_release);
      announced_ = true;
    }
    if (!checked_) {
      if (channel.recv_announced.load(std::memory_order_acquire) <= index_) return Wait(peer_);
      const CallRecord& recv = channel.recvs[index_ % 2];
      if (!Fit(call().record, recv)) return Mismatch(peer_, recv);
      checked_ = true;
    }
    uint64_t& chunk = flow().sent_chunks;
    const uint64_t received = channel.received.load(std::memory_order_acquire);
    if (left_ == 0) {
      if (received < chunk) return Wait(peer_);
      ++flow().sends_finished;
      return Status::kDone;
    }
    if (chunk - received >= kPairSlots) return Wait(peer_);
    ReadUser(state().pair_buffer(state().rank(), peer_, chunk), static_cast<const std::byte*>(call().send) + Begin(),
             Length());
    channel.sent.store(++chunk, std::memory_order_release);
    ++done_;
    --left_;
    return Status::kMoved;
  }
};

class RecvTransfer : public PointToPoint {
 public:
  RecvTransfer(const Call& call, const Operation& operation)
      : PointToPoint(call, operation, call.core->peers[static_cast<size_t>(call.record.peer)].recvs++) {}

  Status Step() override {
    if (core().Stopped()) return Status::kStopped;
    if (flow().recvs_finished != index_) return Wait(peer_);
    PairChannel& channel = state().channel(peer_, state().rank());
    if (!announced_) {
      channel.recvs[index_ % 2] = Record();
      channel.recv_announced.store(index_ + 1, std::memory_order_release);
      announced_ = true;
    }
    if (!checked_) {
      if (channel.send_announced.load(std::memory_order_acquire) <= index_) return Wait(peer_);
      const CallRecord& send = channel.sends[index_ % 2];
      if (!Fit(send, call().record)) return Mismatch(peer_, send);
      checked_ = true;
    }
    uint64_t& chunk = flow().received_chunks;
    if (left_ > 0) {
      if (channel.sent.load(std::memory_order_acquire) <= chunk) return Wait(peer_);
      WriteUser(static_cast<std::byte*>(call().recv) + Begin(), state().pair_buffer(peer_, state().rank(), chunk),
                Length());
      channel.received.store(++chunk, std::memory_order_release);
      ++done_;
      --left_;
      if (left_ > 0) return Status::kMoved;
    }
    ++flow().recvs_finished;
    return Status::kDone;
  }
};

}  // namespace

std::unique_ptr<Transfer> NewSend(const Call& call, const Operation& operation) {
  return std::make_unique<SendTransfer>(call, operation);
}

std::unique_ptr<Transfer> NewRecv(const Call& call, const Operation& operation) {
  return std::make_unique<RecvTransfer>(call, operation);
}

}  // namespace cuda_host::nccl
