// Part C's cases. A run: SharingRules, whether a second scheduler follows the first one's run, a workload; the reply
// says whether a scheduler was made, where the second one differed, and what was decided. A creation: what
// q07_sharing_create makes of a configuration.
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_CASE_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/decision_log.h"
#include "questions/q07_scheduling/sharing_judge.h"
#include "questions/q07_scheduling/simulator.h"

namespace q07 {

struct SharingCase {
  SharingRules rules;
  bool twin = false;
  Workload workload;
};

struct SharingReply {
  bool created = false;
  bool twin_differs = false;
  std::string difference;
  RunnerReply run;
};

std::vector<std::byte> EncodeSharing(const SharingCase& one);
std::vector<std::byte> EncodeSharingCreate(const SharingCase& one);  // the same, and only a scheduler is made

// Without the RequestKind in front. False if the bytes are none.
bool DecodeSharing(std::span<const std::byte> bytes, SharingCase* one);

std::vector<std::byte> EncodeSharingReply(const SharingReply& reply);
bool DecodeSharingReply(std::span<const std::byte> bytes, SharingReply* reply);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_CASE_H_
