// What a test of the transports asks of its ranks.
#ifndef HARNESS_TESTING_TRANSPORT_CASE_H_
#define HARNESS_TESTING_TRANSPORT_CASE_H_

#include <cstdint>

#include "harness/transport/judge_options.h"

namespace workbench {

struct TransportCase {
  char name[32] = "";  // of a scenario in transport_rank_program.cc
  uint32_t judge = 1;  // run it over JudgeTransport; 0: over MpiTransport
  JudgeOptions options;
};

struct TransportReply {
  JudgeCounts counts;
  char trouble[200] = "";  // empty: the scenario saw what it should
};

}  // namespace workbench

#endif  // HARNESS_TESTING_TRANSPORT_CASE_H_
