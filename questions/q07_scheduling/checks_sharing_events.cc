// Part C: gangs, and what happens to jobs, nodes and quotas.
#include "questions/q07_scheduling/checks_sharing.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {

using workbench::CheckContext;

void CheckSharingGang(CheckContext& context) {
  {
    SharingScript script;  // at once on an empty cluster, members sharing nodes
    script.Nodes(3, 4);
    script.Tenant(1, 100);
    script.AddGang(0, 1, 12, 1, 10);
    script.AddGang(20, 1, 3, 3, 10);
    script.AddGang(40, 1, 6, 2, 10);
    if (!JudgeSharing(context, script.Case(), "gangs on an empty cluster")) return;
  }
  {
    SharingScript script;  // 3 + 3 GPUs are free, and no room for a member of 4
    script.Nodes(2, 4);
    script.Tenant(1, 100);
    script.Tenant(2, 100);
    script.AddGang(0, 1, 2, 1, 30);
    script.AddGang(0, 1, 2, 3, 10);
    script.AddGang(12, 2, 1, 4, 10);
    script.AddGang(13, 2, 2, 3, 10);
    if (!JudgeSharing(context, script.Case(), "what is free lies on several nodes")) return;
  }
  {
    SharingScript script;  // each wants more than half: one after the other, and neither holds a part
    script.Nodes(4, 4);
    script.Tenant(1, 100);
    script.Tenant(2, 100);
    for (int i = 0; i < 3; ++i) {
      script.AddGang(5, 1, 5, 2, 10);
      script.AddGang(5, 2, 10, 1, 10);
      script.AddGang(7, 1, 2, 4, 3);
    }
    if (!JudgeSharing(context, script.Case(), "two gangs that each want more than half")) return;
  }
  {
    SharingScript script(Sharing::kDominant);  // another resource on each node is what is short
    script.Nodes(1, 8, 4, 64);
    script.Nodes(1, 2, 32, 64);
    script.Nodes(1, 8, 32, 3);
    script.Tenant(1, 100);
    script.Tenant(2, 100);
    for (int i = 0; i < 4; ++i) {
      script.AddGang(i, 1, 6, 1, 10).job.demand = {kGpu, kGpu, kGib};
      script.AddGang(i, 2, 3, 1, 10).job.demand = {kGpu, 2 * kGpu, kGib};
    }
    if (!JudgeSharing(context, script.Case(), "nodes short of different things")) return;
  }
  RandomSharing random;
  random.gangs = true;
  if (!JudgeRandomSharing(context, random, 15, 13)) return;
  random.limits = random.cohorts = random.resources = random.fractions = random.priorities = true;
  JudgeRandomSharing(context, random, 15, 14);
}

void CheckSharingFailures(CheckContext& context) {
  for (const Sharing sharing : {Sharing::kFairShare, Sharing::kDominant}) {
    SharingScript script(sharing);
    script.Nodes(1, 4);
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    script.Add(0, 1, 2, 20).failures = {5, 7};
    script.Add(0, 2, 2, 30);
    script.Add(1, 1, 2, 10);
    script.Add(1, 2, 2, 10);
    script.Add(5, 2, 1, 10);
    script.Add(40, 1, 4, 10).failures = {3};
    script.Add(41, 2, 4, 10);
    if (!JudgeSharing(context, script.Case(), "jobs that fail are queued where they were")) return;
  }
  for (const Sharing sharing : {Sharing::kFairShare, Sharing::kDominant}) {
    SharingScript script(sharing);  // what 1 has had counts no longer
    script.Nodes(1, 4);
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    for (int i = 0; i < 4; ++i) script.Add(0, 1, 2, 5);
    script.Add(12, 2, 3, 20);
    for (int i = 0; i < 4; ++i) {
      script.Add(13, 1, 1, 5 + i);
      script.Add(13, 2, 1, 5 + i);
    }
    if (!JudgeSharing(context, script.Case(), "jobs that have ended count no longer")) return;
  }
  {
    SharingScript script;  // killed at the estimate: gone, and its place is free
    script.Nodes(2, 2);
    script.Tenant(1, 3, 0);
    script.Tenant(2, 1, 0);
    script.KillAtEstimate(0);
    for (int i = 0; i < 6; ++i) {
      script.AddGang(i, 1, 2, 1, 20).job.estimate = 7;
      script.AddGang(i, 2, 1, 1, 5).job.estimate = 9;
    }
    if (!JudgeSharing(context, script.Case(), "jobs that are killed at their estimates")) return;
  }
  RandomSharing random;
  random.failures = random.gangs = random.limits = random.cohorts = random.priorities = true;
  if (!JudgeRandomSharing(context, random, 20, 15)) return;
  random.sharing = Sharing::kDominant;
  random.kills = random.resources = true;
  JudgeRandomSharing(context, random, 20, 16);
}

void CheckSharingNodes(CheckContext& context) {
  {
    SharingScript script;  // node 1 goes with a member of a gang; it comes back
    script.Nodes(3, 4);
    script.Tenant(1, 100);
    script.Tenant(2, 100);
    script.AddGang(0, 1, 3, 4, 30);
    script.Node(5, 1, false);
    script.Add(6, 2, 4, 10);
    script.Add(7, 2, 4, 10);
    script.Add(7, 2, 2, 10);
    script.Node(12, 1, true);
    script.Node(40, 0, false);
    script.Node(40, 2, false);
    script.Add(41, 2, 1, 3);
    script.Node(90, 0, true);
    script.Node(95, 2, true);
    if (!JudgeSharing(context, script.Case(), "a gang loses one of its nodes")) return;
  }
  {
    // Half of the GPUs and a tenth of the CPUs are on node 1: the shares are as before when it is gone.
    SharingScript script(Sharing::kDominant);
    script.Nodes(1, 10, 90, 100);
    script.Nodes(1, 10, 10, 100);
    script.Tenant(1, 1000);
    script.Tenant(2, 1000);
    script.Add(0, 1, 1, 100).job.demand = {3 * kGpu, 0, 0};
    script.Add(0, 2, 1, 100).job.demand = {0, 20 * kGpu, 0};
    script.Node(5, 1, false);
    script.Add(5, 1, 1, 100).job.demand = {kGpu, 5 * kGpu, 0};
    script.Add(5, 2, 1, 100).job.demand = {kGpu, 5 * kGpu, 0};
    for (int i = 0; i < 12; ++i) {
      script.Add(6, 1, 1, 60).job.demand = {kGpu / 2, 0, 0};
      script.Add(6, 2, 1, 60).job.demand = {0, 8 * kGpu, 0};
    }
    script.Node(200, 1, true);
    if (!JudgeSharing(context, script.Case(), "what is down counts in the capacity")) return;
  }
  RandomSharing random;
  random.nodes = random.gangs = random.limits = random.cohorts = true;
  if (!JudgeRandomSharing(context, random, 20, 17)) return;
  random.sharing = Sharing::kDominant;
  random.resources = random.failures = true;
  JudgeRandomSharing(context, random, 20, 18);
}

void CheckSharingQuotaChange(CheckContext& context) {
  {
    SharingScript script;
    script.Nodes(2, 8);
    const Quota first = script.Tenant(1, 8);
    const Quota second = script.Tenant(2, 2);
    for (int i = 0; i < 10; ++i) {
      script.Add(i, 1, 2, 15);
      script.Add(i, 2, 1, 15);
    }
    Quota less = first, more = second;
    less.quota.gpu_milli = 3 * kGpu;
    more.quota.gpu_milli = 6 * kGpu;
    script.Change(5, less);
    script.Change(8, more);
    script.Change(60, first);
    if (!JudgeSharing(context, script.Case(), "one quota falls below what is used, the other grows")) return;
  }
  {
    SharingScript script;  // the sum of a cohort, the limit of borrowing, and a tenant that moves
    script.Nodes(4, 8);
    script.Tenant(1, 4, 0);
    const Quota lender = script.Tenant(2, 6, 0);
    const Quota mover = script.Tenant(3, 6, 1);
    for (int i = 0; i < 16; ++i) {
      script.Add(2 * i, 1, 1, 18);
      script.Add(3 * i, 3, 1, 18);
    }
    Quota changed = lender;
    changed.quota.gpu_milli = 1 * kGpu;
    script.Change(9, changed);
    changed = mover;
    changed.cohort = 0;
    changed.borrowing_limit.gpu_milli = 1 * kGpu;
    script.Change(30, changed);
    script.Change(50, lender);
    if (!JudgeSharing(context, script.Case(), "a cohort's sum changes, and who is in it")) return;
  }
  {
    SharingScript script(Sharing::kDominant);
    script.Nodes(1, 8);
    Quota heavy = script.Tenant(1, 100);
    Quota light = script.Tenant(2, 100);
    for (int i = 0; i < 20; ++i) {
      script.Add(i / 2, 1, 1, 6);
      script.Add(i / 2, 2, 1, 6);
    }
    heavy.weight = 3;
    light.weight = 0;
    script.Change(7, heavy);
    script.Change(20, light);
    if (!JudgeSharing(context, script.Case(), "weights change")) return;
  }
  RandomSharing random;
  random.changes = random.limits = random.cohorts = random.gangs = true;
  if (!JudgeRandomSharing(context, random, 20, 19)) return;
  random.sharing = Sharing::kDominant;
  random.resources = random.weights = random.zeros = random.nodes = true;
  JudgeRandomSharing(context, random, 20, 20);
}

}  // namespace q07
