// DeviceRank's methods that run many all-reduces: for races, and for time.
#include <algorithm>
#include <cstdio>

#include "harness/device/cuda_status.h"
#include "questions/q02_allreduce/device_rank.h"

namespace q02 {
namespace {

using workbench::CaptureGraph;
using workbench::Error;
using workbench::GraphExec;
using workbench::Status;

constexpr int kSets = 2;  // of buffers that rounds take turns with
constexpr int kMaxBurst = 8;
constexpr size_t kTrafficBytes = size_t{256} << 20;
constexpr int kTrafficBlocks = 8;
constexpr uint64_t kDelayNanoseconds = 50'000;
constexpr uint64_t kCrowdNanoseconds = 100'000;

bool IsExact(const DeviceOperation& operation) {
  return static_cast<ReduceOp>(operation.op) != ReduceOp::kAverage ||
         static_cast<DataType>(operation.type) == DataType::kInt32;
}

}  // namespace

judge::Shape DeviceRank::ShapeOf(const DeviceOperation& operation, uint64_t seed) const {
  return {operation.count, operation.type, operation.op, links_.rank, links_.ranks, seed};
}

// On one rank in turn: lets the peers' blocks find their places first, then takes some of the multiprocessors that are
// left, and only then goes on to the all-reduce.
Status DeviceRank::EnqueueCrowd(uint64_t seed, int call) {
  const uint64_t draw = (seed ^ static_cast<uint64_t>(call)) * 0x9e3779b97f4a7c15u;
  if (call % links_.ranks != links_.rank) return Status::Ok();
  const int share = std::max(2, comm_.multiprocessors / comm_.ranks_per_device);
  const int blocks = 1 + static_cast<int>((draw >> 33) % static_cast<uint64_t>(share - 1));
  WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(fork_.get(), stream_.get()));
  WB_RETURN_IF_CUDA_ERROR(cudaStreamWaitEvent(traffic_stream_.get(), fork_.get(), 0));
  WB_RETURN_IF_CUDA_ERROR(judge::Delay(kDelayNanoseconds / 2, traffic_stream_.get()));
  WB_RETURN_IF_CUDA_ERROR(judge::Crowd(blocks, kCrowdNanoseconds, traffic_stream_.get()));
  return WB_CUDA(judge::Delay(kDelayNanoseconds, stream_.get()));
}

// Fill all, all-reduce all, check all; on the stream, which may be capturing.
Status DeviceRank::EnqueueRound(const ManyCase& request, int round, int32_t* call_error) {
  const DeviceOperation& operation = request.operation;
  const judge::Shape shape = ShapeOf(operation, request.seed);
  cudaStream_t stream = stream_.get();
  const int first_slot = round % kSets * request.burst;
  for (int b = 0; b < request.burst; ++b) {
    const Operand in = In(operation, first_slot + b), out = Out(operation, first_slot + b);
    WB_RETURN_IF_CUDA_ERROR(
        judge::Fill(progress_.data(), b, shape, in.data, operation.in_place ? nullptr : out.data, stream));
  }
  for (int b = 0; b < request.burst; ++b) {
    const Operand in = In(operation, first_slot + b), out = Out(operation, first_slot + b);
    if (request.skew) WB_RETURN_IF_CUDA_ERROR(judge::Skew(progress_.data(), b, shape, stream));
    if (request.crowd && !request.graph) WB_RETURN_IF_ERROR(EnqueueCrowd(request.seed, round * request.burst + b));
    WB_RETURN_IF_ERROR(Call(operation, in, out, call_error));
    if (request.early_overwrite && !operation.in_place) {
      WB_RETURN_IF_CUDA_ERROR(judge::Overwrite(shape, in.data, stream));
    }
  }
  for (int b = 0; b < request.burst; ++b) {
    WB_RETURN_IF_CUDA_ERROR(
        judge::CheckAndAdvance(progress_.data(), shape, Out(operation, first_slot + b).data, stream));
  }
  return Status::Ok();
}

Status DeviceRank::RunMany(const ManyCase& given, ManyReport* report) {
  *report = ManyReport{};
  ManyCase request = given;
  request.burst = std::clamp(request.burst, 1, kMaxBurst);
  const DeviceOperation& operation = request.operation;
  if (!IsExact(operation)) return Error("RunMany: averages of floating-point numbers are not exact");
  WB_RETURN_IF_ERROR(Reserve(operation, kSets * request.burst));
  if (!has_state_ || !request.keep_state) WB_RETURN_IF_ERROR(ResetAnswer());
  if (request.traffic && traffic_.size() == 0) {
    workbench::Result<workbench::DeviceBuffer<char>> buffer = workbench::DeviceBuffer<char>::Create(kTrafficBytes);
    WB_RETURN_IF_ERROR(buffer.status());
    traffic_ = std::move(*buffer);
    WB_RETURN_IF_CUDA_ERROR(cudaMemsetAsync(traffic_.data(), 0, traffic_.bytes(), traffic_stream_.get()));
  }
  cudaStream_t stream = stream_.get();
  WB_RETURN_IF_CUDA_ERROR(judge::Reset(progress_.data(), stream));
  WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
  links_.barrier();

  const auto run = [&]() -> Status {
    const int rounds = (request.calls + request.burst - 1) / request.burst;
    GraphExec graph;
    if (request.graph) {
      workbench::Result<GraphExec> captured = CaptureGraph(stream, [&]() -> Status {
        for (int round = 0; round < kSets; ++round) {
          WB_RETURN_IF_ERROR(EnqueueRound(request, round, &report->call_error));
        }
        return Status::Ok();
      });
      WB_RETURN_IF_ERROR(captured.status());
      graph = std::move(*captured);
    }
    const int step = request.graph ? kSets : 1;
    for (int round = 0; round < rounds; round += step) {
      if (request.traffic) {
        WB_RETURN_IF_CUDA_ERROR(
            judge::Traffic(traffic_.data(), traffic_.bytes(), kTrafficBlocks, traffic_stream_.get()));
      }
      if (request.graph) {
        WB_RETURN_IF_CUDA_ERROR(cudaGraphLaunch(graph.get(), stream));
      } else {
        WB_RETURN_IF_ERROR(EnqueueRound(request, round, &report->call_error));
      }
    }
    WB_RETURN_IF_ERROR(WB_CUDA(cudaStreamSynchronize(stream)).WithContext("many all-reduces in a row"));
    return WB_CUDA(cudaStreamSynchronize(traffic_stream_.get()));
  };
  const Status status = run();
  if (report->call_error != 0) {
    std::snprintf(report->call_error_name, sizeof report->call_error_name, "%s",
                  cudaGetErrorName(static_cast<cudaError_t>(report->call_error)));
    (void)cudaGetLastError();
    return WB_CUDA(cudaStreamSynchronize(stream));
  }
  WB_RETURN_IF_ERROR(status);
  WB_RETURN_IF_ERROR(ReadReport(report, operation.count));
  links_.barrier();
  return Status::Ok();
}

Status DeviceRank::ReadReport(ManyReport* report, uint64_t count) {
  judge::Progress progress;
  WB_RETURN_IF_CUDA_ERROR(cudaMemcpy(&progress, progress_.data(), sizeof progress, cudaMemcpyDeviceToHost));
  report->calls = progress.call;
  report->wrong_calls = progress.wrong_calls;
  report->wrong_elements = progress.wrong_elements;
  report->elements = progress.call * count;
  report->first_call = progress.failed_call;
  report->first_index = progress.failed_index;
  report->expected = progress.expected;
  report->actual = progress.actual;
  return Status::Ok();
}

Status DeviceRank::Time(const TimingCase& request, std::vector<double>* seconds, ManyReport* report) {
  *report = ManyReport{};
  seconds->clear();
  const DeviceOperation& operation = request.operation;
  if (operation.in_place || !IsExact(operation)) return Error("Time: out of place, and with exact results, only");
  const bool is_nccl = static_cast<TimedBy>(request.timed_by) == TimedBy::kNccl;
  if (is_nccl && !nccl_) return Error("Time: there is no NCCL here");
  WB_RETURN_IF_ERROR(Reserve(operation, 1));
  if (!is_nccl && (!has_state_ || !request.keep_state)) WB_RETURN_IF_ERROR(ResetAnswer());
  const judge::Shape shape = ShapeOf(operation, request.seed);
  const Operand in = In(operation, 0), out = Out(operation, 0);
  cudaStream_t stream = stream_.get();
  judge::BarrierFlags flags{};
  for (int r = 0; r < links_.ranks; ++r) flags.flags[r] = static_cast<uint64_t*>(flags_->data(r));

  workbench::Result<workbench::Event> start = workbench::CreateEvent(), stop = workbench::CreateEvent();
  WB_RETURN_IF_ERROR(start.status());
  WB_RETURN_IF_ERROR(stop.status());
  // The barrier, by which the ranks start together, and the events are inside the graph: between ranks that share a
  // GPU, graph launches are served one after the other, which would be taken for the all-reduce's time.
  const auto enqueue = [&]() -> Status {
    const unsigned flag = request.graph ? cudaEventRecordExternal : cudaEventRecordDefault;
    WB_RETURN_IF_CUDA_ERROR(judge::Barrier(flags, links_.rank, links_.ranks, stream));
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecordWithFlags(start->get(), stream, flag));
    for (int call = 0; call < request.calls_per_sample; ++call) {
      WB_RETURN_IF_ERROR(is_nccl ? nccl_(operation, in.data, out.data, stream)
                                 : Call(operation, in, out, &report->call_error));
    }
    return WB_CUDA(cudaEventRecordWithFlags(stop->get(), stream, flag));
  };
  GraphExec graph;
  if (request.graph) {
    workbench::Result<GraphExec> captured = CaptureGraph(stream, enqueue);
    WB_RETURN_IF_ERROR(captured.status());
    graph = std::move(*captured);
  }
  WB_RETURN_IF_CUDA_ERROR(judge::Reset(progress_.data(), stream));
  for (int sample = -request.warmup; sample < request.samples; ++sample) {
    WB_RETURN_IF_CUDA_ERROR(judge::Fill(progress_.data(), 0, shape, in.data, out.data, stream));
    WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
    links_.barrier();
    // What comes first on the stream lasts until the host has put down the rest.
    WB_RETURN_IF_CUDA_ERROR(judge::Delay(kDelayNanoseconds, stream));
    if (request.flush_l2) WB_RETURN_IF_ERROR(flusher_.Flush(stream));
    WB_RETURN_IF_ERROR(request.graph ? WB_CUDA(cudaGraphLaunch(graph.get(), stream)) : enqueue());
    WB_RETURN_IF_CUDA_ERROR(judge::CheckAndAdvance(progress_.data(), shape, out.data, stream));
    WB_RETURN_IF_ERROR(WB_CUDA(cudaStreamSynchronize(stream)).WithContext("a timed all-reduce"));
    links_.barrier();
    float milliseconds = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start->get(), stop->get()));
    if (sample >= 0) seconds->push_back(milliseconds * 1e-3 / request.calls_per_sample);
  }
  return ReadReport(report, operation.count);
}

Status DeviceRank::BarrierLatency(double* seconds) {
  constexpr int kBarriers = 64;
  constexpr int kSamples = 20;
  constexpr int kWarmup = 3;
  judge::BarrierFlags flags{};
  for (int r = 0; r < links_.ranks; ++r) flags.flags[r] = static_cast<uint64_t*>(flags_->data(r));
  cudaStream_t stream = stream_.get();
  const auto enqueue = [&]() -> Status {
    for (int i = 0; i < kBarriers; ++i) {
      WB_RETURN_IF_CUDA_ERROR(judge::Barrier(flags, links_.rank, links_.ranks, stream));
    }
    return Status::Ok();
  };
  workbench::Result<GraphExec> graph = CaptureGraph(stream, enqueue);
  WB_RETURN_IF_ERROR(graph.status());
  workbench::Result<workbench::Event> start = workbench::CreateEvent(), stop = workbench::CreateEvent();
  WB_RETURN_IF_ERROR(start.status());
  WB_RETURN_IF_ERROR(stop.status());
  std::vector<double> samples;
  for (int sample = -kWarmup; sample < kSamples; ++sample) {
    links_.barrier();
    WB_RETURN_IF_CUDA_ERROR(judge::Delay(kDelayNanoseconds, stream));
    WB_RETURN_IF_CUDA_ERROR(judge::Barrier(flags, links_.rank, links_.ranks, stream));
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(start->get(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaGraphLaunch(graph->get(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaEventRecord(stop->get(), stream));
    WB_RETURN_IF_CUDA_ERROR(cudaStreamSynchronize(stream));
    float milliseconds = 0;
    WB_RETURN_IF_CUDA_ERROR(cudaEventElapsedTime(&milliseconds, start->get(), stop->get()));
    if (sample >= 0) samples.push_back(milliseconds * 1e-3 / kBarriers);
  }
  links_.barrier();
  *seconds = workbench::Median(std::move(samples));
  return Status::Ok();
}

Status DeviceRank::CopyBandwidth(double* bytes_per_second) {
  links_.barrier();
  Status status;
  *bytes_per_second = 0;
  if (links_.rank == 0) {
    workbench::Result<double> measured = workbench::MeasureCopyBandwidth(stream_.get());
    status = measured.status();
    if (measured.ok()) *bytes_per_second = *measured;
  }
  WB_RETURN_IF_ERROR(workbench::AllOk(links_, status));
  std::vector<double> all(static_cast<size_t>(links_.ranks));
  links_.allgather(bytes_per_second, sizeof *bytes_per_second, all.data());
  *bytes_per_second = all[0];
  return Status::Ok();
}

}  // namespace q02
