// CUDA splits this header in two; here all of it is in the other one.
#include "cuda_fp16.h"
