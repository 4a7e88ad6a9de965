#include "harness/host/nccl/group.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/host/runtime/stream_work.h"

namespace cuda_host::nccl {
namespace {

struct QueuedCall {
  ncclComm_t comm;
  int device;
  cudaStream_t stream;
  Call call;
};

struct QueuedJob {
  std::shared_ptr<Job> job;
  bool polled;
  std::function<void(ncclResult_t)> done;
};

struct Group {
  int depth = 0;
  ncclResult_t error = ncclSuccess;
  std::vector<QueuedCall> calls;
  std::vector<QueuedJob> jobs;
};
thread_local Group t_group;

// What goes on a stream as one operation: calls that share communicators or streams with each other.
struct Launch {
  std::vector<QueuedCall> calls;
  std::vector<ncclComm_t> comms;
  std::vector<std::pair<int, cudaStream_t>> streams;  // with the device, which tells default streams apart

  bool Touches(const QueuedCall& call) const {
    return std::find(comms.begin(), comms.end(), call.comm) != comms.end() ||
           std::find(streams.begin(), streams.end(), std::pair(call.device, call.stream)) != streams.end();
  }
  void Add(const QueuedCall& call) {
    calls.push_back(call);
    if (std::find(comms.begin(), comms.end(), call.comm) == comms.end()) comms.push_back(call.comm);
    const std::pair stream(call.device, call.stream);
    if (std::find(streams.begin(), streams.end(), stream) == streams.end()) streams.push_back(stream);
  }
};

std::vector<Launch> Partition(const std::vector<QueuedCall>& calls) {
  std::vector<Launch> launches;
  for (const QueuedCall& call : calls) {
    Launch joined;
    std::erase_if(launches, [&](const Launch& launch) {
      if (!launch.Touches(call)) return false;
      for (const QueuedCall& earlier : launch.calls) joined.Add(earlier);
      return true;
    });
    joined.Add(call);
    launches.push_back(std::move(joined));
  }
  return launches;
}

// A rank sends to itself as often as it receives from itself, within one group.
ncclResult_t CheckSelf(const std::vector<QueuedCall>& calls) {
  std::map<ncclComm_t, int> balance;
  for (const QueuedCall& queued : calls) {
    const CallRecord& record = queued.call.record;
    if (record.peer != queued.call.core->state.rank()) continue;
    if (record.kind == CallKind::kSend) ++balance[queued.comm];
    if (record.kind == CallKind::kRecv) --balance[queued.comm];
  }
  for (const auto& [comm, sends] : balance) {
    if (sends != 0) {
      return SetLastError(ncclInvalidUsage,
                          sends > 0 ? "ncclSend to the rank itself: make the matching ncclRecv in the same group"
                                    : "ncclRecv from the rank itself: make the matching ncclSend in the same group");
    }
  }
  return ncclSuccess;
}

// An event that orders one stream behind another.
ncclResult_t Order(const std::pair<int, cudaStream_t>& later, const std::pair<int, cudaStream_t>& earlier) {
  cudaEvent_t event = nullptr;
  ncclResult_t result = ncclSuccess;
  {
    const DeviceScope scope(earlier.first);
    result = CheckCuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "NCCL", "cudaEventCreate");
    if (result == ncclSuccess) result = CheckCuda(cudaEventRecord(event, earlier.second), "NCCL", "cudaEventRecord");
  }
  const DeviceScope scope(later.first);
  if (result == ncclSuccess)
    result = CheckCuda(cudaStreamWaitEvent(later.second, event, 0), "NCCL", "cudaStreamWaitEvent");
  if (event != nullptr) (void)cudaEventDestroy(event);
  return result;
}

// Whether the streams are captured: all or none.
ncclResult_t IsCaptured(const Launch& launch, bool* captured) {
  for (size_t i = 0; i < launch.streams.size(); ++i) {
    const DeviceScope scope(launch.streams[i].first);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    const ncclResult_t result =
        CheckCuda(cudaStreamIsCapturing(launch.streams[i].second, &status), "NCCL", "cudaStreamIsCapturing");
    if (result != ncclSuccess) return result;
    const bool active = status != cudaStreamCaptureStatusNone;
    if (i > 0 && active != *captured) {
      return SetLastError(ncclInvalidUsage,
                          "of the streams of one group some are captured and some are not: capture all or none");
    }
    *captured = active;
  }
  return ncclSuccess;
}

// As one operation of all its streams: the first waits for the others, runs it, and the others wait for that. Behind
// the communicators' earlier operations too, on whatever stream those are, as NCCL has it.
ncclResult_t Enqueue(const Launch& launch) {
  bool captured = false;
  ncclResult_t result = IsCaptured(launch, &captured);
  const auto& first = launch.streams.front();
  for (size_t i = 1; i < launch.streams.size() && result == ncclSuccess; ++i) result = Order(first, launch.streams[i]);
  if (result != ncclSuccess) return result;

  const DeviceScope scope(first.first);
  for (ncclComm_t comm : launch.comms) {
    if (captured || comm->last == nullptr) continue;
    result = CheckCuda(cudaStreamWaitEvent(first.second, comm->last, 0), "NCCL", "cudaStreamWaitEvent");
    if (result != ncclSuccess) return result;
  }
  auto calls = std::make_shared<std::vector<Call>>();
  for (const QueuedCall& queued : launch.calls) calls->push_back(queued.call);
  const char* what = calls->size() == 1 ? calls->front().api : "ncclGroupEnd";
  result =
      CheckCuda(EnqueueTask(first.second, what, [calls](const Operation& operation) { RunCalls(*calls, operation); }),
                what, "putting it on its stream");
  if (result != ncclSuccess) return result;
  for (ncclComm_t comm : launch.comms) {
    if (captured) break;
    if (comm->last == nullptr) {
      result = CheckCuda(cudaEventCreateWithFlags(&comm->last, cudaEventDisableTiming), what, "cudaEventCreate");
      if (result != ncclSuccess) return result;
    }
    result = CheckCuda(cudaEventRecord(comm->last, first.second), what, "cudaEventRecord");
    if (result != ncclSuccess) return result;
  }
  for (size_t i = 1; i < launch.streams.size() && result == ncclSuccess; ++i) result = Order(launch.streams[i], first);
  return result;
}

ncclResult_t FinishJobs(std::vector<QueuedJob>* jobs) {
  std::vector<std::shared_ptr<Job>> waited;
  for (const QueuedJob& queued : *jobs) {
    if (!queued.polled) waited.push_back(queued.job);
  }
  ncclResult_t result = RunJobs(waited);
  bool in_progress = false;
  for (const QueuedJob& queued : *jobs) {
    if (queued.polled) {
      AddPolledJob(queued.job);
      in_progress = true;
    }
    queued.done(queued.polled ? ncclInProgress : queued.job->result());
  }
  return result == ncclSuccess && in_progress ? ncclInProgress : result;
}

}  // namespace

bool InGroup() { return t_group.depth > 0; }

void StartGroup() { ++t_group.depth; }

ncclResult_t FailGroup(ncclResult_t result) {
  if (result != ncclSuccess && result != ncclInProgress && t_group.error == ncclSuccess) t_group.error = result;
  return result;
}

void AddCall(ncclComm_t comm, cudaStream_t stream, Call call) {
  const int device = call.core->device;
  t_group.calls.push_back({comm, device, stream, std::move(call)});
}

void AddJob(std::shared_ptr<Job> job, bool polled, std::function<void(ncclResult_t)> done) {
  t_group.jobs.push_back({std::move(job), polled, std::move(done)});
}

ncclResult_t EndGroup(bool simulate) {
  if (t_group.depth == 0) {
    return SetLastError(ncclInvalidUsage, "ncclGroupEnd: there is no group: call ncclGroupStart first");
  }
  if (--t_group.depth > 0) return ncclSuccess;
  Group group = std::exchange(t_group, Group{});
  if (group.error != ncclSuccess || simulate) {
    for (const QueuedJob& queued : group.jobs) queued.done(simulate ? ncclInvalidUsage : group.error);
    return group.error;
  }
  if (!group.jobs.empty() && !group.calls.empty()) {
    for (const QueuedJob& queued : group.jobs) queued.done(ncclInvalidUsage);
    return SetLastError(ncclInvalidUsage,
                        "a group makes communicators and communicates as well: end the group in between");
  }
  if (!group.jobs.empty()) return FinishJobs(&group.jobs);

  ncclResult_t result = CheckSelf(group.calls);
  for (const Launch& launch : Partition(group.calls)) {
    if (result == ncclSuccess) result = Enqueue(launch);
  }
  for (const QueuedCall& queued : group.calls) {
    if (queued.comm->blocking) continue;
    queued.comm->unpolled = true;
    if (result == ncclSuccess) result = ncclInProgress;
  }
  return result;
}

}  // namespace cuda_host::nccl
