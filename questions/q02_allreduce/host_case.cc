#include "questions/q02_allreduce/host_case.h"

#include <algorithm>
#include <cstring>

#include "questions/q02_allreduce/oracle.h"

namespace q02 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

// A case of small buffers takes milliseconds; the large ones have more.
constexpr double kDeadlineSeconds = 10;

Finding NewFinding(const HostCase& request, int ranks, int rank, std::string property) {
  Finding finding;
  finding.property = std::move(property);
  finding.input = Describe(request, ranks);
  finding.rank = rank;
  return finding;
}

// The first byte of a red zone that was written to, as an offset in bytes from the output's begin (negative: in front).
std::optional<int64_t> FirstBrokenRedZoneByte(std::span<const std::byte> with_zones, size_t bytes) {
  for (size_t i = 0; i < with_zones.size(); ++i) {
    const bool in_zone = i < kRedZoneBytes || i >= kRedZoneBytes + bytes;
    if (in_zone && with_zones[i] != std::byte{0xa5})
      return static_cast<int64_t>(i) - static_cast<int64_t>(kRedZoneBytes);
  }
  return std::nullopt;
}

}  // namespace

const char* Name(Algorithm algorithm) {
  constexpr const char* kNames[] = {"ring", "recursive doubling", "halving-doubling", "tree"};
  const int index = static_cast<int>(algorithm);
  return index >= 0 && index < 4 ? kNames[index] : "?";
}

const char* Name(ReduceOp op) {
  constexpr const char* kNames[] = {"sum", "max", "average"};
  const int index = static_cast<int>(op);
  return index >= 0 && index < 3 ? kNames[index] : "?";
}

const char* Name(DataType type) {
  const int index = static_cast<int>(type);
  return index >= 0 && index < 4 ? workbench::TraitsOf(ElementTypeOf(type)).name : "?";
}

CheckContext::Inputs Describe(const HostCase& request, int ranks) {
  constexpr const char* kInputs[] = {"small integers", "random", "large", "special", "subnormal"};
  CheckContext::Inputs inputs = {{"ranks", std::to_string(ranks)},
                                 {"count", std::to_string(request.count)},
                                 {"type", Name(request.type)},
                                 {"op", Name(request.op)},
                                 {"algorithm", Name(request.algorithm)}};
  if (request.segment_bytes == kAnySegment) {
    inputs.emplace_back("segment", "any");
  } else if (request.segment_bytes != 0) {
    inputs.emplace_back("segment", std::to_string(request.segment_bytes) + " B");
  }
  inputs.emplace_back("values", kInputs[static_cast<int>(request.input)]);
  if (request.in_place) inputs.emplace_back("buffers", "in place");
  if (request.transport.rendezvous) inputs.emplace_back("sends", "rendezvous");
  if (request.transport.adversarial) inputs.emplace_back("delivery", "late and out of order");
  inputs.emplace_back("seed", std::to_string(request.seed));
  return inputs;
}

bool RunHostCase(CheckContext& context, int ranks, const HostCase& request, const Judged& judged,
                 std::vector<workbench::JudgeCounts>* counts) {
  CheckContext::Replies replies;
  if (!context.Run("a", ranks, std::as_bytes(std::span(&request, 1)),
                   kDeadlineSeconds + (request.folded ? 60e-9 : 300e-9) * static_cast<double>(request.count),
                   Describe(request, ranks), &replies)) {
    return false;
  }
  const size_t bytes = request.folded ? 0 : request.count * ElementBytes(request.type);
  const size_t with_zones = request.folded ? 0 : bytes + 2 * kRedZoneBytes;
  const size_t input_bytes = request.in_place ? 0 : bytes;
  if (counts != nullptr) counts->clear();
  uint64_t sent = 0, received = 0;
  for (const auto& reply : replies) {
    sent += Read<HostReply>(reply).counts.messages_sent;
    received += Read<HostReply>(reply).counts.messages_received;
  }
  if (sent != received) {
    Finding finding = NewFinding(request, ranks, -1, "every message that is sent is received");
    finding.actual = std::to_string(sent) + " messages were sent and " + std::to_string(received) + " received";
    context.Fail(finding);
    context.DropSession("a", ranks);  // the messages that are under way would reach the next case
    return false;
  }
  for (int rank = 0; rank < ranks; ++rank) {
    const HostReply reply = Read<HostReply>(replies[rank]);
    if (reply.result != Result::kOk) {
      Finding finding = NewFinding(request, ranks, rank, "the call succeeds");
      finding.actual = "it returned " + std::to_string(static_cast<int>(reply.result));
      context.Fail(finding);
      return false;
    }
    if (reply.counts.unwaited_requests > 0) {
      Finding finding = NewFinding(request, ranks, rank, "every Isend and Irecv is waited for");
      finding.kind = workbench::VerdictKind::kLeak;
      finding.actual = std::to_string(reply.counts.unwaited_requests) + " requests were not";
      context.Fail(finding);
      return false;
    }
    if (replies[rank].size() != sizeof reply + with_zones + input_bytes) {
      Finding finding = NewFinding(request, ranks, rank, "the rank returns its whole buffers");
      finding.kind = workbench::VerdictKind::kGraderFault;
      context.Fail(finding);
      return false;
    }
    if (counts != nullptr) counts->push_back(reply.counts);
  }
  if (request.folded) return true;

  const Oracle oracle({.ranks = ranks,
                       .count = request.count,
                       .type = request.type,
                       .op = request.op,
                       .input = request.input,
                       .input_scale = request.input_scale,
                       .seed = request.seed});
  const std::byte* first_output = replies[0].data() + sizeof(HostReply) + kRedZoneBytes;
  for (int rank = 0; rank < ranks; ++rank) {
    const std::span<const std::byte> zones(replies[rank].data() + sizeof(HostReply), with_zones);
    const std::byte* output = zones.data() + kRedZoneBytes;
    if (judged.red_zones) {
      if (const std::optional<int64_t> at = FirstBrokenRedZoneByte(zones, bytes)) {
        Finding finding = NewFinding(request, ranks, rank, "nothing outside of out[0, count) is written");
        finding.actual =
            *at < 0 ? "a write " + std::to_string(-*at) + " bytes in front of the output"
                    : "a write " + std::to_string(*at - static_cast<int64_t>(bytes)) + " bytes behind the output's end";
        context.Fail(finding);
        return false;
      }
    }
    // What rank 0 got right is right elsewhere.
    const bool as_rank_0 = rank > 0 && std::memcmp(output, first_output, bytes) == 0;
    if (judged.values && !as_rank_0) {
      if (const std::optional<Mismatch> mismatch = oracle.Compare(output)) {
        Finding finding = NewFinding(request, ranks, rank, "out[i] is the reduction of every rank's in[i]");
        finding.index = mismatch->index;
        finding.expected = mismatch->expected;
        finding.actual = mismatch->actual;
        finding.differing = mismatch->differing;
        finding.total = request.count;
        context.Fail(finding);
        return false;
      }
    }
    if (judged.identical && rank > 0 && std::memcmp(output, first_output, bytes) != 0) {
      const size_t element = ElementBytes(request.type);
      Finding finding = NewFinding(request, ranks, rank, "the same bits on every rank");
      for (size_t i = 0; i < request.count; ++i) {
        if (std::memcmp(output + i * element, first_output + i * element, element) == 0) continue;
        if (!finding.index) {
          finding.index = i;
          finding.expected =
              workbench::DescribeElement(ElementTypeOf(request.type), first_output, i) + ", as on rank 0";
          finding.actual = workbench::DescribeElement(ElementTypeOf(request.type), output, i);
        }
        ++finding.differing;
      }
      finding.total = request.count;
      context.Fail(finding);
      return false;
    }
    if (judged.input_intact && !request.in_place) {
      const std::byte* after = output + bytes + kRedZoneBytes;
      if (std::memcmp(after, oracle.input(rank).data(), bytes) != 0) {
        Finding finding = NewFinding(request, ranks, rank, "out of place, the input is unchanged");
        const auto where = std::mismatch(after, after + bytes, oracle.input(rank).data());
        finding.index = static_cast<uint64_t>(where.first - after) / ElementBytes(request.type);
        finding.actual = "the input was written to";
        context.Fail(finding);
        return false;
      }
    }
  }
  return true;
}

}  // namespace q02
