// Part C: shares, order within a tenant, limits of tenants and cohorts.
#include <limits>

#include "questions/q07_scheduling/checks_sharing.h"
#include "questions/q07_scheduling/sharing_script.h"

namespace q07 {
namespace {

using workbench::CheckContext;

// Ghodsi et al., section 4.1: 9 CPUs, 18 GB; a task of A needs 1 CPU and 4 GB, one of B 3 CPUs and 1 GB.
SharingScript Ghodsi(double weight_a, double weight_b) {
  SharingScript script(Sharing::kDominant);
  script.Nodes(1, 0, 9, 18);
  script.Tenant(1, 1000).weight = weight_a;
  script.Tenant(2, 1000).weight = weight_b;
  for (int i = 0; i < 6; ++i) {
    script.Add(0, 1, 0, 100).job.demand = {0, kGpu, 4 * kGib};
    script.Add(0, 2, 0, 100).job.demand = {0, 3 * kGpu, kGib};
  }
  return script;
}

}  // namespace

void CheckSharingFairShare(CheckContext& context) {
  {
    SharingScript script;
    script.Nodes(1, 100, 1000);
    script.Tenant(1, 50, 0);
    script.Tenant(2, 30, 0);
    script.Tenant(3, 20, 0);
    script.Add(0, 1, 30, 1000);
    script.Add(0, 2, 40, 1000);
    script.Add(0, 3, 10, 1000);
    for (const int32_t tenant : {1, 2, 3}) script.Add(10, tenant, 15, 100);
    if (!JudgeSharing(context, script.Case(), "quotas 50, 30, 20, used 30, 40, 10, and room for one job of 15")) return;
  }
  {
    SharingScript script;
    script.Nodes(1, 100, 1000);
    script.Tenant(1, 50, 0);
    script.Tenant(2, 30, 0);
    script.Tenant(3, 20, 0);
    script.Add(0, 1, 30, 1000);
    script.Add(0, 2, 40, 1000);
    script.Add(0, 3, 10, 1000);
    for (int i = 0; i < 25; ++i) {
      for (const int32_t tenant : {1, 2, 3}) script.Add(10, tenant, 1, 50 + i);
    }
    if (!JudgeSharing(context, script.Case(), "quotas 50, 30, 20, used 30, 40, 10, and jobs of one GPU")) return;
  }
  {
    SharingScript script;  // ties, by the tenants' numbers
    script.Nodes(3, 4);
    for (const int32_t tenant : {42, 5, 1000007, 17}) script.Tenant(tenant, 8, 0);
    for (int i = 0; i < 6; ++i) {
      for (const int32_t tenant : {17, 1000007, 42, 5}) script.Add(i / 3, tenant, 1, 20);
    }
    if (!JudgeSharing(context, script.Case(), "equal quotas")) return;
  }
  {
    SharingScript script;  // usage goes down again
    script.Nodes(1, 6);
    script.Tenant(1, 3, 0);
    script.Tenant(2, 3, 0);
    for (const Time duration : {10, 20, 30, 40}) script.Add(0, 1, 1, duration);
    script.Add(0, 2, 2, 45);
    for (int i = 0; i < 8; ++i) {
      script.Add(5, 1, 1, 25);
      script.Add(5, 2, 1, 25);
    }
    if (!JudgeSharing(context, script.Case(), "jobs that end one after the other")) return;
  }
  RandomSharing random;
  random.sizes = false;
  JudgeRandomSharing(context, random, 40, 1);
}

void CheckSharingOrder(CheckContext& context) {
  {
    SharingScript script;
    script.Nodes(1, 2);
    script.Tenant(1, 8);
    int32_t priority = 0;
    for (const int32_t one :
         {0, 3, -2, 3, 0, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
      script.Add(priority++ / 3, 1, 2, 10).job.priority = one;
    }
    if (!JudgeSharing(context, script.Case(), "priorities of one tenant")) return;
  }
  {
    SharingScript script;
    script.Nodes(1, 2);
    script.Tenant(1, 8);
    script.Add(0, 1, 2, 10);
    script.Add(1, 1, 2, 10).job.priority = std::numeric_limits<int32_t>::min();
    script.Add(2, 1, 2, 10).job.priority = std::numeric_limits<int32_t>::max();
    if (!JudgeSharing(context, script.Case(), "the least and the greatest priority")) return;
  }
  {
    SharingScript script;  // equal submission: by id, which is not the order in which they are told
    script.Nodes(1, 1);
    script.Tenant(1, 8);
    for (const JobId id : {50, 7, 1000000007, 13, 12}) script.Add(3, 1, 1, 10).job.id = id;
    if (!JudgeSharing(context, script.Case(), "ties of priority and submission")) return;
  }
  {
    SharingScript script;  // across tenants it is the share alone that counts
    script.Nodes(1, 4);
    script.Tenant(1, 4, 0);
    script.Tenant(2, 4, 0);
    script.Add(0, 2, 2, 20).job.priority = 9;
    script.Add(0, 1, 2, 30);
    for (int i = 0; i < 6; ++i) {
      script.Add(1 + i, 2, 1, 10).job.priority = 9;
      script.Add(1 + i, 1, 1, 10);
    }
    if (!JudgeSharing(context, script.Case(), "one tenant's jobs are all more urgent")) return;
  }
  {
    SharingScript script;  // what does not fit holds up its tenant, and nobody else
    script.Nodes(1, 4);
    script.Tenant(1, 8);
    script.Tenant(2, 8);
    script.Add(0, 1, 3, 50);
    script.Add(1, 1, 4, 10);
    script.Add(2, 1, 1, 10);
    script.Add(3, 2, 1, 10);
    script.Add(4, 2, 1, 10);
    script.Add(60, 1, 1, 5).job.priority = 1;
    if (!JudgeSharing(context, script.Case(), "a first job that does not fit")) return;
  }
  RandomSharing random;
  random.priorities = true;
  JudgeRandomSharing(context, random, 30, 3);
}

void CheckSharingWeights(CheckContext& context) {
  for (const Sharing sharing : {Sharing::kFairShare, Sharing::kDominant}) {
    SharingScript script(sharing);
    script.Nodes(2, 4);
    script.Tenant(1, 0, 0).weight = 0;
    script.Tenant(2, 8, 0);
    script.Tenant(3, 0, 0).weight = 0;
    for (int i = 0; i < 5; ++i) {
      for (const int32_t tenant : {3, 1, 2}) script.Add(0, tenant, 1, 10 + i);
    }
    for (int i = 0; i < 4; ++i) {
      for (const int32_t tenant : {1, 3}) script.Add(60, tenant, 1, 10);
    }
    script.Add(62, 2, 1, 10);
    if (!JudgeSharing(context, script.Case(), "two tenants with nothing of their own")) return;
  }
  {
    SharingScript script(Sharing::kDominant);
    script.Nodes(1, 8);
    script.Tenant(1, 100).weight = 1e-6;
    script.Tenant(2, 100).weight = 1e6;
    script.Tenant(3, 100).weight = 1;
    for (int i = 0; i < 12; ++i) {
      for (const int32_t tenant : {1, 2, 3}) script.Add(i / 4, tenant, 1, 7);
    }
    if (!JudgeSharing(context, script.Case(), "weights of 1e-6, 1 and 1e6")) return;
  }
  {
    SharingScript script;
    script.Nodes(1, 8);
    script.Tenant(1, 1000000, 0);
    script.Tenant(2, 1, 0);
    script.Tenant(3, 30, 0);
    for (int i = 0; i < 12; ++i) {
      for (const int32_t tenant : {1, 2, 3}) script.Add(i / 4, tenant, 1, 7);
    }
    if (!JudgeSharing(context, script.Case(), "quotas of 1,000,000, 1 and 30 GPUs")) return;
  }
  RandomSharing random;
  random.zeros = random.weights = true;
  if (!JudgeRandomSharing(context, random, 15, 4)) return;
  random.sharing = Sharing::kDominant;
  JudgeRandomSharing(context, random, 15, 5);
}

void CheckSharingDominant(CheckContext& context) {
  if (!JudgeSharing(context, Ghodsi(1, 1).Case(), "9 CPUs and 18 GB: three tasks of A, two of B")) return;
  if (!JudgeSharing(context, Ghodsi(4, 1).Case(), "the same with weights of 4 and 1")) return;
  if (!JudgeSharing(context, Ghodsi(1, 3).Case(), "the same with weights of 1 and 3")) return;
  {
    SharingScript script(Sharing::kDominant);  // each tenant's dominant resource is another
    script.Nodes(2, 8, 32, 64);
    for (const int32_t tenant : {3, 1, 2}) script.Tenant(tenant, 100);
    for (int i = 0; i < 16; ++i) {
      script.Add(i / 8, 1, 1, 20 + i).job.demand = {kGpu, kGpu, kGib};
      script.Add(i / 8, 2, 1, 20 + i).job.demand = {kGpu / 4, 6 * kGpu, 2 * kGib};
      script.Add(i / 8, 3, 1, 20 + i).job.demand = {kGpu / 2, 2 * kGpu, 14 * kGib};
    }
    if (!JudgeSharing(context, script.Case(), "dominant in GPUs, CPUs and memory")) return;
  }
  {
    // What is free changes which resource dominates and by how much; what there is does not.
    SharingScript script(Sharing::kDominant);
    script.Nodes(1, 10, 100, 1000);
    for (const int32_t tenant : {1, 2, 3}) script.Tenant(tenant, 100);
    script.Add(0, 3, 1, 100).job.demand = {5 * kGpu, 85 * kGpu, 0};
    script.Add(0, 1, 1, 100).job.demand = {2 * kGpu, 0, 0};
    script.Add(0, 2, 1, 100).job.demand = {0, 10 * kGpu, 0};
    script.Add(1, 1, 1, 100).job.demand = {kGpu, 5 * kGpu, 0};
    script.Add(1, 2, 1, 100).job.demand = {kGpu, 5 * kGpu, 0};
    if (!JudgeSharing(context, script.Case(), "shares are of all that there is")) return;
  }
  RandomSharing random;
  random.sharing = Sharing::kDominant;
  random.resources = true;
  if (!JudgeRandomSharing(context, random, 20, 6)) return;
  random.weights = true;
  JudgeRandomSharing(context, random, 20, 7);
}

void CheckSharingQuota(CheckContext& context) {
  {
    SharingScript script;  // 10 GPUs of quota hold three jobs of 3, all of one Decide
    script.Nodes(2, 16);
    script.Tenant(1, 10);
    script.Tenant(2, 6);
    for (int i = 0; i < 6; ++i) script.Add(0, 1, 3, 10 + i);
    for (int i = 0; i < 6; ++i) script.Add(0, 2, 2, 10 + i);
    if (!JudgeSharing(context, script.Case(), "jobs of 3 GPUs, a quota of 10")) return;
  }
  {
    SharingScript script;  // a gang counts whole; the quota is met exactly
    script.Nodes(12, 8);
    script.Tenant(1, 12);
    script.AddGang(0, 1, 3, 4, 10);
    script.AddGang(0, 1, 4, 4, 10);  // never
    script.Tenant(2, 12);
    script.AddGang(0, 2, 5, 2, 10);
    script.AddGang(0, 2, 2, 2, 10);
    if (!JudgeSharing(context, script.Case(), "gangs against quotas of 12")) return;
  }
  for (int kind = 1; kind < kKinds; ++kind) {
    SharingScript script(kind == 1 ? Sharing::kFairShare : Sharing::kDominant);
    script.Nodes(2, 8, 64, 64);
    Amount(script.Tenant(1, 16).quota, kind) = 5 * (kind == 1 ? kGpu : kGib);
    script.Tenant(2, 16);
    for (int i = 0; i < 5; ++i) {
      script.Add(i, 1, 1, 20).job.demand = {kGpu, 2 * kGpu, 2 * kGib};
      script.Add(i, 2, 1, 20).job.demand = {kGpu, 2 * kGpu, 2 * kGib};
    }
    if (!JudgeSharing(context, script.Case(), std::string("a quota of ") + KindName(kind))) return;
  }
  RandomSharing random;
  random.limits = true;
  if (!JudgeRandomSharing(context, random, 20, 8)) return;
  random.resources = true;
  random.sharing = Sharing::kDominant;
  JudgeRandomSharing(context, random, 20, 9);
}

void CheckSharingCohort(CheckContext& context) {
  {
    SharingScript script;  // 1 borrows all that 2 leaves; 3 lends nothing, being in no cohort
    script.Nodes(3, 8);
    script.Tenant(1, 4, 7);
    script.Tenant(2, 4, 7);
    script.Tenant(3, 4);
    for (int i = 0; i < 10; ++i) script.Add(0, 1, 1, 10 + i);
    script.Add(5, 2, 2, 10);
    script.Add(5, 3, 5, 10);  // never
    for (int i = 0; i < 4; ++i) script.Add(20, 2, 2, 10);
    if (!JudgeSharing(context, script.Case(), "a cohort of two")) return;
  }
  {
    SharingScript script;  // no more than quota + borrowing limit
    script.Nodes(3, 8);
    script.Tenant(1, 4, 0).borrowing_limit.gpu_milli = 3 * kGpu;
    script.Tenant(2, 12, 0).borrowing_limit.gpu_milli = 0;
    for (int i = 0; i < 6; ++i) script.Add(0, 1, 2, 10 + i);
    for (int i = 0; i < 6; ++i) script.Add(30, 2, 3, 10 + i);
    if (!JudgeSharing(context, script.Case(), "borrowing limits of 3 and 0")) return;
  }
  {
    SharingScript script;  // borrowed in CPUs, not in GPUs
    script.Nodes(2, 8, 16);
    script.Tenant(1, 8, 0).quota.cpu_milli = 4 * kGpu;
    script.Tenant(2, 8, 0).quota.cpu_milli = 4 * kGpu;
    for (int i = 0; i < 8; ++i) {
      for (const int32_t tenant : {1, 2}) {
        script.Add(tenant == 1 ? 0 : 5, tenant, 1, 12).job.demand = {kGpu, 2 * kGpu, 0};
      }
    }
    if (!JudgeSharing(context, script.Case(), "a cohort short of CPUs")) return;
  }
  {
    SharingScript script;  // unlimited sums
    script.Nodes(2, 8);
    script.Tenant(1, 2, 0).quota = {2 * kGpu, kUnlimited, kUnlimited};
    script.Tenant(2, 2, 0);
    script.Tenant(3, 2, 0).quota.cpu_milli = 2 * kGpu;
    script.Tenant(4, 3, 1);
    script.Tenant(5, 1, 1);
    for (int i = 0; i < 5; ++i) {
      for (const int32_t tenant : {1, 2, 3, 4, 5}) script.Add(3 * i, tenant, 1 + i % 2, 20);
    }
    if (!JudgeSharing(context, script.Case(), "what is unlimited stays so when it is added up")) return;
  }
  RandomSharing random;
  random.limits = random.cohorts = true;
  if (!JudgeRandomSharing(context, random, 20, 10)) return;
  random.resources = random.zeros = true;
  if (!JudgeRandomSharing(context, random, 20, 11)) return;
  random.sharing = Sharing::kDominant;
  random.weights = true;
  JudgeRandomSharing(context, random, 10, 12);
}

}  // namespace q07
