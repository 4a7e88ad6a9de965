// Part b's checks are in two files.
#ifndef QUESTIONS_Q13_CHECKPOINT_CHECKS_DURABLE_H_
#define QUESTIONS_Q13_CHECKPOINT_CHECKS_DURABLE_H_

#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/checks.h"

namespace q13 {

void AddDurableFaultChecks(std::vector<workbench::Check>* checks);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CHECKS_DURABLE_H_
