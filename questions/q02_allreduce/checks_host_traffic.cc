// Part A: what goes over the wire, in what order, how large, how fast.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "grader/engine.h"
#include "grader/statistics.h"
#include "questions/q02_allreduce/checks.h"
#include "questions/q02_allreduce/host_case.h"
#include "questions/q02_allreduce/oracle.h"

namespace q02 {
namespace {

using workbench::CheckContext;
using workbench::Finding;
using workbench::JudgeCounts;

HostCase NewCase(const CheckContext& context, uint64_t salt, Algorithm algorithm, size_t count) {
  HostCase request;
  request.algorithm = algorithm;
  request.count = count;
  request.seed = workbench::Mix(context.seed() ^ workbench::Mix(salt * 1000003 + count));
  request.transport.seed = request.seed;
  return request;
}

void CheckRendezvous(CheckContext& context) {
  for (const int ranks : {2, 3, 4, 8}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (const size_t count : {size_t{240}, size_t{30000}}) {
        HostCase request = NewCase(context, 21, algorithm, count);
        request.transport.rendezvous = 1;
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

void CheckOrder(CheckContext& context) {
  for (const int ranks : {2, 4, 7}) {
    for (const Algorithm algorithm : kAlgorithms) {
      for (uint64_t draw = 0; draw < 3; ++draw) {
        HostCase request = NewCase(context, 22 + draw, algorithm, 1500);
        request.transport.adversarial = 1;
        request.transport.rendezvous = draw == 2;
        if (draw != 0) request.segment_bytes = draw == 1 ? 256 : kAnySegment;
        if (draw == 1) request.transport.max_message_bytes = 256;
        if (!RunHostCase(context, ranks, request, {})) return;
      }
    }
  }
}

// What a case's traffic has to be; equalities unless "at most" is said.
struct Traffic {
  double total_bytes;
  bool total_at_most;
  double messages_per_rank;  // the largest over ranks
  bool messages_at_most;
  double steps;
  bool steps_at_most;
  double most_bytes_of_a_rank;  // at most
  int peers;                    // ranks sent to, at most; 0: not judged
};

Traffic WantedTraffic(Algorithm algorithm, int ranks, size_t count) {
  const double n = ranks;
  const double bytes = static_cast<double>(count) * 4;
  const double p = std::bit_floor(static_cast<unsigned>(ranks));
  const double folded = n - p;
  const double log_p = std::log2(p);
  const bool fold = folded > 0;
  const double floor_chunk = 4.0 * static_cast<double>(count / static_cast<size_t>(ranks));
  switch (algorithm) {
    case Algorithm::kRing:
      return {2 * (n - 1) * bytes, false, 2 * (n - 1), false, 2 * (n - 1), false, 2 * (bytes - floor_chunk), 1};
    case Algorithm::kRecursiveDoubling:
      return {p * log_p * bytes + 2 * folded * bytes,
              fold,
              log_p + fold,
              fold,
              log_p + 2 * fold,
              fold,
              (log_p + fold) * bytes,
              0};
    case Algorithm::kHalvingDoubling:
      return {2 * (p - 1) * bytes + (fold ? 3 * folded * bytes : 0),
              fold,
              2 * log_p + 2 * fold,
              fold,
              2 * log_p + 4 * fold,
              fold,
              2 * bytes + (fold ? 2 * bytes : 0),
              0};
    case Algorithm::kTree: {
      const double depth = std::ceil(std::log2(n));
      return {2 * (n - 1) * bytes, false, 6, true, 4 * depth, true, 3 * bytes, 0};
    }
  }
  return {};
}

// Records a finding and returns false if `actual` is not as wanted.
bool Judge(CheckContext& context, const HostCase& request, int ranks, const std::string& what, double wanted,
           bool at_most, double actual, const std::string& unit) {
  const double slack = 1e-6 * std::max(1.0, wanted);
  if (actual <= wanted + slack && (at_most || actual >= wanted - slack)) return true;
  Finding finding;
  finding.property = what;
  finding.input = Describe(request, ranks);
  const auto number = [](double value) { return workbench::DescribeValue(workbench::ElementType::kFloat32, value); };
  finding.expected = (at_most ? "at most " : "") + number(wanted) + " " + unit;
  finding.actual = number(actual) + " " + unit;
  context.Fail(finding);
  return false;
}

// Bars for the report: what all ranks send in each step, and the steps that were counted beside those that are allowed.
void RecordTraffic(CheckContext& context, int ranks, const std::vector<JudgeCounts>& counts) {
  workbench::Series sent{"sent", {}};
  for (size_t step = 0; step < std::size(counts[0].step_bytes); ++step) {
    uint64_t bytes = 0;
    for (const JudgeCounts& rank : counts) bytes += rank.step_bytes[step];
    if (bytes > 0) sent.points.emplace_back(static_cast<double>(step + 1), static_cast<double>(bytes));
  }
  context.RecordChart({.title = "Bytes sent in each step, " + std::to_string(ranks) + " ranks together",
                       .bars = true,
                       .x = {"step", ""},
                       .y = {"bytes sent", "bytes"},
                       .series = {sent},
                       .limits = {},
                       .measured_on = workbench::MeasuredOn::kModel});
}

void RecordSteps(CheckContext& context, const workbench::Series& counted, const workbench::Series& wanted) {
  context.RecordChart({.title = "Steps, one after another",
                       .bars = true,
                       .x = {"ranks", ""},
                       .y = {"steps", ""},
                       .series = {counted, wanted},
                       .limits = {},
                       .measured_on = workbench::MeasuredOn::kModel});
}

void CheckTraffic(CheckContext& context, Algorithm algorithm) {
  workbench::Series steps_counted{"counted", {}}, steps_wanted{"the algorithm's", {}};
  for (const int ranks : {2, 4, 8, 3, 6, 7}) {
    for (const size_t count : {static_cast<size_t>(ranks) * 32, static_cast<size_t>(ranks) * 32 + 5}) {
      HostCase request = NewCase(context, 31, algorithm, count);
      std::vector<JudgeCounts> counts;
      if (!RunHostCase(context, ranks, request, {}, &counts)) return;
      const Traffic wanted = WantedTraffic(algorithm, ranks, count);
      double total = 0, messages = 0, steps = 0, most = 0;
      int peers = 0;
      for (const JudgeCounts& rank : counts) {
        total += static_cast<double>(rank.bytes_sent);
        messages = std::max(messages, static_cast<double>(rank.messages_sent));
        steps = std::max(steps, rank.model_seconds);
        most = std::max(most, static_cast<double>(rank.bytes_sent));
        peers = std::max(peers, std::popcount(rank.destinations));
      }
      if (count % static_cast<size_t>(ranks) == 0) {
        steps_counted.points.emplace_back(ranks, steps);
        steps_wanted.points.emplace_back(ranks, wanted.steps);
        if (ranks == 8) RecordTraffic(context, ranks, counts);
      }
      if (!Judge(context, request, ranks, "bytes sent, all ranks together", wanted.total_bytes, wanted.total_at_most,
                 total, "bytes") ||
          !Judge(context, request, ranks, "bytes sent by the busiest rank", wanted.most_bytes_of_a_rank, true, most,
                 "bytes") ||
          !Judge(context, request, ranks, "messages sent by the busiest rank", wanted.messages_per_rank,
                 wanted.messages_at_most, messages, "messages") ||
          !Judge(context, request, ranks, "steps, one after another (model time with alpha = 1, beta = 0)",
                 wanted.steps, wanted.steps_at_most, steps, "steps")) {
        return;
      }
      if (wanted.peers > 0 &&
          !Judge(context, request, ranks, "neighbours that a rank sends to", wanted.peers, true, peers, "ranks")) {
        return;
      }
    }
  }
  RecordSteps(context, steps_counted, steps_wanted);
}

void CheckPipelining(CheckContext& context) {
  constexpr size_t kSegment = 4096, kCount = 65536;
  for (const int ranks : {7, 8}) {
    HostCase request = NewCase(context, 41, Algorithm::kTree, kCount);
    request.segment_bytes = request.transport.max_message_bytes = kSegment;
    request.transport.alpha = 1e-6;
    request.transport.beta = 1e-9;
    std::vector<JudgeCounts> counts;
    if (!RunHostCase(context, ranks, request, {}, &counts)) return;
    double seconds = 0;
    for (const JudgeCounts& rank : counts) seconds = std::max(seconds, rank.model_seconds);
    // An inner rank's port carries each segment three times; reducing first and broadcasting afterwards carries four,
    // and passes. Waiting for the whole buffer at each level does not.
    const double message = request.transport.alpha + request.transport.beta * kSegment;
    const double segments = 4.0 * kCount / kSegment;
    const double depth = std::floor(std::log2(static_cast<double>(ranks)));
    const double bound = 1.15 * message * (4 * (segments - 1) + 4 * (depth + 1));
    if (!Judge(context, request, ranks, "model time of a pipelined tree (alpha = 1 us, beta = 1 ns/B)", bound * 1e6,
               true, seconds * 1e6, "us")) {
      return;
    }
  }
}

void CheckLarge(CheckContext& context) {
  // 2 GiB and a bit, over folded memory: every byte is sent and reduced, but only the traffic can be judged. The long
  // tier runs it on real memory, values and all.
  HostCase request = NewCase(context, 51, Algorithm::kRecursiveDoubling, (size_t{1} << 29) + 3);
  request.folded = 1;
  std::vector<JudgeCounts> counts;
  if (!RunHostCase(context, 2, request, {}, &counts)) return;
  const double bytes = static_cast<double>(request.count) * 4;
  double total = 0;
  for (const JudgeCounts& rank : counts) total += static_cast<double>(rank.bytes_sent);
  if (!Judge(context, request, 2, "bytes sent, all ranks together", 2 * bytes, false, total, "bytes")) return;
  if (!context.long_tier()) return;
  for (const Algorithm algorithm : kAlgorithms) {
    HostCase real = NewCase(context, 52, algorithm, (size_t{1} << 29) + 3);
    real.in_place = 1;
    real.segment_bytes = algorithm == Algorithm::kTree ? 1 << 20 : 0;
    if (!RunHostCase(context, 2, real, {})) return;
  }
}

// Times one batch; false after a failure. Appends the slowest rank's seconds a call.
bool TimeBatch(CheckContext& context, const HostTimingCase& request, int ranks, bool reference,
               std::vector<double>* seconds) {
  CheckContext::Replies replies;
  const CheckContext::Inputs inputs = {{"ranks", std::to_string(ranks)},
                                       {"count", std::to_string(request.count)},
                                       {"algorithm", Name(request.algorithm)},
                                       {"seed", std::to_string(request.seed)}};
  if (!context.Run("a", ranks, std::as_bytes(std::span(&request, 1)), 60, inputs, &replies, reference)) return false;
  const size_t header = sizeof(HostTimingReply);
  for (uint32_t batch = 0; batch < request.batches; ++batch) {
    double slowest = 0;
    for (const auto& reply : replies) slowest = std::max(slowest, Read<double>(reply, header + batch * sizeof(double)));
    seconds->push_back(slowest);
  }
  const double told = std::accumulate(seconds->end() - request.batches, seconds->end(), 0.0) * request.calls;
  if (told > context.last_case_seconds() * 1.05 + 1e-3 || told < 0) {
    Finding finding;
    finding.property = "the time that the ranks report fits into the time that passed outside";
    context.Fail(finding);
    return false;
  }
  if (reference || request.peer != 0 || request.return_output == 0) return true;
  const Oracle oracle({.ranks = ranks, .count = request.count, .seed = request.seed});
  for (int rank = 0; rank < ranks; ++rank) {
    if (const auto mismatch = oracle.Compare(replies[rank].data() + header + request.batches * sizeof(double))) {
      Finding finding;
      finding.property = "the timed result is right";
      finding.input = inputs;
      finding.rank = rank;
      finding.index = mismatch->index;
      finding.expected = mismatch->expected;
      finding.actual = mismatch->actual;
      context.Fail(finding);
      return false;
    }
  }
  return true;
}

void CheckSpeed(CheckContext& context) {
  struct Point {
    Algorithm algorithm;
    size_t bytes;
    uint32_t calls;
  };
  double fraction = 0;
  std::string detail;
  constexpr Point kPoints[] = {{Algorithm::kRecursiveDoubling, size_t{1} << 10, 2000},
                               {Algorithm::kHalvingDoubling, size_t{1} << 20, 20},
                               {Algorithm::kRing, size_t{64} << 20, 1}};
  for (const Point& point : kPoints) {
    constexpr int kRanks = 4;
    context.SetMeasuredOn(workbench::MeasuredOn::kCpu);
    HostTimingCase request;
    request.algorithm = point.algorithm;
    request.count = point.bytes / 4;
    request.calls = point.calls;
    request.batches = 5;
    std::vector<double> answer, reference, peer;
    for (int round = 0; round < 6; ++round) {  // A B B A ...
      request.return_output = round == 5;
      request.seed = workbench::Mix(context.seed() + static_cast<uint64_t>(round) + point.bytes);
      for (int half = 0; half < 2; ++half) {
        const bool is_reference = (half == 0) == (round % 2 == 1);
        if (!TimeBatch(context, request, kRanks, is_reference, is_reference ? &reference : &answer)) return;
      }
    }
    request.peer = 1;
    if (!TimeBatch(context, request, kRanks, true, &peer)) return;
    const double ratio = workbench::Median(answer) / workbench::Median(reference);
    const std::string name = std::string(Name(point.algorithm)) + " " + std::to_string(point.bytes) + " B";
    context.RecordSamples(name, "answer", answer);
    context.RecordSamples(name, "reference", reference);
    context.RecordSamples(name, "MPI_Allreduce", peer);
    context.Figure(name + ": time / reference", ratio);
    context.Figure(name + ": MPI_Allreduce time / reference", workbench::Median(peer) / workbench::Median(reference));
    fraction += workbench::PerformanceFraction(ratio) / 3;
    if (ratio > 1.05)
      detail += (detail.empty() ? "" : "; ") + name + " takes " +
                workbench::DescribeValue(workbench::ElementType::kFloat16, ratio) + " x the reference's time";
  }
  context.EarnFraction(fraction > 1 - 1e-9 ? 1 : fraction, detail);
}

}  // namespace

std::vector<workbench::Check> HostTrafficChecks() {
  const auto traffic = [](Algorithm algorithm) {
    return [algorithm](CheckContext& context) { CheckTraffic(context, algorithm); };
  };
  return {
      {{"a.rendezvous",
        "no deadlock when sends wait for receives",
        2,
        false,
        {"a cycle of blocking Sends: every rank sends before it receives",
         "use SendRecv, or Isend and Irecv before any Wait"}},
       CheckRendezvous},
      {{"a.order",
        "late and reordered delivery",
        2,
        false,
        {"the buffer of an Isend is overwritten before its Wait", "the buffer of an Irecv is read before its Wait",
         "two messages with one tag are taken for each other"}},
       CheckOrder},
      {{"a.traffic.ring",
        "ring: 2(N-1) steps, 2(N-1)/N of the bytes",
        2,
        false,
        {"the whole buffer is sent in every step",
         "a step sends before the last one's receive has been waited for, or twice"}},
       traffic(Algorithm::kRing)},
      {{"a.traffic.recursive_doubling",
        "recursive doubling: log2 N steps",
        2,
        false,
        {"another algorithm under this name", "an extra exchange for ranks that need none"}},
       traffic(Algorithm::kRecursiveDoubling)},
      {{"a.traffic.halving_doubling",
        "halving-doubling: 2 log2 N steps, few bytes",
        2,
        false,
        {"the whole buffer is exchanged at each distance: that is recursive doubling"}},
       traffic(Algorithm::kHalvingDoubling)},
      {{"a.traffic.tree",
        "tree: 2(N-1) S in all, no rank more than 3 S",
        2,
        false,
        {"every rank talks to the root: a star, whose root carries everything", "a chain: correct, and linear in N"}},
       traffic(Algorithm::kTree)},
      {{"a.pipelining",
        "a tree's segments overlap",
        1,
        false,
        {"each level waits for the whole buffer before it passes it on",
         "segments are sent one by one, each waited for"}},
       CheckPipelining},
      {{"a.large",
        "more than 2^31 bytes",
        1,
        false,
        {"a byte count or an element index in a 32-bit int", "chunk * rank is computed in int before it is widened"}},
       CheckLarge},
      {{"a.speed",
        "time against the reference",
        4,
        true,
        {"no overlap of receiving and reducing", "segments too large for the cache",
         "a copy that the algorithm does not need"}},
       CheckSpeed},
  };
}

}  // namespace q02
