// cg::inclusive_scan and cg::exclusive_scan, for tiles and coalesced groups.
#ifndef CUDA_HOST_COOPERATIVE_GROUPS_SCAN_H_
#define CUDA_HOST_COOPERATIVE_GROUPS_SCAN_H_

#include <cooperative_groups/reduce.h>

namespace cooperative_groups {

template <typename Group, typename T, typename Operator>
auto inclusive_scan(const Group& group, T value, Operator&& op, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  const unsigned rank = group.thread_rank();
  for (unsigned distance = 1; distance < group.size(); distance *= 2) {
    const T other = group.shfl_up(value, distance, file, line);
    if (rank >= distance) value = op(other, value);
  }
  return value;
}
template <typename Group, typename T>
auto inclusive_scan(const Group& group, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return inclusive_scan(group, value, plus<T>(), file, line);
}
// Rank 0 gets T{}.
template <typename Group, typename T, typename Operator>
auto exclusive_scan(const Group& group, T value, Operator&& op, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  const T all = inclusive_scan(group, value, op, file, line);
  const T before = group.shfl_up(all, 1, file, line);
  return group.thread_rank() == 0 ? T{} : before;
}
template <typename Group, typename T>
auto exclusive_scan(const Group& group, T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return exclusive_scan(group, value, plus<T>(), file, line);
}

}  // namespace cooperative_groups

#endif  // CUDA_HOST_COOPERATIVE_GROUPS_SCAN_H_
