// Part C: reclaim by preemption.
#include "questions/q07_scheduling/checks_sharing.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {
namespace {

using workbench::CheckContext;

RandomSharing Random() {
  RandomSharing random;
  random.reclaim = random.limits = true;
  return random;
}

SharingScript Reclaiming(int nodes, int64_t gpus, bool judge_victims) {
  SharingScript script;
  script.rules().reclaim = true;
  script.rules().judge_victims = judge_victims;
  script.Nodes(nodes, gpus);
  return script;
}

}  // namespace

void CheckSharingReclaim(CheckContext& context) {
  {
    SharingScript script = Reclaiming(1, 8, false);
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    for (int i = 0; i < 4; ++i) script.Add(i, 1, 2, 100);
    script.Add(10, 2, 2, 20);
    script.Add(15, 2, 2, 20);
    script.Add(16, 2, 1, 20);  // would borrow: it waits
    if (!JudgeSharing(context, script.Case(), "a tenant gets back what it has lent, and no more")) return;
  }
  {
    SharingScript script = Reclaiming(1, 12, false);  // from another cohort, or from no cohort, nothing
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 1);
    script.Tenant(3, 4, 1);
    script.Tenant(4, 12);
    script.Add(0, 2, 4, 50);
    script.Add(0, 2, 4, 50);
    script.Add(1, 1, 4, 30);
    script.Add(2, 1, 1, 30);
    script.Add(3, 4, 2, 30);
    script.Add(9, 3, 4, 30);
    if (!JudgeSharing(context, script.Case(), "two cohorts, and a tenant of none")) return;
  }
  {
    // Nodes are full of those that are within their quotas: there is nothing to reclaim.
    SharingScript script = Reclaiming(2, 4, false);
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    script.AddGang(0, 1, 2, 2, 60);
    script.AddGang(1, 2, 1, 1, 60);
    script.Add(5, 2, 3, 10);
    script.Add(70, 1, 4, 10);
    if (!JudgeSharing(context, script.Case(), "nobody is above its quota")) return;
  }
  {
    SharingScript script = Reclaiming(1, 12, false);  // several claimants: the least share first
    script.Tenant(1, 2, 0);
    script.Tenant(2, 4, 0);
    script.Tenant(3, 6, 0);
    script.Add(0, 2, 2, 200);
    script.Add(0, 3, 2, 200);
    for (int i = 0; i < 4; ++i) script.Add(1, 1, 2, 200);
    script.Add(10, 3, 3, 20);
    script.Add(10, 2, 2, 20);
    if (!JudgeSharing(context, script.Case(), "two tenants reclaim at once")) return;
  }
  {
    SharingScript script =
        Reclaiming(1, 8, false);  // what a large victim leaves over is filled again, not by the victim
    script.Tenant(1, 2, 0);
    script.Tenant(2, 4, 0);
    script.Tenant(3, 2, 0);
    script.Add(0, 1, 8, 50);
    script.Add(1, 2, 3, 20);
    script.Add(1, 3, 3, 20);
    script.Add(2, 3, 1, 20);
    script.Add(3, 1, 1, 20);
    if (!JudgeSharing(context, script.Case(), "a victim larger than what is reclaimed")) return;
  }
  {
    SharingScript script = Reclaiming(2, 8, false);  // above its quota in CPUs alone
    script.Tenant(1, 8, 0).quota.cpu_milli = 4 * kGpu;
    script.Tenant(2, 8, 0).quota.cpu_milli = 12 * kGpu;
    for (int i = 0; i < 4; ++i) script.Add(0, 1, 1, 60).job.demand = {kGpu, 4 * kGpu, 0};
    script.Add(5, 2, 1, 60).job.demand = {kGpu, 6 * kGpu, 0};
    script.Add(6, 2, 1, 60).job.demand = {kGpu, 6 * kGpu, 0};
    script.Add(7, 2, 1, 60).job.demand = {9 * kGpu, 0, 0};
    if (!JudgeSharing(context, script.Case(), "what is borrowed are CPUs")) return;
  }
  {
    SharingScript script = Reclaiming(1, 8, false);  // off: everybody waits
    script.rules().reclaim = false;
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    script.Add(0, 1, 8, 30);
    script.Add(5, 2, 4, 10);
    if (!JudgeSharing(context, script.Case(), "reclaim is off")) return;
  }
  {
    // Quotas of more than there is: both halves are within theirs, and at each tick one of them waits.
    SharingScript script = Reclaiming(1, 4, false);
    script.workload().tick = 5;
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    script.Add(0, 1, 4, 40);
    script.Add(1, 2, 4, 40);
    if (!JudgeSharing(context, script.Case(), "two tenants that are both due what one of them has")) return;
  }
  {
    // 1 borrows, and 2 would like to, too. (Tenant 3 lends, and needs nothing yet.)
    SharingScript script = Reclaiming(1, 8, false);
    script.Tenant(1, 2, 0);
    script.Tenant(2, 2, 0);
    script.Tenant(3, 4, 0);
    script.Add(0, 2, 2, 60);
    for (int i = 0; i < 3; ++i) script.Add(1 + i, 1, 2, 60);
    script.Add(10, 2, 1, 20);
    script.Add(20, 3, 2, 20);
    if (!JudgeSharing(context, script.Case(), "nothing is reclaimed in order to borrow")) return;
  }
  {
    // Each node has a small job of 1 and two free GPUs. Once one is gone from where 2 needs three, it would find room
    // on the other node: not in the same Decide.
    SharingScript script = Reclaiming(2, 3, false);
    script.Tenant(1, 1, 0);
    script.Tenant(2, 5, 0);
    script.AddGang(0, 2, 2, 2, 10);
    script.Add(1, 1, 1, 60);
    script.Add(2, 1, 1, 60);
    script.Add(20, 2, 3, 20);
    script.Add(30, 2, 1, 20);
    if (!JudgeSharing(context, script.Case(), "a victim that finds room elsewhere")) return;
  }
}

void CheckSharingVictims(CheckContext& context) {
  {
    SharingScript script = Reclaiming(1, 6, true);  // by priority, then the latest start, then the id
    script.Tenant(1, 1, 0);
    script.Tenant(2, 5, 0);
    script.Add(0, 1, 1, 90).job.priority = 1;
    script.Add(1, 1, 1, 90).job.priority = 2;
    for (const JobId id : {700, 900, 800}) script.Add(2, 1, 1, 90).job.id = id;
    script.Add(3, 1, 1, 90).job.priority = 3;
    for (int i = 0; i < 5; ++i) script.Add(10 + i, 2, 1, 100);
    if (!JudgeSharing(context, script.Case(), "one victim after the other")) return;
  }
  {
    SharingScript script = Reclaiming(2, 4, true);  // the least deserving frees nothing where it is needed
    script.Tenant(1, 2, 0);
    script.Tenant(2, 6, 0);
    script.Add(0, 2, 2, 90).job.preemptible = false;
    script.Add(0, 1, 4, 90).job.priority = 1;
    script.Add(1, 1, 1, 90);
    script.Add(10, 2, 4, 20);
    if (!JudgeSharing(context, script.Case(), "none is preempted that is not needed")) return;
  }
  {
    SharingScript script = Reclaiming(4, 2, true);  // a gang of the claimant's, with victims all over
    script.Tenant(1, 2, 0);
    script.Tenant(2, 6, 0);
    for (int i = 0; i < 8; ++i) script.Add(i / 2, 1, 1, 90).job.priority = (i * 5) % 3;
    script.AddGang(10, 2, 2, 2, 20);
    script.AddGang(12, 2, 2, 1, 20);
    if (!JudgeSharing(context, script.Case(), "victims on several nodes")) return;
  }
  {
    SharingScript script = Reclaiming(1, 8, true);  // those that may not be preempted are passed over
    script.Tenant(1, 2, 0);
    script.Tenant(2, 6, 0);
    for (int i = 0; i < 8; ++i) script.Add(i, 1, 1, 90).job.preemptible = i % 2 == 0;
    for (int i = 0; i < 6; ++i) script.Add(10 + i, 2, 1, 100);
    if (!JudgeSharing(context, script.Case(), "jobs that are not preemptible")) return;
  }
  {
    SharingScript script = Reclaiming(1, 8, true);  // no tenant is brought far below its quota: two borrow, one lends
    script.Tenant(1, 3, 0);
    script.Tenant(2, 3, 0);
    script.Tenant(3, 2, 0);
    script.Add(0, 1, 3, 90);
    script.Add(1, 1, 1, 90).job.priority = 1;
    script.Add(0, 2, 3, 90);
    script.Add(2, 2, 1, 90).job.priority = 2;
    script.Add(10, 3, 2, 20);
    if (!JudgeSharing(context, script.Case(), "two tenants borrow a little")) return;
  }
  {
    SharingScript script =
        Reclaiming(1, 4, true);  // a preemption costs its victim: it is not tossed about at every tick
    script.workload().tick = 1;
    script.Tenant(1, 2, 0);
    script.Tenant(2, 2, 0);
    for (int i = 0; i < 2; ++i) {
      Job& job = script.Add(0, 1, 2, 30).job;
      job.checkpoint_interval = 10;
      job.restart_cost = 5;
    }
    script.Add(7, 2, 2, 30).job.restart_cost = 5;
    script.Add(8, 2, 2, 30);
    script.Add(50, 1, 1, 30);
    if (!JudgeSharing(context, script.Case(), "two tenants that would like each other's half")) return;
  }
  RandomSharing random = Random();
  random.priorities = random.pinned = random.gangs = true;
  if (!JudgeRandomSharing(context, Random(), 20, 21)) return;
  if (!JudgeRandomSharing(context, random, 30, 23)) return;
  random.cohorts = random.resources = random.fractions = random.ticks = random.zeros = true;
  if (!JudgeRandomSharing(context, random, 30, 24)) return;
  random.sharing = Sharing::kDominant;
  JudgeRandomSharing(context, random, 20, 22);
}

}  // namespace q07
