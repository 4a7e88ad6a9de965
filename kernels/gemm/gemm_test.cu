// Inputs are small multiples of 1/16, so that every sum is exact in fp32 in any order: results are compared bit for
// bit, except behind a GELU.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"

namespace kernels {
namespace {

using Code = uint16_t;  // of bf16

// Bf16 is the upper half of fp32.
Code Encode(double value) {
  const float rounded = static_cast<float>(RoundTo(kBrain16, value, /*saturate=*/false));
  uint32_t bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  return static_cast<Code>(bits >> 16);
}

// A matrix in double, and as it lies in memory.
struct Matrix {
  int64_t rows, columns;
  std::vector<double> values;  // row-major

  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  // Multiples of 1/16 up to 1 in magnitude.
  static Matrix Sixteenths(int64_t rows, int64_t columns, uint32_t seed) {
    Matrix matrix(rows, columns);
    Sequence sequence(seed);
    for (double& value : matrix.values) value = (static_cast<int>(sequence.Bits() % 33) - 16) / 16.0;
    return matrix;
  }
  double operator()(int64_t i, int64_t j) const { return values[i * columns + j]; }
  double& operator()(int64_t i, int64_t j) { return values[i * columns + j]; }

  int64_t Line(Layout layout) const { return layout == Layout::kRowMajor ? columns : rows; }
  // Elements that the matrix spans in memory.
  size_t Span(Layout layout, int64_t ld) const {
    const int64_t lines = layout == Layout::kRowMajor ? rows : columns;
    return rows * columns == 0 ? 0 : (lines - 1) * ld + Line(layout);
  }
  static int64_t Index(Layout layout, int64_t ld, int64_t i, int64_t j) {
    return layout == Layout::kRowMajor ? i * ld + j : j * ld + i;
  }
};

Matrix Product(const Matrix& a, const Matrix& b) {
  Matrix product(a.rows, b.columns);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t p = 0; p < a.columns; ++p) {
      for (int64_t j = 0; j < b.columns; ++j) product(i, j) += a(i, p) * b(p, j);
    }
  }
  return product;
}

// Elements between the lines are NaN: a kernel that lets them into a sum shows it.
constexpr Code kNaN = 0x7fc0;
std::vector<Code> Stored(const Matrix& matrix, Layout layout, int64_t ld) {
  std::vector<Code> memory(matrix.Span(layout, ld), kNaN);
  for (int64_t i = 0; i < matrix.rows; ++i) {
    for (int64_t j = 0; j < matrix.columns; ++j) memory[Matrix::Index(layout, ld, i, j)] = Encode(matrix(i, j));
  }
  return memory;
}

struct Variant {
  Layout a = Layout::kRowMajor, b = Layout::kRowMajor, d = Layout::kRowMajor;
  int64_t pad_a = 0, pad_b = 0, pad_d = 0;          // leading dimensions beyond the line
  size_t offset_a = 0, offset_b = 0, offset_d = 0;  // elements, of the first one
  float alpha = 1, beta = 0;
  bool bias = false, gelu = false, in_place = false;
};

std::string Describe(const GemmProblem& p, GemmPath path, const Variant& v) {
  const auto letter = [](Layout layout) { return layout == Layout::kRowMajor ? "r" : "c"; };
  return "m " + std::to_string(p.m) + " n " + std::to_string(p.n) + " k " + std::to_string(p.k) + " path " +
         std::to_string(static_cast<int>(path)) + " layouts " + letter(v.a) + letter(v.b) + letter(v.d) + " pads " +
         std::to_string(v.pad_a) + " " + std::to_string(v.pad_b) + " " + std::to_string(v.pad_d) + " offsets " +
         std::to_string(v.offset_a) + " " + std::to_string(v.offset_b) + " " + std::to_string(v.offset_d) + " alpha " +
         std::to_string(v.alpha) + " beta " + std::to_string(v.beta) + (v.bias ? " bias" : "") +
         (v.gelu ? " gelu" : "") + (v.in_place ? " in place" : "");
}

template <typename T>
T RoundedTo(double value);
template <>
float RoundedTo<float>(double value) {
  return static_cast<float>(value);
}
template <>
Code RoundedTo<Code>(double value) {
  return Encode(value);
}
double ValueOfElement(float x) { return x; }
double ValueOfElement(Code code) { return ValueOf(kBrain16, code); }

bool Supported(GemmPath path) {
  DeviceArray<Code> memory(std::vector<Code>(64));
  GemmProblem problem;
  problem.m = problem.n = problem.k = 1;
  problem.lda = problem.ldb = problem.ldd = 8;
  problem.a = problem.b = reinterpret_cast<const __nv_bfloat16*>(memory.data());
  problem.d = memory.data() + 32;
  const cudaError_t error = Gemm(problem, nullptr, 0, nullptr, path);
  EXPECT_TRUE(error == cudaSuccess || error == cudaErrorNotSupported);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return error == cudaSuccess;
}

std::vector<GemmPath> Paths() {
  std::vector<GemmPath> paths;
  for (GemmPath path : {GemmPath::kPortable, GemmPath::kSm80, GemmPath::kSm90}) {
    if (Supported(path)) paths.push_back(path);
  }
  return paths;
}

// Runs one variant and compares every element of D, and what lies between its lines. T is D's element.
template <typename T>
void Expect(const Matrix& a, const Matrix& b, const Matrix& product, GemmPath path, const Variant& v) {
  GemmProblem p;
  p.m = a.rows, p.n = b.columns, p.k = a.columns;
  SCOPED_TRACE(Describe(p, path, v));
  p.a_layout = v.a, p.b_layout = v.b, p.d_layout = v.d;
  p.lda = a.Line(v.a) + v.pad_a, p.ldb = b.Line(v.b) + v.pad_b;
  p.ldd = product.Line(v.d) + v.pad_d;
  p.ldc = v.in_place ? p.ldd : p.ldd + 2;
  p.output = sizeof(T) == 4 ? GemmOutput::kFp32 : GemmOutput::kBf16;
  p.alpha = v.alpha, p.beta = v.beta;
  p.activation = v.gelu ? Activation::kGelu : Activation::kNone;

  DeviceArray<Code> device_a(Stored(a, v.a, p.lda), v.offset_a), device_b(Stored(b, v.b, p.ldb), v.offset_b);
  p.a = reinterpret_cast<const __nv_bfloat16*>(device_a.data());
  p.b = reinterpret_cast<const __nv_bfloat16*>(device_b.data());

  // Where beta is 0, C is NaN.
  const Matrix c = Matrix::Sixteenths(p.m, p.n, 3);
  std::vector<T> stored_c(product.Span(v.d, p.ldc));
  for (T& element : stored_c) element = RoundedTo<T>(std::nan(""));
  for (int64_t i = 0; v.beta != 0 && i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) stored_c[Matrix::Index(v.d, p.ldc, i, j)] = RoundedTo<T>(c(i, j));
  }
  DeviceArray<T> device_c(stored_c, v.offset_d);
  DeviceArray<T> separate_d(v.in_place ? 0 : product.Span(v.d, p.ldd), v.offset_d);
  DeviceArray<T>& device_d = v.in_place ? device_c : separate_d;
  p.c = device_c.data();
  p.d = device_d.data();
  const std::vector<T> before = device_d.Read();

  const Matrix bias = Matrix::Sixteenths(1, p.n, 4);
  DeviceArray<Code> device_bias(Stored(bias, Layout::kRowMajor, p.n));
  if (v.bias) p.bias = reinterpret_cast<const __nv_bfloat16*>(device_bias.data());

  const size_t bytes = GemmWorkspaceBytes(p, path);
  DeviceArray<char> workspace(bytes);
  ASSERT_EQ(Gemm(p, workspace.data(), bytes, nullptr, path), cudaSuccess);
  const std::vector<T> after = device_d.Read();
  (void)workspace.Read();  // its guards

  std::vector<bool> inside(after.size());
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      const int64_t index = Matrix::Index(v.d, p.ldd, i, j);
      inside[index] = true;
      double expected = v.alpha * product(i, j) + (v.beta != 0 ? v.beta * c(i, j) : 0) + (v.bias ? bias(0, j) : 0);
      if (v.gelu) {
        const double x = expected;
        expected = x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
        // erff and three roundings in fp32, then half a unit in the last place of D's format.
        const double tolerance = std::abs(x) * 4e-7 + std::abs(expected) * (sizeof(T) == 4 ? 0 : 1.0 / 256);
        ASSERT_NEAR(ValueOfElement(after[index]), expected, tolerance) << "row " << i << " column " << j;
      } else {
        ASSERT_EQ(ValueOfElement(after[index]), ValueOfElement(RoundedTo<T>(expected)))
            << "row " << i << " column " << j;
      }
    }
  }
  for (size_t index = 0; index < after.size(); ++index) {
    if (!inside[index]) {
      ASSERT_EQ(std::memcmp(&after[index], &before[index], sizeof(T)), 0) << "between lines of D: " << index;
    }
  }
}

template <typename Run>
void ForEachLayout(Run run) {
  constexpr Layout kLayouts[] = {Layout::kRowMajor, Layout::kColumnMajor};
  for (Layout a : kLayouts) {
    for (Layout b : kLayouts) {
      for (Layout d : kLayouts) {
        Variant variant;
        variant.a = a, variant.b = b, variant.d = d;
        run(variant);
      }
    }
  }
}

struct Size {
  int64_t m, n, k;
};
// One element; lines; tiles of each path, one less and one more; several tiles along K.
#if defined(WORKBENCH_HOST_MODE)
constexpr Size kSizes[] = {{1, 1, 1}, {1, 70, 7}, {65, 1, 33}, {63, 65, 17}, {64, 128, 16}};
#else
constexpr Size kSizes[] = {{1, 1, 1},       {1, 300, 7},    {300, 1, 200},   {128, 256, 64},
                           {127, 255, 63},  {129, 257, 65}, {257, 513, 1},   {256, 512, 320},
                           {264, 264, 264}, {40, 72, 1100}, {511, 130, 193}, {385, 1025, 130}};
#endif

TEST(GemmTest, SizesAndLayouts) {
  for (const Size& size : kSizes) {
    const Matrix a = Matrix::Sixteenths(size.m, size.k, 1), b = Matrix::Sixteenths(size.k, size.n, 2);
    const Matrix product = Product(a, b);
    for (GemmPath path : Paths()) {
      ForEachLayout([&](const Variant& variant) {
        Expect<Code>(a, b, product, path, variant);
        Expect<float>(a, b, product, path, variant);
      });
      if (HasFatalFailure()) return;
    }
  }
}

TEST(GemmTest, Alignments) {
  const Matrix a = Matrix::Sixteenths(130, 72, 1), b = Matrix::Sixteenths(72, 136, 2);
  const Matrix product = Product(a, b);
  for (GemmPath path : Paths()) {
    ForEachLayout([&](Variant variant) {
      for (int64_t pad : {1, 2, 4, 6, 8}) {
        variant.pad_a = pad, variant.pad_b = 9 - pad, variant.pad_d = pad;
        for (size_t offset : {0, 1, 2, 7, 8}) {
          variant.offset_a = offset, variant.offset_b = 8 - offset, variant.offset_d = offset;
          Expect<Code>(a, b, product, path, variant);
          Expect<float>(a, b, product, path, variant);
        }
      }
    });
    if (HasFatalFailure()) return;
  }
}

TEST(GemmTest, Epilogues) {
  const Matrix a = Matrix::Sixteenths(130, 40, 1), b = Matrix::Sixteenths(40, 270, 2);
  const Matrix product = Product(a, b);
  for (GemmPath path : Paths()) {
    ForEachLayout([&](Variant variant) {
      for (float alpha : {1.0f, -0.5f, 0.0f}) {
        for (float beta : {0.0f, 1.0f, 2.0f}) {
          for (int features = 0; features < 8; ++features) {
            variant.alpha = alpha, variant.beta = beta;
            variant.bias = features & 1, variant.gelu = features & 2, variant.in_place = features & 4;
            variant.pad_d = features % 3;
            Expect<Code>(a, b, product, path, variant);
            if (alpha != 1) Expect<float>(a, b, product, path, variant);
          }
        }
      }
    });
    if (HasFatalFailure()) return;
  }
}

// Sums around 2^17: kept in bf16 they would stop growing at 256; in fp32 each is exact.
TEST(GemmTest, LongSumsAreKeptInFp32) {
#if defined(WORKBENCH_HOST_MODE)
  const int64_t m = 3, n = 5;
#else
  const int64_t m = 33, n = 66;
#endif
  const int64_t k = int64_t{1} << 17;
  Matrix a(m, k), b(k, n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t p = 0; p < k; ++p) a(i, p) = 1 + (i + p) % 3 * 0.5;
  }
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t j = 0; j < n; ++j) b(p, j) = (p + j) % 5 == 0 ? 2 : 1;
  }
  const Matrix product = Product(a, b);
  for (GemmPath path : Paths()) {
    Expect<float>(a, b, product, path, Variant());
    Expect<Code>(a, b, product, path, Variant());
  }
}

#if !defined(WORKBENCH_HOST_MODE)
// More tiles than the GPU has multiprocessors, so that blocks go on to a second tile and a third.
TEST(GemmTest, MoreTilesThanMultiprocessors) {
  const Matrix a = Matrix::Sixteenths(2305, 70, 1), b = Matrix::Sixteenths(70, 4500, 2);
  const Matrix product = Product(a, b);
  for (GemmPath path : Paths()) {
    Variant variant;
    Expect<Code>(a, b, product, path, variant);
    variant.b = Layout::kColumnMajor;
    variant.pad_d = 1;
    Expect<float>(a, b, product, path, variant);
  }
}
#endif

TEST(GemmTest, EmptyDimensions) {
  const Matrix none(0, 0);
  for (GemmPath path : Paths()) {
    for (const Size& size : {Size{0, 5, 3}, Size{5, 0, 3}, Size{0, 0, 0}}) {
      const Matrix a(size.m, size.k), b(size.k, size.n);
      Expect<Code>(a, b, Product(a, b), path, Variant());
    }
    const Matrix a(5, 0), b(0, 7);  // D = beta C + bias
    Variant variant;
    Expect<Code>(a, b, Matrix(5, 7), path, variant);
    variant.beta = 2, variant.bias = true;
    Expect<float>(a, b, Matrix(5, 7), path, variant);
  }
}

TEST(GemmTest, RefusesBadArguments) {
  DeviceArray<Code> memory(std::vector<Code>(4096));
  GemmProblem good;
  good.m = good.n = good.k = 16;
  good.a = good.b = reinterpret_cast<const __nv_bfloat16*>(memory.data());
  good.d = memory.data() + 1024;
  good.lda = good.ldb = good.ldd = 16;
  EXPECT_EQ(Gemm(good, nullptr, 0, nullptr), cudaSuccess);
  const auto refused = [&](auto change) {
    GemmProblem bad = good;
    change(bad);
    return Gemm(bad, nullptr, 0, nullptr) == cudaErrorInvalidValue;
  };
  EXPECT_TRUE(refused([](GemmProblem& p) { p.m = -1; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.k = int64_t{1} << 31; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.lda = 15; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.ldb = 15; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.ldd = 15; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.a = nullptr; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.d = nullptr; }));
  EXPECT_TRUE(refused([](GemmProblem& p) { p.beta = 1; }));  // C is null
  EXPECT_TRUE(refused([](GemmProblem& p) { p.d = static_cast<char*>(p.d) + 1; }));
#if !defined(WORKBENCH_HOST_MODE)
  EXPECT_TRUE(refused([](GemmProblem& p) { p.lda = 17; }));  // needs a workspace
  GemmProblem unaligned = good;
  unaligned.lda = 17;
  const size_t bytes = GemmWorkspaceBytes(unaligned);
  EXPECT_GT(bytes, 0u);
  DeviceArray<char> workspace(bytes + 1);
  EXPECT_EQ(Gemm(unaligned, workspace.data(), bytes - 1, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(Gemm(unaligned, workspace.data() + 1, bytes, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(Gemm(unaligned, workspace.data(), bytes, nullptr), cudaSuccess);
#endif
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST(GemmTest, MayBeCaptured) {
  const Matrix a = Matrix::Sixteenths(65, 33, 1), b = Matrix::Sixteenths(33, 40, 2);
  const Matrix product = Product(a, b);
  DeviceArray<Code> device_a(a.values.size()), device_b(Stored(b, Layout::kRowMajor, 40));
  DeviceArray<float> device_d(product.values.size());
  GemmProblem p;
  p.m = 65, p.n = 40, p.k = 33;
  p.a = reinterpret_cast<const __nv_bfloat16*>(device_a.data()), p.lda = 33;
  p.b = reinterpret_cast<const __nv_bfloat16*>(device_b.data()), p.ldb = 40;
  p.d = device_d.data(), p.ldd = 40, p.output = GemmOutput::kFp32;
  const size_t bytes = GemmWorkspaceBytes(p);
  DeviceArray<char> workspace(bytes);
  cudaStream_t stream;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(Gemm(p, workspace.data(), bytes, stream), cudaSuccess);
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
  const std::vector<Code> stored = Stored(a, Layout::kRowMajor, 33);  // after the capture: a replay reads what is there
  ASSERT_EQ(cudaMemcpy(device_a.data(), stored.data(), stored.size() * sizeof(Code), cudaMemcpyDefault), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);  // a copy from pageable memory may still be on its way
  ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  const std::vector<float> result = device_d.Read();
  for (size_t i = 0; i < result.size(); ++i) ASSERT_EQ(result[i], product.values[i]) << i;
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

}  // namespace
}  // namespace kernels
