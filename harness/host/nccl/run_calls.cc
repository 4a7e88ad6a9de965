// Runs the calls of a group on a stream's fiber.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "harness/host/check/memory.h"
#include "harness/host/executor/executor.h"
#include "harness/host/nccl/call.h"
#include "harness/host/nccl/patience.h"
#include "harness/host/runtime/stream_work.h"

namespace cuda_host::nccl {
namespace {

// Communicators that take part, from the moment that the task touches them.
class Turn {
 public:
  // In the order of addresses, so that two tasks cannot each hold what the other wants.
  explicit Turn(const std::vector<Call>& calls) {
    for (const Call& call : calls) {
      if (std::find(cores_.begin(), cores_.end(), call.core) == cores_.end()) cores_.push_back(call.core);
    }
    std::sort(cores_.begin(), cores_.end());
    for (const auto& core : cores_) core->running.fetch_add(1);
    for (const auto& core : cores_) {
      Patience patience;
      while (core->turn_taken.exchange(true, std::memory_order_acquire)) (void)patience.Wait();
    }
  }
  ~Turn() {
    for (const auto& core : cores_) {
      core->turn_taken.store(false, std::memory_order_release);
      core->running.fetch_sub(1);
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::vector<std::shared_ptr<Core>> cores_;
};

std::unique_ptr<Transfer> Start(const Call& call, const Operation& operation) {
  if (call.record.kind == CallKind::kSend) return NewSend(call, operation);
  if (call.record.kind == CallKind::kRecv) return NewRecv(call, operation);
  return NewCollective(call, operation);
}

std::string Who(const Call& call) {
  return "rank " + std::to_string(call.core->state.rank()) + " of " + std::to_string(call.core->state.ranks());
}

std::string Stuck(const Transfer& transfer) {
  const Call& call = transfer.call();
  return Who(call) + " in " + Describe(call.record) + " for rank " + std::to_string(transfer.waiting_for());
}

// Looks whether the rank that `transfer` waits for is still there. If not, the communicator fails.
void LookForPeer(Transfer* transfer) {
  Core& core = *transfer->call().core;
  const int peer = transfer->waiting_for();
  const std::string gone = core.state.GoneReason(peer, /*deep=*/true);
  if (gone.empty()) return;
  // It may have done its part before it went.
  if (transfer->Step() != Transfer::Status::kWaiting || transfer->waiting_for() != peer) return;
  const RankState state = core.state.slot(peer).state.load();
  core.Fail(ncclRemoteError,
            Who(transfer->call()) + ": " + gone + ", and is waited for in " + Describe(transfer->call().record) +
                ": all ranks have to make the call",
            /*report=*/state == RankState::kJoined || state == RankState::kLeft);
}

}  // namespace

void Transfer::ReadUser(void* to, const void* from, size_t bytes) const {
  if (bytes == 0) return;
  check::OnCopy(operation_, call_.api, to, from, bytes);
  std::memcpy(to, from, bytes);
}

void Transfer::WriteUser(void* to, const void* from, size_t bytes) const {
  if (bytes == 0) return;
  AnnounceWrite(to, bytes);
  std::memcpy(to, from, bytes);
}

void Transfer::AnnounceWrite(void* to, size_t bytes) const { check::OnFill(operation_, call_.api, to, bytes); }

CallRecord Transfer::Record() const {
  CallRecord record = call_.record;
  if (call_.device_scalar != nullptr) ReadUser(&record.scalar, call_.device_scalar, TypeBytes(record.type));
  return record;
}

Transfer::Status Transfer::Mismatch(int other, const CallRecord& others) const {
  core().Fail(ncclInvalidUsage,
              "the ranks' calls do not fit together: " + Who(call_) + " calls " + Describe(call_.record) + ", rank " +
                  std::to_string(other) + " calls " + Describe(others) +
                  ": all ranks of a communicator make the same calls in the same order, and a send meets a receive of "
                  "the same count and type",
              /*report=*/true);
  return Status::kStopped;
}

void RunCalls(const std::vector<Call>& calls, const Operation& operation) {
  const Turn turn(calls);
  struct Running {
    std::unique_ptr<Transfer> transfer;
    bool collective;
  };
  std::vector<Running> running;
  for (const Call& call : calls) {
    const bool collective = call.record.kind != CallKind::kSend && call.record.kind != CallKind::kRecv;
    if (!call.core->Stopped()) running.push_back({Start(call, operation), collective});
  }
  Patience patience;
  while (!running.empty()) {
    bool moved = false;
    std::vector<const Core*> busy;  // with an earlier collective: these go one after the other
    std::erase_if(running, [&](Running& one) {
      const Core* core = one.transfer->call().core.get();
      if (one.collective) {
        if (std::find(busy.begin(), busy.end(), core) != busy.end()) return core->Stopped();
        busy.push_back(core);
      }
      const Transfer::Status status = one.transfer->Step();
      moved |= status != Transfer::Status::kWaiting;
      return status == Transfer::Status::kDone || status == Transfer::Status::kStopped;
    });
    if (moved) {
      patience.Reset();
      Yield();
      continue;
    }
    const Patience::Verdict verdict = patience.Wait();
    if (verdict == Patience::Verdict::kLook) {
      std::vector<const Core*> looked;  // a collective behind another has not begun
      for (Running& one : running) {
        const Core* const core = one.transfer->call().core.get();
        if (one.collective) {
          if (std::find(looked.begin(), looked.end(), core) != looked.end()) continue;
          looked.push_back(core);
        }
        if (DeviceFailed()) {
          one.transfer->call().core->Fail(ncclUnhandledCudaError, "the device has failed: see CUDA's own error",
                                          /*report=*/false);
        }
        if (one.transfer->Step() == Transfer::Status::kWaiting) LookForPeer(one.transfer.get());
      }
    } else if (verdict == Patience::Verdict::kLong && !running.empty()) {
      std::fprintf(stderr, "NCCL (host mode): still waiting: %s\n", Stuck(*running.front().transfer).c_str());
    }
  }
}

}  // namespace cuda_host::nccl
