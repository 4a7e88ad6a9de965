// cg::memcpy_async and cg::wait: the group copies at once, and waiting is the group's barrier.
#ifndef CUDA_HOST_COOPERATIVE_GROUPS_MEMCPY_ASYNC_H_
#define CUDA_HOST_COOPERATIVE_GROUPS_MEMCPY_ASYNC_H_

#include <cooperative_groups.h>

namespace cooperative_groups {

template <typename Group, typename T>
void memcpy_async(const Group& group, T* target, const T* source, size_t bytes) {
  auto* const to = reinterpret_cast<unsigned char*>(target);
  const auto* const from = reinterpret_cast<const unsigned char*>(source);
  for (size_t i = group.thread_rank(); i < bytes; i += group.size()) to[i] = from[i];
}
template <typename Group>
void wait(const Group& group, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  group.sync(file, line);
}

}  // namespace cooperative_groups

#endif  // CUDA_HOST_COOPERATIVE_GROUPS_MEMCPY_ASYNC_H_
