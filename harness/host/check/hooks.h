// What the executor tells the checks. Called only while check::g_enabled.
#ifndef HARNESS_HOST_CHECK_HOOKS_H_
#define HARNESS_HOST_CHECK_HOOKS_H_

#include <cstddef>
#include <cstdint>

#include "harness/host/executor/block.h"

namespace cuda_host::check {

// Set when code that was built with checks is loaded, and never unset.
extern bool g_enabled;

GridState* NewGrid(const Grid& grid);
void DeleteGrid(GridState* state);
BlockState* NewBlock(Block* block);
void DeleteBlock(BlockState* state);

// All threads of the block that have not exited have come to the barrier.
void OnBarrier(Block* block);
// A thread comes to a barrier at which the first thread waits elsewhere in the source.
void OnDivergentBarrier(Block* block, Site first, Site here);
// __syncwarp over `mask` is complete.
void OnSyncWarp(Block* block, uint32_t warp, uint32_t mask);
// All blocks of the grid have come; called for each block.
void OnGridSync(Block* block);
// `block_only`: __threadfence_block.
void OnFence(Block* block, bool block_only);
// An atomic operation by the running thread: ordered with other atomics on the same word.
enum class Access { kLoad, kStore, kReadModifyWrite };
void OnAtomic(const void* address, size_t bytes, Access access, const void* caller);
// Called when code that was built with checks is loaded.
void Enable();
// In front of a volatile read: whoever sets what it waits for.
void LetOthersRun(const void* caller);
void FenceHere();
// An array index that its type rules out; `data` is UBSan's description.
void OnIndex(const void* data, unsigned long index);
// The same for a pointer that is not aligned as its type wants.
void OnPointer(const void* data, unsigned long pointer);
void OnSharedVariable(Block* block, const Block::SharedVariable& variable);

}  // namespace cuda_host::check

#endif  // HARNESS_HOST_CHECK_HOOKS_H_
