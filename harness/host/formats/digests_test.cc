// Our headers give the bits that NVIDIA's give.
//
// The constants are what digests.h computes with the host versions in the headers of CUDA 13.0 (g++ 12, x86-64). To
// make them anew, compile a program that prints AllDigests() with CUDA's include folder in place of ours.
#include "harness/host/formats/digests.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

namespace {

const std::pair<const char*, uint64_t> kReference[] = {
    {"half from float rn", 0xd6d9d149da119468},
    {"half from float rz", 0xcca7dc4084fb0cc3},
    {"half from float ru", 0x1df20d252e44f64c},
    {"half from float rd", 0x3adad25d9ec4c8b2},
    {"half from double", 0x36216974850f77dc},
    {"bfloat16 from float rn", 0x520456da44aae9c7},
    {"bfloat16 from float rz", 0x3632f814de8f9540},
    {"bfloat16 from float ru", 0x089e9f2845506f74},
    {"bfloat16 from float rd", 0x584cd30d8563db94},
    {"bfloat16 from double", 0x6e5b6a65dfdbfe00},
    {"half from integers", 0x8264291a7ecd72d1},
    {"bfloat16 from integers", 0x2a8df43d666e516a},
    {"half to float", 0xe39a818dcbaab986},
    {"bfloat16 to float", 0x6687ce7370099af3},
    {"half abs, neg", 0xbb0718ec168b6b4e},
    {"half isnan, isinf", 0xa20e38e72301ca1b},
    {"half to integers", 0xff25330e93977259},
    {"half add", 0x1d5a1780133a6660},
    {"half sub", 0x58bf176cf151a1e6},
    {"half mul", 0xf9ab18ae2b530382},
    {"half div", 0x8a417432a1a7eb1c},
    {"half saturated", 0x0058bc8889f92ffc},
    {"half max, min", 0x88f7de3b5f3fee36},
    {"half comparisons", 0xa23436a585bbe77f},
    {"half pairs", 0xa39dbfc7a2ecae23},
    {"bfloat16 abs, neg", 0xae8dbd9fb2b45377},
    {"bfloat16 isnan, isinf", 0x81caf94f1a24c218},
    {"bfloat16 to integers", 0xa1f3d3a93ac2f328},
    {"bfloat16 add", 0x087854709bc98e06},
    {"bfloat16 sub", 0x0623febbc60bf299},
    {"bfloat16 mul", 0x90dbab78e4773a5a},
    {"bfloat16 div", 0x707239467e64c908},
    {"bfloat16 saturated", 0x1d074ab9c5e5a4c6},
    {"bfloat16 max, min", 0x7aec086d6c51825a},
    {"bfloat16 comparisons", 0x4a02d51b152f6f74},
    {"bfloat16 pairs", 0x8bcfd98e31bbce88},
    {"e4m3 from float", 0xcee340d3c313fa11},
    {"e4m3 from double", 0x9c51f413ee52e95c},
    {"e4m3 from half, bfloat16", 0x621763a1a61cf00a},
    {"e4m3 to half", 0x8891f4c80fd1bdb9},
    {"e5m2 from float", 0xc31c18e7d91fa6b7},
    {"e5m2 from double", 0xcb2d1f95cd4d0264},
    {"e5m2 from half, bfloat16", 0x9bf722fe64b8e969},
    {"e5m2 to half", 0x163e9cee931356d0},
    {"e8m0", 0x171baab612625ace},
    {"e4m3 class, conversions to it", 0x406dc9ccf99622fa},
    {"e4m3 class, conversions from it", 0x81e5538de559e8cf},
    {"e5m2 class, conversions to it", 0x07ad55f7f34395c2},
    {"e5m2 class, conversions from it", 0xf2b7ab098cc59451},
    {"e8m0 class, conversions to it", 0x6dda218e35c5174e},
    {"e8m0 class, conversions from it", 0x028f4f878cd2e500},
};

TEST(DigestsTest, AreThoseOfCudasHeaders) {
  const workbench::host::Digests digests = workbench::host::AllDigests();
  ASSERT_EQ(digests.size(), std::size(kReference));
  for (size_t i = 0; i < digests.size(); ++i) {
    EXPECT_EQ(digests[i].first, kReference[i].first);
    EXPECT_EQ(digests[i].second, kReference[i].second) << digests[i].first;
  }
}

}  // namespace
