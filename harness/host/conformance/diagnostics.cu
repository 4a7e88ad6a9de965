// printf, assert, traps, clocks. What ends the context runs in a child.
#undef NDEBUG
#include <cassert>
#include <cstdio>

#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Prints(int base) {
  if (threadIdx.x != 1) return;
  printf("block %d of %u: %5.2f %s|%-4d|%04x %c %lld %%\n", base + int(blockIdx.x), gridDim.x, blockIdx.x * 1.5, "text",
         42, 0xbeefu, 'z', 1ll << 40);
}

CONFORMANCE_CHILD(diagnostics, printing) {
  Prints<<<3, 2>>>(10);
  return cudaDeviceSynchronize() == cudaSuccess ? 0 : 3;
}

CONFORMANCE_CASE(diagnostics, printf, "printf from kernels: formats as in C, one line for each call") {
  const ChildResult result = RunChild("diagnostics/printing");
  EXPECT_CHILD_PASSED(result);
  for (const char* line : {"block 10 of 3:  0.00 text|42  |beef z 1099511627776 %\n",
                           "block 11 of 3:  1.50 text|42  |beef z 1099511627776 %\n",
                           "block 12 of 3:  3.00 text|42  |beef z 1099511627776 %\n"}) {
    if (result.output.find(line) == std::string::npos) EXPECT_EQ(result.output, std::string(line));
  }
}

__global__ void PrintOrder() {
  for (int i = 0; i < 5; ++i) printf("<%d>", i);
}

CONFORMANCE_CHILD(diagnostics, print_order) {
  PrintOrder<<<1, 1>>>();
  if (cudaDeviceSynchronize() != cudaSuccess) return 3;
  std::printf("host\n");
  PrintOrder<<<1, 1>>>();
  return cudaDeviceSynchronize() == cudaSuccess ? 0 : 3;
}

CONFORMANCE_CASE(diagnostics, printf_order,
                 "a thread's lines come in order, and before what the host prints after a synchronisation") {
  const ChildResult result = RunChild("diagnostics/print_order");
  EXPECT_CHILD_PASSED(result);
  EXPECT_EQ(result.output, std::string("<0><1><2><3><4>host\n<0><1><2><3><4>"));
}

__global__ void Asserts(const int* values) { assert(values[threadIdx.x] < 40 && "too large"); }

// A sticky error: the context is lost, and every call that needs it says so.
bool Sticky(cudaError_t error) {
  void* memory = nullptr;
  const cudaError_t said[] = {cudaDeviceSynchronize(), cudaMalloc(&memory, 16), cudaMemset(memory, 0, 4),
                              cudaStreamSynchronize(nullptr), cudaPeekAtLastError()};
  bool all = true;
  for (const cudaError_t each : said) {
    if (each != error) std::fprintf(stderr, "said %s\n", cudaGetErrorName(each));
    all = all && each == error;
  }
  return all;
}

CONFORMANCE_CHILD(diagnostics, assertion) {
  std::vector<int> host(64);
  for (int i = 0; i < 64; ++i) host[i] = i;
  host[41] = arguments[0] == "fails" ? 41 : 0;
  for (int i = 40; i < 64; ++i) host[i] = i == 41 ? host[i] : 0;
  int* values = nullptr;
  if (cudaMalloc(reinterpret_cast<void**>(&values), 64 * sizeof(int)) != cudaSuccess) return 3;
  if (cudaMemcpy(values, host.data(), 64 * sizeof(int), cudaMemcpyHostToDevice) != cudaSuccess) return 3;
  Asserts<<<1, 64>>>(values);
  const cudaError_t error = cudaDeviceSynchronize();
  if (arguments[0] != "fails") return error == cudaSuccess ? 0 : 4;
  return error == cudaErrorAssert && Sticky(cudaErrorAssert) ? 0 : 5;
}

CONFORMANCE_CASE(diagnostics, assert_holds, "an assert that holds does nothing") {
  EXPECT_CHILD_PASSED(RunChild("diagnostics/assertion", {"holds"}));
}
CONFORMANCE_CASE(diagnostics, assert_fails,
                 "a failed assert: its text, block and thread on stderr, cudaErrorAssert for ever after") {
  const ChildResult result = RunChild("diagnostics/assertion", {"fails"});
  EXPECT_CHILD_PASSED(result);
  for (const char* part : {"diagnostics.cu:", "too large", "block: [0,0,0], thread: [41,0,0]"}) {
    if (result.errors.find(part) == std::string::npos) EXPECT_EQ(result.errors, std::string(part));
  }
  EXPECT(result.errors.find("thread: [40,0,0]") == std::string::npos);
}

__global__ void Traps(int* out) {
  if (threadIdx.x == 3) __trap();
  out[threadIdx.x] = 1;
}

CONFORMANCE_CHILD(diagnostics, trap) {
  int* out = nullptr;
  if (cudaMalloc(reinterpret_cast<void**>(&out), 64 * sizeof(int)) != cudaSuccess) return 3;
  Traps<<<1, 32>>>(out);
  const cudaError_t error = cudaDeviceSynchronize();
  std::fprintf(stderr, "first %s\n", cudaGetErrorName(error));
  return error == cudaErrorLaunchFailure && Sticky(cudaErrorLaunchFailure) ? 0 : 4;
}

CONFORMANCE_CASE(diagnostics, trap, "__trap() ends the kernel with a sticky cudaErrorLaunchFailure") {
  EXPECT_CHILD_PASSED(RunChild("diagnostics/trap"));
}

__global__ void WritesTo(int* address) { address[threadIdx.x] = 1; }

CONFORMANCE_CHILD(diagnostics, bad_address) {
  WritesTo<<<1, 32>>>(nullptr);
  return cudaDeviceSynchronize() == cudaErrorIllegalAddress && Sticky(cudaErrorIllegalAddress) ? 0 : 4;
}

CONFORMANCE_CASE(diagnostics, null_pointer, "a write through a null pointer is a sticky cudaErrorIllegalAddress") {
  EXPECT_CHILD_PASSED(RunChild("diagnostics/bad_address"));
}

__global__ void Clocks(long long* out, int* wrong) {
  long long last = clock64();
  for (int i = 0; i < 100; ++i) {
    const long long now = clock64();
    if (now < last) atomicAdd(wrong, 1);
    last = now;
  }
  const long long before = clock64();
  unsigned long long mix = threadIdx.x;
  for (int i = 0; i < 100; ++i) mix = Mix(mix);
  const long long after = clock64();
  out[threadIdx.x] = after > before ? 1 : int(mix == 0);
}

CONFORMANCE_CASE(diagnostics, clock64, "clock64 does not go back, and moves on while a thread works") {
  Device<long long> out(64);
  Device<int> wrong(std::vector<int>(1, 0));
  Clocks<<<1, 64>>>(out.data(), wrong.data());
  EXPECT_EACH(out.Get(), i, 1ll);
  EXPECT_EQ(wrong.Get()[0], 0);
}

__global__ void Sleeps(volatile int* flag, long long* waited) {
  if (threadIdx.x == 0) {
    const long long start = clock64();
    while (*flag == 0) __nanosleep(100);
    *waited = clock64() - start;
  } else if (threadIdx.x == 32) {
    __nanosleep(1000);
    *flag = 1;
  }
}

CONFORMANCE_CASE(diagnostics, nanosleep, "__nanosleep in a loop that waits for another warp") {
  Device<int> flag(std::vector<int>(1, 0));
  Device<long long> waited(std::vector<long long>(1, 0));
  Sleeps<<<1, 64>>>(flag.data(), waited.data());
  EXPECT(waited.Get()[0] > 0);
}

}  // namespace
