// Block's warp functions.
#include <cstdio>
#include <memory>
#include <string>

#include "harness/host/check/hooks.h"
#include "harness/host/executor/block.h"
#include "harness/host/executor/device_entry.h"
#include "harness/host/executor/progress.h"

namespace cuda_host {

void Block::RefuseMask(uint32_t mask, Site site) {
  char text[64];
  std::snprintf(text, sizeof text, "0x%08x does not name the calling lane %u", mask, run_.thread % kWarpSize);
  Report("invalid mask: " + Place() + " at " + site.file + ":" + std::to_string(site.line) + ": " + text);
  Fail(cudaErrorLaunchFailure);
}

// The open operation of this mask and kind, or a new one.
WarpOperation* Block::Find(Warp* warp, uint32_t mask, int kind, Site site) {
  WarpOperation* unused = nullptr;
  for (const auto& candidate : warp->operations) {
    if (candidate->IsOpenTo(mask, kind)) return candidate.get();
    if (candidate->free) unused = candidate.get();
  }
  if (unused == nullptr) {
    warp->operations.push_back(std::make_unique<WarpOperation>());
    unused = warp->operations.back().get();
  }
  unused->free = unused->complete = false;
  unused->mask = mask;
  unused->kind = kind;
  unused->arrived = 0;
  unused->site = site;
  return unused;
}

WarpOperation* Block::Arrive(uint32_t mask, int kind, uint64_t value, Site site) {
  Settle();
  Warp& warp = warps_[run_.thread / kWarpSize];
  const uint32_t lane = run_.thread % kWarpSize;
  const uint32_t bit = 1u << lane;
  if ((mask & bit) == 0) RefuseMask(mask, site);
  WarpOperation* operation = warp.latest;
  if (operation == nullptr || !operation->IsOpenTo(mask, kind)) warp.latest = operation = Find(&warp, mask, kind, site);
  operation->values[lane] = value;
  operation->arrived |= bit;
  Wait(site);
  warp.in_operation |= bit;
  if (!AllArrived(warp, *operation)) {
    SwitchAway();
  } else {
    CompleteOperation(&warp, operation);
    warp.runnable &= ~bit;  // this one goes on at once
  }
  return operation;
}

void Block::CompleteOperation(Warp* warp, WarpOperation* operation) {
  NoteProgress();
  operation->complete = true;
  operation->to_read = operation->arrived;
  warp->in_operation &= ~operation->arrived;
  warp->runnable |= operation->arrived;
  const uint32_t index = static_cast<uint32_t>(warp - warps_.data());
  ready_warps_ |= 1u << index;
  if (check::g_enabled && operation->kind == kSyncWarpKind) check::OnSyncWarp(this, index, operation->arrived);
}

uint32_t Block::Active(Site site) {
  Settle();
  Warp& warp = warps_[run_.thread / kWarpSize];
  warp.at_active |= 1u << (run_.thread % kWarpSize);
  Wait(site);
  ready_warps_ |= 1u << (run_.thread / kWarpSize);
  SwitchAway();
  return lanes_[run_.thread].active;
}

}  // namespace cuda_host
