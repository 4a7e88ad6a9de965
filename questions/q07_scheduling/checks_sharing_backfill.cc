// Part C: backfill and its reservation.
#include "questions/q07_scheduling/checks_sharing.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {
namespace {

using workbench::CheckContext;

// One node of 8 GPUs, 6 of them in use until 100; tenant 2's job of 8 is held up from 1 on.
SharingScript HeldUp(int32_t depth) {
  SharingScript script;
  script.KillAtEstimate(depth);
  script.Nodes(1, 8);
  for (const int32_t tenant : {1, 2, 3}) script.Tenant(tenant, 100, 0);
  script.Add(0, 1, 6, 100);
  script.Add(1, 2, 8, 50);
  return script;
}

}  // namespace

void CheckSharingBackfill(CheckContext& context) {
  {
    SharingScript script = HeldUp(100);
    script.Add(2, 2, 2, 98);   // ends when the reservation begins
    script.Add(3, 2, 1, 100);  // too late
    script.Add(4, 2, 1, 20);   // no room any more
    if (!JudgeSharing(context, script.Case(), "jobs that end by the reservation")) return;
  }
  {
    SharingScript script;  // beside the reserved job there is room for 3
    script.KillAtEstimate(100);
    script.Nodes(1, 8);
    script.Tenant(1, 100, 0);
    script.Tenant(2, 100, 0);
    script.Add(0, 1, 5, 100);
    script.Add(1, 2, 5, 50);
    script.Add(2, 2, 2, 500);
    script.Add(3, 2, 2, 500);
    script.Add(4, 2, 1, 500);
    if (!JudgeSharing(context, script.Case(), "jobs that need no more than what is left beside the reserved one"))
      return;
  }
  {
    SharingScript script;  // the room beside it is on one node and not on the other
    script.KillAtEstimate(100);
    script.Nodes(2, 4);
    script.Tenant(1, 100, 0);
    script.Tenant(2, 100, 0);
    script.Add(0, 1, 3, 100);
    script.Add(0, 1, 3, 100);
    script.AddGang(1, 2, 1, 4, 50);
    script.Add(2, 2, 1, 500);
    script.Add(3, 2, 1, 500);
    script.Add(4, 2, 1, 90);
    if (!JudgeSharing(context, script.Case(), "which node a backfilled job takes")) return;
  }
  {
    SharingScript script;  // one that fits nowhere (node 0 has no CPUs for it, node 1 no GPUs) does not end the walk
    script.KillAtEstimate(100);
    script.Nodes(1, 4, 4);
    script.Nodes(1, 4, 64);
    script.Tenant(1, 100, 0);
    script.Tenant(2, 100, 0);
    script.Add(0, 1, 4, 100).job.demand.cpu_milli = 5 * kGpu;
    script.Add(1, 2, 4, 50).job.demand.cpu_milli = 10 * kGpu;
    for (int i = 0; i < 4; ++i) script.Add(2, 2, 1, 20).job.demand.cpu_milli = (i % 2 == 0 ? 6 : 1) * kGpu;
    if (!JudgeSharing(context, script.Case(), "one that fits nowhere, and smaller ones behind it")) return;
  }
  for (const int32_t depth : {1, 2, 3, 5}) {
    SharingScript script = HeldUp(depth);
    for (int i = 0; i < 6; ++i) script.Add(2, 2, i == 1 ? 3 : 1, 10);
    for (int i = 0; i < 2; ++i) script.Add(30, 2, 1, 10).job.priority = 7 - 20 * i;
    if (!JudgeSharing(context, script.Case(), "a depth of " + std::to_string(depth))) return;
  }
  {
    SharingScript script = HeldUp(100);  // in the order of submission, of all tenants, whatever their shares
    script.workload().quotas[0].borrowing_limit.gpu_milli = 0;
    script.workload().quotas[0].quota.gpu_milli = 7 * kGpu;
    script.Add(1, 1, 8, 10);  // over its limit
    for (int i = 0; i < 4; ++i) {
      script.Add(2, 1, 1, 10).job.priority = -i;
      script.Add(2, 2, 1, 12).job.priority = i - 9;
    }
    if (!JudgeSharing(context, script.Case(), "in the order of submission")) return;
  }
  {
    SharingScript script;  // a first job over its limits holds up nobody's small ones; limits hold in backfill too
    script.KillAtEstimate(100);
    script.Nodes(1, 8);
    script.Tenant(1, 3);
    script.Tenant(2, 100, 0);
    script.Add(0, 1, 2, 60);
    script.Add(1, 1, 4, 10);
    for (int i = 0; i < 3; ++i) script.Add(2 + i, 1, 1, 10);
    script.Add(10, 2, 7, 10);
    script.Add(11, 2, 1, 10);
    if (!JudgeSharing(context, script.Case(), "a job over its limits, and smaller ones behind it")) return;
  }
  {
    SharingScript script = HeldUp(100);  // jobs are not killed: nobody can promise, nothing is backfilled
    script.workload().kill_at_estimate = false;
    script.Add(2, 2, 1, 10);
    if (!JudgeSharing(context, script.Case(), "jobs are not killed at their estimates")) return;
  }
  {
    SharingScript script = HeldUp(0);
    script.Add(2, 2, 1, 10);
    if (!JudgeSharing(context, script.Case(), "a depth of 0")) return;
  }
}

void CheckSharingReservation(CheckContext& context) {
  {
    SharingScript script = HeldUp(100);  // a stream of small jobs of others, each of which fits at once
    for (int i = 0; i < 60; ++i) script.Add(2 + 2 * i, 1 + 2 * (i % 2), 1 + i % 2, 9 + 7 * (i % 5));
    if (!JudgeSharing(context, script.Case(), "small jobs of other tenants come all the time")) return;
  }
  {
    SharingScript script = HeldUp(100);  // with less of a share, or more urgent, and still it is not theirs
    script.Add(5, 3, 8, 50);
    script.Add(6, 2, 7, 50).job.priority = 9;
    script.Add(7, 3, 2, 200);
    script.Add(8, 2, 2, 40).job.priority = 9;
    if (!JudgeSharing(context, script.Case(), "others are held up after it")) return;
  }
  {
    SharingScript script = HeldUp(100);  // it starts, though a more urgent job of its tenant is over the limit
    script.workload().quotas[1].borrowing_limit.gpu_milli = 0;
    script.workload().quotas[1].quota.gpu_milli = 9 * kGpu;
    script.Add(5, 2, 1, 300).job.priority = 9;
    script.Add(6, 2, 1, 300).job.priority = 9;
    if (!JudgeSharing(context, script.Case(), "its own tenant's quota is not to be taken from it")) return;
  }
  {
    SharingScript script = HeldUp(100);  // what runs ends before its estimate
    script.workload().jobs[0].duration = 40;
    script.Add(0, 3, 1, 90).duration = 20;
    for (int i = 0; i < 20; ++i) script.Add(10 + 3 * i, 3, 1, 15).job.estimate = 25;
    if (!JudgeSharing(context, script.Case(), "jobs that end early")) return;
  }
  {
    SharingScript script;  // void after a failure: the job that fails needs its nodes again
    script.KillAtEstimate(100);
    script.Nodes(1, 8);
    for (const int32_t tenant : {1, 2, 3}) script.Tenant(tenant, 100, 0);
    script.Add(0, 1, 6, 100).failures = {30};
    script.Add(1, 2, 8, 50);
    for (int i = 0; i < 20; ++i) script.Add(2 + 4 * i, 3, 1, 30);
    if (!JudgeSharing(context, script.Case(), "a failure makes it void")) return;
  }
  {
    SharingScript script;  // and so does the loss of a node, even of one that nobody was on, or a change of quota
    script.KillAtEstimate(100);
    script.Nodes(3, 4);
    const Quota quota = script.Tenant(1, 100, 0);
    Quota less = script.Tenant(2, 100, 0);
    script.Tenant(3, 100, 0);
    script.AddGang(0, 1, 2, 4, 100);
    script.Add(0, 3, 4, 60);
    script.AddGang(1, 2, 2, 4, 50);
    for (int i = 0; i < 30; ++i) script.Add(61 + 3 * i, 3, 1 + i % 3, 20);
    script.Node(75, 2, false);
    script.Node(110, 2, true);
    less.quota.gpu_milli = 0;
    less.borrowing_limit.gpu_milli = 4 * kGpu;
    script.Change(90, less);
    script.Change(150, quota);
    if (!JudgeSharing(context, script.Case(), "the loss of a node, and a change of quotas, make it void")) return;
  }
  {
    SharingScript script = HeldUp(100);  // reclaim beside a reservation
    script.rules().reclaim = true;
    script.workload().quotas[0].quota.gpu_milli = 2 * kGpu;
    script.workload().quotas[1].quota.gpu_milli = 3 * kGpu;
    script.workload().quotas[2].quota.gpu_milli = 3 * kGpu;
    script.Add(10, 3, 3, 200);
    script.Add(20, 2, 1, 60).job.priority = 3;
    if (!JudgeSharing(context, script.Case(), "reclaim beside a reservation")) return;
  }
  RandomSharing random;
  random.kills = true;
  random.backfill_depth = 100;
  if (!JudgeRandomSharing(context, random, 20, 25)) return;
  random.backfill_depth = 4;
  if (!JudgeRandomSharing(context, random, 20, 26)) return;
  random.gangs = random.priorities = random.failures = true;
  if (!JudgeRandomSharing(context, random, 20, 27)) return;
  random.limits = random.cohorts = random.nodes = random.changes = random.ticks = true;
  if (!JudgeRandomSharing(context, random, 20, 28)) return;
  random.reclaim = random.resources = random.fractions = true;
  random.sharing = Sharing::kDominant;
  JudgeRandomSharing(context, random, 20, 29);
}

}  // namespace q07
