// Items on cluster scheduling and GPUs in Kubernetes.
#include <algorithm>
#include <cmath>
#include <string>

#include "harness/quiz/bank.h"

namespace workbench::quiz {
namespace {

// q07

Item ShortestFirst(Draw& d) {
  double a = d.Whole("a", 1, 20);
  double b = d.Whole("b", 1, 20);
  double c = d.Whole("c", 1, 20);
  double low = std::min({a, b, c});
  double high = std::max({a, b, c});
  double middle = a + b + c - low - high;
  d.Set("low", low);
  d.Set("middle", middle);
  d.Set("high", high);
  return {.prompt =
              "Three jobs of {a}, {b} and {c} minutes arrive together, in this order, at a cluster that runs one at a "
              "time. What is their mean job "
              "completion time under shortest job first?",
          .dimension = Dimension::kSeconds,
          .unit = "min",
          .answer = 60 * (low + (low + middle) + (low + middle + high)) / 3,
          .working = "60 * (3*{low} + 2*{middle} + {high}) / 3",
          .mistakes = {{"60 * (3*{a} + 2*{b} + {c}) / 3", "that is first come, first served"},
                       {"60 * (2*{low} + {middle}) / 3", "that is the mean wait; completion includes a job's own time"},
                       {"60 * ({a} + {b} + {c}) / 3", "the mean length; the wait is left out"}},
          .steps =
              {"Sorted: {low}, {middle}, {high}. The first counts for all three, the second for two, the last for one.",
               "Shortest first minimises the mean only when the lengths are known and true."},
          .source = "Smith 1956, Various Optimizers for Single-Stage Production"};
}

Item Little(Draw& d) {
  const double per_hour = d.Pick("r", {6, 12, 20, 45});
  const double minutes = d.Pick("w", {10, 25, 40, 90});
  return {.prompt =
              "{r} jobs arrive in an hour on average, and a job spends {w} minutes in the system (queue and run). How "
              "many jobs are in the system on average?",
          .unit = "jobs",
          .answer = per_hour * minutes / 60,
          .working = "{r} * {w}/60",
          .mistakes = {{"{r} / ({w}/60)", "divided instead of multiplied"},
                       {"{r} * {w}", "hours and minutes are mixed"},
                       {"({w}/60) / {r}", "the wrong way round"}},
          .steps =
              {"L = lambda * W, whatever the distributions and the order of service, as long as the system is stable."},
          .source = "Little 1961, A Proof for the Queuing Formula L = lambda W"};
}

Item DominantShare(Draw& d) {
  const double cpus = d.Pick("C", {9, 12, 20, 64});
  const double gb = d.Pick("M", {18, 36, 60, 256});
  const double a_cpu = d.Whole("ac", 1, 2);
  const double a_gb = d.Whole("am", 4, 8);
  const double b_cpu = d.Whole("bc", 3, 5);
  const double b_gb = d.Whole("bm", 1, 3);
  const double da = std::max(a_cpu / cpus, a_gb / gb);
  const double db = std::max(b_cpu / cpus, b_gb / gb);
  const double share = std::min(cpus / (a_cpu / da + b_cpu / db), gb / (a_gb / da + b_gb / db));
  return {.prompt =
              "A cluster has {C} CPUs and {M} GB. A's tasks take {ac} CPU and {am} GB each, B's {bc} CPU and {bm} GB. "
              "Under dominant resource "
              "fairness, with as many tasks as fit and fractions of tasks allowed, how many tasks does A run?",
          .unit = "tasks",
          .answer = share / da,
          .working =
              "min({C} / ({ac}/max({ac}/{C}, {am}/{M}) + {bc}/max({bc}/{C}, {bm}/{M})), {M} / ({am}/max({ac}/{C}, "
              "{am}/{M}) + "
              "{bm}/max({bc}/{C}, {bm}/{M}))) / max({ac}/{C}, {am}/{M})",
          .mistakes = {{"min({C}/2/{ac}, {M}/2/{am})",
                        "each resource cut in half; dominant shares are made equal, not every share"},
                       {"min({C}/({ac}+{bc}), {M}/({am}+{bm}))",
                        "equally many tasks; equal dominant shares were asked for"}},
          .steps = {"A's dominant share for a task is max({ac}/{C}, {am}/{M}), B's max({bc}/{C}, {bm}/{M}).",
                    "Give both the same dominant share s. Each resource limits s; the smaller limit holds. A runs s / "
                    "(its share for a task)."},
          .source = "Ghodsi et al. 2011, Dominant Resource Fairness, section 4"};
}

Item Backfill(Draw& d) {
  const double free = d.Whole("f", 2, 6);
  const double running = d.Pick("r", {4, 8, 12});
  const double end = d.Pick("t", {30, 60, 90});
  const double head = free + d.Whole("x", 1, 4);
  d.Set("h", head);
  const double gpus = d.Whole("c", 1, 7);
  const double minutes = d.Pick("l", {20, 45, 75, 120});
  const double spare = free + running - head;
  d.Set("e", spare);
  const bool fits = gpus <= free;
  const bool in_time = minutes <= end;
  const bool truth = fits && (in_time || gpus <= spare);
  const char* const why =
      !fits     ? "It needs more GPUs than are free now."
      : in_time ? "It fits, and it ends before the head is to start."
      : gpus <= spare
          ? "It fits, and it runs on GPUs that the head will not need ({e} are spare then)."
          : "It fits now, but would still hold GPUs when the head is to start, and only {e} are spare then.";
  return {
      .prompt =
          "EASY backfill. {f} GPUs are free, and a running job will free {r} more in {t} minutes. The head of the "
          "queue needs {h} GPUs. True or false: a "
          "later job of {c} GPUs and {l} minutes may start now.",
      .truth = truth,
      .mistakes = {{"", truth ? "backfilling forbids only what delays the head"
                              : "the rule that the head must not be delayed, or the number of free GPUs, was missed"}},
      .steps = {"The head gets a reservation: it starts in {t} minutes. A later job may start if it fits now and "
                "either ends by then or uses only GPUs "
                "that the head leaves over.",
                why},
      .source = "Lifka 1995, The ANL/IBM SP Scheduling System; Mu'alem and Feitelson 2001"};
}

Item FairShare(Draw& d) {
  // Redrawn here until the two rules disagree; both are sums over few values, so it ends soon.
  double quota[3];
  double used[3];
  size_t by_ratio = 0;
  size_t by_deficit = 0;
  do {
    const char* const names[] = {"A", "B", "C"};
    for (size_t i = 0; i < 3; ++i) {
      quota[i] = 10 * d.Whole(std::string("q") + names[i], 2, 9);
      used[i] = 10 * d.Whole(std::string("u") + names[i], 1, 9);
      d.Set(std::string("q") + names[i], quota[i]);
      d.Set(std::string("u") + names[i], used[i]);
    }
    const auto ratio = [&](size_t i) { return used[i] / quota[i]; };
    const auto deficit = [&](size_t i) { return quota[i] - used[i]; };
    by_ratio = by_deficit = 0;
    bool tie = false;
    for (size_t i = 1; i < 3; ++i) {
      if (ratio(i) < ratio(by_ratio)) by_ratio = i;
      if (deficit(i) > deficit(by_deficit)) by_deficit = i;
    }
    for (size_t i = 0; i < 3; ++i) {
      tie = tie || (i != by_ratio && ratio(i) == ratio(by_ratio)) ||
            (i != by_deficit && deficit(i) == deficit(by_deficit));
    }
    if (tie) by_ratio = by_deficit;
  } while (by_ratio == by_deficit);
  const bool ratio_rule = d.Index(2) == 0;
  const std::string teams[] = {"team A", "team B", "team C"};
  const size_t right = ratio_rule ? by_ratio : by_deficit;
  const size_t other = ratio_rule ? by_deficit : by_ratio;
  return {
      .prompt = std::string("Teams have quotas of {qA}, {qB} and {qC} GPUs and use {uA}, {uB} and {uC} (A, B, C). The "
                            "scheduler serves next whoever has the ") +
                (ratio_rule ? "smallest usage / quota" : "largest deficit, quota - usage") + ". Who is it?",
      .choices = {teams[0], teams[1], teams[2]},
      .right = teams[right],
      .mistakes = {{teams[other],
                    std::string("that is the order by ") + (ratio_rule ? "deficit (quota - usage)" : "usage / quota")},
                   {teams[3 - right - other], "neither rule puts this team first"}},
      .steps = {"usage / quota: {uA}/{qA}, {uB}/{qB}, {uC}/{qC}. Deficits: {qA}-{uA}, {qB}-{uB}, {qC}-{uC}.",
                "The two rules disagree here: a specification has to say which one it means."},
      .source = "definition of the two rules; Kay and Lauder 1988, A Fair Share Scheduler, for shares against usage"};
}

Item SchedulingStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {
          .prompt =
              "A scheduler that scans past a blocked large job and starts whatever fits can starve the large job for "
              "ever.",
          .truth = true,
          .mistakes = {{"", "small jobs that keep coming keep taking what becomes free"}},
          .steps = {"Without a reservation for the head, its GPUs are never free together. Backfill starts later jobs "
                    "only where they do not delay it."},
          .source = "Mu'alem and Feitelson 2001, Utilization, Predictability, Workloads, and User Runtime Estimates"};
    case 1:
      return {
          .prompt =
              "Shortest job first minimises the mean waiting time even when the users' run-time estimates are wrong.",
          .truth = false,
          .mistakes = {{"", "the proof exchanges neighbours by their true lengths"}},
          .steps = {"It sorts by the estimates; with wrong ones a long job may go first."},
          .source = "Smith 1956; Mu'alem and Feitelson 2001"};
    default:
      return {.prompt =
                  "Two distributed jobs that each start workers one by one as GPUs become free can block each other "
                  "for ever.",
              .truth = true,
              .mistakes = {{"", "each holds GPUs that the other waits for"}},
              .steps = {"That is why gang scheduling starts all workers of a job or none."},
              .source = "Jeon et al. 2019, Analysis of Large-Scale Multi-Tenant GPU Clusters, section 2"};
  }
}

// q08

Item PodsThatFit(Draw& d) {
  const double g = d.Pick("g", {2, 3, 4, 5});
  const double f1 = d.Whole("f1", 5, 8);
  const double f2 = d.Whole("f2", 1, 8);
  const double f3 = d.Whole("f3", 1, 8);
  const double f4 = d.Whole("f4", 1, 8);
  return {.prompt =
              "Four nodes have {f1}, {f2}, {f3} and {f4} GPUs free. A pod asks for {g} GPUs, all on one node. How many "
              "such pods fit?",
          .unit = "pods",
          .answer = std::floor(f1 / g) + std::floor(f2 / g) + std::floor(f3 / g) + std::floor(f4 / g),
          .tolerance = 1e-9,
          .working = "floor({f1}/{g}) + floor({f2}/{g}) + floor({f3}/{g}) + floor({f4}/{g})",
          .mistakes = {{"floor(({f1}+{f2}+{f3}+{f4}) / {g})", "free GPUs are added over nodes; a pod runs on one node"},
                       {"ceil({f1}/{g}) + ceil({f2}/{g}) + ceil({f3}/{g}) + ceil({f4}/{g})", "rounded up"}},
          .steps = {"Each node takes floor(free / asked). What is left over on the nodes is fragmentation."},
          .source = "Kubernetes documentation, Assigning Pods to Nodes; Weng et al. 2023, Beware of Fragmentation"};
}

Item MigInstances(Draw& d) {
  const double n = d.Whole("n", 2, 16);
  struct Profile {
    const char* name;
    double count, by_memory;
  };
  static constexpr Profile kProfiles[] = {{"1g.5gb", 7, 8}, {"2g.10gb", 3, 4}, {"4g.20gb", 1, 2}};
  const Profile& profile = kProfiles[d.Index(3)];
  d.Set("k", profile.count);
  d.Set("bad", profile.by_memory);
  return {
      .prompt = std::string("How many MIG instances of profile ") + profile.name + " can {n} A100-40GB GPUs provide?",
      .unit = "instances",
      .answer = n * profile.count,
      .tolerance = 1e-9,
      .working = "{n} * {k}",
      .mistakes = {{"{n} * {bad}", "counted by memory: there are 8 memory slices, but 7 compute slices"},
                   {"{n}", "one instance a GPU"}},
      .steps = {"An A100 has 7 compute slices and 8 memory slices of 5 GB. A profile of c compute slices fits floor(7 "
                "/ c) times."},
      .source = "NVIDIA Multi-Instance GPU User Guide, table of profiles of the A100-40GB"};
}

Item NvLinks(Draw& d) {
  const double n = d.Pick("n", {2, 4, 6, 12});
  const double gbs = d.Pick("w", {20, 25});
  return {.prompt =
              "nvidia-smi topo -m shows NV{n} between two GPUs, and one NVLink carries {w} GB/s in each direction. "
              "What is the bandwidth between the two in one "
              "direction?",
          .dimension = Dimension::kBytesPerSecond,
          .unit = "GB/s",
          .answer = n * gbs * 1e9,
          .working = "{n} * {w}e9",
          .mistakes = {{"{w}e9", "NV{n} taken for a generation; it is the number of links"},
                       {"2 * {n} * {w}e9", "both directions added"}},
          .steps = {"NV# means: a bonded set of # NVLinks."},
          .source = "nvidia-smi topo -m, legend (NV#: connection traversing a bonded set of # NVLinks)"};
}

Item TimeSlicing(Draw& d) {
  const double nodes = d.Whole("n", 2, 9);
  const double gpus = d.Pick("g", {2, 4, 8});
  const double replicas = d.Pick("r", {3, 4, 10});
  return {.prompt =
              "{n} nodes have {g} GPUs each, and the device plugin is configured for time-slicing with {r} replicas. "
              "How many nvidia.com/gpu does the cluster "
              "advertise?",
          .answer = nodes * gpus * replicas,
          .tolerance = 1e-9,
          .working = "{n}*{g}*{r}",
          .mistakes = {{"{n}*{g}", "replicas are advertised as devices of their own"},
                       {"{n}*{r}", "replicas are made of each GPU, not of each node"}},
          .steps = {"Each GPU is advertised {r} times. Memory is not divided or isolated, and two replicas are no more "
                    "compute than one."},
          .source = "NVIDIA k8s-device-plugin, README, shared access to GPUs with time-slicing"};
}

Item TopologyPolicy(Draw&) {
  return {
      .prompt =
          "A pod's CPUs and GPU must come from one NUMA node, and otherwise it must not start there. What does that?",
      .choices = {"the kubelet's Topology Manager with policy single-numa-node",
                  "the Topology Manager with policy best-effort", "an annotation nvidia.com/gpu-topology on the pod",
                  "a PriorityClass"},
      .right = "the kubelet's Topology Manager with policy single-numa-node",
      .mistakes = {{"the Topology Manager with policy best-effort",
                    "best-effort prefers it, and admits the pod anyway"},
                   {"an annotation nvidia.com/gpu-topology on the pod",
                    "no such annotation is honoured by the device plugin"},
                   {"a PriorityClass", "that is about order and preemption, not placement in a node"}},
      .steps = {"single-numa-node rejects a pod whose resources cannot come from one NUMA node. restricted rejects "
                "what is not the preferred alignment."},
      .source = "Kubernetes documentation, Control Topology Management Policies on a node"};
}

Item KubernetesStatements(Draw& d) {
  switch (d.Index(3)) {
    case 0:
      return {.prompt = "A container can ask for nvidia.com/gpu: 0.5.",
              .truth = false,
              .mistakes = {{"", "fractions of CPUs are possible, of extended resources not"}},
              .steps = {"Extended resources are whole numbers. Sharing is configured in the device plugin: "
                        "time-slicing, MPS or MIG."},
              .source = "Kubernetes documentation, Schedule GPUs; Extended resources"};
    case 1:
      return {.prompt = "For GPUs, a container's request must equal its limit if both are given.",
              .truth = true,
              .mistakes = {{"", "extended resources cannot be overcommitted"}},
              .steps = {"With only a limit, the request is the limit. Different values are rejected."},
              .source = "Kubernetes documentation, Schedule GPUs"};
    default:
      return {.prompt = "Setting CUDA_MPS_PIPE_DIRECTORY in two pods is enough for them to share a GPU through MPS.",
              .truth = false,
              .mistakes = {{"", "a variable names where a daemon listens; it starts and allocates nothing"}},
              .steps = {"An MPS control daemon has to run, both pods must see its pipes, and the plugin must have "
                        "handed both the same GPU: its MPS sharing does that."},
              .source = "NVIDIA Multi-Process Service documentation; NVIDIA k8s-device-plugin, README, CUDA MPS"};
  }
}

}  // namespace

std::vector<Template> ClusterTemplates() {
  return {
      {"q07.shortest_first", "completion time under shortest job first", Kind::kNumeric, ShortestFirst},
      {"q07.little", "Little's law", Kind::kNumeric, Little},
      {"q07.drf", "dominant resource fairness", Kind::kNumeric, DominantShare},
      {"q07.backfill", "what backfill may start", Kind::kTrueFalse, Backfill},
      {"q07.fair_share", "deficit or ratio", Kind::kChoice, FairShare},
      {"q07.statements", "starvation, estimates, gangs", Kind::kTrueFalse, SchedulingStatements},
      {"q08.pods", "pods that fit", Kind::kNumeric, PodsThatFit},
      {"q08.mig", "MIG instances", Kind::kNumeric, MigInstances},
      {"q08.nvlinks", "what NV4 means", Kind::kNumeric, NvLinks},
      {"q08.time_slicing", "replicas of a GPU", Kind::kNumeric, TimeSlicing},
      {"q08.topology", "placement in a node", Kind::kChoice, TopologyPolicy},
      {"q08.statements", "asking for GPUs", Kind::kTrueFalse, KubernetesStatements},
  };
}

}  // namespace workbench::quiz
