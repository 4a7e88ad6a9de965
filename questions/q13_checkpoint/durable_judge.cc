#include "questions/q13_checkpoint/durable_judge.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr double kDeadlineSeconds = 100;
constexpr double kLongDeadlineSeconds = 1200;

}  // namespace

Action SaveOf(int64_t step, StateId state) { return {.kind = ActionKind::kSave, .state = state, .step = step}; }
Action SaveAsyncOf(int64_t step, StateId state, bool hold) {
  return {.kind = ActionKind::kSaveAsync, .state = state, .step = step, .hold = hold};
}
Action WaitFor() { return {.kind = ActionKind::kWait}; }
Action LoadOf(int64_t step) { return {.kind = ActionKind::kLoad, .step = step}; }
Action ListSteps() { return {.kind = ActionKind::kSteps}; }
Action Reopen() { return {.kind = ActionKind::kReopen}; }
Action DamageOf(int target, int rank) { return {.kind = ActionKind::kDamage, .rank = rank, .target = target}; }
Action FaultsFrom(int fault) { return {.kind = ActionKind::kFaults, .fault = fault}; }

std::vector<Action> RecoveryOf(const std::vector<int64_t>& candidates, int64_t next) {
  std::vector<Action> actions = {LoadOf(kLatest), ListSteps()};
  for (const int64_t step : candidates) actions.push_back(LoadOf(step));
  if (next >= 0) {
    actions.push_back(SaveOf(next, {Contents::kSmall, 90}));
    actions.push_back(LoadOf(kLatest));
  }
  return actions;
}

std::string CodeName(int32_t code) {
  switch (code) {
    case kOk:
      return "0";
    case kNotFound:
      return "kNotFound";
    case kDamaged:
      return "kDamaged";
    case kInvalid:
      return "kInvalid";
    case kRankLost:
      return "kRankLost";
    case kThrew:
      return "an exception";
    case kNoStore:
      return "no store (q13_store_create gave nullptr)";
    case kNotRun:
      return "nothing (it was not called)";
    default:
      return code < 0 ? "-" + std::string(strerrorname_np(-code) != nullptr ? strerrorname_np(-code) : "?")
                      : std::to_string(code);
  }
}

DurableJudge::DurableJudge(CheckContext& context, std::string what, DurableRequest request)
    : context_(context), what_(std::move(what)), request_(std::move(request)) {
  request_.seed += context.seed() * 1000003 + 17;
}

bool DurableJudge::Run() {
  const CheckContext::Inputs inputs = {{"case", what_}, {"ranks", std::to_string(request_.ranks)}};
  CheckContext::Replies replies;
  const double deadline = context_.long_tier() ? kLongDeadlineSeconds : kDeadlineSeconds;
  if (!context_.Run("b", 0, Encode(request_), deadline, inputs, &replies)) return false;
  std::optional<DurableReply> reply = DecodeDurableReply(replies[0]);
  // Where faults are set in turn there are as many cases as the answer makes operations.
  if (reply.has_value() && reply->outcomes.empty()) {
    Finding finding;
    finding.property = "what is saved is written to files";
    finding.input = inputs;
    finding.expected = "operations on files, to be disturbed one by one";
    finding.actual = "none";
    context_.Fail(finding);
    return false;
  }
  bool whole = reply.has_value();
  const size_t ranks = static_cast<size_t>(request_.ranks);
  const size_t recovery_ranks = static_cast<size_t>(request_.recovery_ranks);
  for (size_t i = 0; whole && request_.mode != DurableMode::kCreate && i < reply->outcomes.size(); ++i) {
    const Outcome& outcome = reply->outcomes[i];
    const size_t recovery = request_.mode == DurableMode::kRun ? 0 : request_.recovery.size();
    whole = outcome.main.size() == request_.main.size() * ranks && outcome.recovery.size() == recovery * recovery_ranks;
  }
  if (!whole) {
    Finding finding;
    finding.kind = workbench::VerdictKind::kGraderFault;
    finding.property = "the runner's reply is whole";
    finding.input = inputs;
    finding.actual = "a reply of " + std::to_string(replies[0].size()) + " bytes that is not";
    context_.Fail(finding);
    return false;
  }
  reply_ = std::move(*reply);
  for (const Outcome& outcome : reply_.outcomes) {
    if (outcome.misuse.empty()) continue;
    return Fail(outcome, "all ranks make the same AllGathers", "as many on every rank, one at a time", outcome.misuse);
  }
  return true;
}

const CallRecord& DurableJudge::Record(const Outcome& outcome, bool recovery, int action, int rank) const {
  const int ranks = recovery ? request_.recovery_ranks : request_.ranks;
  return (recovery ? outcome.recovery : outcome.main)[static_cast<size_t>(action * ranks + rank)];
}

uint64_t DurableJudge::Expected(const StateId& state, int rank) {
  const int64_t key = static_cast<int64_t>(state.contents) << 32 | state.number;
  const auto [found, made] = expected_.try_emplace({key, rank}, 0);
  if (made) found->second = Digest(MakeState(state, request_.seed, rank));
  return found->second;
}

bool DurableJudge::Is(const CallRecord& record, const Version& version, int rank) {
  return record.code == 0 && record.step == version.step && record.digest == Expected(version.state, rank);
}

std::string DurableJudge::NameOf(const Action& action) const {
  const std::string step = action.step == kLatest ? "kLatest" : std::to_string(action.step);
  switch (action.kind) {
    case ActionKind::kSave:
      return "Save(" + step + ")";
    case ActionKind::kSaveAsync:
      return "SaveAsync(" + step + ")";
    case ActionKind::kWait:
      return "Wait()";
    case ActionKind::kLoad:
      return "Load(" + step + ")";
    case ActionKind::kSteps:
      return "Steps()";
    case ActionKind::kReopen:
      return "a new store";
    case ActionKind::kDamage:
      return "(bytes of call " + std::to_string(action.target) + " changed)";
    case ActionKind::kFaults:
      return action.fault < 0 ? "(no faults any more)" : "(faults)";
  }
  return "?";
}

std::string DurableJudge::Describe(const CallRecord& record, int rank) const {
  if (record.code != 0) {
    return CodeName(record.code) + (record.state_left != 0 ? ", and a state that is not empty" : "");
  }
  std::string text = "step " + std::to_string(record.step) + ", ";
  for (const std::vector<Action>* actions : {&request_.main, &request_.recovery}) {
    for (const Action& action : *actions) {
      if (action.kind != ActionKind::kSave && action.kind != ActionKind::kSaveAsync) continue;
      for (int of = 0; of < request_.ranks; ++of) {
        if (record.digest != Digest(MakeState(action.state, request_.seed, of))) continue;
        if (of != rank && record.digest == Digest(MakeState(action.state, request_.seed, rank))) continue;
        return text + "the tensors of " + NameOf(action) + (of == rank ? "" : " of rank " + std::to_string(of));
      }
    }
  }
  return text + (record.digest == Digest({}) ? "no tensors" : "tensors that nobody has saved so");
}

bool DurableJudge::Fail(const Outcome& outcome, const std::string& property, const std::string& expected,
                        const std::string& actual, int rank) {
  Finding finding;
  finding.property = property;
  std::string calls;
  for (const Action& action : request_.main) calls += (calls.empty() ? "" : ", ") + NameOf(action);
  finding.input = {{"case", what_},
                   {"ranks", std::to_string(request_.ranks)},
                   {"keep", std::to_string(request_.keep)},
                   {"calls", calls}};
  if (request_.mode != DurableMode::kRun && request_.mode != DurableMode::kCreate) {
    finding.input.push_back({"then", outcome.example});
  }
  finding.expected = expected;
  finding.actual = actual;
  finding.rank = rank;
  finding.differing = outcome.count;
  finding.total = reply_.cases;
  if (reply_.cases > 1) {
    finding.detail = std::to_string(outcome.count) + " of " + std::to_string(reply_.cases) + " such cases came out so";
  }
  if (!outcome.difference.empty()) finding.detail += (finding.detail.empty() ? "" : "; ") + outcome.difference;
  context_.Fail(finding);
  return false;
}

bool DurableJudge::Returns(const Outcome& outcome, bool recovery, int action, int32_t code,
                           const std::string& property) {
  const std::string name = NameOf((recovery ? request_.recovery : request_.main)[static_cast<size_t>(action)]);
  for (int rank = 0; rank < (recovery ? request_.recovery_ranks : request_.ranks); ++rank) {
    const CallRecord& record = Record(outcome, recovery, action, rank);
    if (record.code != code) {
      return Fail(outcome, property, name + " gives " + CodeName(code), CodeName(record.code), rank);
    }
    if (code != 0 && record.state_left != 0) {
      return Fail(outcome, "after an error *state is empty", name + " gives " + CodeName(code) + ", and no tensors",
                  "tensors", rank);
    }
  }
  return true;
}

bool DurableJudge::Fails(const Outcome& outcome, bool recovery, int action, const std::string& property) {
  const std::string name = NameOf((recovery ? request_.recovery : request_.main)[static_cast<size_t>(action)]);
  for (int rank = 0; rank < (recovery ? request_.recovery_ranks : request_.ranks); ++rank) {
    const CallRecord& record = Record(outcome, recovery, action, rank);
    if (record.code == 0 || record.code == kThrew || record.state_left != 0) {
      return Fail(outcome, property, name + " gives an error, and no tensors", Describe(record, rank), rank);
    }
  }
  return true;
}

bool DurableJudge::Loads(const Outcome& outcome, bool recovery, int action, int64_t step, const StateId& state,
                         const std::string& property) {
  const std::string name = NameOf((recovery ? request_.recovery : request_.main)[static_cast<size_t>(action)]);
  for (int rank = 0; rank < (recovery ? request_.recovery_ranks : request_.ranks); ++rank) {
    const CallRecord& record = Record(outcome, recovery, action, rank);
    if (Is(record, {step, state}, rank)) continue;
    return Fail(outcome, property, name + ": step " + std::to_string(step) + ", the tensors that were saved, exactly",
                Describe(record, rank), rank);
  }
  return true;
}

bool DurableJudge::Lists(const Outcome& outcome, bool recovery, int action, const std::vector<int64_t>& steps,
                         const std::string& property) {
  const auto text = [](const int64_t* at, size_t count) {
    std::string all = "{";
    for (size_t i = 0; i < count; ++i) all += (i > 0 ? ", " : "") + std::to_string(at[i]);
    return all + "}";
  };
  for (int rank = 0; rank < (recovery ? request_.recovery_ranks : request_.ranks); ++rank) {
    const CallRecord& record = Record(outcome, recovery, action, rank);
    const size_t listed = std::min<size_t>(static_cast<size_t>(std::max(0, record.listed)), std::size(record.steps));
    if (record.code == 0 && static_cast<size_t>(record.listed) == steps.size() &&
        std::equal(steps.begin(), steps.end(), record.steps)) {
      continue;
    }
    return Fail(outcome, property, "Steps() gives " + text(steps.data(), steps.size()),
                record.code != 0 ? CodeName(record.code) : text(record.steps, listed), rank);
  }
  return true;
}

bool DurableJudge::SameEverywhere(const Outcome& outcome, int action, const std::vector<int32_t>& ours, int but) {
  const std::string name = NameOf(request_.main[static_cast<size_t>(action)]);
  int first = -1;
  for (int rank = 0; rank < request_.ranks; ++rank) {
    if (rank == but) continue;
    const int32_t code = Record(outcome, false, action, rank).code;
    if (first < 0) first = rank;
    const int32_t other = Record(outcome, false, action, first).code;
    if ((code == 0) != (other == 0)) {
      return Fail(outcome, "when a rank fails, all that are still there do",
                  "an error of " + name + " on all ranks, or on none",
                  "rank " + std::to_string(first) + ": " + CodeName(other) + ", rank " + std::to_string(rank) + ": " +
                      CodeName(code),
                  rank);
    }
    if (code == 0 || code == kRankLost || std::find(ours.begin(), ours.end(), code) != ours.end()) continue;
    return Fail(outcome, "the error is the failing rank's, or kRankLost", CodeName(ours.empty() ? kRankLost : ours[0]),
                CodeName(code), rank);
  }
  return true;
}

}  // namespace q13
