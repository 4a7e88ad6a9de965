"""CUDA C++: one source, through nvcc or (host mode) the translator; every header declared."""

load("@gpu_probe//:probe.bzl", "HAS_NVCC", "NVCC")
load("//bazel:device.bzl", "CUDA", "CUDA_HEADERS", "device_select")
load("//bazel:host_cuda.bzl", "HOST_CUDA_CHECK_COPTS", "HOST_CUDA_COPTS", "host_cuda_source")

def _arch(ctx):
    return ctx.var.get("cuda_arch", "sm_90a")

def _cuda_object_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".pic.o")
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    arguments = ctx.actions.args()
    virtual = _arch(ctx).replace("sm_", "compute_")
    arguments.add("-c")
    arguments.add("-std=c++20")
    arguments.add_all(["-O3", "-lineinfo", "-cudart=shared"])
    arguments.add("-gencode=arch=%s,code=%s" % (virtual, _arch(ctx)))
    arguments.add_all(["-Xcompiler", "-fPIC,-fno-gnu-unique,-Wall"])
    arguments.add_all(ctx.attr.copts)
    arguments.add("-I.")
    arguments.add("-I" + ctx.genfiles_dir.path)
    for context in contexts:
        arguments.add_all(context.defines, before_each = "-D")
        arguments.add_all(context.includes, before_each = "-I")
        arguments.add_all(context.quote_includes, before_each = "-I")
        arguments.add_all(context.system_includes, before_each = "-isystem")
    arguments.add("-o", output)
    arguments.add(ctx.file.src)
    arguments.use_param_file("--options-file=%s", use_always = False)
    if not HAS_NVCC:
        ctx.actions.run_shell(
            outputs = [output],
            command = "echo >&2 'nvcc is not at %s: install the CUDA Toolkit (https://developer.nvidia.com/cuda-downloads) or set CUDA_HOME'; exit 1" % NVCC,
        )
    else:
        # nvcc names its temporary files by process id, and in Bazel's sandbox all of them are process 2 of a shared /tmp:
        # each gets a folder of its own.
        ctx.actions.run_shell(
            command = "t=$(mktemp -d) && trap 'rm -rf \"$t\"' EXIT && TMPDIR=$t %s \"$@\"" % NVCC,
            arguments = [arguments],
            inputs = depset([ctx.file.src], transitive = [context.headers for context in contexts]),
            outputs = [output],
            mnemonic = "CudaCompile",
            progress_message = "Compiling %s with nvcc" % ctx.file.src.short_path,
            env = {"PATH": "/usr/local/bin:/usr/bin:/bin"},
        )
    return [DefaultInfo(files = depset([output]))]

cuda_object = rule(
    implementation = _cuda_object_impl,
    doc = "Compiles one .cu file to a position-independent object, for the srcs of a cc_library or cc_binary.",
    attrs = {
        "src": attr.label(allow_single_file = [".cu", ".cc"], mandatory = True),
        "deps": attr.label_list(providers = [CcInfo], doc = "for their headers; link them where the object is linked"),
        "copts": attr.string_list(),
    },
)

def device_code(name, src, deps, testonly = False, copts = []):
    """Both forms of one .cu file, for the srcs of a cc_library or cc_binary: device_srcs(name) and device_copts()."""
    cuda_object(
        name = name + "_object",
        src = src,
        deps = deps + ["@cuda"],
        copts = copts,
        tags = ["manual"],
        testonly = testonly,
    )
    host_cuda_source(
        name = name + "_host",
        src = src,
        deps = deps + ["//harness/host/include"],
        tags = ["manual"],
        testonly = testonly,
    )

def device_srcs(name):
    return device_select(gpu = [":%s_object" % name], host = [":%s_host" % name])

def device_copts(checked = False):
    if checked:
        return device_select(gpu = [], host = HOST_CUDA_COPTS + HOST_CUDA_CHECK_COPTS)
    return device_select(gpu = [], host = HOST_CUDA_COPTS) + select({
        "//bazel:cuda_check": HOST_CUDA_CHECK_COPTS,
        "//conditions:default": [],
    })

def device_library(name, src, deps, visibility = None, testonly = False, copts = []):
    """A cc_library made of one .cu file; NAME_checked is the same with host mode's checks built in.

    Args:
      name: of the library.
      src: the .cu file.
      deps: cc_libraries that it includes headers of. CUDA's are added.
      visibility: of both.
      testonly: as everywhere.
      copts: for nvcc.
    """
    device_code(name, src, deps, testonly, copts)
    for suffix, checked in {"": False, "_checked": True}.items():
        native.cc_library(
            name = name + suffix,
            srcs = device_srcs(name),
            copts = device_copts(checked),
            deps = deps + CUDA,
            tags = ["manual"] if checked else [],
            visibility = visibility,
            testonly = testonly,
            alwayslink = True,
        )
