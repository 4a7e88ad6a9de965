#include "questions/q02_allreduce/device_part.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <mpi.h>

#include <cstdio>

#include "harness/device/cuda_status.h"
#include "harness/device/findings.h"
#include "harness/device/nvml.h"
#include "questions/q02_allreduce/device_rank.h"
#include "questions/q02_allreduce/nccl_peer.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {
namespace {

using workbench::Error;
using workbench::Status;

class RealDevicePart : public DevicePart {
 public:
  Status Prepare(const workbench::RankEnvironment& environment) override {
    links_.rank = environment.rank;
    links_.ranks = environment.size;
    links_.allgather = [](const void* mine, size_t bytes, void* all) {
      MPI_Allgather(mine, static_cast<int>(bytes), MPI_BYTE, all, static_cast<int>(bytes), MPI_BYTE, MPI_COMM_WORLD);
    };
    links_.barrier = [] { MPI_Barrier(MPI_COMM_WORLD); };
    int devices = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaGetDeviceCount(&devices));
    if (devices == 0) return Error("no GPU is visible");
    // Ranks on this host, and this one's place among them.
    MPI_Comm host;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, environment.rank, MPI_INFO_NULL, &host);
    int local_rank = 0, local_ranks = 1;
    MPI_Comm_rank(host, &local_rank);
    MPI_Comm_size(host, &local_ranks);
    MPI_Comm_free(&host);
    share_ = workbench::ShareGpus(local_rank, local_ranks, devices);
    workbench::Result<std::unique_ptr<DeviceRank>> made = DeviceRank::Create(links_, share_);
    if (!made.ok()) return made.status();
    rank_ = std::move(*made);
    return Status::Ok();
  }

  Status Load(void* library) override {
    DeviceEntry entry;
    entry.init = reinterpret_cast<decltype(entry.init)>(dlsym(library, "q02_device_init"));
    entry.destroy = reinterpret_cast<decltype(entry.destroy)>(dlsym(library, "q02_device_destroy"));
    entry.allreduce = reinterpret_cast<decltype(entry.allreduce)>(dlsym(library, "q02_device_allreduce"));
    if (entry.init == nullptr || entry.destroy == nullptr || entry.allreduce == nullptr) {
      return Error(
          "the implementation does not define all of q02_device_init, q02_device_destroy and q02_device_allreduce");
    }
    rank_->set_entry(entry);
    return Status::Ok();
  }

  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> bytes) override {
    const DeviceRequest request = Read<DeviceRequest>(bytes);
    std::vector<std::byte> reply;
    switch (request.kind) {
      case RequestKind::kDevice:
        OnDevice(RunOne(request, &reply));
        return reply;
      case RequestKind::kDeviceMany: {
        ManyReport report;
        OnDevice(rank_->RunMany(request.many, &report));
        Append(&reply, report);
        return reply;
      }
      case RequestKind::kDeviceTiming:
        OnDevice(RunTiming(request, &reply));
        return reply;
      default: {
        DeviceCeilings ceilings;
        OnDevice(Measure(&ceilings));
        Append(&reply, ceilings);
        return reply;
      }
    }
  }

 private:
  // A device error leaves the context unusable: the run ends here, under its own verdict.
  static void OnDevice(const Status& status) {
    const std::string findings = workbench::TakeDeviceFindings();
    if (!status.ok()) {
      workbench::FailRun(workbench::ErrorKind::kDevice, status.message() + (findings.empty() ? "" : "\n" + findings));
    }
    if (!findings.empty()) workbench::FailRun(workbench::ErrorKind::kDevice, findings);
  }

  Status RunOne(const DeviceRequest& request, std::vector<std::byte>* reply) {
    const DeviceOperation& operation = request.one.operation;
    const DataType type = static_cast<DataType>(operation.type);
    const size_t bytes = operation.count * ElementBytes(type);
    std::vector<std::byte> input(bytes), output(bytes), after(bytes);
    workbench::FillInput(request.input, ElementTypeOf(type), request.seed, links_.rank, request.input_scale,
                         operation.count, input.data());
    DeviceReply result;
    WB_RETURN_IF_ERROR(rank_->RunCase(request.one, input.data(), output.data(), after.data(), &result.extras));
    Append(reply, result);
    reply->insert(reply->end(), output.begin(), output.end());
    if (!operation.in_place) reply->insert(reply->end(), after.begin(), after.end());
    return Status::Ok();
  }

  Status RunTiming(const DeviceRequest& request, std::vector<std::byte>* reply) {
    if (request.timing.timed_by == static_cast<int32_t>(TimedBy::kNccl) && nccl_ == nullptr) {
      workbench::Result<std::unique_ptr<NcclPeer>> made = NcclPeer::Create(links_, share_);
      if (!made.ok()) return made.status();
      nccl_ = std::move(*made);
      rank_->set_nccl([this](const DeviceOperation& operation, const void* in, void* out, cudaStream_t stream) {
        return nccl_->AllReduce(operation, in, out, stream);
      });
    }
    std::vector<double> seconds;
    ManyReport report;
    WB_RETURN_IF_ERROR(rank_->Time(request.timing, &seconds, &report));
    Append(reply, report);
    for (const double value : seconds) Append(reply, value);
    return Status::Ok();
  }

  Status Measure(DeviceCeilings* ceilings) {
    WB_RETURN_IF_ERROR(rank_->CopyBandwidth(&ceilings->copy_bytes_per_second));
    WB_RETURN_IF_ERROR(rank_->BarrierLatency(&ceilings->barrier_seconds));
    char bus[64] = "";
    WB_RETURN_IF_CUDA_ERROR(cudaDeviceGetPCIBusId(bus, sizeof bus, share_.device));
    const workbench::Nvml nvml(bus);
    const workbench::GpuClocks clocks = nvml.ReadClocks();
    std::snprintf(ceilings->device, sizeof ceilings->device, "%s, driver %s, %s%s", nvml.gpu_name().c_str(),
                  nvml.driver_version().c_str(), workbench::Label(share_).c_str(),
                  clocks.Throttled() ? ", THROTTLED: times are not comparable" : "");
    return Status::Ok();
  }

  workbench::RankLinks links_;
  workbench::GpuShare share_;
  std::unique_ptr<DeviceRank> rank_;
  std::unique_ptr<NcclPeer> nccl_;
};

}  // namespace

std::unique_ptr<DevicePart> MakeDevicePart() { return std::make_unique<RealDevicePart>(); }

}  // namespace q02
