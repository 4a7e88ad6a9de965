// What `extern __shared__ T name[]` outside a function becomes. Not for use by hand.
#ifndef CUDA_HOST_DYNAMIC_SHARED_H_
#define CUDA_HOST_DYNAMIC_SHARED_H_

#include <cstddef>
#include <type_traits>

#include "cuda_host/launch.h"

namespace cuda_host {

// Each block has its own, so the variable only knows the way. The translator writes name.array() where the name is used
// in a function; where it cannot tell (a macro's text, a class with a member of that name), a conversion has to do.
template <typename Variable, size_t kAlignment>
struct DynamicSharedVariable {
  Variable& array() const { return *reinterpret_cast<Variable*>(DynamicShared(kAlignment)); }
  // To a pointer, as an array's name.
  operator auto() const {
    if constexpr (std::is_array_v<Variable>) {
      return &array()[0];
    } else {
      return array();
    }
  }
};

}  // namespace cuda_host

#endif  // CUDA_HOST_DYNAMIC_SHARED_H_
