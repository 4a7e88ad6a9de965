// threadIdx and the like. cuda_runtime.h has them, and is what translated code includes first.
#ifndef DEVICE_LAUNCH_PARAMETERS_H_
#define DEVICE_LAUNCH_PARAMETERS_H_

#include "cuda_runtime.h"

#endif  // DEVICE_LAUNCH_PARAMETERS_H_
