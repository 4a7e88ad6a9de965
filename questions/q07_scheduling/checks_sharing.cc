// Part C: the list of its checks, and those of everything together.
#include "questions/q07_scheduling/checks_sharing.h"

#include <limits>

#include "grader/inputs.h"
#include "questions/q07_scheduling/checks.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {

using workbench::CheckContext;

bool JudgeRandomSharing(CheckContext& context, const RandomSharing& options, int rounds, uint64_t salt) {
  if (context.long_tier()) rounds *= 10;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = workbench::Mix(context.seed() * 1000003 + salt) + static_cast<uint64_t>(round);
    if (!JudgeSharing(context, MakeRandomSharing(options, seed),
                      "a random workload, with what it does not need taken away", true)) {
      return false;
    }
  }
  return true;
}

void CheckSharingArguments(CheckContext& context) {
  const auto make = [](auto change) {
    SharingScript script;
    script.Nodes(2, 8);
    script.Tenant(0, 8, 0);
    script.Tenant(1, 8, 0);
    script.Tenant(2, 8);
    change(&script);
    return script.Case();
  };
  const auto refuses = [&](const std::string& what, auto change) {
    return JudgeSharingCreate(context, make(change), false, what);
  };
  const auto accepts = [&](const std::string& what, auto change) {
    return JudgeSharingCreate(context, make(change), true, what);
  };
  const auto quota = [](SharingScript* script) -> Quota& { return script->workload().quotas[1]; };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();

  if (!accepts("nothing is odd", [](SharingScript*) {})) return;
  if (!accepts("no tenants", [](SharingScript* script) { script->workload().quotas.clear(); })) return;
  if (!accepts("a weight of 0", [&](SharingScript* script) { quota(script).weight = 0; })) return;
  if (!accepts("quotas of 0", [&](SharingScript* script) { quota(script).quota = {0, 0, 0}; })) return;
  if (!accepts("nothing is borrowed", [&](SharingScript* script) { quota(script).borrowing_limit = {0, 0, 0}; }))
    return;
  if (!accepts("all is unlimited", [&](SharingScript* script) {
        for (Quota& one : script->workload().quotas) one.quota = {kUnlimited, kUnlimited, kUnlimited};
      })) {
    return;
  }
  if (!accepts("a weight of 1e-300", [&](SharingScript* script) { quota(script).weight = 1e-300; })) return;
  for (const int32_t sharing : {-1, 2, 1000000}) {
    if (!refuses("sharing " + std::to_string(sharing),
                 [&](SharingScript* script) { script->rules().sharing = static_cast<Sharing>(sharing); })) {
      return;
    }
  }
  for (const double weight : {-1.0, -1e-9, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    for (const Sharing sharing : {Sharing::kDominant, Sharing::kFairShare}) {
      if (!refuses("weight", [&](SharingScript* script) {
            script->rules().sharing = sharing;
            quota(script).weight = weight;
          })) {
        return;
      }
    }
  }
  for (int kind = 0; kind < kKinds; ++kind) {
    for (const int64_t amount : {int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
      if (!refuses("quota", [&](SharingScript* script) { Amount(quota(script).quota, kind) = amount; })) return;
      if (!refuses("borrowing_limit",
                   [&](SharingScript* script) { Amount(quota(script).borrowing_limit, kind) = amount; })) {
        return;
      }
    }
  }
  refuses("a tenant twice", [&](SharingScript* script) { script->workload().quotas[2].tenant = 0; });
}

namespace {

// All that random workloads can have.
RandomSharing Everything(int round) {
  RandomSharing all;
  all.sharing = round % 2 == 0 ? Sharing::kFairShare : Sharing::kDominant;
  all.limits = round % 8 != 7;
  all.cohorts = round % 8 != 7 && round % 3 != 0;
  all.zeros = all.weights = round % 4 < 2;
  all.resources = round % 3 != 1;
  all.fractions = all.gangs = all.priorities = all.pinned = true;
  all.failures = round % 3 == 0;
  all.nodes = round % 4 == 1;
  all.changes = round % 5 == 2;
  all.reclaim = round % 3 != 2;
  all.kills = round % 2 == round / 2 % 2;
  all.backfill_depth = round % 5 == 0 ? 0 : round % 5 == 1 ? 3 : 100;
  all.ticks = true;
  all.jobs = 120;
  return all;
}

}  // namespace

void CheckSharingDeterministic(CheckContext& context) {
  for (int round = 0; round < (context.long_tier() ? 60 : 12); ++round) {
    const uint64_t seed = workbench::Mix(context.seed() * 1000003 + 61) + static_cast<uint64_t>(round);
    SharingCase one = MakeRandomSharing(Everything(round), seed);
    one.twin = true;
    if (!JudgeSharing(context, one, "two schedulers alive at once, told the same")) return;
  }
  // In a process of its own, where nothing lies where it lay.
  std::vector<std::vector<std::byte>> bytes[2];
  for (auto& of_process : bytes) {
    for (int round = 0; round < 4; ++round) {
      const uint64_t seed = workbench::Mix(context.seed() * 1000003 + 62) + static_cast<uint64_t>(round);
      const SharingCase one = MakeRandomSharing(Everything(round), seed);
      CheckContext::Replies replies;
      if (!context.Run("c", 0, EncodeSharing(one), 30, DescribeSharing(one), &replies)) return;
      SharingReply reply;
      if (replies.empty() || !DecodeSharingReply(replies[0], &reply)) return;
      ByteWriter writer(&of_process.emplace_back());
      Write(reply.run.log, &writer);
      if (&of_process == bytes || of_process.back() == bytes[0][static_cast<size_t>(round)]) continue;
      workbench::Finding finding;
      finding.property = "the same events get the same decisions";
      finding.input = DescribeSharing(one);
      finding.expected = "the decisions that it made in another process";
      finding.actual = "others";
      return context.Fail(finding);
    }
    context.DropSession("c", 0);
  }
}

void CheckSharingRandom(CheckContext& context) {
  for (int round = 0; round < 600; ++round) {
    if (!JudgeRandomSharing(context, Everything(round), 1, 1000 + static_cast<uint64_t>(round) * 17)) return;
  }
}

// 1,000 nodes of 8 GPUs, 20 tenants, a queue of thousands: the deadline is for those who look at everything for
// everything.
void CheckSharingScale(CheckContext& context) {
  for (const Sharing sharing : {Sharing::kFairShare, Sharing::kDominant}) {
    SharingScript script(sharing);
    script.Nodes(1000, 8);
    for (int32_t tenant = 0; tenant < 20; ++tenant) {
      Quota& quota = script.Tenant(tenant, 100 + 30 * tenant, tenant % 4);
      quota.weight = 1 + tenant % 3;
    }
    uint64_t counter = context.seed() * 7919 + static_cast<uint64_t>(sharing);
    const auto random = [&](uint64_t below) { return static_cast<int64_t>(workbench::Mix(++counter) % below); };
    // The queue grows to thousands of jobs, then drains.
    const int jobs = context.long_tier() ? 9900 : 4000;
    for (int i = 0; i < jobs; ++i) {
      TrueJob& truth = script.AddGang(i / 30, static_cast<int32_t>(random(20)), static_cast<int32_t>(1 + random(4)),
                                      1 + random(8), 100 + random(900));
      truth.job.priority = static_cast<int32_t>(random(3));
    }
    if (sharing == Sharing::kFairShare) script.KillAtEstimate(50);
    if (!JudgeSharing(context, script.Case(), "a large cluster", false, context.long_tier() ? 120 : 60)) return;
  }
}

void AddSharingChecks(std::vector<workbench::Check>* checks) {
  const std::vector<workbench::Check> all = {
      {{"c.fair_share",
        "weighted fair share: used / quota",
        3,
        false,
        {"the deficit (quota - used) instead of the ratio", "shares are not computed anew after each start",
         "ties in the order of a hash map, or of the list of quotas"}},
       CheckSharingFairShare},
      {{"c.order",
        "the order within a tenant's queue",
        2,
        false,
        {"priorities compared across tenants", "a later job overtakes one that does not fit", "ties of submission"}},
       CheckSharingOrder},
      {{"c.dominant",
        "dominant resource fairness",
        2,
        false,
        {"what is free taken for the capacity", "multiplied by the weight", "the sum of the shares, or GPUs alone"}},
       CheckSharingDominant},
      {{"c.weights",
        "quotas and weights of zero, and very unequal ones",
        2,
        false,
        {"a division by zero", "a tenant without weight never runs, though nobody else wants what is free",
         "it comes first as long as it uses nothing"}},
       CheckSharingWeights},
      {{"c.quota",
        "limits of a tenant",
        2,
        false,
        {"what the same Decide has started is not counted", "one member counted instead of all",
         "GPUs alone are limited"}},
       CheckSharingQuota},
      {{"c.cohort",
        "lending and borrowing in a cohort",
        2,
        false,
        {"the sum of the cohort is not looked at", "borrowing_limit taken for a limit of all", "kUnlimited overflows"}},
       CheckSharingCohort},
      {{"c.gang",
        "gangs",
        1,
        false,
        {"members started one by one", "GPUs counted over all nodes", "two gangs that wait for each other's part"}},
       CheckSharingGang},
      {{"c.failures",
        "what failing and killed jobs give back",
        2,
        false,
        {"nodes or usage not given back on failure", "shares of all that was ever allocated",
         "a failed job queued at the end"}},
       CheckSharingFailures},
      {{"c.nodes",
        "nodes that go and come",
        1,
        false,
        {"a dead node is still offered", "what a lost gang held on other nodes", "capacity that goes with the node"}},
       CheckSharingNodes},
      {{"c.quota_change",
        "quotas that change",
        1,
        false,
        {"a copy of the quotas from the start", "the cohort's sum kept from before"}},
       CheckSharingQuotaChange},
      {{"c.reclaim",
        "reclaim of what has been lent",
        2,
        false,
        {"it waits until the borrower is done", "reclaimed in order to borrow", "from another cohort",
         "from a tenant within its quota"}},
       CheckSharingReclaim},
      {{"c.victims",
        "who is preempted",
        2,
        false,
        {"the more deserving first", "more than needed", "the victim starts again at once"}},
       CheckSharingVictims},
      {{"c.backfill",
        "backfill",
        2,
        false,
        {"the walk ends at the first that cannot start", "a wrong depth", "limits forgotten when backfilling",
         "no look at what is left beside the reserved job"}},
       CheckSharingBackfill},
      {{"c.reservation",
        "the reservation",
        2,
        false,
        {"it is made anew for another job at each event", "later tenants' first jobs may delay it",
         "it is kept when it is void"}},
       CheckSharingReservation},
      {{"c.arguments",
        "configurations that make no sense",
        1,
        false,
        {"NaN passes a comparison that is written the other way round", "a tenant twice"}},
       CheckSharingArguments},
      {{"c.deterministic",
        "the same events, the same decisions",
        1,
        false,
        {"state in globals", "an order of addresses or hashes"}},
       CheckSharingDeterministic},
      {{"c.random",
        "everything together",
        1,
        false,
        {"what only happens together: reclaim beside a reservation, a change of quota beside a failure"}},
       CheckSharingRandom},
      {{"c.scale", "1,000 nodes and a queue of thousands", 1, false, {"every queued job is looked at for every start"}},
       CheckSharingScale},
  };
  checks->insert(checks->end(), all.begin(), all.end());
}

}  // namespace q07
