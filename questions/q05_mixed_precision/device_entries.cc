#include "questions/q05_mixed_precision/device_entries.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

namespace q05 {
namespace {

using workbench::Error;
using workbench::Status;

template <typename Function>
Status Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  if (*function != nullptr) return Status::Ok();
  return Error(std::string("the implementation does not define ") + name +
               "; is it still extern \"C\", with the signature of device_api.h?");
}

template <typename T>
T* At(void* arena, uint64_t offset) {
  return offset == kNowhere ? nullptr : reinterpret_cast<T*>(static_cast<char*>(arena) + offset);
}

std::vector<TensorPlace> PlacesOf(std::span<const std::byte> parameters) {
  return ReadAll<TensorPlace>(parameters, sizeof(UnscaleParameters),
                              static_cast<size_t>(Read<UnscaleParameters>(parameters).tensors));
}

std::vector<AdamPlace> AdamPlacesOf(std::span<const std::byte> parameters) {
  return ReadAll<AdamPlace>(parameters, sizeof(AdamParameters),
                            static_cast<size_t>(Read<AdamParameters>(parameters).tensors));
}

template <typename Place>
std::vector<size_t> CountsOf(const std::vector<Place>& places) {
  std::vector<size_t> counts;
  for (const Place& place : places) counts.push_back(place.count);
  return counts;
}

// What has been read from the table by now is all there is.
template <typename T>
void Spoil(std::vector<T>* table) {
  std::memset(static_cast<void*>(table->data()), 0xff, table->size() * sizeof(T));
}

Gemm GemmOf(const GemmParameters& p, void* const* buffers) {
  Gemm gemm{};
  gemm.m = p.m, gemm.n = p.n, gemm.k = p.k;
  gemm.lda = p.lda, gemm.ldb = p.ldb, gemm.ldc = p.ldc, gemm.ldd = p.ldd;
  gemm.a_layout = static_cast<Layout>(p.a_layout);
  gemm.b_layout = static_cast<Layout>(p.b_layout);
  gemm.alpha = p.alpha, gemm.beta = p.beta;
  gemm.epilogue = static_cast<Epilogue>(p.epilogue);
  gemm.a = buffers[0], gemm.b = buffers[1], gemm.d = buffers[3], gemm.bias = buffers[4];
  gemm.c = p.addend == Addend::kOwn ? buffers[2] : p.addend == Addend::kSameAsD ? buffers[3] : nullptr;
  return gemm;
}

NormShape ShapeOf(const NormParameters& p) { return {p.rows, p.hidden, static_cast<Format>(p.format), p.epsilon}; }

}  // namespace

Status DeviceEntries::Load(void* library, const std::string& part) {
  if (part == "a") return Find(library, "q05_convert", &convert_);
  if (part == "b") {
    WB_RETURN_IF_ERROR(Find(library, "q05_unscale_workspace_bytes", &unscale_workspace_bytes_));
    return Find(library, "q05_unscale", &unscale_);
  }
  if (part == "d") {
    WB_RETURN_IF_ERROR(Find(library, "q05_adam_workspace_bytes", &adam_workspace_bytes_));
    WB_RETURN_IF_ERROR(Find(library, "q05_adam", &adam_));
    return Find(library, "q05_adam_bias_corrections", &bias_corrections_);
  }
  if (part == "e") {
    WB_RETURN_IF_ERROR(Find(library, "q05_gemm_workspace_bytes", &gemm_workspace_bytes_));
    return Find(library, "q05_gemm", &gemm_);
  }
  WB_RETURN_IF_ERROR(Find(library, "q05_norm_workspace_bytes", &norm_workspace_bytes_));
  WB_RETURN_IF_ERROR(Find(library, "q05_layer_norm", &layer_norm_));
  WB_RETURN_IF_ERROR(Find(library, "q05_layer_norm_backward", &layer_norm_backward_));
  WB_RETURN_IF_ERROR(Find(library, "q05_rms_norm", &rms_norm_));
  WB_RETURN_IF_ERROR(Find(library, "q05_rms_norm_backward", &rms_norm_backward_));
  WB_RETURN_IF_ERROR(Find(library, "q05_softmax", &softmax_));
  return Find(library, "q05_softmax_backward", &softmax_backward_);
}

size_t DeviceEntries::WorkspaceBytes(RequestKind kind, std::span<const std::byte> parameters,
                                     void* const* buffers) const {
  switch (kind) {
    case RequestKind::kUnscale: {
      const std::vector<size_t> counts = CountsOf(PlacesOf(parameters));
      return unscale_workspace_bytes_(counts.data(), static_cast<int32_t>(counts.size()));
    }
    case RequestKind::kAdam: {
      const std::vector<size_t> counts = CountsOf(AdamPlacesOf(parameters));
      return adam_workspace_bytes_(counts.data(), static_cast<int32_t>(counts.size()));
    }
    case RequestKind::kGemm:
      return gemm_workspace_bytes_(GemmOf(Read<GemmParameters>(parameters), buffers));
    case RequestKind::kNorm:
      return norm_workspace_bytes_(ShapeOf(Read<NormParameters>(parameters)));
    default:
      return 0;
  }
}

cudaError_t DeviceEntries::Enqueue(RequestKind kind, std::span<const std::byte> parameters, void* const* buffers,
                                   cudaStream_t stream) const {
  switch (kind) {
    case RequestKind::kConvert:
      return Convert(Read<ConvertParameters>(parameters), buffers[0], buffers[1], stream);
    case RequestKind::kUnscale:
      return Unscale(parameters, buffers, stream);
    case RequestKind::kAdam:
      return Adam(parameters, buffers, stream);
    case RequestKind::kBiasCorrections:
      return BiasCorrections(Read<BiasParameters>(parameters), buffers, stream);
    case RequestKind::kGemm:
      return gemm_(GemmOf(Read<GemmParameters>(parameters), buffers), buffers[5], stream);
    default:
      return Norm(Read<NormParameters>(parameters), buffers, stream);
  }
}

cudaError_t DeviceEntries::Convert(const ConvertParameters& p, const void* in, void* out, cudaStream_t stream) const {
  return convert_(in, static_cast<Format>(p.from), out, static_cast<Format>(p.to), p.count,
                  static_cast<Rounding>(p.rounding), static_cast<Overflow>(p.overflow), p.seed, stream);
}

cudaError_t DeviceEntries::Unscale(std::span<const std::byte> parameters, void* const* buffers,
                                   cudaStream_t stream) const {
  std::vector<TensorView> tensors;
  for (const TensorPlace& place : PlacesOf(parameters)) {
    tensors.push_back({At<void>(buffers[0], place.offset), place.count});
  }
  const cudaError_t error =
      unscale_(tensors.data(), static_cast<int32_t>(tensors.size()),
               static_cast<Format>(Read<UnscaleParameters>(parameters).format), static_cast<const float*>(buffers[1]),
               static_cast<float*>(buffers[2]), static_cast<float*>(buffers[3]), ranks_, buffers[4], stream);
  Spoil(&tensors);
  return error;
}

cudaError_t DeviceEntries::Adam(std::span<const std::byte> parameters, void* const* buffers,
                                cudaStream_t stream) const {
  const AdamParameters p = Read<AdamParameters>(parameters);
  AdamConfig config;
  config.learning_rate = p.learning_rate;
  config.beta1 = p.beta1, config.beta2 = p.beta2;
  config.epsilon = p.epsilon;
  config.weight_decay = p.weight_decay;
  config.decoupled = p.decoupled;
  config.gradient_format = static_cast<Format>(p.gradient_format);
  config.copy_format = static_cast<Format>(p.copy_format);
  std::vector<AdamTensor> tensors;
  for (const AdamPlace& place : AdamPlacesOf(parameters)) {
    tensors.push_back({At<const void>(buffers[kGradients], place.offset[kGradients]),
                       At<float>(buffers[kMasters], place.offset[kMasters]),
                       At<float>(buffers[kFirstMoments], place.offset[kFirstMoments]),
                       At<float>(buffers[kSecondMoments], place.offset[kSecondMoments]),
                       At<void>(buffers[kCopies], place.offset[kCopies]), place.count});
  }
  const cudaError_t error =
      adam_(tensors.data(), static_cast<int32_t>(tensors.size()), config,
            static_cast<const float*>(buffers[kInverseScale]), static_cast<const float*>(buffers[kFoundInf]),
            static_cast<int64_t*>(buffers[kStep]), buffers[kAdamBuffers], stream);
  Spoil(&tensors);
  return error;
}

cudaError_t DeviceEntries::BiasCorrections(const BiasParameters& p, void* const* buffers, cudaStream_t stream) const {
  for (uint64_t i = 0; i < p.count; ++i) {
    const cudaError_t error = bias_corrections_(static_cast<const int64_t*>(buffers[0]) + i, p.beta1, p.beta2,
                                                static_cast<float*>(buffers[1]) + 2 * i, stream);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t DeviceEntries::Norm(const NormParameters& p, void* const* b, cudaStream_t stream) const {
  const NormShape shape = ShapeOf(p);
  const auto floats = [&](int buffer) { return static_cast<float*>(b[buffer]); };
  switch (p.function) {
    case NormFunction::kLayerNorm:
      return layer_norm_(shape, b[0], b[1], b[2], b[3], floats(4), floats(5), stream);
    case NormFunction::kLayerNormBackward:
      return layer_norm_backward_(shape, b[0], b[1], b[2], floats(3), floats(4), b[5], floats(6), floats(7), b[8],
                                  stream);
    case NormFunction::kRmsNorm:
      return rms_norm_(shape, b[0], b[1], b[2], floats(3), stream);
    case NormFunction::kRmsNormBackward:
      return rms_norm_backward_(shape, b[0], b[1], b[2], floats(3), b[4], floats(5), b[6], stream);
    case NormFunction::kSoftmax:
      return softmax_(shape, b[0], b[1], stream);
    default:
      return softmax_backward_(shape, b[0], b[1], b[2], stream);
  }
}

}  // namespace q05
