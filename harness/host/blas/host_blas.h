// The machine's own BLAS, if it has one: it is looked for at run time.
#ifndef HARNESS_HOST_BLAS_HOST_BLAS_H_
#define HARNESS_HOST_BLAS_HOST_BLAS_H_

namespace cuda_host {

// Fortran's sgemm and dgemm: everything by address, then the lengths of the two strings.
template <typename T>
using FortranGemm = void (*)(const char* transa, const char* transb, const int* m, const int* n, const int* k,
                             const T* alpha, const T* a, const int* lda, const T* b, const int* ldb, const T* beta,
                             T* c, const int* ldc, unsigned long transa_length, unsigned long transb_length);

struct HostBlas {
  FortranGemm<float> sgemm = nullptr;
  FortranGemm<double> dgemm = nullptr;
};

// An OpenBLAS or BLIS; null functions if there is none (the reference BLAS is slower than our own loop).
// WORKBENCH_HOST_BLAS in the environment of the first call names another library, or "0" for none.
const HostBlas& TheHostBlas();

}  // namespace cuda_host

#endif  // HARNESS_HOST_BLAS_HOST_BLAS_H_
