#include "questions/q07_scheduling/policy_optimum.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace q07 {
namespace {

// What is still to come, from `now` on, if `left` is what the jobs still have to run.
Time LeastFrom(const Workload& workload, Time now, std::vector<Time> left,
               std::map<std::pair<Time, std::vector<Time>>, Time>* known) {
  const auto key = std::pair(now, left);
  if (const auto found = known->find(key); found != known->end()) return found->second;
  Time in_system = 0;
  bool to_come = false;
  std::vector<size_t> here;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i] == 0) continue;
    if (workload.jobs[i].job.submit > now) {
      to_come = true;
    } else {
      here.push_back(i);
      ++in_system;
    }
  }
  Time least = 0;
  if (here.empty()) {
    least = to_come ? LeastFrom(workload, now + 1, left, known) : 0;
  } else {
    least = std::numeric_limits<Time>::max();
    for (const size_t i : here) {
      --left[i];
      least = std::min(least, in_system + LeastFrom(workload, now + 1, left, known));
      ++left[i];
    }
  }
  return (*known)[key] = least;
}

}  // namespace

Time LeastTotalWait(const Workload& workload) {
  std::vector<size_t> order(workload.jobs.size());
  std::iota(order.begin(), order.end(), 0);
  Time least = std::numeric_limits<Time>::max();
  do {
    Time now = 0, total = 0;
    for (const size_t i : order) {
      total += now;
      now += workload.jobs[i].duration;
    }
    least = std::min(least, total);
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

Time LeastTotalTime(const Workload& workload) {
  std::vector<Time> left;
  for (const TrueJob& truth : workload.jobs) left.push_back(truth.duration);
  std::map<std::pair<Time, std::vector<Time>>, Time> known;
  return LeastFrom(workload, 0, left, &known);
}

std::map<JobId, Time> FifoStarts(const Workload& workload) {
  std::vector<const Job*> order;
  for (const TrueJob& truth : workload.jobs) order.push_back(&truth.job);
  std::sort(order.begin(), order.end(),
            [](const Job* a, const Job* b) { return std::tie(a->submit, a->id) < std::tie(b->submit, b->id); });
  std::map<JobId, Time> starts;
  std::multimap<Time, int64_t> ends;
  int64_t free = workload.nodes[0].capacity.gpu_milli;
  Time now = 0;
  for (const Job* job : order) {
    now = std::max(now, job->submit);
    while (!ends.empty() && (ends.begin()->first <= now || free < job->demand.gpu_milli)) {
      now = std::max(now, ends.begin()->first);
      free += ends.begin()->second;
      ends.erase(ends.begin());
    }
    starts[job->id] = now;
    free -= job->demand.gpu_milli;
    ends.emplace(now + job->estimate, job->demand.gpu_milli);
  }
  return starts;
}

}  // namespace q07
