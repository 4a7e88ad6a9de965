#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/planes/planes.cuh"
#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"

namespace kernels {
namespace {

std::vector<uint8_t> RandomBytes(size_t count, uint64_t seed) {
  Sequence sequence(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(sequence.Bits());
  return bytes;
}

std::vector<uint8_t> PlanesOf(const std::vector<uint8_t>& elements, size_t bytes) {
  const size_t count = elements.size() / bytes;
  std::vector<uint8_t> planes(elements.size());
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < bytes; ++j) planes[j * count + i] = elements[i * bytes + j];
  }
  return planes;
}

// Both ways, the elements `element_offset` bytes and the planes `plane_offset` bytes behind an aligned address.
void Check(size_t count, int bytes, size_t element_offset, size_t plane_offset) {
  SCOPED_TRACE(testing::Message() << count << " elements of " << bytes << " bytes, " << element_offset << " and "
                                  << plane_offset << " bytes off");
  const std::vector<uint8_t> elements = RandomBytes(count * static_cast<size_t>(bytes), count + element_offset);
  const std::vector<uint8_t> planes = PlanesOf(elements, static_cast<size_t>(bytes));
  {
    DeviceArray<uint8_t> in(elements, element_offset), out(elements.size(), plane_offset);
    ASSERT_EQ(SplitPlanes(in.data(), count, bytes, out.data(), nullptr), cudaSuccess);
    EXPECT_EQ(out.Read(), planes);
    EXPECT_EQ(in.Read(), elements);
  }
  DeviceArray<uint8_t> in(planes, plane_offset), out(elements.size(), element_offset);
  ASSERT_EQ(JoinPlanes(in.data(), count, bytes, out.data(), nullptr), cudaSuccess);
  EXPECT_EQ(out.Read(), elements);
}

class PlanesTest : public testing::TestWithParam<int> {};

TEST_P(PlanesTest, EverySizeAroundAGroup) {
  for (size_t count = 0; count <= 20; ++count) Check(count, GetParam(), 0, 0);
  for (const size_t count : {127, 128, 129, 130, 131, 132, 255, 256, 257, 511, 1023, 1024, 1025, 4097}) {
    Check(count, GetParam(), 0, 0);
  }
}

TEST_P(PlanesTest, EveryAlignment) {
  const auto bytes = static_cast<size_t>(GetParam());
  for (size_t element = 0; element < 16; element += bytes) {
    for (size_t plane = 0; plane < 4; ++plane) {
      for (const size_t count : {300, 301, 302, 303}) Check(count, GetParam(), element, plane);
    }
  }
}

TEST_P(PlanesTest, ElementsThatAreNotAligned) {
  for (const size_t offset : {1, 3, 7}) Check(1001, GetParam(), offset, 2);
}

TEST_P(PlanesTest, ManyBlocks) {
  Check(100000, GetParam(), 0, 0);
  Check(50003, GetParam(), static_cast<size_t>(GetParam()), 1);
}

INSTANTIATE_TEST_SUITE_P(Widths, PlanesTest, testing::Values(1, 2, 4, 8));

TEST(PlanesArgumentsTest, OtherWidthsAreRefused) {
  DeviceArray<uint8_t> in(64), out(64);
  for (const int bytes : {-1, 0, 3, 5, 6, 7, 16}) {
    EXPECT_EQ(SplitPlanes(in.data(), 2, bytes, out.data(), nullptr), cudaErrorInvalidValue);
    EXPECT_EQ(JoinPlanes(in.data(), 2, bytes, out.data(), nullptr), cudaErrorInvalidValue);
  }
}

TEST(PlanesArgumentsTest, NothingFromNowhere) {
  for (const int bytes : {1, 2, 4, 8}) {
    EXPECT_EQ(SplitPlanes(nullptr, 0, bytes, nullptr, nullptr), cudaSuccess);
    EXPECT_EQ(JoinPlanes(nullptr, 0, bytes, nullptr, nullptr), cudaSuccess);
  }
}

}  // namespace
}  // namespace kernels
