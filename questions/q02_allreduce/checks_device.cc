// Part B: device buffers. One case at a time for values; a thousand in a row, checked on the device, for order.
#include <algorithm>
#include <cstring>

#include "grader/engine.h"
#include "grader/statistics.h"
#include "questions/q02_allreduce/checks.h"
#include "questions/q02_allreduce/host_case.h"
#include "questions/q02_allreduce/oracle.h"

namespace q02 {
namespace {

using workbench::CheckContext;
using workbench::Finding;
using workbench::InputKind;

constexpr double kDeadlineSeconds = 30;
constexpr int kOneShot = 0, kTwoShot = 1;
constexpr int kDeviceAlgorithms[] = {kOneShot, kTwoShot};

const char* AlgorithmName(int algorithm) { return algorithm == kOneShot ? "one-shot" : "two-shot"; }

CheckContext::Inputs Describe(const DeviceOperation& operation, int ranks, uint64_t seed) {
  CheckContext::Inputs inputs = {{"ranks", std::to_string(ranks)},
                                 {"count", std::to_string(operation.count)},
                                 {"type", Name(static_cast<DataType>(operation.type))},
                                 {"op", Name(static_cast<ReduceOp>(operation.op))},
                                 {"algorithm", AlgorithmName(operation.algorithm)},
                                 {"buffers", operation.in_place ? "in place" : "out of place"}};
  if (operation.in_offset != 0 || operation.out_offset != 0) {
    inputs.emplace_back(
        "offsets", std::to_string(operation.in_offset) + " and " + std::to_string(operation.out_offset) + " elements");
  }
  inputs.emplace_back("seed", std::to_string(seed));
  return inputs;
}

// Seeds drawn one after another.
class Cases {
 public:
  Cases(const CheckContext& context, uint64_t salt) : state_(workbench::Mix(context.seed() ^ (salt << 32))) {}
  uint64_t Next() { return state_ = workbench::Mix(state_); }

 private:
  uint64_t state_;
};

// What can be waited for where kernels run on the CPU, without checks and with. Something always remains.
template <typename T>
std::vector<T> UpTo(std::vector<T> values, T most) {
  const T least = *std::min_element(values.begin(), values.end());
  std::erase_if(values, [=](T value) { return value > most && value != least; });
  return values;
}
std::vector<size_t> Affordable(const CheckContext& context, std::vector<size_t> counts) {
  return UpTo<size_t>(std::move(counts), !context.kernels_on_cpu() ? ~size_t{0} : context.checked() ? 1100 : 70000);
}
std::vector<int> Affordable(const CheckContext& context, std::vector<int> ranks) {
  return UpTo<int>(std::move(ranks), !context.kernels_on_cpu() ? 8 : context.checked() ? 2 : 5);
}
int AffordableCalls(const CheckContext& context, int calls) {
  return !context.kernels_on_cpu() ? calls : std::min(calls, context.checked() ? 6 : 60);
}

DeviceOperation Operation(size_t count, DataType type, ReduceOp op, int algorithm) {
  DeviceOperation operation;
  operation.count = count;
  operation.type = static_cast<int32_t>(type);
  operation.op = static_cast<int32_t>(op);
  operation.algorithm = algorithm;
  return operation;
}

std::vector<std::byte> Pack(const DeviceRequest& request) {
  std::vector<std::byte> bytes;
  Append(&bytes, request);
  return bytes;
}

Finding NewFinding(const DeviceOperation& operation, int ranks, uint64_t seed, int rank, std::string property) {
  Finding finding;
  finding.property = std::move(property);
  finding.input = Describe(operation, ranks, seed);
  finding.rank = rank;
  return finding;
}

bool NoCallError(CheckContext& context, const DeviceOperation& operation, int ranks, uint64_t seed, int rank,
                 int32_t error, const char* name) {
  if (error == 0) return true;
  Finding finding = NewFinding(operation, ranks, seed, rank, "q02_device_allreduce returns cudaSuccess");
  finding.kind = workbench::VerdictKind::kDeviceError;
  finding.actual = std::string("it returned ") + name;
  context.Fail(finding);
  return false;
}

struct DeviceJudged {
  bool values = true;
  bool identical = false;
  bool red_zones = false;
  bool input_intact = false;
};

bool RunOne(CheckContext& context, int ranks, const DeviceCase& one, InputKind input, int scale, uint64_t seed,
            const DeviceJudged& judged) {
  DeviceRequest request;
  request.one = one;
  request.input = input;
  request.input_scale = scale;
  request.seed = seed;
  const DeviceOperation& operation = one.operation;
  CheckContext::Replies replies;
  if (!context.Run("b", ranks, Pack(request), kDeadlineSeconds, Describe(operation, ranks, seed), &replies))
    return false;
  const DataType type = static_cast<DataType>(operation.type);
  const size_t bytes = operation.count * ElementBytes(type);
  const Oracle oracle({.ranks = ranks,
                       .count = operation.count,
                       .type = type,
                       .op = static_cast<ReduceOp>(operation.op),
                       .input = input,
                       .input_scale = scale,
                       .seed = seed,
                       .rounding = Rounding::kOnceWide});
  const std::byte* first_output = replies[0].data() + sizeof(DeviceReply);
  for (int rank = 0; rank < ranks; ++rank) {
    const CaseExtras extras = Read<DeviceReply>(replies[rank]).extras;
    if (!NoCallError(context, operation, ranks, seed, rank, extras.call_error, extras.call_error_name)) return false;
    const std::byte* output = replies[rank].data() + sizeof(DeviceReply);
    if (judged.red_zones && extras.zone_broken) {
      Finding finding =
          NewFinding(operation, ranks, seed, rank, "nothing outside of out[0, count) is written, on any rank");
      finding.actual = std::string("byte ") + std::to_string(extras.zone_offset) +
                       (extras.zone_side ? " from the end of " : " from the begin of ") +
                       (extras.zone_buffer ? "out" : "in") + " has changed, " + std::to_string(extras.zone_bytes) +
                       " in all";
      context.Fail(finding);
      return false;
    }
    // What rank 0 got right is right elsewhere.
    const bool as_rank_0 = rank > 0 && std::memcmp(output, first_output, bytes) == 0;
    if (judged.values && !as_rank_0) {
      if (const std::optional<Mismatch> mismatch = oracle.Compare(output)) {
        Finding finding = NewFinding(operation, ranks, seed, rank, "out[i] is the reduction of every rank's in[i]");
        finding.index = mismatch->index;
        finding.expected = mismatch->expected;
        finding.actual = mismatch->actual;
        finding.differing = mismatch->differing;
        finding.total = operation.count;
        context.Fail(finding);
        return false;
      }
    }
    if (judged.identical && std::memcmp(output, first_output, bytes) != 0) {
      Finding finding = NewFinding(operation, ranks, seed, rank, "the same bits on every rank");
      const auto where = std::mismatch(output, output + bytes, first_output);
      const size_t index = static_cast<size_t>(where.first - output) / ElementBytes(type);
      finding.index = index;
      finding.expected = workbench::DescribeElement(ElementTypeOf(type), first_output, index) + ", as on rank 0";
      finding.actual = workbench::DescribeElement(ElementTypeOf(type), output, index);
      context.Fail(finding);
      return false;
    }
    if (judged.input_intact && !operation.in_place &&
        std::memcmp(output + bytes, oracle.input(rank).data(), bytes) != 0) {
      Finding finding = NewFinding(operation, ranks, seed, rank, "out of place, the input is unchanged");
      finding.actual = "the input was written to";
      context.Fail(finding);
      return false;
    }
  }
  return true;
}

int ScaleFor(ReduceOp op, int ranks) { return op == ReduceOp::kAverage ? ranks : 1; }

void CheckValues(CheckContext& context) {
  Cases cases(context, 1);
  for (const int ranks : Affordable(context, std::vector<int>{1, 2, 4, 8})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const DataType type : {DataType::kFloat32, DataType::kInt32}) {
        for (const size_t count : Affordable(context, std::vector<size_t>{4096, 40960, 262144})) {
          const InputKind input = type == DataType::kInt32 ? InputKind::kRandom : InputKind::kSmallIntegers;
          if (!RunOne(context, ranks, {.operation = Operation(count, type, ReduceOp::kSum, algorithm)}, input, 1,
                      cases.Next(), {}))
            return;
        }
      }
    }
  }
}

void CheckSizes(CheckContext& context) {
  Cases cases(context, 2);
  constexpr int kOffsets[][2] = {{0, 0}, {1, 1}, {3, 2}, {5, 8}};
  for (const int ranks : Affordable(context, std::vector<int>{2, 3, 5, 7})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const size_t count :
           Affordable(context, std::vector<size_t>{0, 1, 2, 7, 31, 33, 257, 1009, 4093, 65537, 300007})) {
        for (const auto& offset : kOffsets) {
          DeviceOperation operation =
              Operation(count, kTypes[cases.Next() % 4], count % 2 ? ReduceOp::kMax : ReduceOp::kSum, algorithm);
          operation.in_offset = offset[0];
          operation.out_offset = offset[1];
          if (!RunOne(context, ranks, {.operation = operation}, InputKind::kSmallIntegers, 1, cases.Next(), {})) return;
        }
      }
    }
  }
}

void CheckInPlace(CheckContext& context) {
  Cases cases(context, 3);
  for (const int ranks : Affordable(context, std::vector<int>{2, 4, 7})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const DataType type : {DataType::kFloat32, DataType::kFloat16}) {
        for (const size_t count : Affordable(context, std::vector<size_t>{1, 1000, 4096, 40009, 100003, 500009})) {
          DeviceOperation operation = Operation(count, type, ReduceOp::kSum, algorithm);
          operation.in_place = 1;
          operation.in_offset = count == 1000 ? 1 : 0;
          if (!RunOne(context, ranks, {.operation = operation, .calls = 5}, InputKind::kSmallIntegers, 1, cases.Next(),
                      {}))
            return;
        }
      }
    }
  }
}

// Values of one kind of input, for one op, in all types.
void CheckInput(CheckContext& context, uint64_t salt, ReduceOp op, InputKind input, const DeviceJudged& judged) {
  Cases cases(context, salt);
  for (const int ranks : Affordable(context, std::vector<int>{2, 4, 7, 8})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const DataType type : kTypes) {
        for (const size_t count : Affordable(context, std::vector<size_t>{4096, 100003})) {
          if (!RunOne(context, ranks, {.operation = Operation(count, type, op, algorithm)}, input, ScaleFor(op, ranks),
                      cases.Next(), judged)) {
            return;
          }
        }
      }
    }
  }
}

void CheckBounds(CheckContext& context) {
  Cases cases(context, 8);
  for (const int ranks : Affordable(context, std::vector<int>{2, 4, 7})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const DataType type : {DataType::kFloat32, DataType::kFloat16}) {
        for (const size_t count : Affordable(context, std::vector<size_t>{1, 7, 1001, 100003})) {
          for (const int variant : {0, 1, 2, 3}) {
            DeviceOperation operation = Operation(count, type, ReduceOp::kSum, algorithm);
            operation.in_place = variant & 1;
            operation.in_offset = operation.out_offset = variant >> 1;
            if (!RunOne(context, ranks, {.operation = operation}, InputKind::kSmallIntegers, 1, cases.Next(),
                        {.values = false, .red_zones = true})) {
              return;
            }
          }
        }
      }
    }
  }
}

// Many calls in a row; `shape` says what makes them hard.
bool RunMany(CheckContext& context, int ranks, const ManyCase& many) {
  DeviceRequest request;
  request.kind = RequestKind::kDeviceMany;
  request.many = many;
  CheckContext::Inputs inputs = Describe(many.operation, ranks, many.seed);
  inputs.emplace_back("calls", std::to_string(many.calls));
  if (many.graph) inputs.emplace_back("launched", "from a graph");
  CheckContext::Replies replies;
  if (!context.Run("b", ranks, Pack(request), 60, inputs, &replies)) return false;
  for (int rank = 0; rank < ranks; ++rank) {
    const ManyReport report = Read<ManyReport>(replies[rank]);
    if (!NoCallError(context, many.operation, ranks, many.seed, rank, report.call_error, report.call_error_name))
      return false;
    if (report.wrong_calls == 0 && report.calls > 0) continue;
    const workbench::ElementType type = static_cast<workbench::ElementType>(many.operation.type);
    Finding finding = NewFinding(many.operation, ranks, many.seed, rank, "every one of many calls in a row is right");
    finding.input = inputs;
    finding.index = report.first_index;
    finding.expected = workbench::DescribeValue(type, report.expected);
    finding.actual = workbench::DescribeValue(type, report.actual) + ", in call " + std::to_string(report.first_call);
    finding.differing = report.wrong_elements;
    finding.total = report.elements;
    finding.detail = std::to_string(report.wrong_calls) + " of " + std::to_string(report.calls) + " calls are wrong";
    context.Fail(finding);
    return false;
  }
  return true;
}

void CheckMany(CheckContext& context, uint64_t salt, const ManyCase& shape, const std::vector<size_t>& counts) {
  Cases cases(context, salt);
  for (const int ranks : Affordable(context, std::vector<int>{2, 4, 8})) {
    for (const int algorithm : kDeviceAlgorithms) {
      for (const size_t count : Affordable(context, counts)) {
        ManyCase many = shape;
        many.operation =
            Operation(count, count % 2 ? DataType::kBFloat16 : DataType::kFloat32, ReduceOp::kSum, algorithm);
        many.seed = cases.Next();
        many.calls = AffordableCalls(context, many.calls);
        if (count > 1000000) many.calls = std::max(8, many.calls / 20);
        if (!RunMany(context, ranks, many)) return;
      }
    }
  }
}

// Seconds a call of the slowest rank, a value a sample; none after a failure.
std::vector<double> TimeCalls(CheckContext& context, int ranks, const TimingCase& timing, bool reference) {
  DeviceRequest request;
  request.kind = RequestKind::kDeviceTiming;
  request.timing = timing;
  CheckContext::Replies replies;
  const CheckContext::Inputs inputs = Describe(timing.operation, ranks, timing.seed);
  if (!context.Run("b", ranks, Pack(request), 120, inputs, &replies, reference)) return {};
  std::vector<double> seconds(static_cast<size_t>(timing.samples), 0.0);
  for (int rank = 0; rank < ranks; ++rank) {
    const ManyReport report = Read<ManyReport>(replies[rank]);
    if (!NoCallError(context, timing.operation, ranks, timing.seed, rank, report.call_error, report.call_error_name))
      return {};
    if (report.wrong_calls > 0) {
      Finding finding = NewFinding(timing.operation, ranks, timing.seed, rank, "the timed result is right");
      finding.index = report.first_index;
      finding.differing = report.wrong_elements;
      finding.total = report.elements;
      context.Fail(finding);
      return {};
    }
    for (size_t i = 0; i < seconds.size(); ++i) {
      seconds[i] = std::max(seconds[i], Read<double>(replies[rank], sizeof(ManyReport) + i * sizeof(double)));
    }
  }
  const double total = *std::max_element(seconds.begin(), seconds.end());
  if (!(total >= 0) || total > context.last_case_seconds()) {
    context.Fail(NewFinding(timing.operation, ranks, timing.seed, -1,
                            "the device's time fits into the time that passed outside"));
    return {};
  }
  return seconds;
}

bool Ceilings(CheckContext& context, int ranks, DeviceCeilings* ceilings) {
  DeviceRequest request;
  request.kind = RequestKind::kDeviceCeilings;
  CheckContext::Replies replies;
  if (!context.Run("b", ranks, Pack(request), 60, {{"ranks", std::to_string(ranks)}}, &replies)) return false;
  *ceilings = Read<DeviceCeilings>(replies[0]);
  ceilings->device[sizeof ceilings->device - 1] = '\0';
  for (const auto& reply : replies) {
    ceilings->barrier_seconds = std::max(ceilings->barrier_seconds, Read<DeviceCeilings>(reply).barrier_seconds);
  }
  context.SetDevice(ceilings->device);
  return true;
}

// Answer and reference in turns (A B B A), both on the ranks of their own, one idle while the other runs.
void CheckTime(CheckContext& context, size_t bytes, int algorithm) {
  const bool large = bytes >= (size_t{1} << 20);
  double fraction = 0;
  std::string detail;
  constexpr int kRanks[] = {2, 4, 8};
  context.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  for (const int ranks : kRanks) {
    DeviceCeilings ceilings;
    if (!Ceilings(context, ranks, &ceilings)) return;
    TimingCase timing;
    timing.operation = Operation(bytes / 4, DataType::kFloat32, ReduceOp::kSum, algorithm);
    timing.samples = large ? 9 : 15;
    // Large: all ranks' buffers are more than four times the L2 cache: nothing is left of the call before.
    timing.calls_per_sample = large ? 8 : 64;
    std::vector<double> answer, reference;
    for (int round = 0; round < 4; ++round) {
      for (int half = 0; half < 2; ++half) {
        const bool is_reference = (half == 0) == (round % 2 == 1);
        timing.seed = workbench::Mix(context.seed() + static_cast<uint64_t>(round));
        const std::vector<double> seconds = TimeCalls(context, ranks, timing, is_reference);
        if (seconds.empty()) return;
        (is_reference ? reference : answer).push_back(workbench::Median(seconds));
        context.RecordSamples(std::to_string(ranks) + " ranks", is_reference ? "reference" : "answer", seconds);
      }
    }
    const double time = workbench::Median(answer), ratio = time / workbench::Median(reference);
    const std::string prefix = std::to_string(ranks) + " ranks: ";
    context.Figure(prefix + "us", time * 1e6);
    context.Figure(prefix + "time / reference", ratio);
    if (large) {
      // Every input is read once and every output written once.
      const double moved = 2.0 * static_cast<double>(bytes) * ranks / time;
      context.Figure(prefix + "% of measured copy bandwidth", 100 * moved / ceilings.copy_bytes_per_second);
      context.RecordRoofline(ceilings.copy_bytes_per_second, std::nullopt,
                             {prefix + "two-shot", moved * time, (ranks - 1) * static_cast<double>(bytes / 4), time});
    } else {
      context.Figure(prefix + "time / flag barrier", time / ceilings.barrier_seconds);
    }
    fraction += workbench::PerformanceFraction(ratio) / static_cast<double>(std::size(kRanks));
    if (ratio > 1.05) {
      detail += (detail.empty() ? "" : "; ") + prefix +
                workbench::DescribeValue(workbench::ElementType::kFloat16, ratio) + " x the reference's time";
    }
  }
  context.EarnFraction(fraction > 1 - 1e-9 ? 1 : fraction, detail);
}

}  // namespace

std::vector<workbench::Check> DeviceChecks() {
  const auto input = [](uint64_t salt, ReduceOp op, InputKind kind, DeviceJudged judged) {
    return [=](CheckContext& context) { CheckInput(context, salt, op, kind, judged); };
  };
  const auto many = [](uint64_t salt, ManyCase shape, std::vector<size_t> counts) {
    return [=](CheckContext& context) { CheckMany(context, salt, shape, counts); };
  };
  return {
      {{"b.values",
        "sums, 1, 2, 4, 8 ranks",
        4,
        false,
        {"a rank does not wait for its peers' inputs to be ready", "the parts of the two-shot overlap or leave gaps"}},
       CheckValues},
      {{"b.sizes",
        "any count, alignment and number of ranks",
        3,
        false,
        {"count / N or count / 4 drops the rest", "16-byte accesses at addresses that are only element-aligned"}},
       CheckSizes},
      {{"b.in_place",
        "in == out, five times in a row",
        3,
        false,
        {"a peer still reads the input while this rank writes its result over it"}},
       CheckInPlace},
      {{"b.rounding", "fp32 sums, rounded once", 2, false, {"adding in fp16 or bf16, rounding at every step"}},
       input(4, ReduceOp::kSum, InputKind::kRandom, {})},
      {{"b.average",
        "means do not overflow; int32 truncates",
        2,
        false,
        {"the sum overflows before it is divided", "int32: floor instead of truncation, or a product with 1/N"}},
       input(5, ReduceOp::kAverage, InputKind::kLarge, {})},
      {{"b.nan", "max keeps NaN", 1, false, {"fmaxf returns the operand that is not NaN"}},
       input(6, ReduceOp::kMax, InputKind::kSpecial, {})},
      {{"b.identical", "the same bits on every rank", 2, false, {"each rank starts the sum with its own contribution"}},
       input(7, ReduceOp::kSum, InputKind::kRandom, {.values = false, .identical = true})},
      {{"b.bounds", "nothing outside of the output is written", 2, false, {"a vector store past the last element"}},
       CheckBounds},
      {{"b.input", "the input is not written to", 1, false, {"partial results are kept in the input"}},
       input(9, ReduceOp::kAverage, InputKind::kRandom, {.values = false, .input_intact = true})},
      {{"b.back_to_back",
        "a thousand calls in a row",
        4,
        false,
        {"flags are not reset, or are reset while a peer still waits for them",
         "one scratch buffer is used by two calls at once"}},
       many(10, {.operation = {}, .calls = 1000, .burst = 4, .skew = 1}, {500, 4097, 40009, 100000})},
      {{"b.visibility",
        "results are visible when the flag is",
        2,
        false,
        {"no release before the flag is set, or no acquire after it is seen",
         "a fence of block or device scope between GPUs"}},
       many(13, {.operation = {}, .calls = 1000, .skew = 1, .traffic = 1}, {9000, 40009, 100000, 2097152})},
      {{"b.overwrite",
        "the input may be overwritten at once",
        2,
        false,
        {"a rank returns before its peers have read its input"}},
       many(11, {.operation = {}, .calls = 500, .burst = 1, .skew = 1, .early_overwrite = 1, .crowd = 1},
            {500, 40009, 100000, 1000003})},
      {{"b.graph",
        "captured once, replayed",
        2,
        false,
        {"the epoch is a kernel argument: it is frozen when the graph is captured"}},
       many(12, {.operation = {}, .calls = 1000, .burst = 2, .graph = 1, .skew = 1}, {500, 4097, 40009, 100000})},
      {{"b.bandwidth",
        "two-shot, 64 MiB",
        6,
        true,
        {"accesses of less than 16 bytes", "too few bytes in flight",
         "a copy through scratch that costs another pass"}},
       [](CheckContext& context) { CheckTime(context, size_t{64} << 20, kTwoShot); }},
      {{"b.latency",
        "one-shot, 4 KiB",
        4,
        true,
        {"two exchanges of flags where one is enough", "a launch for each step"}},
       [](CheckContext& context) { CheckTime(context, 4096, kOneShot); }},
  };
}

}  // namespace q02
