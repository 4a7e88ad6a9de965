#include "harness/host/runtime/scheduler.h"

#include <sched.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "harness/host/check/memory.h"
#include "harness/host/runtime/thread.h"

namespace cuda_host {
namespace {

using std::chrono::milliseconds;

// How long an operation that the draw has put first may keep the others waiting: it may itself wait for one of them.
constexpr auto kAlone = milliseconds(2);
// What is held starts once the thread that enqueued last has computed for kBusy since, or has done nothing for
// kBlocked. (Time on the wall alone would make the order depend on the machine's load.)
constexpr int64_t kBusyNanoseconds = 2'000'000;
constexpr auto kBusy = milliseconds(2);
constexpr auto kBlocked = milliseconds(20);
// The same while the host waits: what it waits for may itself wait for what is held.
constexpr auto kWaiting = milliseconds(10);
// One operation in so many starts as it is enqueued.
constexpr uint64_t kEagerOneIn = 16;
// After so many queries what they ask for starts.
constexpr int kMostTries = 4;

int64_t Nanoseconds(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return -1;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool EndsDevice(cudaError_t error) {
  switch (error) {
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorLaunchOutOfResources:
    case cudaErrorNotSupported:
      return false;
    default:
      return true;
  }
}

OperationClock Through(const Operation& operation) {
  OperationClock clock = operation.before != nullptr ? *operation.before : OperationClock();
  clock.Raise(operation.timeline, operation.number);
  return clock;
}

}  // namespace

Scheduler& Scheduler::Get() {
  static auto* const scheduler = new Scheduler;  // outlives the workers
  return *scheduler;
}

Scheduler::Scheduler() : random_(Seed() ^ 0x5ced1e5u), order_(Seed() ^ 0x04de4u) {
  StartThread([this] { Watch(); });
  std::atexit([] { Get().Drain(); });
}

std::vector<std::shared_ptr<Op>> Scheduler::Tails(const CUstream_st& stream) const {
  std::vector<std::shared_ptr<Op>> tails;
  if (stream.tail != nullptr) tails.push_back(stream.tail);
  if (stream.legacy) {
    for (const Stream& other : order_of_streams_) {
      if (other->device == stream.device && other->blocking() && other->tail != nullptr) tails.push_back(other->tail);
    }
  } else if (stream.blocking()) {
    const auto legacy = legacy_.find(stream.device);
    if (legacy != legacy_.end() && legacy->second->tail != nullptr) tails.push_back(legacy->second->tail);
  }
  return tails;
}

std::shared_ptr<Op> Scheduler::Enqueue(Lock& lock, const Stream& stream, std::shared_ptr<const Work> work,
                                       const std::vector<std::shared_ptr<Op>>& after) {
  std::vector<std::shared_ptr<Op>> dependencies = Tails(*stream);
  dependencies.insert(dependencies.end(), after.begin(), after.end());

  auto op = std::make_shared<Op>();
  op->work = std::move(work);
  op->stream = stream;
  op->operation = {stream->timeline, ++stream->count, nullptr};
  if (check::Enabled()) {
    op->operation.caller = check::HostCaller();
    stream->clock.Join(host_clock_);
    stream->clock.Raise(0, host_number_);
    for (const auto& dependency : dependencies) {
      if (dependency->operation.timeline != stream->timeline) stream->clock.Join(Through(dependency->operation));
    }
    op->operation.before = std::make_shared<const OperationClock>(stream->clock);
    stream->clock.Raise(stream->timeline, stream->count);
  }
  if (op->work->record != nullptr) {
    op->work->record->record = op;
    op->work->record->capture = 0;
    op->work->record->capture_nodes.clear();
  }
  stream->tail = op;
  Add(op, dependencies);
  HostSteps();
  NoteEnqueue();

  if (random_.Below(kEagerOneIn) == 0) {
    Raise({op}, Op::Urgency::kReleased);
    Pump(lock);
    // What a host thread writes after the call, this operation has not seen: given the time for it.
    if (op->work->type == cudaGraphNodeTypeMemcpy || op->work->type == cudaGraphNodeTypeMemset ||
        op->work->type == cudaGraphNodeTypeKernel) {
      finished_.wait_for(lock, kAlone, [&] { return op->done() || failed_ != cudaSuccess; });
    }
  }
  return op;
}

std::shared_ptr<Op> Scheduler::EnqueueNode(const Stream& stream, std::shared_ptr<const Work> work, Operation operation,
                                           const std::vector<std::shared_ptr<Op>>& dependencies) {
  auto op = std::make_shared<Op>();
  op->work = std::move(work);
  op->stream = stream;
  op->operation = std::move(operation);
  Add(op, dependencies);
  return op;
}

void Scheduler::Add(const std::shared_ptr<Op>& op, const std::vector<std::shared_ptr<Op>>& dependencies) {
  for (const auto& dependency : dependencies) {
    if (dependency->done()) continue;
    if (std::find(op->dependencies.begin(), op->dependencies.end(), dependency) != op->dependencies.end()) continue;
    op->dependencies.push_back(dependency);
    dependency->dependents.push_back(op);
    ++op->waits_for;
  }
  op->stream->pending.push_back(op);
  ++unfinished_;
  ++held_;
  if (op->waits_for == 0) ready_.push_back(op);
}

void Scheduler::Raise(const std::vector<std::shared_ptr<Op>>& targets, Op::Urgency urgency) {
  std::vector<Op*> stack;
  for (const auto& target : targets) stack.push_back(target.get());
  while (!stack.empty()) {
    Op* const op = stack.back();
    stack.pop_back();
    // What is this urgent has dependencies that are, too.
    if (op->done() || op->urgency >= urgency) continue;
    if (op->urgency == Op::Urgency::kHeld) --held_;
    op->urgency = urgency;
    for (const auto& dependency : op->dependencies) stack.push_back(dependency.get());
  }
}

void Scheduler::DrawOthers() {
  for (const Stream& stream : order_of_streams_) {
    if (held_ == 0) return;
    std::vector<std::shared_ptr<Op>> held;
    for (const auto& op : stream->pending) {
      if (!op->done() && op->urgency == Op::Urgency::kHeld) held.push_back(op);
    }
    if (held.empty()) continue;
    const uint64_t choice = random_.Below(4);
    if (choice < 2) continue;
    const size_t last = random_.Below(held.size());
    held.resize(last + 1);
    Raise(held, choice == 2 ? Op::Urgency::kEarly : Op::Urgency::kReleased);
  }
}

void Scheduler::RaiseAll() {
  for (const Stream& stream : order_of_streams_) {
    Raise({stream->pending.begin(), stream->pending.end()}, Op::Urgency::kReleased);
  }
}

std::shared_ptr<Op> Scheduler::Choose() {
  if (alone_ != nullptr && (alone_->done() || Clock::now() >= alone_until_)) alone_.reset();
  std::vector<size_t> candidates;
  Op::Urgency best = Op::Urgency::kReleased;
  for (size_t i = 0; i < ready_.size(); ++i) {
    const Op& op = *ready_[i];
    if (op.urgency < best || (alone_ != nullptr && op.work->start != nullptr)) continue;
    if (op.urgency > best) candidates.clear();
    best = op.urgency;
    candidates.push_back(i);
  }
  if (candidates.empty()) return nullptr;
  const size_t i = candidates.size() == 1 ? candidates[0] : candidates[order_.Below(candidates.size())];
  std::shared_ptr<Op> op = std::move(ready_[i]);
  ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(i));
  if (op->work->start != nullptr && unfinished_ > 1 && (best == Op::Urgency::kEarly || order_.Below(2) == 0)) {
    alone_ = op;
    alone_until_ = Clock::now() + kAlone;
  }
  return op;
}

void Scheduler::Pump(Lock& lock) {
  while (!closing_ && failed_ == cudaSuccess) {
    const std::shared_ptr<Op> op = Choose();
    if (op == nullptr) return;
    if (op->work->start == nullptr) {
      Finish(op);
      continue;
    }
    op->state = Op::State::kStarted;
    ++running_;
    lock.unlock();
    op->work->start(op->operation, [this, op](cudaError_t error) { Complete(op, error); });
    lock.lock();
  }
}

void Scheduler::Finish(const std::shared_ptr<Op>& op) {
  op->state = Op::State::kDone;
  op->finished_at = Clock::now();
  --unfinished_;
  if (op->urgency == Op::Urgency::kHeld) --held_;
  if (op->work->finished != nullptr) op->work->finished();
  for (const auto& dependent : op->dependents) {
    if (--dependent->waits_for == 0) ready_.push_back(dependent);
  }
  op->dependents.clear();
  op->dependencies.clear();
  auto& pending = op->stream->pending;
  while (!pending.empty() && pending.front()->done()) pending.pop_front();
  if (pending.empty() && op->stream->destroyed) std::erase(order_of_streams_, op->stream);
  finished_.notify_all();
}

void Scheduler::Complete(const std::shared_ptr<Op>& op, cudaError_t error) {
  Lock lock = Acquire();
  --running_;
  if (op->state == Op::State::kStarted) Finish(op);
  if (error != cudaSuccess) {
    if (EndsDevice(error)) {
      Fail(error);
    } else if (async_error_ == cudaSuccess) {
      async_error_ = error;
    }
  }
  finished_.notify_all();
  Pump(lock);
}

void Scheduler::Fail(cudaError_t error) {
  if (failed_ != cudaSuccess) return;
  failed_ = error;
  for (const Stream& stream : order_of_streams_) {
    for (const auto& op : stream->pending) {
      op->dependents.clear();
      op->dependencies.clear();
      op->state = Op::State::kDone;  // those that run end unobserved
    }
    stream->pending.clear();
  }
  ready_.clear();
  alone_.reset();
  unfinished_ = held_ = 0;
  finished_.notify_all();
}

cudaError_t Scheduler::TakeAsyncError() { return std::exchange(async_error_, cudaSuccess); }

cudaError_t Scheduler::WaitFor(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets) {
  const auto done = [&] {
    return failed_ != cudaSuccess ||
           std::all_of(targets.begin(), targets.end(), [](const auto& op) { return op->done(); });
  };
  if (!done()) {
    Raise(targets, Op::Urgency::kReleased);
    DrawOthers();
    NoteEnqueue();
    ++waiters_;
    Pump(lock);
    finished_.wait(lock, done);
    --waiters_;
  }
  if (failed_ != cudaSuccess) return failed_;
  HostJoins(targets);
  return TakeAsyncError();
}

cudaError_t Scheduler::WaitForStream(Lock& lock, const Stream& stream) {
  return WaitFor(lock, stream->tail == nullptr ? std::vector<std::shared_ptr<Op>>() : std::vector{stream->tail});
}

cudaError_t Scheduler::WaitForDevice(Lock& lock, int device) {
  std::vector<std::shared_ptr<Op>> tails;
  for (const Stream& stream : order_of_streams_) {
    if (stream->device == device && stream->tail != nullptr) tails.push_back(stream->tail);
  }
  return WaitFor(lock, tails);
}

cudaError_t Scheduler::Query(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets, int* tries) {
  const auto done = [](const auto& op) { return op->done(); };
  if (failed_ == cudaSuccess && !std::all_of(targets.begin(), targets.end(), done)) {
    ++*tries;
    if (*tries >= kMostTries || random_.Below(kMostTries) == 0) {
      Raise(targets, Op::Urgency::kReleased);
      DrawOthers();
      Pump(lock);
    }
    if (failed_ == cudaSuccess && !std::all_of(targets.begin(), targets.end(), done)) {
      lock.unlock();
      sched_yield();
      lock.lock();
      return cudaErrorNotReady;
    }
  }
  *tries = 0;
  if (failed_ != cudaSuccess) return failed_;
  HostJoins(targets);
  return TakeAsyncError();
}

void Scheduler::Release(Lock& lock, const std::vector<std::shared_ptr<Op>>& targets) {
  Raise(targets, Op::Urgency::kReleased);
  Pump(lock);
}

bool Scheduler::Reset(Lock& lock) {
  Fail(cudaErrorUnknown);
  const bool idle = finished_.wait_for(lock, std::chrono::seconds(2), [&] { return running_ == 0; });
  for (const Stream& stream : order_of_streams_) stream->tail.reset();
  std::erase_if(order_of_streams_, [](const Stream& stream) { return !stream->legacy; });
  std::erase_if(streams_, [](const auto& entry) { return !entry.second->legacy; });
  failed_ = async_error_ = cudaSuccess;
  return idle;
}

Scheduler::Stream Scheduler::NewStream(int device, unsigned flags, int priority, bool legacy) {
  auto stream = std::make_shared<CUstream_st>();
  stream->id = ++stream_ids_;
  stream->device = device;
  stream->flags = flags;
  stream->priority = priority;
  stream->legacy = legacy;
  stream->timeline = NewTimeline();
  streams_[stream.get()] = stream;
  order_of_streams_.push_back(stream);
  return stream;
}

void Scheduler::DestroyStream(const Stream& stream) {
  stream->destroyed = true;
  streams_.erase(stream.get());
  if (stream->pending.empty()) std::erase(order_of_streams_, stream);
}

Scheduler::Stream Scheduler::Legacy(int device) {
  Stream& stream = legacy_[device];
  if (stream == nullptr) stream = NewStream(device, cudaStreamDefault, 0, true);
  return stream;
}

Scheduler::Stream Scheduler::Find(cudaStream_t handle) const {
  const auto stream = streams_.find(handle);
  return stream == streams_.end() ? nullptr : stream->second;
}

std::vector<Scheduler::Stream> Scheduler::StreamsOf(int device) const {
  std::vector<Stream> streams;
  for (const Stream& stream : order_of_streams_) {
    if (stream->device == device) streams.push_back(stream);
  }
  return streams;
}

void Scheduler::HostJoins(const std::vector<std::shared_ptr<Op>>& targets) {
  if (!check::Enabled() || targets.empty()) return;
  for (const auto& target : targets) host_clock_.Join(Through(target->operation));
  HostSteps();
}

void Scheduler::HostSteps() {
  if (!check::Enabled()) return;
  ++host_number_;
  check::OnHost({0, host_number_, std::make_shared<const OperationClock>(host_clock_)});
}

void Scheduler::NoteEnqueue() {
  last_call_ = Clock::now();
  if (pthread_getcpuclockid(pthread_self(), &caller_clock_) != 0) caller_clock_ = CLOCK_MONOTONIC;
  caller_time_ = Nanoseconds(caller_clock_);
  if (watch_sleeps_) enqueued_.notify_one();
}

bool Scheduler::HostIsBusyElsewhere() {
  const auto since = Clock::now() - last_call_;
  if (waiters_ > 0) return since >= kWaiting;
  if (since >= kBlocked) return true;
  if (since < kBusy) return false;
  const int64_t time = Nanoseconds(caller_clock_);
  return time < 0 || time - caller_time_ >= kBusyNanoseconds;  // negative: the thread has ended
}

void Scheduler::Watch() {
  Lock lock = Acquire();
  int quiet = 0;
  for (;;) {
    if (unfinished_ > 0) {
      quiet = 0;
    } else if (++quiet > 50) {
      watch_sleeps_ = true;
      enqueued_.wait(lock, [&] { return unfinished_ > 0; });
      watch_sleeps_ = false;
      quiet = 0;
    }
    lock.unlock();
    std::this_thread::sleep_for(milliseconds(1));
    lock.lock();
    if (held_ > 0 && HostIsBusyElsewhere()) {
      RaiseAll();
      alone_.reset();
    }
    if (alone_ == nullptr || Clock::now() >= alone_until_) Pump(lock);
  }
}

void Scheduler::Drain() {
  Lock lock = Acquire();
  closing_ = true;
  finished_.wait_for(lock, milliseconds(100), [&] { return running_ == 0; });
}

}  // namespace cuda_host
