#include "questions/q07_scheduling/placement_judge.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "questions/q07_scheduling/placement_choice.h"

namespace q07 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr double kDeadlineSeconds = 120;
// Operations that are listed in a finding.
constexpr size_t kMaxListed = 16;
// Scripts that are tried to make a failing one smaller.
constexpr int kMaxAttempts = 400;

std::string Plural(size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

bool SameKind(const GpuNode& a, const GpuNode& b) {
  return a.cpu_milli == b.cpu_milli && a.memory_mib == b.memory_mib && a.gpus == b.gpus &&
         a.gpu_memory_mib == b.gpu_memory_mib && a.model == b.model && a.island == b.island && a.rack == b.rack;
}

// "nodes 0-3: free: CPU 8000/8000, ..."
std::string DescribeNodes(const std::vector<GpuNode>& nodes) {
  std::string text;
  int kinds = 0;
  for (size_t first = 0; first < nodes.size();) {
    size_t last = first;
    while (last + 1 < nodes.size() && SameKind(nodes[first], nodes[last + 1])) ++last;
    if (++kinds > 12) return text + "; ... (" + Plural(nodes.size(), "node") + ")";
    const GpuNode& node = nodes[first];
    text += (first == 0 ? "" : "; ") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "") +
            ": CPU " + std::to_string(node.cpu_milli) + ", memory " + std::to_string(node.memory_mib) + ", " +
            Plural(static_cast<size_t>(std::max(node.gpus, 0)), "GPU");
    if (node.gpus > 0) {
      text += " with " + std::to_string(node.gpu_memory_mib) + " MiB, model " + std::to_string(node.model);
    }
    if (node.island != 0) text += ", islands of " + std::to_string(node.island);
    text += ", rack " + std::to_string(node.rack);
    first = last + 1;
  }
  return text.empty() ? "none" : text;
}

std::string DescribeMix(const std::vector<TypicalRequest>& mix) {
  std::string text;
  for (size_t i = 0; i < mix.size() && i < 8; ++i) {
    text += (i == 0 ? "" : "; ") + std::to_string(mix[i].weight) + ": " + Describe(mix[i].request);
  }
  return mix.size() > 8 ? text + "; ... (" + Plural(mix.size(), "request") + ")" : text;
}

std::string DescribeOperation(const PlacementOperation& operation) {
  const std::string placer = operation.placer == 0 ? "" : " (second placer)";
  switch (operation.op) {
    case PlacementOp::kPlace:
      return "#" + std::to_string(operation.id) + " Place(" + Describe(operation.request) + ")" + placer;
    case PlacementOp::kRelease:
      return "Release(#" + std::to_string(operation.id) + ")" + placer;
    case PlacementOp::kSetUp:
      return "SetUp(" + std::to_string(operation.node) + ", " + (operation.up != 0 ? "true" : "false") + ")" + placer;
  }
  return "";
}

std::string DescribeOperations(const std::vector<PlacementOperation>& operations, size_t count) {
  std::string text;
  const size_t first = count > kMaxListed ? count - kMaxListed : 0;
  if (first > 0) text = "... " + Plural(first, "operation") + ", then ";
  for (size_t i = first; i < count; ++i) text += (i == first ? "" : "; ") + DescribeOperation(operations[i]);
  return text;
}

CheckContext::Inputs DescribeCase(const PlacementCase& placement_case) {
  CheckContext::Inputs inputs = {{"policy", NameOf(placement_case.policy)},
                                 {"nodes", DescribeNodes(placement_case.nodes)}};
  if (placement_case.policy == PlacementPolicy::kFragmentation)
    inputs.emplace_back("typical mix", DescribeMix(placement_case.typical));
  if (placement_case.policy == PlacementPolicy::kRandom) {
    inputs.emplace_back("seed", std::to_string(placement_case.seed));
  }
  return inputs;
}

// The nodes of a placement, and some that would have done.
std::string DescribeStates(const ClusterOracle& cluster, const std::vector<Share>& shares,
                           const std::vector<int32_t>& others) {
  std::vector<int32_t> nodes;
  for (const Share& share : shares) nodes.push_back(share.node);
  nodes.insert(nodes.end(), others.begin(), others.end());
  std::string text;
  std::vector<int32_t> told;
  for (const int32_t node : nodes) {
    if (node < 0 || static_cast<size_t>(node) >= cluster.nodes().size() || told.size() >= 6) continue;
    if (std::ranges::find(told, node) != told.end()) continue;
    told.push_back(node);
    text += (text.empty() ? "before it, node " : "; node ") + std::to_string(node) + " has " +
            cluster.node(node).ToString();
  }
  return text;
}

std::string DescribeWitness(const Request& request, const std::vector<int32_t>& witness) {
  if (witness.empty()) return "it is refused: it fits nowhere";
  std::string text = request.shares == 1 ? "it is placed: node" : "it is placed: in one rack, nodes";
  for (size_t i = 0; i < witness.size() && i < 6; ++i) text += " " + std::to_string(witness[i]);
  return text + (witness.size() > 6 ? " ..." : "") + (witness.size() > 1 ? " have room" : " has room");
}

struct Held {
  Request request;
  std::vector<Share> shares;
};

// What is wrong with one Place; nullopt: nothing.
std::optional<PlacementFailure> JudgePlace(const PlacementCase& placement_case, const ClusterOracle& cluster,
                                           const Request& request, const PlacementRecord& record,
                                           const std::vector<Share>& shares, bool choices) {
  PlacementFailure failure;
  const bool makes_sense = MakesSense(request);
  if (record.placed == 0) {
    const std::vector<int32_t> witness = cluster.Witness(request);
    if (!witness.empty()) {
      failure.property = "a request is refused only if it fits nowhere";
      failure.expected = DescribeWitness(request, witness);
      failure.actual = "Place returned false";
      failure.detail = DescribeStates(cluster, {}, {witness.begin(), witness.begin() + 1});
      return failure;
    }
    if (record.size != 0) {
      failure.property = "a refusal leaves `shares` empty";
      failure.expected = "false, and no shares";
      failure.actual = "false, and " + Plural(record.size, "share");
      return failure;
    }
    return std::nullopt;
  }
  failure.actual = Describe(shares);
  if (record.size > kMaxRecordedShares) failure.actual = Plural(record.size, "share");
  if (!makes_sense) {
    failure.property = "a request that makes no sense is refused";
    failure.expected = "Place returns false";
    return failure;
  }
  const std::optional<std::string> why_not = record.size != static_cast<size_t>(request.shares)
                                                 ? Plural(static_cast<size_t>(request.shares), "share") +
                                                       " asked for, " + std::to_string(record.size) + " given"
                                                 : cluster.WhyNot(request, shares);
  if (why_not) {
    const std::vector<int32_t> witness = cluster.Witness(request);
    failure.property = "a placement is possible: what each share needs is free, on nodes and GPUs that it may have";
    failure.expected = DescribeWitness(request, witness);
    failure.actual += ": " + *why_not;
    failure.detail = DescribeStates(cluster, shares, {});
    return failure;
  }
  if (!choices) return std::nullopt;
  const auto complaint = JudgeChoice(cluster, placement_case.policy, placement_case.typical, request, shares);
  if (!complaint) return std::nullopt;
  failure.property = complaint->property;
  failure.expected = complaint->expected;
  failure.actual = complaint->actual;
  // "node 3 (...), node 5 (...)": those expected are worth a look.
  std::vector<int32_t> expected;
  for (size_t at = 0; (at = complaint->expected.find("node ", at)) != std::string::npos; at += 5) {
    expected.push_back(std::atoi(complaint->expected.c_str() + at + 5));
  }
  failure.detail = DescribeStates(cluster, shares, expected);
  return failure;
}

// The case without node `node`.
PlacementCase WithoutNode(const PlacementCase& from, size_t node) {
  PlacementCase smaller = from;
  smaller.nodes.erase(smaller.nodes.begin() + static_cast<ptrdiff_t>(node));
  const auto number = static_cast<int32_t>(node);
  std::erase_if(smaller.operations, [&](const PlacementOperation& operation) {
    return operation.op == PlacementOp::kSetUp && operation.node == number;
  });
  for (PlacementOperation& operation : smaller.operations) {
    if (operation.op == PlacementOp::kSetUp && operation.node > number) --operation.node;
  }
  return smaller;
}

// Runs the case. False when a failure was recorded.
bool Perform(CheckContext& context, const PlacementCase& placement_case, PlacementOutcome* outcome) {
  CheckContext::Replies replies;
  const CheckContext::Inputs inputs = DescribeCase(placement_case);
  const double deadline = kDeadlineSeconds + placement_case.budget_seconds;
  if (!context.Run("b", 0, EncodePlacement(placement_case), deadline, inputs, &replies)) return false;
  if (!replies.empty() && DecodeOutcome(replies[0], outcome)) return true;
  Finding finding;
  finding.property = "the runner's reply can be read";
  finding.input = inputs;
  finding.actual = "bytes that are no reply";
  context.Fail(finding);
  return false;
}

void Record(CheckContext& context, const PlacementCase& placement_case, const PlacementFailure& failure,
            const std::string& what) {
  Finding finding;
  finding.property = failure.property;
  finding.input = DescribeCase(placement_case);
  finding.input.emplace_back("operations", DescribeOperations(placement_case.operations, failure.operation + 1));
  finding.expected = failure.expected;
  finding.actual = failure.actual;
  finding.index = failure.operation;
  finding.detail = what + (failure.detail.empty() ? "" : "; " + failure.detail);
  context.Fail(finding);
}

}  // namespace

PlacementScript::PlacementScript(std::vector<GpuNode> nodes, PlacementPolicy policy, std::vector<TypicalRequest> mix,
                                 uint64_t seed) {
  case_.nodes = std::move(nodes);
  case_.policy = policy;
  case_.typical = std::move(mix);
  case_.seed = seed;
}

int32_t PlacementScript::Place(const Request& request, int32_t placer) {
  PlacementOperation operation;
  operation.placer = placer;
  operation.id = static_cast<int32_t>(placers_.size());
  operation.request = request;
  case_.operations.push_back(operation);
  placers_.push_back(placer);
  return operation.id;
}

void PlacementScript::Release(int32_t id) {
  PlacementOperation operation;
  operation.op = PlacementOp::kRelease;
  operation.placer = placers_[static_cast<size_t>(id)];
  operation.id = id;
  case_.operations.push_back(operation);
}

void PlacementScript::SetUp(int32_t node, bool up, int32_t placer) {
  PlacementOperation operation;
  operation.op = PlacementOp::kSetUp;
  operation.placer = placer;
  operation.node = node;
  operation.up = up;
  case_.operations.push_back(operation);
}

std::optional<PlacementFailure> FindFailure(const PlacementCase& placement_case, const PlacementOutcome& outcome,
                                            const PlacementAspects& aspects, std::vector<ClusterOracle>* after) {
  PlacementFailure failure;
  const bool uses_second =
      std::ranges::any_of(placement_case.operations, [](const auto& one) { return one.placer > 0; });
  if (outcome.reply.created < (uses_second ? kPlacers : 1)) {
    failure.property = "q07_placer_create makes a placer of nodes and a policy that make sense";
    failure.expected = "a placer";
    failure.actual = "nullptr";
    return failure;
  }
  std::vector<ClusterOracle> clusters(kPlacers, ClusterOracle(placement_case.nodes));
  std::map<int32_t, Held> held;
  size_t places = 0;
  for (size_t i = 0; i < placement_case.operations.size() && i < outcome.reply.done; ++i) {
    const PlacementOperation& operation = placement_case.operations[i];
    ClusterOracle& cluster = clusters[static_cast<size_t>(operation.placer)];
    switch (operation.op) {
      case PlacementOp::kPlace: {
        if (places >= outcome.records.size()) {
          failure.operation = i;
          failure.property = "every Place is answered";
          failure.expected = "a record of it in the reply";
          failure.actual = "none";
          return failure;
        }
        const PlacementRecord& record = outcome.records[places];
        const std::vector<Share>& shares = outcome.shares[places];
        const bool choices = aspects.choices && places % aspects.choices_every == 0;
        ++places;
        if (auto found = JudgePlace(placement_case, cluster, operation.request, record, shares, choices)) {
          found->operation = i;
          return found;
        }
        if (record.placed != 0) {
          cluster.Take(operation.request, shares);
          held[operation.id] = {operation.request, shares};
        }
        break;
      }
      case PlacementOp::kRelease:
        if (const auto it = held.find(operation.id); it != held.end()) {
          cluster.Give(it->second.request, it->second.shares);
          held.erase(it);
        }
        break;
      case PlacementOp::kSetUp:
        cluster.SetUp(operation.node, operation.up != 0);
        break;
    }
  }
  if (outcome.reply.done < placement_case.operations.size()) {
    failure.operation = outcome.reply.done;
    failure.property = "all requests are answered in time";
    failure.expected = Plural(placement_case.operations.size(), "operation") + " in " +
                       std::to_string(static_cast<int>(placement_case.budget_seconds)) + " s of CPU time";
    failure.actual = std::to_string(outcome.reply.done) + " of them in that time";
    return failure;
  }
  if (after != nullptr) *after = std::move(clusters);
  return std::nullopt;
}

PlacementCase ShrinkPlacement(const PlacementCase& failing, const PlacementFailure& failure,
                              const std::function<std::optional<PlacementFailure>(const PlacementCase&)>& fails) {
  PlacementCase best = failing;
  best.operations.resize(std::min(best.operations.size(), failure.operation + 1));
  int attempts = 0;
  // Takes the smaller one if it fails in the same way, up to where it does.
  const auto take = [&](PlacementCase smaller) {
    ++attempts;
    const auto found = fails(smaller);
    if (!found || found->property != failure.property) return false;
    best = std::move(smaller);
    best.operations.resize(std::min(best.operations.size(), found->operation + 1));
    return true;
  };
  for (size_t chunk = std::max<size_t>(best.operations.size() / 2, 1); attempts < kMaxAttempts; chunk /= 2) {
    // From the end: what came last is what matters, apart from the operation that fails.
    for (size_t end = best.operations.size() - 1; end > 0 && attempts < kMaxAttempts;) {
      const size_t begin = end > chunk ? end - chunk : 0;
      PlacementCase smaller = best;
      smaller.operations.erase(smaller.operations.begin() + static_cast<ptrdiff_t>(begin),
                               smaller.operations.begin() + static_cast<ptrdiff_t>(end));
      take(std::move(smaller));
      end = std::min(begin, best.operations.size() - 1);
    }
    if (chunk <= 1) break;
  }
  for (size_t node = best.nodes.size(); node > 0 && attempts < kMaxAttempts; --node) {
    if (best.nodes.size() > 1) take(WithoutNode(best, node - 1));
  }
  return best;
}

bool JudgePlacement(CheckContext& context, const PlacementScript& script, const std::string& what,
                    const PlacementAspects& aspects, std::vector<ClusterOracle>* after, PlacementOutcome* outcome) {
  const PlacementCase& placement_case = script.placement_case();
  PlacementOutcome first;
  PlacementOutcome& done = outcome != nullptr ? *outcome : first;
  done = {};
  if (!Perform(context, placement_case, &done)) return false;
  const std::optional<PlacementFailure> failure = FindFailure(placement_case, done, aspects, after);
  if (!failure) return true;
  if (failure->operation <= 3 || done.reply.out_of_time != 0 || !aspects.shrinks) {
    Record(context, placement_case, *failure, what);
    return false;
  }
  const auto fails = [&](const PlacementCase& smaller) -> std::optional<PlacementFailure> {
    PlacementOutcome again;
    if (context.failed() || !Perform(context, smaller, &again)) return std::nullopt;
    return FindFailure(smaller, again, {aspects.choices, 1});
  };
  const PlacementCase smallest = ShrinkPlacement(placement_case, *failure, fails);
  // As it fails now; an answer that does not do the same twice is shown as it was.
  const std::optional<PlacementFailure> again = fails(smallest);
  if (again) {
    Record(context, smallest, *again, what);
  } else {
    Record(context, placement_case, *failure, what + "; it does not fail again when the same is done again");
  }
  return false;
}

bool JudgeCreation(CheckContext& context, const PlacementCase& placement_case, bool makes_sense,
                   const std::string& what) {
  PlacementOutcome outcome;
  if (!Perform(context, placement_case, &outcome)) return false;
  if ((outcome.reply.created != 0) == makes_sense) return true;
  Finding finding;
  finding.property = "q07_placer_create makes a placer of what makes sense, and of nothing else";
  finding.input = DescribeCase(placement_case);
  finding.input.emplace_back("about", what);
  finding.expected = makes_sense ? "a placer" : "nullptr";
  finding.actual = makes_sense ? "nullptr" : "a placer";
  context.Fail(finding);
  return false;
}

}  // namespace q07
