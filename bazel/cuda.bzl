"""CUDA C++ through nvcc: one source, one object, every header declared."""

load("@gpu_probe//:probe.bzl", "HAS_NVCC", "NVCC")

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

    # nvcc names its temporary files by process id, and in Bazel's sandbox all of them are process 2 of a shared /tmp.
    arguments.add("--objdir-as-tempdir")
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
        ctx.actions.run(
            executable = NVCC,
            arguments = [arguments],
            inputs = depset([ctx.file.src], transitive = [context.headers for context in contexts]),
            outputs = [output],
            mnemonic = "CudaCompile",
            progress_message = "Compiling %s with nvcc" % ctx.file.src.short_path,
            env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": "/tmp"},
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
