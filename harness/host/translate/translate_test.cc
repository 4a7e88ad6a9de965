#include "harness/host/translate/translate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cuda_host::translate {
namespace {

// As g++ -E begins a file.
std::string Preprocessed(const std::string& source) { return "# 1 \"q/a.cu\"\n" + source; }

// Runs of blanks are one: what is taken away leaves some.
std::string Squeezed(const std::string& text) {
  std::string squeezed;
  for (char c : text) {
    if (c != ' ' || squeezed.empty() || squeezed.back() != ' ') squeezed += c;
  }
  return squeezed;
}

std::string Translated(const std::string& source) {
  const Translation translation = Translate(Preprocessed(source));
  for (const std::string& error : translation.errors) ADD_FAILURE() << error;
  return Squeezed(translation.text.substr(translation.text.find('\n') + 1));
}

std::vector<std::string> Errors(const std::string& source) { return Translate(Preprocessed(source)).errors; }

// The only error, which has to be one; without "q/a.cu:".
std::string Error(const std::string& source) {
  const std::vector<std::string> errors = Errors(source);
  if (errors.size() != 1) return std::to_string(errors.size()) + " errors";
  EXPECT_EQ(errors[0].rfind("q/a.cu:", 0), 0u) << errors[0];
  return errors[0].substr(7);
}

bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string Launch(const std::string& name, const std::string& callee, const std::string& configuration) {
  return "::cuda_host::Launch(\"" + name + "\", \"q/a.cu\", 1, " + callee + ", ::cuda_host::Configuration(" +
         configuration + "))";
}

// The same where the callee is a kernel for sure.
std::string NamedLaunch(const std::string& callee) {
  return "::cuda_host::Launch<&" + callee + ">(\"" + callee +
         "\", \"q/a.cu\", 1, ::cuda_host::Configuration(1, 2))(3);";
}

// What a launch in a function becomes. `before` declares kernels, on the launch's line.
std::string LaunchIn(const std::string& before, const std::string& statement) {
  const std::string text = Translated(before + " void f() { " + statement + " }");
  const size_t open = text.rfind("f() { ") + 6;
  return text.substr(open, text.rfind(" }") - open);
}

TEST(Launch, OfANamedKernel) {
  EXPECT_EQ(LaunchIn("__global__ void k(int);", "k<<<1, 2>>>(3);"), NamedLaunch("k"));
  EXPECT_EQ(LaunchIn("namespace n { __global__ void k(int); }", "n::k<<<1, 2>>>(3);"), NamedLaunch("n::k"));
  EXPECT_EQ(LaunchIn("", "::k<<<g, b, bytes, stream>>>();"), Launch("::k", "::k", "g, b, bytes, stream") + "();");
  EXPECT_EQ(LaunchIn("", "n::m::k<<<1, 2>>>(3);"), Launch("n::m::k", "n::m::k", "1, 2") + "(3);");
  EXPECT_EQ(LaunchIn("", "if (x) k<<<1, 2>>>(3); else ::k<<<3, 4>>>();"),
            "if (x) " + Launch("k", "k", "1, 2") + "(3); else " + Launch("::k", "::k", "3, 4") + "();");
}

TEST(Launch, OfATemplate) {
  const std::string kernel = "template <class T, int n> __global__ void k(T);";
  EXPECT_EQ(LaunchIn(kernel, "k<Vec<T>, (4 > 3)><<<1, 2>>>(3);"), NamedLaunch("k<Vec<T>, (4 > 3)>"));
  EXPECT_EQ(LaunchIn(kernel, "k<T, f(1, 2) >> <<1, 2>>>(3);"), "k<T, f(1, 2) >> <<1, 2>>>(3);");
  EXPECT_EQ(LaunchIn(kernel, "k< A<B<C>>,1 ><<<1, 2>>>(3);"), NamedLaunch("k< A<B<C>>,1 >"));
  EXPECT_EQ(LaunchIn(kernel, "X<T>::template k<T, 1><<<1, 2>>>(3);"), NamedLaunch("X<T>::template k<T, 1>"));
}

TEST(Launch, WhereArgumentsDecideGetsALambda) {
  const auto by_arguments = [](const std::string& callee) {
    return Launch(callee, "[=](auto&&... wb_a) { " + callee + "(static_cast<decltype(wb_a)>(wb_a)...); }", "1, 2") +
           "(3);";
  };
  for (const char* kernel : {
           "__global__ void k(int); __global__ void k(float);",
           "template <class T> __global__ void k(T); __global__ void k(float);",
           "__global__ void k(int a = 1);",
           "__global__ void k(int a = 1); __global__ void k(int a) {}",
           "template <class T> __global__ void k(T);",
           "template <class T = int> __global__ void k(T);",
       }) {
    EXPECT_EQ(LaunchIn(kernel, "k<<<1, 2>>>(3);"), by_arguments("k")) << kernel;
  }
  EXPECT_EQ(LaunchIn("template <class T, class U> __global__ void k(T, U);", "k<int><<<1, 2>>>(3);"),
            by_arguments("k<int>"));
  EXPECT_EQ(LaunchIn("template <class... T> __global__ void k(T...);", "k<int><<<1, 2>>>(3);"), by_arguments("k<int>"));
}

TEST(Launch, OfWhatIsNotOverloadedGetsTheKernel) {
  for (const char* kernel : {
           "__global__ void k(const int n, float* p); extern \"C\" __global__ void k(int, float* __restrict__ q) {}",
           "namespace a { __global__ void k(int); } namespace b { __global__ void k(float) {} }",
           "template <class T, int n = 3> __global__ void k(T); template <class T, int n> __global__ void k(T) {}",
           "template <class T> __global__ void k(T); template <> __global__ void k<int>(int) {}",
           "template <class T> __global__ void k(T); template __global__ void k<int>(int);",
           "template <class T> requires (sizeof(T) > 2) __global__ void k(T) {}",
       }) {
    const std::string callee = Contains(kernel, "template") ? "k<int>" : "k";
    EXPECT_EQ(LaunchIn(kernel, callee + "<<<1, 2>>>(3);"), NamedLaunch(callee)) << kernel;
  }
}

TEST(Launch, OfAPointer) {
  for (const char* callee : {"kernel", "table[i]", "table[i][j]", "this->kernel", "x.kernels[1]", "Get(1, 2)",
                             "Get<int>(1)", "(p ? k : j)", "(*p)", "n::Get<T>()[2]"}) {
    EXPECT_EQ(LaunchIn("", "else " + std::string(callee) + "<<<1, 2>>>(3);"),
              "else " + Launch(callee, callee, "1, 2") + "(3);");
  }
  EXPECT_EQ(LaunchIn("", "if (x) (k)<<<1, 2>>>(3);"), "if (x) " + Launch("(k)", "(k)", "1, 2") + "(3);");
  EXPECT_EQ(LaunchIn("", "while (k[0]) return k<<<1, 2>>>(3);"),
            "while (k[0]) return " + Launch("k", "k", "1, 2") + "(3);");
}

TEST(Launch, OfAVariableThatIsNamedAsAKernel) {
  const std::string kernel = "__global__ void k(int);";
  const std::string pointer = Launch("k", "k", "1, 2") + "(3);";
  EXPECT_EQ(LaunchIn(kernel, "auto* k = Choose(); k<<<1, 2>>>(3);"), "auto* k = Choose(); " + pointer);
  EXPECT_TRUE(Contains(Translated(kernel + " void f(void (*k)(int)) { k<<<1, 2>>>(3); }"), pointer));
  EXPECT_TRUE(Contains(Translated(kernel + " struct A { Kernel k; void f() { k<<<1, 2>>>(3); } };"), pointer));
  EXPECT_EQ(LaunchIn(kernel, "a.k<<<1, 2>>>(3);"), Launch("a.k", "a.k", "1, 2") + "(3);");
  EXPECT_EQ(LaunchIn(kernel + " void g(int k) {} struct B { int k; };", "k<<<1, 2>>>(3);"), NamedLaunch("k"));
}

TEST(Launch, ConfigurationOfAnyKind) {
  for (const char* configuration : {"dim3{1, 2}, {4}", "n >> 1, f([&] { return a > b; }), sizeof(A<B<C>>)",
                                    "std::min<int>(3, x), y[a > (b > 2)]", "A<B>{}, c"}) {
    EXPECT_EQ(LaunchIn("", "k<<<" + std::string(configuration) + ">>>(3);"), Launch("k", "k", configuration) + "(3);");
  }
  // As formatters that do not know CUDA write it.
  EXPECT_EQ(LaunchIn("", "k<T> << <1, 2 >> >(3);"), Launch("k<T>", "k<T> ", " 1, 2 ") + " (3);");
}

TEST(Launch, KeepsItsLines) {
  const std::string source = "void f() {\n k<A,\n B><<<1,\n 2>>>\n (3);\n}\n";
  EXPECT_EQ(Translated(source),
            "void f() {\n ::cuda_host::Launch(\"k<A, B>\", \"q/a.cu\", 3, k<A,\n B>, ::cuda_host::Configuration(1,\n "
            "2))\n (3);\n}\n");
}

TEST(Launch, AcrossAMacroOfASystemHeader) {
  const std::string text = "void f() { k<<<1, 2, \n# 1 \"q/a.cu\" 3 4\n __null\n# 1 \"q/a.cu\"\n >>>(3); }";
  EXPECT_TRUE(Contains(Translated(text),
                       ", ::cuda_host::Configuration(1, 2, \n# 1 \"q/a.cu\" 3 4\n __null\n# 1 \"q/a.cu\"\n ))(3)"))
      << Translated(text);
}

TEST(Launch, NamesAreEscaped) {
  EXPECT_EQ(LaunchIn("", "k<\"a\\n\"><<<1, 2>>>(3);"), Launch("k<\\\"a\\\\n\\\">", "k<\"a\\n\">", "1, 2") + "(3);");
}

TEST(Launch, NothingElseIsOne) {
  for (const char* source :
       {"A<B<C<D>>>(x); a = b << c; a <<= b >> 2; x = y > z;", "auto s = \"k<<<1, 2>>>(3)\"; char c = '<';",
        "auto r = R\"x(k<<<1, 2>>>(\n\"3))x\"; // no",
        "struct S { template <class T> void operator<<(T); }; x.operator<<<int>(3);",
        "A<&B::operator<< > a; long n = 1'000'000; int m = 0x1p+3;"}) {
    EXPECT_EQ(Translated(source), source);
  }
}

TEST(Launch, Errors) {
  EXPECT_EQ(Error("void f() {\n <<<1, 2>>>(3); }"),
            "2: <<< begins a kernel launch, and there is no kernel in front of it.");
  EXPECT_EQ(Error("void f() { k<<<1, 2>>; }"), "1: this launch's <<< has no >>> with ( and the arguments behind it.");
  const std::string configured =
      "1: a launch is configured by <<<grid, block>>>, <<<grid, block, shared bytes>>> or <<<grid, block, shared "
      "bytes, "
      "stream>>>.";
  EXPECT_EQ(Error("void f() { k<<<1>>>(3); }"), configured);
  EXPECT_EQ(Error("void f() { k<<<>>>(3); }"), configured);
  EXPECT_EQ(Error("void f() { k<<<1, 2, 3, 4, 5>>>(3); }"), configured);
}

TEST(Launch, FromDeviceCodeIsRefused) {
  const std::string refused =
      "1: kernel k is launched by device code: host mode has no dynamic parallelism. Launch it from host code.";
  EXPECT_EQ(Error("__global__ void f() { k<<<1, 2>>>(3); }"), refused);
  EXPECT_EQ(Error("template <class T> __device__ T f() { if (x) { k<<<1, 2>>>(3); } }"), refused);
  EXPECT_EQ(Error("struct S { int a_; __device__ S() : a_{1} { k<<<1, 2>>>(3); } };"), refused);
  EXPECT_EQ(Error("void f() { g([=] __device__ (int i) -> A<B> { k<<<1, 2>>>(3); }); }"), refused);
  EXPECT_EQ(Error("__global__ void f() { g([&] { k<<<1, 2>>>(3); }); }"), refused);
  EXPECT_EQ(Errors("__host__ __device__ void f() { k<<<1, 2>>>(3); }").size(), 0u);
  EXPECT_EQ(Errors("__device__ int v = 3; __device__ void g() {} void f() { k<<<1, 2>>>(3); }").size(), 0u);
  EXPECT_EQ(Errors("struct S { __device__ S() : a_{1} {} void f() { k<<<1, 2>>>(3); } int a_; };").size(), 0u);
  EXPECT_EQ(Errors("void f() { g([=] __device__ (int i) {}); k<<<1, 2>>>(3); }").size(), 0u);
}

TEST(Shared, Static) {
  EXPECT_EQ(Translated("void f() { __shared__ T a[2][3]; }"),
            "void f() { typedef T wb_b1; typedef wb_b1 wb_t2[2][3]; static const char wb_k2 = 0; wb_t2& a = "
            "::cuda_host::StaticShared<wb_t2>(&wb_k2, \"a\"); }");
  EXPECT_EQ(Translated("void f() { __shared__ int a,\n*b; }"),
            "void f() { typedef int wb_b1; typedef wb_b1 wb_t2; static const char wb_k2 = 0; wb_t2& a = "
            "::cuda_host::StaticShared<wb_t2>(&wb_k2, \"a\"); typedef wb_b1 \n*wb_t3; static const char wb_k3 = 0; "
            "wb_t3& b = "
            "::cuda_host::StaticShared<wb_t3>(&wb_k3, \"b\"); }");
}

TEST(Shared, SpecifiersInAnyOrder) {
  const std::string a = "a = ::cuda_host::StaticShared<wb_t2>(&wb_k2, \"a\");";
  for (const char* declaration :
       {"static __shared__ int a;", "__shared__ static int a;", "int __shared__ a;",
        "unsigned long long __shared__ a[2];", "volatile __shared__ float a[32];",
        "__shared__ volatile typename A<B, (1 > 2)>::C a;", "else __shared__ ::std::pair<A, B<C>> a[sizeof(D<1, 2>)];",
        "case 1: __shared__ struct { int x, y; } a;", "__shared__ decltype(x) a;",
        "__shared__ struct __attribute__((aligned(8))) S { int x; } a;"}) {
    const std::string text = Translated("void f() { " + std::string(declaration) + " }");
    EXPECT_TRUE(Contains(text, a)) << text;
    EXPECT_FALSE(Contains(text, "__shared__"));
    EXPECT_FALSE(Contains(text, "static int"));
  }
}

TEST(Shared, Alignment) {
  for (const char* declaration : {"alignas(64) __shared__ int a[2];", "__shared__ alignas(64) int a[2];",
                                  "static __shared__ __align__(64) int a[2];", "__shared__ int alignas(64) a[2];",
                                  "__shared__ int a alignas(64)[2];"}) {
    const std::string text = Translated("void f() { " + std::string(declaration) + " }");
    EXPECT_TRUE(Contains(text,
                         "struct alignas(64) wb_s2 { wb_t2 v; }; static const char wb_k2 = 0; wb_t2& a = "
                         "::cuda_host::StaticShared<wb_s2>(&wb_k2, \"a\").v;"))
        << text;
  }
  const std::string text = Translated("void f() { __shared__ __attribute__((aligned(64))) int a; }");
  EXPECT_TRUE(Contains(text, "struct wb_s2 { wb_t2 v __attribute__((aligned(64))); };")) << text;
}

TEST(Shared, Dynamic) {
  EXPECT_EQ(Translated("void f() { extern __shared__ T s[]; }"),
            "void f() { typedef T wb_b1; typedef wb_b1 wb_t2[]; wb_t2& s = "
            "*reinterpret_cast<wb_t2*>(::cuda_host::DynamicShared(alignof(wb_t2))); }");
  EXPECT_TRUE(Contains(Translated("void f() { __shared__ extern __align__(16) T s[]; }"),
                       "struct alignas(alignof(wb_t2)) alignas(16) wb_s2 { char v; }; wb_t2& s = "
                       "*reinterpret_cast<wb_t2*>(::cuda_host::DynamicShared(alignof(wb_s2)));"));
}

TEST(Shared, DynamicOutsideFunctions) {
  const std::string text = Translated(
      "extern __shared__ T s[];\nextern __shared__ T s[];\nvoid f() { s[0] = g(s, n::s, x.s); }\n"
      "void g(T* s) { s[0] = 1; }\nvoid h() { int s; s = 2; }\nstruct S { int s; int i() { return s; } };\n");
  EXPECT_EQ(
      text,
      "typedef T wb_b1; typedef wb_b1 wb_t2[]; [[maybe_unused]] constexpr ::cuda_host::DynamicSharedVariable<wb_t2, "
      "alignof(wb_t2)> s{};\n \nvoid f() { s.array()[0] = g(s.array(), n::s.array(), x.s); }\n"
      "void g(T* s) { s[0] = 1; }\nvoid h() { int s; s = 2; }\nstruct S { int s; int i() { return s; } };\n");
}

TEST(Shared, Errors) {
  for (const char* initialiser : {" = 1", "{}", "(1)", "[2] = {1, 2}"}) {
    EXPECT_EQ(
        Error("void f() {\n __shared__ int x" + std::string(initialiser) + "; }"),
        "2: the __shared__ variable 'x' has an initialiser, which CUDA does not allow: its memory is garbage at first. "
        "Let the block's threads assign to it, then __syncthreads().");
  }
  EXPECT_EQ(Error("namespace n { static __shared__ int x[2]; }"),
            "1: __shared__ variables outside a function are not supported in host mode. Move the declaration into the "
            "kernel.");
  EXPECT_EQ(Error("struct S { __shared__ int x; };"),
            "1: a class cannot have a __shared__ member. Declare the variable in the kernel.");
  EXPECT_EQ(Error("void f(__shared__ int x) {}"),
            "1: __shared__ is understood in front of a variable's declaration alone.");
}

TEST(Attributes, AreTakenAway) {
  EXPECT_EQ(Translated(
                "__global__ void k(); __host__ __device__ int d() { return g([=] __device__ (int i) { return i; }); }"),
            " void k(); int d() { return g([=] (int i) { return i; }); }");
  EXPECT_EQ(Translated("__device__ __noinline__ void f(); __attribute__((__noinline__)) void g();"),
            " __attribute__((noinline)) void f(); __attribute__((__noinline__)) void g();");
}

TEST(Attributes, LaunchBounds) {
  EXPECT_EQ(Translated("__global__ void __launch_bounds__(256, 2) k() { x(); }"),
            " void k() { ::cuda_host::CheckLaunchBounds(256); x(); }");
  EXPECT_EQ(Translated("template <class T> __global__ __launch_bounds__(A<T, 2>::n * 2, 4) void k() {}"),
            "template <class T> void k() { ::cuda_host::CheckLaunchBounds(A<T, 2>::n * 2);}");
  EXPECT_EQ(Translated("__global__ void __launch_bounds__(f(1, 2)) k();\n__global__ void k() {}"),
            " void k();\n void k() {}");
  EXPECT_EQ(Translated("__global__ void __launch_bounds__(64) __maxnreg__(32) k(int n = A{}.x)\n{ n; }"),
            " void k(int n = A{}.x)\n{ ::cuda_host::CheckLaunchBounds(64); n; }");
}

TEST(Pragma, Unroll) {
  const auto pragma = [](const std::string& line, const std::string& next = "for (;;) {}") {
    const std::string text = Translated("void f() {\n" + line + "\n" + next + "\n}");
    return text.substr(11, text.find('\n', 11) - 11);
  };
  EXPECT_EQ(pragma("#pragma unroll 4"), "#pragma GCC unroll 4");
  EXPECT_EQ(pragma("#pragma unroll(16)"), "#pragma GCC unroll 16");
  EXPECT_EQ(pragma(" #pragma unroll"), " #pragma GCC unroll 8");
  EXPECT_EQ(pragma("#pragma unroll", "while (x) {}"), "#pragma GCC unroll 8");
  EXPECT_EQ(pragma("#pragma unroll kN"), "");
  EXPECT_EQ(pragma("#pragma unroll 2 * 2"), "");
  EXPECT_EQ(pragma("#pragma unroll 4", "x = 1; for (;;) {}"), "");
  EXPECT_EQ(pragma("#pragma nv_diag_suppress 177"), "");
  EXPECT_EQ(pragma("#pragma GCC ivdep"), "#pragma GCC ivdep");
  EXPECT_EQ(pragma("#pragma omp parallel"), "#pragma omp parallel");
}

TEST(Files, OnlyTheUsersAreChanged) {
  const std::string text =
      "# 1 \"q/a.cu\"\n__global__ void k();\n"
      "# 1 \"/usr/include/x.h\" 1 3\n__global__ asm(\"mov.u64\");\n"
      "# 1 \"harness/host/include/cuda_runtime.h\" 1\n__global__ __device__ \"__device__\" asm(\"mov.u64\") \"\n"
      "# 1 \"q/b.cuh\" 1\n__global__ void j();\n"
      "# 3 \"q/a.cu\" 2\n__global__ void l();\n";
  const Translation translation = Translate(text);
  EXPECT_TRUE(translation.errors.empty());
  EXPECT_EQ(translation.text,
            "# 1 \"q/a.cu\"\n void k();\n"
            "# 1 \"/usr/include/x.h\" 1 3\n__global__ asm(\"mov.u64\");\n"
            "# 1 \"harness/host/include/cuda_runtime.h\" 1\n__global__  \"__device__\" asm(\"mov.u64\") \"\n"
            "# 1 \"q/b.cuh\" 1\n void j();\n"
            "# 3 \"q/a.cu\" 2\n void l();\n");
}

TEST(Ptx, IsRefusedWithItsLine) {
  const std::string what =
      ": inline PTX has no meaning on the CPU. Put it under #if defined(__CUDA_ARCH__) and give an #else branch in "
      "CUDA C++ "
      "(host mode does not define __CUDA_ARCH__).";
  EXPECT_EQ(Error("\n__device__ void f() {\n asm volatile(\"mov.u64 %0, %%clock64;\" : \"=l\"(x));\n}"), "3" + what);
  EXPECT_EQ(Error("__global__ void f() { __asm__(\"trap;\"); }"), "1" + what);
  EXPECT_EQ(Error("void f() { asm volatile(\"bar\" \".sync 0;\"); asm(\"membar.gl;\" ::: \"memory\"); }"), "1" + what);
  EXPECT_EQ(Error("__host__ __device__ void f() { asm(\"ld.global.u32 %0, [%1];\" : \"=r\"(x) : \"l\"(p)); }"),
            "1" + what);
  const std::vector<std::string> all =
      Errors("__device__ void f() {\nasm(\"exit;\");\n\n__asm volatile (\"exit;\");\n}\n");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], "q/a.cu:2" + what);
  EXPECT_EQ(all[1], "q/a.cu:4" + what);
}

TEST(Ptx, NotWhatEveryCompilerKnows) {
  EXPECT_EQ(Errors("__device__ void f() { asm volatile(\"\" ::: \"memory\"); }").size(), 0u);
  EXPECT_EQ(Errors("void f() { asm volatile(\"pause\"); } int g() asm(\"h\");").size(), 0u);
}

TEST(Unsupported, IsNamed) {
  EXPECT_TRUE(Contains(Error("__global__ void __cluster_dims__(2, 1, 1) k() {}"),
                       "1: thread block clusters are not supported"));
  EXPECT_TRUE(
      Contains(Error("\nusing namespace nvcuda;"), "2: tensor core fragments (nvcuda::wmma) are not supported"));
  EXPECT_TRUE(Contains(Error("texture<float, 2> t;"), "1: texture references are not supported"));
  EXPECT_TRUE(Contains(Error("void f(cudaTextureObject_t t);"), "1: texture objects are not supported"));
  EXPECT_TRUE(Contains(Error("void f() { x = tex2D<float>(t, 1, 2); }"), "1: tex2D is not supported"));
  EXPECT_TRUE(Contains(Error("void f() { surf2Dwrite(x, t, 1, 2); }"), "1: surf2Dwrite is not supported"));
  EXPECT_EQ(Errors("float tex2D(A a, int b); void f() { x = tex2D(t, 1); y.tex3D(2); texture = text(1); }").size(), 0u);
  const std::vector<std::string> all = Errors("void f() {\nk<<<1>>>();\n__shared__ int x = 1;\ntex1D(x, 1);\n}\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].substr(0, 9), "q/a.cu:2:");
  EXPECT_EQ(all[1].substr(0, 9), "q/a.cu:3:");
  EXPECT_EQ(all[2].substr(0, 9), "q/a.cu:4:");
}

TEST(Hints, ForHeadersOfCuda) {
  EXPECT_EQ(
      HintsFor("In file included from q/a.cu:1:\nq/b.cuh:7:10: fatal error: cub/cub.cuh: No such file or directory\n"),
      "q/b.cuh:7: host mode has no <cub/cub.cuh>. Put it, and what uses it, under #if !defined(WORKBENCH_HOST_MODE) "
      "and give an #else branch in plain CUDA C++.\n");
  EXPECT_NE(HintsFor("a.cu:7:10: fatal error: mma.h: No such file or directory\ncompilation terminated.\n"), "");
  EXPECT_EQ(HintsFor("a.cu:7:10: fatal error: mine.h: No such file or directory\n"), "");
  EXPECT_EQ(HintsFor("a.cu:7:10: warning: cub/cub.cuh\n"), "");
}

TEST(Anything, BrokenCodeIsLeftToTheCompiler) {
  for (const char* source : {"void f() { k<<<1, 2",
                             "}}} ((( <<<",
                             "__shared__",
                             "__launch_bounds__",
                             "template <",
                             "[ { ( ] ) }",
                             "__global__ void k(",
                             "extern __shared__ int x[",
                             "asm(",
                             "\"",
                             "R\"x(",
                             "'",
                             "#pragma unroll",
                             "__shared__ alignas( struct { < x;",
                             "void f() { > > ><<<1>>>(",
                             "__global__ __launch_bounds__(",
                             "namespace { struct {",
                             "<<<>>>",
                             "x<<<>>>(",
                             "__shared__ )",
                             "decltype",
                             "1e+",
                             "\"\\"}) {
    Translate(Preprocessed(source));            // returns
    EXPECT_EQ(Translate(source).text, source);  // without a linemarker nothing is the user's
  }
}

}  // namespace
}  // namespace cuda_host::translate
