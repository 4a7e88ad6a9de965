#include "harness/traces/trace_generator.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "harness/traces/trace_random.h"

namespace workbench {
namespace {

constexpr int64_t kMaxJobs = 20'000'000;
constexpr int64_t kMaxNodes = 1'000'000;

// Counted in openb_node_list_gpu_node.csv: 1,213 nodes, 6,212 GPUs.
struct NodeShape {
  int64_t cpu_milli, memory_mib;
  int32_t gpus;
  std::string_view model;
  int count;
};
constexpr NodeShape kNodeShapes[] = {
    {96000, 393216, 8, "G2", 549},     {104000, 524288, 2, "T4", 387},    {16000, 122880, 2, "P100", 107},
    {128000, 786432, 8, "G3", 39},     {32000, 131072, 4, "V100M16", 28}, {64000, 262144, 2, "P100", 22},
    {96000, 786432, 8, "V100M32", 21}, {8000, 32768, 1, "V100M16", 19},   {96000, 393216, 4, "T4", 17},
    {48000, 376832, 4, "V100M32", 9},  {64000, 262144, 8, "V100M16", 7},  {128000, 1048576, 1, "A10", 2},
    {8000, 61440, 1, "P100", 3},       {8000, 61440, 2, "P100", 2},       {82000, 344064, 8, "V100M16", 1},
};

// What is asked for together. Counted in openb_pod_list_default.csv with CPUs rounded to 100 thousandths of a core and
// memory to 256 MiB; the most frequent ones of each class (94 % of its pods or more), `weight` per mille of the class.
struct Demand {
  int64_t cpu_milli, memory_mib, gpu_milli;
  int weight;
};
constexpr Demand kNoGpu[] = {
    {12500, 57344, 0, 335}, {32000, 49152, 0, 261}, {8000, 30464, 0, 150}, {15400, 51200, 0, 110},
    {16500, 51200, 0, 87},  {11400, 57344, 0, 10},  {8000, 15616, 0, 10},
};
constexpr Demand kPartOfGpu[] = {
    {3200, 5632, 810, 340}, {11900, 47104, 470, 126}, {8000, 30464, 470, 117}, {11900, 47104, 650, 77},
    {4000, 22784, 320, 36}, {4000, 30464, 230, 27},   {4000, 15360, 320, 25},  {3200, 5632, 590, 24},
    {8000, 30464, 320, 23}, {4200, 10496, 550, 23},   {4000, 15360, 160, 17},  {6000, 6144, 460, 17},
    {4200, 10496, 370, 15}, {4000, 30464, 320, 14},   {4200, 10496, 810, 10},  {6000, 12288, 460, 9},
    {4000, 22784, 230, 8},  {4000, 15360, 220, 8},    {1000, 2048, 320, 7},    {6000, 22784, 160, 6},
    {8000, 30464, 220, 6},  {4000, 22784, 480, 6},
};
constexpr Demand kOneGpu[] = {
    {11300, 49152, 1000, 219}, {11400, 48128, 1000, 137}, {3200, 5632, 1000, 120},  {18700, 64512, 1000, 65},
    {9800, 41472, 1000, 50},   {12000, 24576, 1000, 40},  {15700, 58368, 1000, 40}, {11900, 47104, 1000, 39},
    {16000, 32768, 1000, 28},  {8000, 16384, 1000, 27},   {4000, 24576, 1000, 27},  {12000, 16384, 1000, 25},
    {14200, 58368, 1000, 24},  {24200, 93184, 1000, 21},  {11400, 77824, 1000, 17}, {8000, 32768, 1000, 14},
    {11900, 77824, 1000, 13},  {12000, 15360, 1000, 11},  {8200, 33792, 1000, 10},  {4000, 31232, 1000, 10},
};
constexpr Demand kTwoGpus[] = {
    {16200, 66560, 1000, 438}, {6000, 65536, 1000, 188}, {30200, 160768, 1000, 188},
    {17400, 43008, 1000, 125}, {14000, 59904, 1000, 61},
};
constexpr Demand kFourGpus[] = {{32200, 132096, 1000, 800}, {60200, 320512, 1000, 200}};
constexpr Demand kEightGpus[] = {
    {88000, 327680, 1000, 409},
    {64200, 263168, 1000, 477},
    {120000, 737280, 1000, 68},
    {120200, 640000, 1000, 46},
};

// Quantiles in seconds, measured in the same file, to two or three digits. Between two of them, log(1 + t) is taken to
// be linear in the level.
constexpr double kLevels[] = {0, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.998, 1};
constexpr size_t kLevelCount = std::size(kLevels);
using Quantiles = double[kLevelCount];
// Run times: deletion_time - scheduled_time of those that were scheduled.
constexpr Quantiles kRunNoGpu = {33, 94, 141, 151, 273, 496, 804, 1950, 13200, 19800, 28400, 1.28e6, 1.01e7};
constexpr Quantiles kRunPart = {4, 35, 55, 144, 289, 539, 928, 1860, 9240, 20200, 76000, 3.24e6, 1.25e7};
constexpr Quantiles kRunOne = {5, 56, 80, 208, 459, 758, 1210, 2460, 6030, 13200, 236000, 4.82e6, 1.25e7};
constexpr Quantiles kRunSeveral = {22, 36, 40, 171, 497, 573, 1710, 6710, 68500, 175000, 977000, 1.33e6, 1.33e6};
// scheduled_time - creation_time of those that were scheduled; deletion_time - creation_time of those that never were.
constexpr Quantiles kWait = {0, 0, 0, 0, 1, 2, 3, 35, 106, 241, 874, 2730, 14300};
constexpr Quantiles kGivenUp = {0, 6, 22, 50, 75, 94, 114, 161, 338, 600, 2080, 3240, 11700};
// Between two submissions, after the first 10^7 s: before, there were 58 pods in four months.
constexpr Quantiles kGap = {0, 1, 6, 44, 102, 160, 235, 428, 917, 1390, 2780, 4770, 8520};
constexpr double kMeanGap = 358;

// Shares in per mille of the class.
struct Words {
  int latency_sensitive, burstable;  // the others: BE
  int failed, succeeded;             // of those that ran; the others: Running, when the trace was taken
};

struct JobClass {
  std::span<const Demand> demands;
  const Quantiles& run;
  Words words;
};

// Of 8,152 pods in openb_pod_list_default.csv: 13.3, 37.8, 48.0, 0.2, 0.2 and 0.5 %.
constexpr double kPods = 8152;
constexpr TraceMarginals::Class kClasses[] = {
    {"no GPU", 0, false, 1088 / kPods, 1 - 36 / 1088.0},
    {"part of a GPU", 1, true, 3078 / kPods, 1 - 505 / 3078.0},
    {"one GPU", 1, false, 3911 / kPods, 1 - 355 / 3911.0},
    {"two GPUs", 2, false, 16 / kPods, 1 - 1 / 16.0},
    {"four GPUs", 4, false, 15 / kPods, 1},
    {"eight GPUs", 8, false, 44 / kPods, 1},
};
const JobClass kJobClasses[] = {
    {kNoGpu, kRunNoGpu, {585, 0, 1, 7}},         {kPartOfGpu, kRunPart, {247, 0, 451, 0}},
    {kOneGpu, kRunOne, {820, 19, 183, 50}},      {kTwoGpus, kRunSeveral, {940, 60, 600, 0}},
    {kFourGpus, kRunSeveral, {933, 67, 933, 0}}, {kEightGpus, kRunSeveral, {523, 477, 750, 159}},
};

// What GPU jobs that name models name, counted in openb_pod_list_gpuspec33.csv; the ten most frequent.
struct ModelChoice {
  std::string_view models;
  int weight;
};
constexpr ModelChoice kModelChoices[] = {
    {"T4", 1291},
    {"G2", 331},
    {"P100", 279},
    {"V100M16|V100M32", 144},
    {"P100|V100M16|V100M32", 103},
    {"G3", 86},
    {"G2|P100|T4|V100M16|V100M32", 39},
    {"P100|T4|V100M16|V100M32", 33},
    {"A10|G2|T4|V100M16|V100M32", 24},
    {"V100M32", 42},
};

int64_t MsAt(const Quantiles& quantiles, double level) {
  size_t above = 1;
  while (above + 1 < kLevelCount && level >= kLevels[above]) ++above;
  const double part = (level - kLevels[above - 1]) / (kLevels[above] - kLevels[above - 1]);
  const double low = std::log1p(quantiles[above - 1]), high = std::log1p(quantiles[above]);
  // Whole seconds, as in the trace; so the last digit of a library's logarithm hardly ever shows.
  return static_cast<int64_t>(std::expm1(low + part * (high - low)) + 0.5) * 1000;
}

// The index of one of `items`, by weight.
template <typename Items, typename Weight>
size_t Draw(const Items& items, Weight weight, TraceRandom* random) {
  uint64_t total = 0;
  for (const auto& item : items) total += static_cast<uint64_t>(weight(item));
  uint64_t left = random->Below(total);
  size_t index = 0;
  for (const auto& item : items) {
    const uint64_t own = static_cast<uint64_t>(weight(item));
    if (left < own) break;
    left -= own;
    ++index;
  }
  return index;
}

std::string Numbered(const char* what, int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return what + digits;
}

// Shares of `nodes` by largest remainders: 1,213 gives the counts themselves.
std::vector<TraceNode> MakeNodes(int64_t nodes) {
  int64_t total = 0, given = 0;
  for (const NodeShape& shape : kNodeShapes) total += shape.count;
  std::vector<std::pair<int64_t, size_t>> remainders;
  std::vector<int64_t> counts;
  for (const NodeShape& shape : kNodeShapes) {
    counts.push_back(nodes * shape.count / total);
    given += counts.back();
    remainders.emplace_back(-(nodes * shape.count % total), counts.size() - 1);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < nodes; ++i, ++given) ++counts[remainders[i].second];

  std::vector<TraceNode> made;
  for (size_t s = 0; s < counts.size(); ++s) {
    const NodeShape& shape = kNodeShapes[s];
    for (int64_t i = 0; i < counts[s]; ++i) {
      made.push_back({Numbered("node-", static_cast<int64_t>(made.size())), shape.cpu_milli, shape.memory_mib,
                      shape.gpus, std::string(shape.model), GpuMemoryMib(shape.model)});
    }
  }
  return made;
}

std::vector<std::string> DrawModels(TraceRandom* random) {
  std::string_view text = kModelChoices[Draw(
                                            kModelChoices, [](const ModelChoice& c) { return c.weight; }, random)]
                              .models;
  std::vector<std::string> models;
  while (true) {
    const size_t bar = text.find('|');
    models.emplace_back(text.substr(0, bar));
    if (bar == std::string_view::npos) return models;
    text.remove_prefix(bar + 1);
  }
}

TraceJob MakeJob(const TraceGeneratorOptions& options, int64_t number, int64_t submit_ms, TraceRandom* random) {
  const size_t which = Draw(
      kClasses, [](const TraceMarginals::Class& c) { return std::lround(c.share * kPods); }, random);
  const TraceMarginals::Class& kind = kClasses[which];
  const JobClass& details = kJobClasses[which];
  const Demand& demand = details.demands[Draw(
      details.demands, [](const Demand& d) { return d.weight; }, random)];
  TraceJob job;
  job.name = Numbered("job-", number);
  job.submit_ms = submit_ms;
  job.gpus = kind.gpus;
  job.gpu_milli = demand.gpu_milli;
  job.cpu_milli = demand.cpu_milli;
  job.memory_mib = demand.memory_mib;
  const int qos = static_cast<int>(random->Below(1000)), fate = static_cast<int>(random->Below(1000));
  const Words& words = details.words;
  job.qos = qos < words.latency_sensitive ? "LS" : qos < words.latency_sensitive + words.burstable ? "Burstable" : "BE";
  const bool scheduled = random->Fraction() < kind.scheduled;
  const double wait = random->Fraction(), run = random->Fraction();
  if (scheduled) {
    job.start_ms = submit_ms + MsAt(kWait, wait);
    job.duration_ms = MsAt(details.run, run);
    job.end_ms = job.start_ms + job.duration_ms;
    job.status = fate < words.failed ? "Failed" : fate < words.failed + words.succeeded ? "Succeeded" : "Running";
  } else {
    job.end_ms = submit_ms + MsAt(kGivenUp, wait);
    job.status = "Pending";
  }
  const bool choosy = random->Fraction() < options.gpu_spec;
  std::vector<std::string> models = DrawModels(random);
  if (choosy && job.gpus > 0) job.models = std::move(models);
  return job;
}

// Weights 1, 1/2, 1/3, ...
std::string DrawTenant(int32_t tenants, TraceRandom* random) {
  double total = 0;
  for (int32_t k = 1; k <= tenants; ++k) total += 1.0 / k;
  double left = random->Fraction() * total;
  int32_t k = 1;
  for (; k < tenants && left >= 1.0 / k; ++k) left -= 1.0 / k;
  return "tenant-" + std::to_string(k);
}

}  // namespace

Result<ClusterTrace> GenerateTrace(const TraceGeneratorOptions& options) {
  if (options.jobs < 1 || options.jobs > kMaxJobs) return Error("jobs: 1 to " + std::to_string(kMaxJobs));
  if (options.nodes < 0 || options.nodes > kMaxNodes) return Error("nodes: 0 to " + std::to_string(kMaxNodes));
  if (!(options.gpu_spec >= 0 && options.gpu_spec <= 1))
    return Error("the share of jobs that name GPU models is 0 to 1");
  if (options.tenants < 0 || options.tenants > 1000) return Error("tenants: 0 to 1000");
  ClusterTrace trace;
  trace.nodes = MakeNodes(options.nodes);
  trace.jobs.reserve(static_cast<size_t>(options.jobs));
  TraceRandom random(options.seed);
  int64_t now = 0;
  for (int64_t i = 0; i < options.jobs; ++i) {
    trace.jobs.push_back(MakeJob(options, i, now, &random));
    if (options.tenants > 0) trace.jobs.back().tenant = DrawTenant(options.tenants, &random);
    now += MsAt(kGap, random.Fraction());
  }
  return trace;
}

TraceMarginals AlibabaMarginals() { return {kClasses, kMeanGap}; }

}  // namespace workbench
