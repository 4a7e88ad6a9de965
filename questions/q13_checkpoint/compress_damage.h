// Streams that q13_compress has not made, from one that it has.
#ifndef QUESTIONS_Q13_CHECKPOINT_COMPRESS_DAMAGE_H_
#define QUESTIONS_Q13_CHECKPOINT_COMPRESS_DAMAGE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/compress_case.h"

namespace q13 {

// One damaged stream after the other, none of which is call.stream. `what` says what was done to it.
using DamageVisit = std::function<void(const std::vector<std::byte>& stream, const std::function<std::string()>& what)>;
void ForEachDamage(const DamageCall& call, const DamageVisit& visit);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_COMPRESS_DAMAGE_H_
