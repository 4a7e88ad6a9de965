// Races: two accesses to the same bytes, one of them a write, that nothing orders.
#include <algorithm>

#include "harness/host/check/checker.h"
#include "harness/host/check/hooks.h"

namespace cuda_host::check {

bool Checker::Ordered(const Who& who, uint32_t segment) const {
  if (who.block != nullptr) return clocks.OrderedBeforeThread(segment, *who.block, who.block->block->current());
  if (who.operation == 0) return clocks.OrderedBeforeHost(segment);
  return clocks.OrderedBeforeOperation(segment, who.before, who.operation);
}

void Checker::ReportRace(const Who& who, const Past& other, bool other_writes, uintptr_t address, size_t bytes,
                         bool write) {
  const auto pair = std::minmax(who.place, uint32_t{other.place});
  if (!told_races_.insert({pair.first, pair.second}).second) return;
  const Segment& mine = clocks.segment(who.segment);
  const Segment& theirs = clocks.segment(other.segment);
  const Block* const block = who.block != nullptr ? who.block->block : nullptr;
  const char* cause = "no stream, event or synchronisation orders the two";
  if (mine.operation == theirs.operation && who.block != nullptr) {
    cause = mine.block != theirs.block
                ? "blocks are ordered by atomics with fences, grid.sync() and the kernel's end only"
            : mine.thread / kWarpSize == theirs.thread / kWarpSize
                ? "lanes of a warp do not run in step: a __syncwarp() or __syncthreads() between the two is missing"
                : "a __syncthreads() between the two is missing";
  }
  Report("race on " + DescribeMemory(address, block) + ": " + clocks.Describe(who.segment) +
         (write ? " writes " : " reads ") + std::to_string(bytes) + (bytes == 1 ? " byte " : " bytes ") +
         DescribePlace(who.place) + "; " + clocks.Describe(other.segment) +
         (other_writes ? " wrote it " : " read it ") + DescribePlace(other.place) +
         ", and nothing orders the two: " + cause);
}

void Checker::RecordInCell(const Who& who, Cell* cell, uintptr_t address, size_t bytes, bool write, Flag flag) {
  const auto conflicts = [&](const Past& other) {
    if (other.segment == 0 || other.segment == who.segment || Ordered(who, other.segment)) return false;
    if (flag == Flag::kNone || other.flag == 0) return true;
    if (flag != Flag::kInWarp || other.in_warp == 0) return false;
    const Segment& a = clocks.segment(who.segment);
    const Segment& b = clocks.segment(other.segment);
    return a.operation == b.operation && a.block == b.block && a.thread / kWarpSize == b.thread / kWarpSize;
  };
  Past mine;
  mine.segment = who.segment;
  mine.place = who.place;
  mine.flag = flag != Flag::kNone ? 1 : 0;
  mine.in_warp = flag == Flag::kInWarp ? 1 : 0;
  if (conflicts(cell->write)) ReportRace(who, cell->write, true, address, bytes, write);
  if (write) {
    for (const Past& read : cell->reads) {
      if (conflicts(read)) {
        ReportRace(who, read, false, address, bytes, write);
        break;
      }
    }
    cell->write = mine;
    cell->reads[0] = cell->reads[1] = Past{};
    return;
  }
  // Two readers are remembered: of different threads, where there are such.
  Past* place = nullptr;
  for (Past& read : cell->reads) {
    if (read.segment == 0 || read.segment == who.segment || Ordered(who, read.segment)) {
      place = &read;
      break;
    }
  }
  *(place != nullptr ? place : &cell->reads[1]) = mine;
}

void Checker::Record(const Who& who, uintptr_t address, size_t bytes, bool write, Flag flag) {
  const uintptr_t end = address + bytes;
  for (uintptr_t at = address; at < end;) {
    Word& word = shadow.At(at);
    if (word.split == 0 && at % 4 == 0 && end - at >= 4) {
      RecordInCell(who, &word.cell, at, bytes, write, flag);
      at += 4;
      continue;
    }
    auto& cells = shadow.Split(&word);
    do {
      RecordInCell(who, &cells[at % 4], at, bytes, write, flag);
      ++at;
    } while (at < end && at % 4 != 0);
  }
}

void Checker::CheckDefined(uintptr_t address, size_t bytes, const void* caller, const Block* block) {
  for (uintptr_t at = address; at < address + bytes; ++at) {
    if ((shadow.At(at).defined >> at % 4 & 1) != 0) continue;
    AccuseOnce(caller, "uninitialised read: " + ::cuda_host::Place() + " reads " + std::to_string(bytes) +
                           (bytes == 1 ? " byte " : " bytes ") + DescribePlace(PlaceOf(caller)) + ", of which byte " +
                           std::to_string(at - address) + " has never been written, in " + DescribeMemory(at, block));
    return;
  }
}

}  // namespace cuda_host::check
