"""CUDA C++ for the CPU: a .cu file becomes C++ for cc_library and cc_binary (host mode)."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

# For what compiles translated sources. Kernels compare threadIdx with signed numbers and write volatile += x, and nvcc
# does not mind.
HOST_CUDA_COPTS = [
    "-O2",
    "-g1",
    "-gdwarf-4",  # in version 5 binutils takes the translated file for the one that its lines name
    "-fno-strict-aliasing",
    "-fno-gnu-unique",
    "-Wno-maybe-uninitialized",  # lanes past the ranks there are
    "-Wno-unknown-pragmas",
    "-Wno-sign-compare",
    "-Wno-volatile",
]

# In addition, for the checks. What the compiler calls is libcuda_host.so's own: link without these.
HOST_CUDA_CHECK_COPTS = [
    "-fsanitize=thread",
    "-fsanitize=bounds",
    "-fsanitize=alignment",
    "--param=tsan-distinguish-volatile=1",
]

def _host_cuda_source_impl(ctx):
    output = ctx.outputs.out
    toolchain = find_cpp_toolchain(ctx)
    contexts = [dep[CcInfo].compilation_context for dep in ctx.attr.deps]
    arguments = ctx.actions.args()
    arguments.add(output, format = "--out=%s")
    arguments.add(ctx.file.src, format = "--source=%s")
    arguments.add(toolchain.compiler_executable, format = "--compiler=%s")
    arguments.add("--")
    arguments.add("-I.")
    arguments.add("-I" + ctx.genfiles_dir.path)
    for context in contexts:
        arguments.add_all(context.defines, before_each = "-D")
        arguments.add_all(context.includes, before_each = "-I")
        arguments.add_all(context.quote_includes, before_each = "-iquote")
        arguments.add_all(context.system_includes, before_each = "-isystem")
    arguments.add_all(ctx.attr.copts)
    ctx.actions.run(
        executable = ctx.executable._translator,
        arguments = [arguments],
        inputs = depset(
            [ctx.file.src],
            transitive = [context.headers for context in contexts] + [toolchain.all_files],
        ),
        outputs = [output],
        mnemonic = "CudaTranslate",
        progress_message = "Translating %s for the CPU" % ctx.file.src.short_path,
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": "/tmp"},
    )
    return [DefaultInfo(files = depset([output]))]

_host_cuda_source = rule(
    implementation = _host_cuda_source_impl,
    attrs = {
        "src": attr.label(allow_single_file = [".cu", ".cc"], mandatory = True),
        "deps": attr.label_list(providers = [CcInfo], doc = "for their headers; link them where the source is compiled"),
        "copts": attr.string_list(doc = "for the preprocessor"),
        "out": attr.output(mandatory = True),
        "_translator": attr.label(
            default = "//harness/host/translate:cuda_translate",
            executable = True,
            cfg = "exec",
        ),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def host_cuda_source(name, src, deps, out = None, **kwargs):
    """Translates one .cu file to C++ that has all its headers in it.

    Args:
      name: of the target, which goes into the srcs of a cc_binary or cc_library with HOST_CUDA_COPTS.
      src: the .cu file.
      deps: for their headers, //harness/host/include among them.
      out: the translated file; NAME.host.cc if it is left out.
      **kwargs: copts for the preprocessor, and what every rule has.
    """
    _host_cuda_source(name = name, src = src, deps = deps, out = out or name + ".host.cc", **kwargs)
