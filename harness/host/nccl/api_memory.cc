// Versions, errors, memory, registrations.
#include <memory>
#include <utility>

#include "harness/host/nccl/communicator.h"

using namespace cuda_host::nccl;  // NOLINT(google-build-using-namespace): these are NCCL's own functions

namespace {

ncclResult_t Register(ncclComm_t comm, void* buffer, size_t bytes, void** handle, const char* call) {
  ncclResult_t result = CheckReady(comm, call);
  if (result == ncclSuccess) result = CheckPointer(buffer, call, "buff");
  if (result == ncclSuccess) result = CheckPointer(handle, call, "the place for the handle");
  if (result != ncclSuccess) return result;
  if (bytes == 0) return SetLastError(ncclInvalidArgument, std::string(call) + ": size is 0");
  auto registration = std::make_unique<Registration>(Registration{buffer, bytes});
  *handle = registration.get();
  comm->registrations.emplace(*handle, std::move(registration));
  return ncclSuccess;
}

ncclResult_t Deregister(ncclComm_t comm, void* handle, const char* call) {
  if (const ncclResult_t result = CheckHandle(comm, call); result != ncclSuccess) return result;
  if (comm->registrations.erase(handle) == 0)
    return SetLastError(ncclInvalidArgument, std::string(call) + ": the handle is none of this communicator's");
  return ncclSuccess;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  if (const ncclResult_t result = CheckPointer(version, "ncclGetVersion", "version"); result != ncclSuccess)
    return result;
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "a CUDA call failed (ncclGetLastError says which)";
    case ncclSystemError:
      return "a system call failed (ncclGetLastError says which)";
    case ncclInternalError:
      return "internal error";
    case ncclInvalidArgument:
      return "invalid argument (ncclGetLastError says which)";
    case ncclInvalidUsage:
      return "invalid usage (ncclGetLastError says how)";
    case ncclRemoteError:
      return "another rank has ended or failed";
    case ncclInProgress:
      return "operation in progress";
    default:
      return "unknown result code";
  }
}

const char* ncclGetLastError(ncclComm_t /*comm*/) { return LastError(); }

ncclResult_t ncclMemAlloc(void** ptr, size_t size) {
  if (const ncclResult_t result = CheckPointer(ptr, "ncclMemAlloc", "ptr"); result != ncclSuccess) return result;
  return CheckCuda(cudaMalloc(ptr, size), "ncclMemAlloc", "cudaMalloc");
}

ncclResult_t ncclMemFree(void* ptr) { return CheckCuda(cudaFree(ptr), "ncclMemFree", "cudaFree"); }

ncclResult_t ncclCommRegister(const ncclComm_t comm, void* buff, size_t size, void** handle) {
  return Register(comm, buff, size, handle, "ncclCommRegister");
}

ncclResult_t ncclCommDeregister(const ncclComm_t comm, void* handle) {
  return Deregister(comm, handle, "ncclCommDeregister");
}

ncclResult_t ncclCommWindowRegister(ncclComm_t comm, void* buff, size_t size, ncclWindow_t* win, int winFlags) {
  if ((winFlags & ~NCCL_WIN_COLL_SYMMETRIC) != 0)
    return SetLastError(ncclInvalidArgument, "ncclCommWindowRegister: winFlags has unknown bits");
  return Register(comm, buff, size, reinterpret_cast<void**>(win), "ncclCommWindowRegister");
}

ncclResult_t ncclCommWindowDeregister(ncclComm_t comm, ncclWindow_t win) {
  return Deregister(comm, win, "ncclCommWindowDeregister");
}

}  // extern "C"
