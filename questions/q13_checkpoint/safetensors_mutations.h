// Files for f.fuzz: right ones, spelled as nobody spells them, and then damaged. A function of seed and index alone.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_MUTATIONS_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_MUTATIONS_H_

#include <cstdint>

#include "questions/q13_checkpoint/safetensors_judge.h"

namespace q13 {

JudgedFile FuzzFile(uint64_t seed, uint64_t index);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_MUTATIONS_H_
