// cg::reduce and its operators, for tiles and coalesced groups.
#ifndef CUDA_HOST_COOPERATIVE_GROUPS_REDUCE_H_
#define CUDA_HOST_COOPERATIVE_GROUPS_REDUCE_H_

#include <cooperative_groups.h>

namespace cooperative_groups {

#define CUDA_HOST_OPERATOR(name, expression)            \
  template <typename T>                                 \
  struct name {                                         \
    T operator()(T a, T b) const { return expression; } \
  };
CUDA_HOST_OPERATOR(plus, static_cast<T>(a + b))
CUDA_HOST_OPERATOR(less, (b < a ? b : a))
CUDA_HOST_OPERATOR(greater, (a < b ? b : a))
CUDA_HOST_OPERATOR(bit_and, static_cast<T>(a& b))
CUDA_HOST_OPERATOR(bit_or, static_cast<T>(a | b))
CUDA_HOST_OPERATOR(bit_xor, static_cast<T>(a ^ b))
#undef CUDA_HOST_OPERATOR

// The same value in every member. Combined in the order of ranks.
template <typename Group, typename T, typename Operator>
auto reduce(const Group& group, T value, Operator&& op, const char* file = __builtin_FILE(),
            int line = __builtin_LINE()) {
  const unsigned n = group.size();
  T result = group.shfl(value, 0, file, line);
  for (unsigned rank = 1; rank < n; ++rank) {
    const T other = group.shfl(value, static_cast<int>(rank), file, line);
    result = op(result, other);
  }
  return result;
}

}  // namespace cooperative_groups

#endif  // CUDA_HOST_COOPERATIVE_GROUPS_REDUCE_H_
