// Files that are not what was written: bits changed, cut short, lengthened, made up.
#ifndef QUESTIONS_Q13_CHECKPOINT_DAMAGED_FILES_H_
#define QUESTIONS_Q13_CHECKPOINT_DAMAGED_FILES_H_

#include <cstdint>
#include <functional>
#include <string>

#include "harness/files/memory_io.h"

namespace q13 {

using DamageVisitor =
    std::function<void(const workbench::FileTree& tree, const std::function<std::string()>& describe)>;

// Every bit of every file, one at a time, or `most` of them at random when there are more; every length that is shorter
// (or some of them), and a few longer ones.
void ForEachFlip(const workbench::FileTree& tree, uint64_t seed, int64_t most, const DamageVisitor& visit);

// Every file emptied, filled with noise or one value, and with each field of 4 and 8 bytes set to numbers that are too
// large (at most `most` in all).
void ForEachGarbage(const workbench::FileTree& tree, uint64_t seed, int64_t most, const DamageVisitor& visit);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_DAMAGED_FILES_H_
