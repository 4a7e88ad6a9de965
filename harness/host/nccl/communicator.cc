#include "harness/host/nccl/communicator.h"

#include <cstdio>
#include <cstdlib>
#include <unordered_set>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/patience.h"

namespace cuda_host::nccl {
namespace {

std::mutex g_mutex;

// Numbered through the process, so that the later of two can be told.
struct LastMessage {
  uint64_t number = 0;
  std::string text;
};
std::atomic<uint64_t> g_errors{0};
thread_local LastMessage t_error;  // of this thread's calls
LastMessage& LastAsyncError() {    // guarded by g_mutex
  static auto* message = new LastMessage();
  return *message;
}

std::unordered_set<ncclComm_t>& Handles() {
  static auto* handles = new std::unordered_set<ncclComm_t>();
  return *handles;
}

std::mutex g_jobs_mutex;
std::vector<std::weak_ptr<Job>>& PolledJobs() {
  static auto* jobs = new std::vector<std::weak_ptr<Job>>();
  return *jobs;
}

}  // namespace

void Core::Fail(ncclResult_t result, const std::string& text, bool report) {
  {
    const std::lock_guard<std::mutex> lock(message_mutex);
    if (async_error.load() != ncclSuccess) return;
    message = text;
    async_error.store(result);
  }
  RankState joined = RankState::kJoined;
  state.mine().state.compare_exchange_strong(joined, RankState::kFailed);
  {
    const std::lock_guard<std::mutex> lock(g_mutex);
    LastAsyncError() = {++g_errors, text};
  }
  if (report) Report("NCCL: " + text);
}

ncclResult_t RunJobs(const std::vector<std::shared_ptr<Job>>& jobs) {
  std::vector<std::shared_ptr<Job>> left = jobs;
  ncclResult_t first = ncclSuccess;
  Patience patience;
  while (!left.empty()) {
    const size_t before = left.size();
    std::erase_if(left, [&first](const std::shared_ptr<Job>& job) {
      job->Poll();
      if (job->result() == ncclInProgress) return false;
      if (job->result() != ncclSuccess && first == ncclSuccess) first = job->result();
      return true;
    });
    if (left.size() != before) {
      patience.Reset();
    } else if (patience.Wait() == Patience::Verdict::kLong) {
      std::fprintf(stderr, "NCCL (host mode): still waiting: %s\n", left.front()->Waiting().c_str());
    }
  }
  return first;
}

void AddPolledJob(const std::shared_ptr<Job>& job) {
  const std::lock_guard<std::mutex> lock(g_jobs_mutex);
  PolledJobs().push_back(job);
}

void PollJobs() {
  const std::lock_guard<std::mutex> lock(g_jobs_mutex);
  std::erase_if(PolledJobs(), [](const std::weak_ptr<Job>& weak) {
    const std::shared_ptr<Job> job = weak.lock();
    if (job == nullptr) return true;
    job->Poll();
    return job->result() != ncclInProgress;
  });
}

ncclResult_t SetLastError(ncclResult_t result, const std::string& text) {
  t_error = {++g_errors, text};
  return result;
}

const char* LastError() {
  thread_local char shown[2048];
  const std::lock_guard<std::mutex> lock(g_mutex);
  const LastMessage& last = LastAsyncError().number > t_error.number ? LastAsyncError() : t_error;
  std::snprintf(shown, sizeof shown, "%s", last.text.c_str());
  return shown;
}

ncclResult_t CheckHandle(ncclComm_t comm, const char* call) {
  if (comm == nullptr) return SetLastError(ncclInvalidArgument, std::string(call) + ": the communicator is null");
  {
    const std::lock_guard<std::mutex> lock(g_mutex);
    if (Handles().count(comm) != 0) return ncclSuccess;
  }
  return SetLastError(
      ncclInvalidArgument,
      std::string(call) + ": this is no communicator, or one that has been destroyed or aborted: make a new one");
}

ncclResult_t CheckReady(ncclComm_t comm, const char* call) {
  if (const ncclResult_t result = CheckHandle(comm, call); result != ncclSuccess) return result;
  if (comm->job_error != ncclSuccess)
    return SetLastError(comm->job_error, std::string(call) + ": the communicator could not be made");
  if (comm->job != nullptr || comm->unpolled) {
    return SetLastError(ncclInvalidArgument,
                        std::string(call) +
                            ": the call before this one is still in progress: on a communicator without "
                            "blocking, call ncclCommGetAsyncError until it gives ncclSuccess");
  }
  const ncclResult_t error = comm->core->async_error.load();
  if (error != ncclSuccess) {
    const std::lock_guard<std::mutex> lock(comm->core->message_mutex);
    return SetLastError(error, comm->core->message);
  }
  return ncclSuccess;
}

ncclResult_t CheckPointer(const void* pointer, const char* call, const char* name) {
  if (pointer != nullptr) return ncclSuccess;
  return SetLastError(ncclInvalidArgument, std::string(call) + ": " + name + " is null");
}

ncclResult_t CheckCuda(cudaError_t error, const char* call, const char* cuda_call) {
  if (error == cudaSuccess) return ncclSuccess;
  return SetLastError(ncclUnhandledCudaError,
                      std::string(call) + ": " + cuda_call + " failed: " + cudaGetErrorString(error));
}

ncclComm_t NewHandle() {
  auto* comm = new ncclComm();
  comm->core = std::make_shared<Core>();
  const std::lock_guard<std::mutex> lock(g_mutex);
  static uint32_t serial = 0;
  comm->serial = ++serial;
  Handles().insert(comm);
  return comm;
}

void DeleteHandle(ncclComm_t comm) {
  {
    const std::lock_guard<std::mutex> lock(g_mutex);
    Handles().erase(comm);
  }
  if (comm->last != nullptr) (void)cudaEventDestroy(comm->last);
  delete comm;
}

DeviceScope::DeviceScope(int device) {
  if (cudaGetDevice(&before_) != cudaSuccess || before_ == device) return;
  changed_ = cudaSetDevice(device) == cudaSuccess;
}

DeviceScope::~DeviceScope() {
  if (changed_) (void)cudaSetDevice(before_);
}

}  // namespace cuda_host::nccl
