// A smaller workload that still fails: jobs, changes and failures are left out as long as it does (Zeller and
// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002).
#ifndef QUESTIONS_Q07_SCHEDULING_SHRINK_H_
#define QUESTIONS_Q07_SCHEDULING_SHRINK_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// `fails(workload)` is asked `*attempts` times at most.
template <typename Fails>
bool LeaveOut(Workload* workload, auto Workload::*member, int* attempts, const Fails& fails) {
  bool changed = false;
  for (size_t chunk = std::max<size_t>(1, (workload->*member).size() / 2); chunk > 0; chunk /= 2) {
    for (size_t at = 0; at < (workload->*member).size();) {
      if (*attempts <= 0) return changed;
      --*attempts;
      Workload smaller = *workload;
      auto& items = smaller.*member;
      const auto from = items.begin() + static_cast<ptrdiff_t>(at);
      items.erase(from, from + static_cast<ptrdiff_t>(std::min(chunk, items.size() - at)));
      if (fails(smaller)) {
        *workload = std::move(smaller);
        changed = true;
      } else {
        at += chunk;
      }
    }
  }
  return changed;
}

template <typename Fails>
Workload Shrink(Workload workload, int attempts, const Fails& fails) {
  bool changed = true;
  while (changed && attempts > 0) {
    changed = LeaveOut(&workload, &Workload::jobs, &attempts, fails);
    changed = LeaveOut(&workload, &Workload::node_changes, &attempts, fails) || changed;
    changed = LeaveOut(&workload, &Workload::quota_changes, &attempts, fails) || changed;
    for (size_t i = 0; i < workload.jobs.size() && attempts > 0; ++i) {
      if (workload.jobs[i].failures.empty()) continue;
      --attempts;
      Workload smaller = workload;
      smaller.jobs[i].failures.clear();
      if (!fails(smaller)) continue;
      workload = std::move(smaller);
      changed = true;
    }
  }
  return workload;
}

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHRINK_H_
