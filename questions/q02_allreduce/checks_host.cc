// Part A: results. Every check has its own property and judges it on inputs where the earlier ones' bugs don't show.
#include <algorithm>

#include "questions/q02_allreduce/checks.h"
#include "questions/q02_allreduce/host_case.h"

namespace q02 {
namespace {

using workbench::CheckContext;
using workbench::InputKind;

// A new seed for each case of a run.
class Cases {
 public:
  explicit Cases(const CheckContext& context, uint64_t salt) : state_(workbench::Mix(context.seed() ^ salt)) {}
  HostCase Next(DataType type, ReduceOp op, Algorithm algorithm, size_t count) {
    HostCase request;
    request.type = type;
    request.op = op;
    request.algorithm = algorithm;
    request.count = count;
    request.seed = state_ = workbench::Mix(state_);
    request.transport.seed = request.seed;
    return request;
  }
  uint64_t Draw(uint64_t bound) { return (state_ = workbench::Mix(state_)) % bound; }

 private:
  uint64_t state_;
};

// A mean of small integers stays exact when they are multiples of the number of ranks.
void MakeExact(HostCase* request, int ranks) {
  request->input = InputKind::kSmallIntegers;
  request->input_scale = request->op == ReduceOp::kAverage ? ranks : 1;
}

void CheckArguments(CheckContext& context) {
  // Rubbish in one argument at a time; nothing else may happen.
  for (int wrong = 0; wrong < 3; ++wrong) {
    HostCase request;
    request.count = 4;
    if (wrong == 0) request.type = static_cast<DataType>(17);
    if (wrong == 1) request.op = static_cast<ReduceOp>(17);
    if (wrong == 2) request.algorithm = static_cast<Algorithm>(17);
    CheckContext::Replies replies;
    const CheckContext::Inputs inputs = {{"ranks", "2"}, {wrong == 0 ? "type" : wrong == 1 ? "op" : "algorithm", "17"}};
    if (!context.Run("a", 2, std::as_bytes(std::span(&request, 1)), 10, inputs, &replies)) return;
    for (int rank = 0; rank < 2; ++rank) {
      const HostReply reply = Read<HostReply>(replies[rank]);
      if (reply.result == Result::kInvalidArgument && reply.counts.messages_sent == 0) continue;
      workbench::Finding finding;
      finding.property = "an unknown type, op or algorithm returns kInvalidArgument before any message is sent";
      finding.input = inputs;
      finding.rank = rank;
      finding.actual = "returned " + std::to_string(static_cast<int>(reply.result)) + " after " +
                       std::to_string(reply.counts.messages_sent) + " messages";
      context.Fail(finding);
      return;
    }
  }
}

void CheckValues(CheckContext& context) {
  Cases cases(context, 1);
  for (const int ranks : {1, 2, 4}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const DataType type : kTypes) {
        for (const ReduceOp op : kOps) {
          HostCase request = cases.Next(type, op, algorithm, 240);
          MakeExact(&request, ranks);
          if (!RunHostCase(context, ranks, request, {})) return;
        }
      }
    }
  }
}

void CheckTail(CheckContext& context) {
  Cases cases(context, 2);
  for (const int ranks : {2, 4, 8}) {
    for (const size_t count : {0, 1, 2, 3, 5, 7, 31, 33, 97, 255, 257, 509}) {
      const DataType type = kTypes[cases.Draw(4)];
      for (const Algorithm algorithm : kAlgorithms) {
        HostCase request = cases.Next(type, ReduceOp::kSum, algorithm, count);
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckAnyN(CheckContext& context) {
  Cases cases(context, 3);
  std::vector<int> rank_counts = {3, 5, 6, 7};
  if (context.options().implementation == "reference" || context.long_tier())
    rank_counts.insert(rank_counts.end(), {13, 32});
  if (context.long_tier()) rank_counts.insert(rank_counts.end(), {9, 11, 12, 15, 16, 17, 24, 31});
  for (const int ranks : rank_counts) {
    for (const size_t count : {size_t{1}, static_cast<size_t>(ranks) * 20, size_t{211}}) {
      for (const Algorithm algorithm : kAlgorithms) {
        HostCase request = cases.Next(kTypes[cases.Draw(4)], ReduceOp::kSum, algorithm, count);
        if (!RunHostCase(context, ranks, request, {})) return;
        request = cases.Next(DataType::kInt32, ReduceOp::kAverage, algorithm, count);
        request.input = InputKind::kRandom;
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckInPlace(CheckContext& context) {
  Cases cases(context, 4);
  for (const int ranks : {1, 2, 4, 7}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const ReduceOp op : kOps) {
        HostCase request = cases.Next(kTypes[cases.Draw(4)], op, algorithm, 131);
        MakeExact(&request, ranks);
        if (op == ReduceOp::kAverage && request.type != DataType::kInt32 && ranks == 7) request.op = ReduceOp::kSum;
        request.in_place = 1;
        request.offset_elements = static_cast<uint32_t>(cases.Draw(9));
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckAverage(CheckContext& context) {
  Cases cases(context, 5);
  for (const int ranks : {2, 4, 7, 8}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const DataType type : kTypes) {
        HostCase request = cases.Next(type, ReduceOp::kAverage, algorithm, 200);
        request.input = InputKind::kLarge;
        if (!RunHostCase(context, ranks, request, {})) return;
        request = cases.Next(type, ReduceOp::kAverage, algorithm, 200);
        request.input = InputKind::kRandom;
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckNan(CheckContext& context) {
  Cases cases(context, 6);
  for (const int ranks : {2, 3, 4}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const DataType type : kTypes) {
        for (const ReduceOp op : {ReduceOp::kMax, ReduceOp::kSum}) {
          HostCase request = cases.Next(type, op, algorithm, 300);
          request.input = op == ReduceOp::kMax ? InputKind::kSpecial : InputKind::kSubnormal;
          if (!RunHostCase(context, ranks, request, {})) return;
        }
      }
    }
  }
}

void CheckRounding(CheckContext& context) {
  Cases cases(context, 7);
  for (const int ranks : {2, 4, 8}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const DataType type : kTypes) {
        HostCase request = cases.Next(type, ReduceOp::kSum, algorithm, 1000);
        request.input = InputKind::kRandom;
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckIdentical(CheckContext& context) {
  Cases cases(context, 8);
  for (const int ranks : {2, 3, 4, 6, 8}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const DataType type : {DataType::kFloat32, DataType::kFloat16, DataType::kBFloat16}) {
        HostCase request = cases.Next(type, kOps[cases.Draw(3)], algorithm, 801);
        if (request.op == ReduceOp::kMax) request.op = ReduceOp::kSum;
        request.input = InputKind::kRandom;
        if (!RunHostCase(context, ranks, request, {.values = false, .identical = true})) return;
      }
    }
  }
}

void CheckBounds(CheckContext& context) {
  Cases cases(context, 9);
  for (const int ranks : {2, 3, 4}) {
    for (const size_t count : {0, 1, 3, 37, 255}) {
      for (const Algorithm algorithm : kAlgorithms) {
        HostCase request = cases.Next(kTypes[cases.Draw(4)], ReduceOp::kSum, algorithm, count);
        request.offset_elements = static_cast<uint32_t>(cases.Draw(9));
        if (!RunHostCase(context, ranks, request, {.values = true, .red_zones = true})) return;
      }
    }
  }
}

void CheckInput(CheckContext& context) {
  Cases cases(context, 10);
  for (const int ranks : {2, 3, 4}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const ReduceOp op : kOps) {
        HostCase request = cases.Next(kTypes[cases.Draw(4)], op, algorithm, 203);
        request.input = InputKind::kRandom;
        if (!RunHostCase(context, ranks, request, {.values = false, .input_intact = true})) return;
      }
    }
  }
}

void CheckReuse(CheckContext& context) {
  Cases cases(context, 11);
  for (const Algorithm algorithm : kAlgorithms) {
    for (int repeat = 0; repeat < 4; ++repeat) {
      HostCase request = cases.Next(DataType::kFloat32, ReduceOp::kSum, algorithm, 240);
      request.reuse_buffers = repeat > 0;
      if (!RunHostCase(context, 4, request, {})) return;
    }
  }
}

}  // namespace

std::vector<workbench::Check> HostChecks() {
  return {
      {{"a.values",
        "every algorithm, type and op: 1, 2, 4 ranks",
        3,
        false,
        {"the neighbour that is sent to and the chunk index assume opposite directions of the ring",
         "every rank receives before it sends: with blocking calls that is a deadlock",
         "the all-gather starts from the wrong chunk: rank r owns chunk (r + 1) mod N after the reduce-scatter",
         "reading a received buffer before its Wait"}},
       CheckValues},
      {{"a.tail",
        "counts that N does not divide, and tiny ones",
        2,
        false,
        {"count / N drops the last count mod N elements", "a chunk of zero elements is skipped on one side only"}},
       CheckTail},
      {{"a.any_n",
        "numbers of ranks that are no power of two",
        3,
        false,
        {"rank XOR distance names a rank that is not there", "& (N - 1) is a modulo only for powers of two",
         "the ranks beyond the largest power of two are never folded in, or never get the result"}},
       CheckAnyN},
      {{"a.in_place",
        "in == out",
        2,
        false,
        {"the input is read again after the output has been written", "memcpy between overlapping buffers"}},
       CheckInPlace},
      {{"a.nan",
        "max keeps NaN; subnormals are kept",
        1,
        false,
        {"std::max(a, b) and a < b ? b : a drop a NaN on one side", "conversions flush subnormals to zero"}},
       CheckNan},
      {{"a.rounding",
        "within (N-1) roundings of the exact sum",
        2,
        false,
        {"truncation instead of rounding to nearest even", "more than one rounding a hop"}},
       CheckRounding},
      {{"a.average",
        "means do not overflow; int32 truncates",
        2,
        false,
        {"the sum overflows before it is divided: scale each input first",
         "int32: the wrapped sum is divided once, at the end, toward zero"}},
       CheckAverage},
      {{"a.identical",
        "the same bits on every rank",
        2,
        false,
        {"each rank adds the contributions in an order of its own", "the owner keeps a wider value than it sends"}},
       CheckIdentical},
      {{"a.bounds",
        "nothing outside of the output is written",
        2,
        false,
        {"chunks are rounded up past the end of the buffer", "the output is used as scratch space"}},
       CheckBounds},
      {{"a.input",
        "the input is not written to",
        1,
        false,
        {"partial sums are accumulated in the input", "const is cast away to scale for the average"}},
       CheckInput},
      {{"a.reuse",
        "the same buffers with new data",
        1,
        false,
        {"something is remembered between calls by address or size"}},
       CheckReuse},
      {{"a.arguments",
        "unknown arguments are refused",
        1,
        false,
        {"the enum is used as an array index or falls through a switch",
         "messages are sent before the arguments are checked"}},
       CheckArguments},
  };
}

}  // namespace q02
