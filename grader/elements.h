// Element types as the judge sees them: bit patterns and the doubles that they stand for. Written from IEEE 754's
// definitions; shares no code with harness/answer or kernels/.
#ifndef GRADER_ELEMENTS_H_
#define GRADER_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace workbench {

enum class ElementType : int32_t { kFloat32 = 0, kFloat16 = 1, kBFloat16 = 2, kInt32 = 3 };

struct ElementTraits {
  const char* name;
  size_t bytes;
  double unit_roundoff;  // 2^-p for p significand bits; 0 for integers
  double min_subnormal;  // the spacing near zero; 0 for integers
};
const ElementTraits& TraitsOf(ElementType type);

// Element `index` of `data` as a double (exact for all four types).
double ElementAt(ElementType type, const void* data, size_t index);

// Stores an integer of magnitude <= 128, exactly, in any type.
void StoreSmallInteger(ElementType type, void* data, size_t index, int value);

// "1.5 (0x3fc00000)".
std::string DescribeElement(ElementType type, const void* data, size_t index);

// "1.5", with as many digits as tell neighbours of the type apart.
std::string DescribeValue(ElementType type, double value);

}  // namespace workbench

#endif  // GRADER_ELEMENTS_H_
