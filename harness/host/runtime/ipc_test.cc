// Two processes: the child is made before either uses CUDA, and asserts by its exit status.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

#include "cuda.h"
#include "harness/host/runtime/test_kernels.h"

namespace cuda_host {
namespace {

// What the two say to each other.
class Link {
 public:
  explicit Link(int fd) : fd_(fd) {}
  template <typename T>
  void Send(const T& value) {
    ASSERT_EQ(write(fd_, &value, sizeof value), static_cast<ssize_t>(sizeof value));
  }
  template <typename T>
  T Receive() {
    T value{};
    EXPECT_EQ(read(fd_, &value, sizeof value), static_cast<ssize_t>(sizeof value));
    return value;
  }
  void SendDescriptor(int descriptor) {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    ASSERT_EQ(sendmsg(fd_, &message, 0), 1);
  }
  int ReceiveDescriptor() {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    EXPECT_EQ(recvmsg(fd_, &message, 0), 1);
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
  }

 private:
  int fd_;
};

// Runs each in a process of its own; neither is this one, which so never starts a thread.
void TwoProcesses(const std::function<void(Link)>& first, const std::function<void(Link)>& second) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  pid_t children[2];
  for (int i = 0; i < 2; ++i) {
    children[i] = fork();
    ASSERT_GE(children[i], 0);
    if (children[i] != 0) continue;
    close(fds[1 - i]);
    (i == 0 ? first : second)(Link(fds[i]));
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  close(fds[0]);
  close(fds[1]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

constexpr int kCount = 1000;

TEST(IpcTest, MemoryIsSharedBothWays) {
  TwoProcesses(
      [](Link link) {
        int* small = nullptr;
        int* data = nullptr;
        ASSERT_CUDA(cudaMalloc(&small, 300));
        ASSERT_CUDA(cudaMalloc(&data, kCount * sizeof(int)));
        ASSERT_CUDA(cudaMemset(data, 1, kCount * sizeof(int)));
        ASSERT_CUDA(cudaDeviceSynchronize());
        cudaIpcMemHandle_t handle;
        ASSERT_CUDA(cudaIpcGetMemHandle(&handle, data + 3));  // stands for the whole allocation
        void* own = nullptr;
        EXPECT_EQ(cudaIpcOpenMemHandle(&own, handle, cudaIpcMemLazyEnablePeerAccess), cudaErrorDeviceUninitialized);
        EXPECT_EQ(cudaGetLastError(), cudaErrorDeviceUninitialized);
        link.Send(handle);
        EXPECT_EQ(link.Receive<int>(), 0x01010101);
        int last = 0;
        ASSERT_CUDA(cudaMemcpy(&last, data + kCount - 1, sizeof last, cudaMemcpyDeviceToHost));
        EXPECT_EQ(last, 77);
        // A kernel here waits for a flag that the other process sets.
        ASSERT_CUDA(cudaMemset(data, 0, 2 * sizeof(int)));
        ASSERT_CUDA(LaunchOne(nullptr, &AwaitFlag, static_cast<volatile int*>(data), data + 1));
        link.Send(0);
        ASSERT_CUDA(cudaMemcpy(&last, data + 1, sizeof last, cudaMemcpyDeviceToHost));
        EXPECT_EQ(last, 5);
        EXPECT_EQ(link.Receive<int>(), 0);
        EXPECT_CUDA(cudaFree(data));
        EXPECT_CUDA(cudaFree(small));
      },
      [](Link link) {
        const auto handle = link.Receive<cudaIpcMemHandle_t>();
        int* data = nullptr;
        int* again = nullptr;
        ASSERT_CUDA(cudaIpcOpenMemHandle(reinterpret_cast<void**>(&data), handle, cudaIpcMemLazyEnablePeerAccess));
        ASSERT_CUDA(cudaIpcOpenMemHandle(reinterpret_cast<void**>(&again), handle, cudaIpcMemLazyEnablePeerAccess));
        EXPECT_EQ(data, again);
        EXPECT_CUDA(cudaIpcCloseMemHandle(again));
        int first = 0;
        ASSERT_CUDA(cudaMemcpy(&first, data, sizeof first, cudaMemcpyDeviceToHost));
        EXPECT_EQ(cudaMemcpy(&first, data + kCount, sizeof first, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
        EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
        ASSERT_CUDA(LaunchOne(nullptr, &Set, data + kCount - 1, 77));
        ASSERT_CUDA(cudaDeviceSynchronize());
        link.Send(first);
        (void)link.Receive<int>();
        ASSERT_CUDA(LaunchOne(nullptr, &Set, data, 5));  // nobody here waits for it
        link.Send(0);
        usleep(1000);
        EXPECT_CUDA(cudaIpcCloseMemHandle(data));
        EXPECT_EQ(cudaIpcCloseMemHandle(data), cudaErrorInvalidValue);
      });
}

TEST(IpcTest, AHandleOfAProcessThatHasEndedIsRefused) {
  TwoProcesses(
      [](Link link) {
        int* data = nullptr;
        cudaIpcMemHandle_t handle;
        ASSERT_CUDA(cudaMalloc(&data, 4));
        ASSERT_CUDA(cudaIpcGetMemHandle(&handle, data));
        reinterpret_cast<int*>(&handle)[1] = 0x3fffffff;  // no such process
        link.Send(handle);
        EXPECT_EQ(cudaIpcGetMemHandle(&handle, &handle), cudaErrorInvalidValue);
      },
      [](Link link) {
        const auto handle = link.Receive<cudaIpcMemHandle_t>();
        void* data = nullptr;
        EXPECT_EQ(cudaIpcOpenMemHandle(&data, handle, cudaIpcMemLazyEnablePeerAccess), cudaErrorInvalidResourceHandle);
        EXPECT_EQ(cudaIpcOpenMemHandle(&data, handle, 0), cudaErrorInvalidValue);
        EXPECT_EQ(cudaIpcOpenMemHandle(&data, {}, cudaIpcMemLazyEnablePeerAccess), cudaErrorInvalidValue);
        EXPECT_NE(TakeFindings().find("cannot map process"), std::string::npos);
      });
}

TEST(IpcTest, AnEventOrdersStreamsOfTwoProcesses) {
  TwoProcesses(
      [](Link link) {
        cudaEvent_t event;
        cudaIpcEventHandle_t handle;
        cudaIpcMemHandle_t memory;
        int* data = nullptr;
        ASSERT_CUDA(cudaMalloc(&data, 4));
        ASSERT_CUDA(cudaEventCreateWithFlags(&event, cudaEventInterprocess | cudaEventDisableTiming));
        ASSERT_CUDA(cudaIpcGetEventHandle(&handle, event));
        ASSERT_CUDA(cudaIpcGetMemHandle(&memory, data));
        ASSERT_CUDA(LaunchOne(nullptr, &Set, data, 9));
        ASSERT_CUDA(cudaEventRecord(event));
        link.Send(handle);
        link.Send(memory);
        EXPECT_EQ(link.Receive<int>(), 9);
      },
      [](Link link) {
        const auto handle = link.Receive<cudaIpcEventHandle_t>();
        const auto memory = link.Receive<cudaIpcMemHandle_t>();
        cudaEvent_t event;
        int* data = nullptr;
        int value = 0;
        ASSERT_CUDA(cudaIpcOpenEventHandle(&event, handle));
        ASSERT_CUDA(cudaIpcOpenMemHandle(reinterpret_cast<void**>(&data), memory, cudaIpcMemLazyEnablePeerAccess));
        ASSERT_CUDA(cudaStreamWaitEvent(nullptr, event));
        ASSERT_CUDA(cudaMemcpy(&value, data, sizeof value, cudaMemcpyDeviceToHost));
        EXPECT_CUDA(cudaEventSynchronize(event));
        link.Send(value);
      });
}

TEST(IpcTest, PhysicalMemoryIsSharedByDescriptor) {
  constexpr size_t kBytes = size_t{2} << 20;
  const auto map = [](CUmemGenericAllocationHandle handle) {
    CUdeviceptr address = 0;
    EXPECT_EQ(cuMemAddressReserve(&address, 2 * kBytes, 0, 0, 0), CUDA_SUCCESS);
    EXPECT_EQ(address % kBytes, 0u);
    EXPECT_EQ(cuMemMap(address + kBytes, kBytes, 0, handle, 0), CUDA_SUCCESS);
    const CUmemAccessDesc access{{CU_MEM_LOCATION_TYPE_DEVICE, 0}, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    EXPECT_EQ(cuMemSetAccess(address + kBytes, kBytes, &access, 1), CUDA_SUCCESS);
    return reinterpret_cast<int*>(address + kBytes);
  };
  const auto unmap = [](int* data) {
    const auto address = reinterpret_cast<CUdeviceptr>(data);
    EXPECT_EQ(cuMemAddressFree(address - kBytes, 2 * kBytes), CUDA_ERROR_INVALID_VALUE);  // still mapped
    EXPECT_EQ(cuMemUnmap(address, kBytes), CUDA_SUCCESS);
    EXPECT_EQ(cuMemUnmap(address, kBytes), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(cuMemAddressFree(address - kBytes, 2 * kBytes), CUDA_SUCCESS);
  };
  TwoProcesses(
      [&](Link link) {
        CUmemAllocationProp properties{};
        properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
        properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
        properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
        size_t granularity = 0;
        ASSERT_EQ(cuMemGetAllocationGranularity(&granularity, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
                  CUDA_SUCCESS);
        ASSERT_EQ(granularity, kBytes);
        CUmemGenericAllocationHandle handle = 0;
        EXPECT_EQ(cuMemCreate(&handle, kBytes - 4096, &properties, 0), CUDA_ERROR_INVALID_VALUE);
        ASSERT_EQ(cuMemCreate(&handle, kBytes, &properties, 0), CUDA_SUCCESS);
        int* const data = map(handle);
        ASSERT_CUDA(LaunchOne(nullptr, &Set, data, 4));
        ASSERT_CUDA(cudaDeviceSynchronize());
        int descriptor = -1;
        ASSERT_EQ(cuMemExportToShareableHandle(&descriptor, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0),
                  CUDA_SUCCESS);
        link.SendDescriptor(descriptor);
        close(descriptor);
        EXPECT_EQ(link.Receive<int>(), 4);
        EXPECT_EQ(cuMemRelease(handle), CUDA_SUCCESS);
        EXPECT_EQ(cuMemRelease(handle), CUDA_ERROR_INVALID_VALUE);
        unmap(data);
        size_t free = 0, total = 0;
        ASSERT_CUDA(cudaMemGetInfo(&free, &total));
        EXPECT_EQ(free, total);
      },
      [&](Link link) {
        const int descriptor = link.ReceiveDescriptor();
        CUmemGenericAllocationHandle handle = 0;
        ASSERT_EQ(cuMemImportFromShareableHandle(&handle, reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)),
                                                 CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
                  CUDA_SUCCESS);
        close(descriptor);
        int* const data = map(handle);
        int value = 0;
        ASSERT_CUDA(cudaMemcpy(&value, data, sizeof value, cudaMemcpyDeviceToHost));
        link.Send(value);
        unmap(data);
        EXPECT_EQ(cuMemRelease(handle), CUDA_SUCCESS);
        void* function = nullptr;
        cudaDriverEntryPointQueryResult found;
        ASSERT_CUDA(cudaGetDriverEntryPoint("cuMemMap", &function, 0, &found));
        EXPECT_EQ(function, reinterpret_cast<void*>(&cuMemMap));
        const char* text = nullptr;
        EXPECT_EQ(cuGetErrorName(CUDA_ERROR_NOT_FOUND, &text), CUDA_SUCCESS);
        EXPECT_STREQ(text, "CUDA_ERROR_NOT_FOUND");
      });
}

}  // namespace
}  // namespace cuda_host
