// Collectives, ncclSend and ncclRecv, groups, reduction operations: the checks of their arguments.
#include <cstring>
#include <string>
#include <utility>

#include "harness/host/executor/executor.h"
#include "harness/host/nccl/group.h"

namespace cuda_host::nccl {
namespace {

// A reduction operation's handle: which operation of which communicator.
constexpr uint32_t kOperationsEach = 1U << 12;
constexpr uint32_t kSerials = 1U << 18;

int OperationBase(ncclComm_t comm) { return static_cast<int>(ncclNumOps + comm->serial % kSerials * kOperationsEach); }

UserOperation* FindOperation(ncclComm_t comm, ncclRedOp_t op) {
  const int64_t index = static_cast<int64_t>(op) - OperationBase(comm);
  if (index < 0 || index >= static_cast<int64_t>(comm->operations.size())) return nullptr;
  UserOperation* operation = &comm->operations[static_cast<size_t>(index)];
  return operation->in_use ? operation : nullptr;
}

// What a call says, before it is checked.
struct Arguments {
  const char* api;
  CallKind kind;
  const void* send;
  void* recv;
  size_t count;
  ncclDataType_t type;
  ncclRedOp_t op;
  int peer;  // or root
  ncclComm_t comm;
  cudaStream_t stream;
};

ncclResult_t CheckOperation(const Arguments& a, Call* call) {
  const std::string api = a.api;
  if (a.op >= 0 && a.op < ncclNumOps) {
    call->record.op = static_cast<ReduceKind>(a.op);
    return ncclSuccess;
  }
  const UserOperation* operation = FindOperation(a.comm, a.op);
  if (operation == nullptr) {
    return SetLastError(ncclInvalidArgument, api + ": reduction operation " + std::to_string(static_cast<int>(a.op)) +
                                                 " is none of this communicator's");
  }
  if (operation->type != a.type) {
    return SetLastError(ncclInvalidArgument, api + ": the reduction operation was made for " +
                                                 TypeName(operation->type) + " and is used for " + TypeName(a.type));
  }
  call->record.op = ReduceKind::kPreMulSum;
  call->record.scalar = operation->scalar;
  call->device_scalar = operation->device_scalar;
  return ncclSuccess;
}

// The elements that this rank reads from `send`, and writes to `recv`.
struct Extent {
  size_t send;
  size_t recv;
};
Extent ExtentOf(const Arguments& a, int ranks, int rank) {
  const size_t all = a.count * static_cast<size_t>(ranks);
  const bool root = rank == a.peer;
  switch (a.kind) {
    case CallKind::kAllReduce:
      return {a.count, a.count};
    case CallKind::kReduce:
      return {a.count, root ? a.count : 0};
    case CallKind::kBroadcast:
      return {root ? a.count : 0, a.count};
    case CallKind::kAllGather:
      return {a.count, all};
    case CallKind::kReduceScatter:
      return {all, a.count};
    case CallKind::kAlltoAll:
      return {all, all};
    case CallKind::kGather:
      return {a.count, root ? all : 0};
    case CallKind::kScatter:
      return {root ? all : 0, a.count};
    case CallKind::kSend:
      return {a.count, 0};
    case CallKind::kRecv:
      return {0, a.count};
  }
  return {0, 0};
}

// Buffers that overlap have to do it as NCCL says, or the result is undefined: reported, and gone on with.
void CheckOverlap(const Arguments& a, const Extent& extent, int rank) {
  if (extent.send == 0 || extent.recv == 0) return;
  const size_t element = TypeBytes(a.type);
  const auto send = reinterpret_cast<uintptr_t>(a.send);
  const auto recv = reinterpret_cast<uintptr_t>(a.recv);
  if (send + extent.send * element <= recv || recv + extent.recv * element <= send) return;
  const size_t block = static_cast<size_t>(rank) * a.count * element;
  std::string in_place = "sendbuff == recvbuff";
  bool fits = send == recv;
  switch (a.kind) {
    case CallKind::kAllGather:
    case CallKind::kGather:
      in_place = "sendbuff == recvbuff + rank * count";
      fits = send == recv + block;
      break;
    case CallKind::kReduceScatter:
    case CallKind::kScatter:
      in_place = "recvbuff == sendbuff + rank * count";
      fits = recv == send + block;
      break;
    case CallKind::kAlltoAll:
      in_place = "none";
      fits = false;
      break;
    default:
      break;
  }
  if (!fits) {
    Report("NCCL: " + std::string(a.api) + ": sendbuff and recvbuff overlap, and not in place (" + in_place +
           "): the result is undefined; use separate buffers");
  }
}

ncclResult_t Add(const Arguments& a) {
  if (const ncclResult_t result = CheckReady(a.comm, a.api); result != ncclSuccess) return result;
  const std::string api = a.api;
  if (a.comm->finalized)
    return SetLastError(ncclInvalidUsage, api + ": the communicator has been finalized: make a new one");
  const SharedState& state = a.comm->core->state;
  if (a.peer < 0 || a.peer >= state.ranks()) {
    return SetLastError(ncclInvalidArgument, api + ": " + (HasRoot(a.kind) ? "root " : "peer ") +
                                                 std::to_string(a.peer) + " is not from 0 to " +
                                                 std::to_string(state.ranks() - 1));
  }
  if (TypeBytes(a.type) == 0) {
    return SetLastError(ncclInvalidArgument,
                        api + ": " + std::to_string(static_cast<int>(a.type)) + " is no data type");
  }
  Call call{a.comm->core, {a.kind, a.type, ReduceKind::kSum, a.peer, a.count, {}}, a.api, a.send, a.recv, nullptr};
  if (Reduces(a.kind)) {
    if (const ncclResult_t result = CheckOperation(a, &call); result != ncclSuccess) return result;
  }
  const bool paired = a.kind == CallKind::kSend || a.kind == CallKind::kRecv;
  if (a.count == 0 && !paired) return ncclSuccess;  // takes no part in the order of the calls either
  const Extent extent = ExtentOf(a, state.ranks(), state.rank());
  if (extent.send != 0) {
    if (const ncclResult_t result = CheckPointer(a.send, a.api, "sendbuff"); result != ncclSuccess) return result;
  }
  if (extent.recv != 0) {
    if (const ncclResult_t result = CheckPointer(a.recv, a.api, "recvbuff"); result != ncclSuccess) return result;
  }
  CheckOverlap(a, extent, state.rank());
  AddCall(a.comm, a.stream, std::move(call));
  return ncclSuccess;
}

ncclResult_t Do(const Arguments& arguments) {
  StartGroup();
  const ncclResult_t result = FailGroup(Add(arguments));
  const ncclResult_t end = EndGroup();
  return result == ncclSuccess ? end : result;
}

}  // namespace
}  // namespace cuda_host::nccl

using namespace cuda_host::nccl;  // NOLINT(google-build-using-namespace): these are NCCL's own functions

extern "C" {

ncclResult_t ncclAllReduce(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclAllReduce", CallKind::kAllReduce, sendbuff, recvbuff, count, datatype, op, 0, comm, stream});
}

ncclResult_t ncclReduce(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, ncclRedOp_t op,
                        int root, ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclReduce", CallKind::kReduce, sendbuff, recvbuff, count, datatype, op, root, comm, stream});
}

ncclResult_t ncclBroadcast(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclBroadcast", CallKind::kBroadcast, sendbuff, recvbuff, count, datatype, ncclSum, root, comm, stream});
}

ncclResult_t ncclBcast(void* buff, size_t count, ncclDataType_t datatype, int root, ncclComm_t comm,
                       cudaStream_t stream) {
  return Do({"ncclBcast", CallKind::kBroadcast, buff, buff, count, datatype, ncclSum, root, comm, stream});
}

ncclResult_t ncclAllGather(const void* sendbuff, void* recvbuff, size_t sendcount, ncclDataType_t datatype,
                           ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclAllGather", CallKind::kAllGather, sendbuff, recvbuff, sendcount, datatype, ncclSum, 0, comm, stream});
}

ncclResult_t ncclReduceScatter(const void* sendbuff, void* recvbuff, size_t recvcount, ncclDataType_t datatype,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  return Do(
      {"ncclReduceScatter", CallKind::kReduceScatter, sendbuff, recvbuff, recvcount, datatype, op, 0, comm, stream});
}

ncclResult_t ncclAlltoAll(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, ncclComm_t comm,
                          cudaStream_t stream) {
  return Do({"ncclAlltoAll", CallKind::kAlltoAll, sendbuff, recvbuff, count, datatype, ncclSum, 0, comm, stream});
}

ncclResult_t ncclGather(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, int root,
                        ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclGather", CallKind::kGather, sendbuff, recvbuff, count, datatype, ncclSum, root, comm, stream});
}

ncclResult_t ncclScatter(const void* sendbuff, void* recvbuff, size_t count, ncclDataType_t datatype, int root,
                         ncclComm_t comm, cudaStream_t stream) {
  return Do({"ncclScatter", CallKind::kScatter, sendbuff, recvbuff, count, datatype, ncclSum, root, comm, stream});
}

ncclResult_t ncclSend(const void* sendbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return Do({"ncclSend", CallKind::kSend, sendbuff, nullptr, count, datatype, ncclSum, peer, comm, stream});
}

ncclResult_t ncclRecv(void* recvbuff, size_t count, ncclDataType_t datatype, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return Do({"ncclRecv", CallKind::kRecv, nullptr, recvbuff, count, datatype, ncclSum, peer, comm, stream});
}

ncclResult_t ncclGroupStart() {
  StartGroup();
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() { return EndGroup(); }

ncclResult_t ncclGroupSimulateEnd(ncclSimInfo_t* /*simInfo*/) {
  if (!InGroup()) return EndGroup();
  (void)EndGroup(/*simulate=*/true);
  (void)cuda_host::Unsupported("ncclGroupSimulateEnd", "there is no estimate of a GPU's time here; use ncclGroupEnd");
  return SetLastError(ncclInvalidUsage, "ncclGroupSimulateEnd is not supported in host mode");
}

ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t datatype,
                                      ncclScalarResidence_t residence, ncclComm_t comm) {
  constexpr char kCall[] = "ncclRedOpCreatePreMulSum";
  ncclResult_t result = CheckReady(comm, kCall);
  if (result == ncclSuccess) result = CheckPointer(op, kCall, "op");
  if (result == ncclSuccess) result = CheckPointer(scalar, kCall, "scalar");
  if (result != ncclSuccess) return result;
  if (TypeBytes(datatype) == 0) return SetLastError(ncclInvalidArgument, std::string(kCall) + ": that is no data type");
  size_t index = 0;
  while (index < comm->operations.size() && comm->operations[index].in_use) ++index;
  if (index == kOperationsEach) {
    return SetLastError(ncclInvalidUsage, std::string(kCall) + ": " + std::to_string(kOperationsEach) +
                                              " operations are in use: call ncclRedOpDestroy");
  }
  if (index == comm->operations.size()) comm->operations.emplace_back();
  UserOperation& made = comm->operations[index];
  made = {true, datatype, nullptr, {}};
  if (residence == ncclScalarHostImmediate) {
    std::memcpy(made.scalar.bytes, scalar, TypeBytes(datatype));
  } else {
    made.device_scalar = scalar;
  }
  *op = static_cast<ncclRedOp_t>(OperationBase(comm) + static_cast<int>(index));
  return ncclSuccess;
}

ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, ncclComm_t comm) {
  constexpr char kCall[] = "ncclRedOpDestroy";
  if (op >= 0 && op < ncclNumOps)
    return SetLastError(ncclInvalidArgument, std::string(kCall) + ": the operation is one of NCCL's own");
  if (const ncclResult_t result = CheckHandle(comm, kCall); result != ncclSuccess) return result;
  UserOperation* operation = FindOperation(comm, op);
  if (operation == nullptr)
    return SetLastError(ncclInvalidArgument, std::string(kCall) + ": the operation is none of this communicator's");
  operation->in_use = false;
  return ncclSuccess;
}

}  // extern "C"
