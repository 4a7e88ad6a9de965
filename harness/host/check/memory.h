// What the runtime tells the checks about memory. Everything here does nothing unless code that was built with checks
// is loaded.
#ifndef HARNESS_HOST_CHECK_MEMORY_H_
#define HARNESS_HOST_CHECK_MEMORY_H_

#include <cstddef>
#include <string>

#include "harness/host/check/clock.h"

namespace cuda_host::check {

enum class MemoryKind {
  kDevice,   // cudaMalloc and friends: device code, and copies
  kPinned,   // cudaMallocHost, cudaHostRegister (defined from the start): host and device code
  kManaged,  // host and device code
  kPeer,     // another process's, mapped here: device code; contents unknown, hence taken for defined
};

// On: checked code is loaded.
bool Enabled();

// `api` is the call's name, for reports ("cudaMalloc"). Kept after OnFree, to tell a use after it.
void OnAllocate(const void* data, size_t bytes, MemoryKind kind, const char* api);
void OnFree(const void* data);

// Where the program called this library: the innermost return address outside of it. Null unless checks are on.
const void* HostCaller();

// Another process may map it from now on, and write to it unseen.
void OnExport(const void* data);
// A free of what no allocation gave, or of what has been freed.
void OnDoubleFree(const void* data, const char* api);

// A copy or fill that the runtime refuses: `bytes` where an allocation of `size` bytes has `left`.
void OnBadRange(size_t bytes, size_t left, size_t size);

// A copy or fill by `operation`, described by `api` ("cudaMemcpyAsync"): races and bounds are checked, and the target
// is as defined as the source (host memory that nobody allocated through CUDA: defined). Call it as it happens.
void OnCopy(const Operation& operation, const char* api, void* target, const void* source, size_t bytes);
void OnFill(const Operation& operation, const char* api, void* target, size_t bytes);

// The host has waited for something, or enqueued something: its accesses from here on are ordered behind `host_clock`,
// and are operation {0, number}.
void OnHost(const Operation& host);

// Reports every allocation that is still there. At the end of a process, or of a case.
void ReportLeaks();

}  // namespace cuda_host::check

#endif  // HARNESS_HOST_CHECK_MEMORY_H_
