// Part B inside a rank: windows, the answer's calls, what came out of them. Every method is collective: all ranks call
// it with the same case.
//
// An error that a method returns after the answer has run on the device is most likely the answer's (an illegal
// address, a failed q02_device_init); under MPS it may be a peer's, since a fatal fault takes all clients of a server
// down.
#ifndef QUESTIONS_Q02_ALLREDUCE_DEVICE_RANK_H_
#define QUESTIONS_Q02_ALLREDUCE_DEVICE_RANK_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "harness/device/device_buffer.h"
#include "harness/device/gpu_sharing.h"
#include "harness/device/ipc_window.h"
#include "harness/device/roofline.h"
#include "harness/device/stream.h"
#include "harness/status.h"
#include "questions/q02_allreduce/device_api.h"
#include "questions/q02_allreduce/device_case.h"
#include "questions/q02_allreduce/judge_kernels.h"

namespace q02 {

struct DeviceEntry {
  decltype(&q02_device_init) init = nullptr;
  decltype(&q02_device_destroy) destroy = nullptr;
  decltype(&q02_device_allreduce) allreduce = nullptr;
};

class DeviceRank {
 public:
  using Status = workbench::Status;
  // Enqueues a peer's all-reduce (NCCL's) of this rank's buffers.
  using PeerAllReduce =
      std::function<Status(const DeviceOperation& operation, const void* in, void* out, cudaStream_t stream)>;

  // Takes the GPU that `share` names, makes the context, streams and the scratch windows.
  static workbench::Result<std::unique_ptr<DeviceRank>> Create(workbench::RankLinks links,
                                                               const workbench::GpuShare& share);
  ~DeviceRank();

  // Before the first case.
  void set_entry(const DeviceEntry& entry) { entry_ = entry; }
  void set_nccl(PeerAllReduce nccl) { nccl_ = std::move(nccl); }

  // All three hold count elements; may be null where count is 0. host_input_after is filled unless in place.
  Status RunCase(const DeviceCase& request, const void* host_input, void* host_output, void* host_input_after,
                 CaseExtras* extras);

  Status RunMany(const ManyCase& request, ManyReport* report);

  // Seconds a call on this rank, one number a sample; a sample's time is the largest over the ranks. `report` counts
  // what was wrong in the outputs, which are checked after each sample.
  Status Time(const TimingCase& request, std::vector<double>* seconds, ManyReport* report);

  // Median seconds that the judge's own flag barrier takes, in replayed graphs: what an exchange of flags costs here.
  Status BarrierLatency(double* seconds);

  // Measured by rank 0 while the others wait; the same number on all ranks.
  Status CopyBandwidth(double* bytes_per_second);

 private:
  // One operand: a red zone up to the first element, the elements, a red zone behind them.
  struct Operand {
    DeviceWindow window;  // data[r] is the first element on rank r
    char* begin;          // on this rank
    char* data;
    size_t bytes;
    size_t front() const { return static_cast<size_t>(data - begin); }
  };

  DeviceRank(workbench::RankLinks links, const workbench::GpuShare& share) : links_(std::move(links)), share_(share) {}
  Status Open();
  Status ResetAnswer();
  // Makes room for `slots` operands in the windows of inputs and of outputs. Collective.
  Status Reserve(const DeviceOperation& operation, int slots);
  Operand Place(const workbench::IpcWindow& window, const DeviceOperation& operation, int offset_elements,
                int slot) const;
  Operand In(const DeviceOperation& operation, int slot) const;
  Operand Out(const DeviceOperation& operation, int slot) const;
  judge::Shape ShapeOf(const DeviceOperation& operation, uint64_t seed) const;
  // The answer's call; an error that it returns goes to *call_error, and an error without text comes back.
  Status Call(const DeviceOperation& operation, const Operand& in, const Operand& out, int32_t* call_error);
  Status EnqueueCrowd(uint64_t seed, int call);
  Status EnqueueRound(const ManyCase& request, int round, int32_t* call_error);
  Status ReadReport(ManyReport* report, uint64_t count);
  Status ReadZones(const Operand& operand, int buffer, CaseExtras* extras);

  workbench::RankLinks links_;
  workbench::GpuShare share_;
  DeviceEntry entry_;
  PeerAllReduce nccl_;
  DeviceComm comm_{};
  void* state_ = nullptr;
  bool has_state_ = false;
  workbench::Stream stream_;
  workbench::Stream traffic_stream_;
  workbench::Event fork_;
  std::unique_ptr<workbench::IpcWindow> scratch_, flags_, in_, out_;
  workbench::DeviceBuffer<judge::Progress> progress_;
  workbench::DeviceBuffer<char> pristine_;
  workbench::DeviceBuffer<char> traffic_;
  workbench::L2Flusher flusher_;
};

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_DEVICE_RANK_H_
