// Communicators: making, splitting, asking, ending.
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/group.h"
#include "harness/host/nccl/init_jobs.h"

namespace cuda_host::nccl {
namespace {

bool IsSet(int value) { return value != NCCL_CONFIG_UNDEF_INT; }

ncclResult_t CheckConfig(const ncclConfig_t* config, const char* call) {
  if (config == nullptr) return ncclSuccess;
  const auto wrong = [call](const std::string& what) {
    return SetLastError(ncclInvalidArgument, std::string(call) + ": " + what);
  };
  const ncclConfig_t made = NCCL_CONFIG_INITIALIZER;
  if (config->magic != made.magic || config->size != made.size)
    return wrong("the configuration is not initialised: begin with ncclConfig_t config = NCCL_CONFIG_INITIALIZER");
  const auto flag = [](int value) { return !IsSet(value) || value == 0 || value == 1; };
  if (!flag(config->blocking)) return wrong("config.blocking is neither 0 nor 1");
  if (!flag(config->splitShare)) return wrong("config.splitShare is neither 0 nor 1");
  if (!flag(config->shrinkShare)) return wrong("config.shrinkShare is neither 0 nor 1");
  if (!flag(config->collnetEnable)) return wrong("config.collnetEnable is neither 0 nor 1");
  if (!flag(config->nvlinkCentricSched)) return wrong("config.nvlinkCentricSched is neither 0 nor 1");
  if (IsSet(config->cgaClusterSize) && config->cgaClusterSize < 0) return wrong("config.cgaClusterSize is negative");
  const auto positive = [](int value) { return !IsSet(value) || value > 0; };
  if (!positive(config->minCTAs) || !positive(config->maxCTAs) ||
      (IsSet(config->minCTAs) && IsSet(config->maxCTAs) && config->minCTAs > config->maxCTAs))
    return wrong("config.minCTAs and config.maxCTAs have to be positive and in order");
  if (!positive(config->nvlsCTAs)) return wrong("config.nvlsCTAs is not positive");
  if (!positive(config->nChannelsPerNetPeer)) return wrong("config.nChannelsPerNetPeer is not positive");
  if (IsSet(config->CTAPolicy) &&
      (config->CTAPolicy < NCCL_CTA_POLICY_DEFAULT || config->CTAPolicy > NCCL_CTA_POLICY_ZERO))
    return wrong("config.CTAPolicy is no policy");
  return ncclSuccess;
}

// Adds the job that makes `*slot`. If it fails, the handle goes and `*slot` becomes null.
void AddInitJob(ncclComm_t* slot, const std::shared_ptr<Job>& job, bool drop_handle) {
  ncclComm_t comm = *slot;
  const bool polled = !comm->blocking;
  AddJob(job, polled, [slot, comm, job, drop_handle](ncclResult_t result) {
    if (result == ncclInProgress) {
      comm->job = job;
    } else if (result != ncclSuccess || drop_handle) {
      *slot = nullptr;
      DeleteHandle(comm);
    }
  });
}

ncclResult_t InitRank(ncclComm_t* slot, int ranks, const ncclUniqueId& id, int rank, const ncclConfig_t* config,
                      const char* call) {
  StartGroup();
  ncclResult_t result = CheckPointer(slot, call, "comm");
  if (result == ncclSuccess) result = CheckConfig(config, call);
  if (result == ncclSuccess && (ranks < 1 || rank < 0 || rank >= ranks)) {
    result = SetLastError(ncclInvalidArgument, std::string(call) + ": rank " + std::to_string(rank) + " of " +
                                                   std::to_string(ranks) + " ranks: it has to be from 0 to nranks - 1");
  }
  int device = 0;
  if (result == ncclSuccess) result = CheckCuda(cudaGetDevice(&device), call, "cudaGetDevice");
  if (result == ncclSuccess) {
    ncclComm_t comm = NewHandle();
    comm->core->device = device;
    comm->blocking = config == nullptr || config->blocking != 0;
    Address address;
    std::memcpy(&address, id.internal, sizeof address);
    const std::shared_ptr<Job> job = NewInitJob(comm->core, address, ranks, rank, &result);
    *slot = comm;
    if (job != nullptr) {
      AddInitJob(slot, job, /*drop_handle=*/false);
    } else {
      *slot = nullptr;
      DeleteHandle(comm);
    }
  }
  FailGroup(result);
  const ncclResult_t end = EndGroup();
  return result == ncclSuccess ? end : result;
}

ncclResult_t Split(ncclComm_t parent, int color, int key, ncclComm_t* slot, const ncclConfig_t* config) {
  constexpr char kCall[] = "ncclCommSplit";
  StartGroup();
  ncclResult_t result = CheckReady(parent, kCall);
  if (result == ncclSuccess) result = CheckPointer(slot, kCall, "newcomm");
  if (result == ncclSuccess) result = CheckConfig(config, kCall);
  if (result == ncclSuccess && color < 0 && color != NCCL_SPLIT_NOCOLOR) {
    result = SetLastError(ncclInvalidArgument, "ncclCommSplit: color " + std::to_string(color) +
                                                   ": it has to be 0 or more, or NCCL_SPLIT_NOCOLOR");
  }
  if (result == ncclSuccess) {
    ncclComm_t comm = NewHandle();
    comm->core->device = parent->core->device;
    comm->blocking = config != nullptr && IsSet(config->blocking) ? config->blocking != 0 : parent->blocking;
    const bool left_out = color == NCCL_SPLIT_NOCOLOR;
    // There is no handle to poll for a rank that is left out, so it waits here until the others have read that.
    if (left_out) comm->blocking = true;
    *slot = comm;
    AddInitJob(slot, NewSplitJob(parent->core, comm->core, color, key), left_out);
  }
  FailGroup(result);
  const ncclResult_t end = EndGroup();
  return result == ncclSuccess ? end : result;
}

// Waits until no operation of the communicator is left.
ncclResult_t Flush(ncclComm_t comm) {
  ncclResult_t result = ncclSuccess;
  if (comm->last != nullptr) {
    const DeviceScope scope(comm->core->device);
    result = CheckCuda(cudaEventSynchronize(comm->last), "NCCL", "cudaEventSynchronize");
  }
  return result;
}

void WaitForTasks(const Core& core) {
  while (core.running.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
}

// The rank takes part in nothing any more.
void Leave(Core* core, RankState state) {
  if (core->state.ranks() == 0) return;
  if (!core->state.AllJoined()) core->state.header().failed.store(1, std::memory_order_release);
  core->state.mine().state.store(state, std::memory_order_release);
}

}  // namespace
}  // namespace cuda_host::nccl

using namespace cuda_host::nccl;  // NOLINT(google-build-using-namespace): these are NCCL's own functions

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* uniqueId) {
  if (const ncclResult_t result = CheckPointer(uniqueId, "ncclGetUniqueId", "uniqueId"); result != ncclSuccess)
    return result;
  Address address{};
  std::string error;
  const ncclResult_t result = CreateState(&address, &error);
  if (result != ncclSuccess) return SetLastError(result, "ncclGetUniqueId: " + error);
  *uniqueId = {};
  std::memcpy(uniqueId->internal, &address, sizeof address);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int nranks, ncclUniqueId commId, int rank) {
  return InitRank(comm, nranks, commId, rank, nullptr, "ncclCommInitRank");
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int nranks, ncclUniqueId commId, int rank, ncclConfig_t* config) {
  return InitRank(comm, nranks, commId, rank, config, "ncclCommInitRankConfig");
}

ncclResult_t ncclCommInitRankScalable(ncclComm_t* newcomm, int nranks, int myrank, int nId, ncclUniqueId* commIds,
                                      ncclConfig_t* config) {
  if (nId < 1 || nId > nranks || commIds == nullptr) {
    return FailGroup(SetLastError(ncclInvalidArgument, "ncclCommInitRankScalable: there have to be 1 to nranks ids"));
  }
  return InitRank(newcomm, nranks, commIds[0], myrank, config, "ncclCommInitRankScalable");
}

ncclResult_t ncclCommInitAll(ncclComm_t* comm, int ndev, const int* devlist) {
  constexpr char kCall[] = "ncclCommInitAll";
  if (const ncclResult_t result = CheckPointer(comm, kCall, "comm"); result != ncclSuccess) return result;
  int devices = 0;
  if (const ncclResult_t result = CheckCuda(cudaGetDeviceCount(&devices), kCall, "cudaGetDeviceCount");
      result != ncclSuccess)
    return result;
  if (ndev < 1) return SetLastError(ncclInvalidArgument, "ncclCommInitAll: ndev is less than 1");
  std::vector<bool> used(static_cast<size_t>(devices));
  for (int i = 0; i < ndev; ++i) {
    const int device = devlist == nullptr ? i : devlist[i];
    if (device < 0 || device >= devices) {
      return SetLastError(devlist == nullptr ? ncclUnhandledCudaError : ncclInvalidArgument,
                          "ncclCommInitAll: there is no device " + std::to_string(device) + ", but " +
                              std::to_string(devices) + " devices (in host mode WORKBENCH_HOST_DEVICES says how many)");
    }
    if (used[static_cast<size_t>(device)])
      return SetLastError(ncclInvalidUsage,
                          "ncclCommInitAll: device " + std::to_string(device) + " is in devlist twice");
    used[static_cast<size_t>(device)] = true;
  }
  ncclUniqueId id;
  if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess) return result;
  StartGroup();
  for (int i = 0; i < ndev; ++i) {
    const DeviceScope scope(devlist == nullptr ? i : devlist[i]);
    (void)InitRank(comm + i, ndev, id, i, nullptr, kCall);  // EndGroup has the error
  }
  return EndGroup();
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* newcomm, ncclConfig_t* config) {
  return Split(comm, color, key, newcomm, config);
}

ncclResult_t ncclCommShrink(ncclComm_t comm, int* /*excludeRanksList*/, int /*excludeRanksCount*/,
                            ncclComm_t* /*newcomm*/, ncclConfig_t* /*config*/, int /*shrinkFlags*/) {
  if (const ncclResult_t result = CheckHandle(comm, "ncclCommShrink"); result != ncclSuccess) return result;
  (void)cuda_host::Unsupported("ncclCommShrink", "use ncclCommSplit, with NCCL_SPLIT_NOCOLOR on the ranks to exclude");
  return SetLastError(ncclInvalidUsage, "ncclCommShrink is not supported in host mode: use ncclCommSplit");
}

ncclResult_t ncclCommRevoke(ncclComm_t comm, int /*revokeFlags*/) {
  if (const ncclResult_t result = CheckHandle(comm, "ncclCommRevoke"); result != ncclSuccess) return result;
  (void)cuda_host::Unsupported("ncclCommRevoke", "use ncclCommAbort, and make a new communicator");
  return SetLastError(ncclInvalidUsage, "ncclCommRevoke is not supported in host mode: use ncclCommAbort");
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  if (const ncclResult_t result = CheckReady(comm, "ncclCommFinalize"); result != ncclSuccess) return result;
  if (comm->finalized) return SetLastError(ncclInvalidArgument, "ncclCommFinalize: called for the second time");
  comm->finalized = true;
  const ncclResult_t result = Flush(comm);
  Leave(comm->core.get(), RankState::kLeft);
  if (result == ncclSuccess && !comm->blocking) {
    comm->unpolled = true;
    return ncclInProgress;
  }
  return result;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm == nullptr) return ncclSuccess;
  if (const ncclResult_t result = CheckHandle(comm, "ncclCommDestroy"); result != ncclSuccess) return result;
  const std::shared_ptr<Core> core = comm->core;
  if (!comm->finalized) (void)Flush(comm);
  WaitForTasks(*core);
  Leave(core.get(), RankState::kLeft);
  DeleteHandle(comm);
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (comm == nullptr) return ncclSuccess;
  if (const ncclResult_t result = CheckHandle(comm, "ncclCommAbort"); result != ncclSuccess) return result;
  const std::shared_ptr<Core> core = comm->core;
  core->aborted.store(true);
  Leave(core.get(), RankState::kAborted);
  WaitForTasks(*core);
  DeleteHandle(comm);
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* asyncError) {
  constexpr char kCall[] = "ncclCommGetAsyncError";
  if (const ncclResult_t result = CheckHandle(comm, kCall); result != ncclSuccess) return result;
  if (const ncclResult_t result = CheckPointer(asyncError, kCall, "asyncError"); result != ncclSuccess) return result;
  if (comm->job != nullptr) {
    PollJobs();
    *asyncError = comm->job->result();
    if (*asyncError == ncclInProgress) return ncclSuccess;
    comm->job_error = *asyncError;
    comm->job.reset();
  }
  comm->unpolled = false;
  *asyncError = comm->job_error != ncclSuccess ? comm->job_error : comm->core->async_error.load();
  return ncclSuccess;
}

ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  ncclResult_t result = CheckReady(comm, "ncclCommCount");
  if (result == ncclSuccess) result = CheckPointer(count, "ncclCommCount", "count");
  if (result == ncclSuccess) *count = comm->core->state.ranks();
  return result;
}

ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int* device) {
  ncclResult_t result = CheckReady(comm, "ncclCommCuDevice");
  if (result == ncclSuccess) result = CheckPointer(device, "ncclCommCuDevice", "device");
  if (result == ncclSuccess) *device = comm->core->device;
  return result;
}

ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  ncclResult_t result = CheckReady(comm, "ncclCommUserRank");
  if (result == ncclSuccess) result = CheckPointer(rank, "ncclCommUserRank", "rank");
  if (result == ncclSuccess) *rank = comm->core->state.rank();
  return result;
}

}  // extern "C"
