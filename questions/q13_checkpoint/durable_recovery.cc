// DurableJudge's model: which checkpoints may be there after what happened.
#include <algorithm>

#include "questions/q13_checkpoint/durable_judge.h"

namespace q13 {

// A save may be there once a rank has begun it, and is there once a rank has been told so. Both for Save; a SaveAsync
// is told of by the next call that does.
std::vector<DurableJudge::Model> DurableJudge::ModelsOf(const Outcome& outcome) const {
  std::vector<Model> models = {{}};
  const auto tells = [](const Action& action) {
    return action.kind == ActionKind::kSave || action.kind == ActionKind::kSaveAsync ||
           action.kind == ActionKind::kWait;
  };
  for (int i = 0; i < static_cast<int>(request_.main.size()); ++i) {
    const Action& action = request_.main[static_cast<size_t>(i)];
    if (action.kind != ActionKind::kSave && action.kind != ActionKind::kSaveAsync) continue;
    int told = i;
    if (action.kind == ActionKind::kSaveAsync) {
      do {
        ++told;
      } while (told < static_cast<int>(request_.main.size()) && !tells(request_.main[static_cast<size_t>(told)]));
    }
    const bool crash = request_.mode == DurableMode::kCrash;
    if (crash && outcome.begun <= i) break;
    bool certain = told < static_cast<int>(request_.main.size()) && (!crash || outcome.returned > told);
    for (int rank = 0; certain && rank < request_.ranks; ++rank) {
      certain = rank == outcome.fault_rank && request_.mode == DurableMode::kRankLost
                    ? certain
                    : Record(outcome, false, told, rank).code == 0;
    }
    std::vector<Model> after;
    for (Model& model : models) {
      if (!certain) after.push_back(model);
      std::erase_if(model, [&](const Version& version) { return version.step == action.step; });
      model.push_back({action.step, action.state});
      std::sort(model.begin(), model.end(), [](const Version& a, const Version& b) { return a.step < b.step; });
      after.push_back(std::move(model));
    }
    models = std::move(after);
  }
  return models;
}

bool DurableJudge::WasBegun(const Outcome& outcome, const CallRecord& record, int rank) {
  for (int i = 0; i < static_cast<int>(request_.main.size()); ++i) {
    const Action& action = request_.main[static_cast<size_t>(i)];
    if (action.kind != ActionKind::kSave && action.kind != ActionKind::kSaveAsync) continue;
    if (request_.mode == DurableMode::kCrash && outcome.begun <= i) break;
    if (Is(record, {action.step, action.state}, rank)) return true;
  }
  return false;
}

// What `recovery` has found that `model` does not allow; empty: nothing.
std::string DurableJudge::Contradiction(const Outcome& outcome, const Model& model) {
  const int ranks = request_.recovery_ranks;
  for (int rank = 0; rank < ranks; ++rank) {
    const CallRecord& latest = Record(outcome, true, 0, rank);
    if (model.empty() ? latest.code == kNotFound && latest.state_left == 0 : Is(latest, model.back(), rank)) continue;
    return "Load(kLatest) on rank " + std::to_string(rank) + ": " + Describe(latest, rank);
  }
  const size_t kept = std::min<size_t>(model.size(), static_cast<size_t>(request_.keep));
  for (int i = 2; i < static_cast<int>(request_.recovery.size()); ++i) {
    const Action& action = request_.recovery[static_cast<size_t>(i)];
    if (action.kind != ActionKind::kLoad || action.step == kLatest) break;
    const auto version =
        std::find_if(model.begin(), model.end(), [&](const Version& one) { return one.step == action.step; });
    const bool must = version != model.end() && static_cast<size_t>(model.end() - version) <= kept;
    for (int rank = 0; rank < ranks; ++rank) {
      const CallRecord& record = Record(outcome, true, i, rank);
      const CallRecord& list = Record(outcome, true, 1, rank);
      const size_t listed = std::min<size_t>(static_cast<size_t>(std::max(0, list.listed)), std::size(list.steps));
      const bool in_list =
          list.code == 0 && std::find(list.steps, list.steps + listed, action.step) != list.steps + listed;
      const std::string where = "Load(" + std::to_string(action.step) + ") on rank " + std::to_string(rank) + ": ";
      if (record.code == 0) {
        // A save that nobody was told of may be loaded by its number before it is the latest; never half of it.
        const bool unannounced = version == model.end() && !in_list && WasBegun(outcome, record, rank);
        if (!unannounced && (version == model.end() || !Is(record, *version, rank))) {
          return where + Describe(record, rank);
        }
      } else {
        if (must) return where + Describe(record, rank) + ", though it is one of those that are kept";
        if (in_list) return where + Describe(record, rank) + ", though Steps() lists it";
        if (record.code == kThrew || record.state_left != 0) return where + Describe(record, rank);
      }
      if ((record.code == 0) != (Record(outcome, true, i, 0).code == 0)) {
        return where + Describe(record, rank) + "; on rank 0: " + Describe(Record(outcome, true, i, 0), 0);
      }
      if (must && !in_list) {
        return "Steps() on rank " + std::to_string(rank) + " does not have " + std::to_string(action.step) +
               ", which is there";
      }
    }
  }
  return "";
}

bool DurableJudge::Recovers(const Outcome& outcome) {
  std::string actual, expected;
  size_t best = 0;
  const std::vector<Model> models = ModelsOf(outcome);
  for (const Model& model : models) {
    const std::string contradiction = Contradiction(outcome, model);
    if (contradiction.empty()) {
      actual.clear();
      best = 1;
      break;
    }
    // Of several, the one that says most: not that the latest is another.
    if (actual.empty() || actual.starts_with("Load(kLatest)")) actual = contradiction;
    const std::string one =
        model.empty() ? "no checkpoint" : "the checkpoint of step " + std::to_string(model.back().step) + ", whole";
    if (expected.find(one) == std::string::npos) expected += (expected.empty() ? "" : ", or ") + one;
  }
  if (best == 0) {
    const std::string property = request_.mode == DurableMode::kCrash
                                     ? "after a crash at any point there is the old checkpoint or the new one, whole, "
                                       "and the new one once Save has returned 0"
                                     : "what was saved before stays whole, and what Save returned 0 for is durable";
    return Fail(outcome, property, "on all ranks " + expected + ", with the older ones that are kept", actual);
  }
  for (int i = 2; i + 1 < static_cast<int>(request_.recovery.size()); ++i) {
    const Action& action = request_.recovery[static_cast<size_t>(i)];
    if (action.kind != ActionKind::kSave) continue;
    return Returns(outcome, true, i, 0, "afterwards a Save works") &&
           Loads(outcome, true, i + 1, action.step, action.state, "afterwards a Save works, and is found");
  }
  return true;
}

bool DurableJudge::AllRecover() {
  for (const Outcome& outcome : reply_.outcomes) {
    if (!Recovers(outcome)) return false;
  }
  return true;
}

}  // namespace q13
