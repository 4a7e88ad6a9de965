"""Finds the system's libraries. One that is missing fails only the targets that need it, naming the package to install.

Each repository @NAME has one target, @NAME//:NAME. Found: a cc_library with the headers and link options. Not found: a
cc_library whose header is made by an action that prints what to install and fails, so that loading, analysis and every
other target still work.
"""

# Where gcc looks by itself: nothing to declare, nothing to copy.
_BUILTIN_INCLUDES = ["/usr/include", "/usr/local/include", "/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"]

_MISSING = """
genrule(
    name = "missing",
    outs = ["missing/{name}_is_missing.h"],
    cmd = "echo >&2 '{message}'; exit 1",
)
cc_library(name = "{name}", hdrs = [":missing"], visibility = ["//visibility:public"])
exports_files(["state.bzl"])
"""

_FOUND = """
cc_library(
    name = "{name}",
    hdrs = {hdrs},
    includes = {includes},
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
exports_files(["state.bzl"])
"""

def _run(ctx, arguments):
    result = ctx.execute(arguments)
    return result.stdout.strip() if result.return_code == 0 else ""

def _pkg_config(ctx, flag):
    """The folders that pkg-config names with -I or -L."""
    if not ctx.attr.pkg_config or not ctx.which("pkg-config"):
        return []
    return [word[2:] for word in _run(ctx, ["pkg-config", flag, ctx.attr.pkg_config]).split(" ") if word]

def _roots(ctx):
    """Install prefixes named by environment variables, most wanted first, then the usual ones."""
    roots = [ctx.os.environ[name] for name in ctx.attr.home_variables if ctx.os.environ.get(name)]
    if roots:
        return roots  # an explicit choice is not second-guessed
    return ctx.attr.default_roots

def _find(ctx, folders, file):
    for folder in folders:
        if ctx.path(folder + "/" + file).exists:
            return folder
    return None

def _system_library_impl(ctx):
    roots = _roots(ctx)
    includes = _pkg_config(ctx, "--cflags-only-I") + [root + "/include" for root in roots] + _BUILTIN_INCLUDES + ctx.attr.include_candidates
    include = _find(ctx, includes, ctx.attr.header)
    lib_folders = _pkg_config(ctx, "--libs-only-L")
    for root in roots:
        lib_folders += [root + "/lib64", root + "/lib", root + "/targets/x86_64-linux/lib"]
    lib_folders += ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/local/lib", "/usr/lib"]
    lib = _find(ctx, lib_folders, ctx.attr.library) if ctx.attr.library else ""

    found = include != None and lib != None
    ctx.file("state.bzl", "FOUND = %s\n" % found)
    if not found:
        what = ctx.attr.header if include == None else ctx.attr.library
        message = "%s is not installed (looked for %s in %s). %s" % (
            ctx.attr.title,
            what,
            ", ".join(includes if include == None else lib_folders),
            ctx.attr.install,
        )
        ctx.file("BUILD", _MISSING.format(name = ctx.name, message = message.replace("'", "")))
        return

    linkopts = list(ctx.attr.linkopts)
    if lib and not lib.startswith("/usr/lib"):
        linkopts = ["-L" + lib, "-Wl,-rpath," + lib] + linkopts
    if include in _BUILTIN_INCLUDES:
        hdrs, include_flags = "[]", []
    else:
        ctx.symlink(include, "include")
        patterns = ["include/" + pattern for pattern in ctx.attr.header_patterns]
        hdrs = "glob(%r)" % patterns
        include_flags = ["include"] + ["include/" + more for more in ctx.attr.more_includes if ctx.path(include + "/" + more).exists]
    ctx.file("BUILD", _FOUND.format(
        name = ctx.name,
        hdrs = hdrs,
        includes = include_flags,
        defines = ctx.attr.defines,
        linkopts = linkopts,
    ))

system_library = repository_rule(
    implementation = _system_library_impl,
    local = True,
    configure = True,
    environ = ["CUDA_HOME", "NCCL_HOME", "MPI_HOME", "PATH", "PKG_CONFIG_PATH"],
    attrs = {
        "title": attr.string(mandatory = True, doc = "the library's name for people"),
        "install": attr.string(mandatory = True, doc = "what to do when it is missing"),
        "pkg_config": attr.string(doc = "its pkg-config module"),
        "header": attr.string(mandatory = True, doc = "a header that proves it is there"),
        "header_patterns": attr.string_list(default = ["**/*.h", "**/*.hpp"]),
        "more_includes": attr.string_list(doc = "folders below the include folder that are searched too"),
        "library": attr.string(doc = "a library file that proves it is there; empty: headers only"),
        "include_candidates": attr.string_list(),
        "home_variables": attr.string_list(doc = "environment variables that name its install prefix"),
        "default_roots": attr.string_list(),
        "defines": attr.string_list(),
        "linkopts": attr.string_list(),
    },
)

def _system_files_impl(ctx):
    ctx.file("BUILD", "filegroup(name = \"files\", srcs = glob(%r, allow_empty = True), visibility = [\"//visibility:public\"])\n" %
                      ["files/" + pattern for pattern in ctx.attr.patterns])
    if ctx.path(ctx.attr.folder + "/" + ctx.attr.proof).exists:
        ctx.symlink(ctx.attr.folder, "files")

system_files = repository_rule(
    implementation = _system_files_impl,
    doc = "@NAME//:files, data of a Debian package; empty where the package is not installed.",
    local = True,
    configure = True,
    attrs = {
        "folder": attr.string(mandatory = True),
        "proof": attr.string(mandatory = True, doc = "a file that proves that it is there"),
        "patterns": attr.string_list(mandatory = True),
    },
)

def _debian(packages):
    return "On Debian or Ubuntu: apt-get install %s   (or: ./workbench setup)" % packages

def system_libraries():
    """Declares every library that the workbench uses."""
    system_library(
        name = "mpi",
        title = "MPI (Open MPI)",
        install = _debian("libopenmpi-dev openmpi-bin"),
        pkg_config = "ompi-c",
        header = "mpi.h",
        header_patterns = ["*.h"],
        library = "libmpi.so",
        include_candidates = ["/usr/lib/x86_64-linux-gnu/openmpi/include", "/usr/lib/aarch64-linux-gnu/openmpi/include"],
        home_variables = ["MPI_HOME"],
        defines = ["OMPI_SKIP_MPICXX=1"],
        linkopts = ["-lmpi"],
    )
    system_library(
        name = "googletest",
        title = "GoogleTest",
        install = _debian("libgtest-dev libgmock-dev"),
        header = "gtest/gtest.h",
        library = "libgtest.a",
        linkopts = ["-lgmock", "-lgtest", "-lgtest_main", "-lpthread"],
    )
    system_library(
        name = "google_benchmark",
        title = "Google Benchmark",
        install = _debian("libbenchmark-dev"),
        header = "benchmark/benchmark.h",
        library = "libbenchmark.so",
        linkopts = ["-lbenchmark", "-lpthread"],
    )
    system_library(
        name = "cmark_gfm",
        title = "cmark-gfm",
        install = _debian("libcmark-gfm-dev libcmark-gfm-extensions-dev"),
        header = "cmark-gfm.h",
        library = "libcmark-gfm.so",
        linkopts = ["-lcmark-gfm-extensions", "-lcmark-gfm"],
    )
    system_library(
        name = "json",
        title = "nlohmann JSON",
        install = _debian("nlohmann-json3-dev"),
        header = "nlohmann/json.hpp",
    )
    system_library(
        name = "valijson",
        title = "Valijson",
        install = _debian("libvalijson-dev"),
        header = "valijson/validator.hpp",
    )
    system_library(
        name = "sqlite3",
        title = "SQLite",
        install = _debian("libsqlite3-dev"),
        header = "sqlite3.h",
        library = "libsqlite3.so",
        linkopts = ["-lsqlite3"],
    )
    system_library(
        name = "zlib",
        title = "zlib",
        install = _debian("zlib1g-dev"),
        header = "zlib.h",
        library = "libz.so",
        linkopts = ["-lz"],
    )
    system_library(
        name = "zstd",
        title = "Zstandard",
        install = _debian("libzstd-dev"),
        header = "zstd.h",
        library = "libzstd.so",
        linkopts = ["-lzstd"],
    )
    system_library(
        name = "xxhash",
        title = "xxHash",
        install = _debian("libxxhash-dev"),
        header = "xxhash.h",
    )
    system_library(
        name = "uring",
        title = "liburing",
        install = _debian("liburing-dev"),
        header = "liburing.h",
        library = "liburing.so",
        linkopts = ["-luring"],
    )
    system_library(
        name = "cuda",
        title = "the CUDA Toolkit",
        install = "Install it from https://developer.nvidia.com/cuda-downloads and set CUDA_HOME if it is not under /usr/local/cuda.",
        header = "cuda_runtime.h",
        header_patterns = ["*.h", "*.hpp", "crt/*", "cooperative_groups/**", "nv/**", "cccl/nv/**"],
        more_includes = ["cccl"],  # CUDA 13 keeps <nv/target> there
        library = "libcudart.so",
        home_variables = ["CUDA_HOME"],
        default_roots = ["/usr/local/cuda"],
        linkopts = ["-lcudart", "-ldl"],
    )
    system_library(
        name = "nccl",
        title = "NCCL",
        install = "Install it from https://developer.nvidia.com/nccl (Debian and Ubuntu: libnccl-dev from NVIDIAs repository), or set NCCL_HOME.",
        header = "nccl.h",
        header_patterns = ["nccl.h", "nccl_device.h", "nccl_device/**"],
        library = "libnccl.so",
        home_variables = ["NCCL_HOME", "CUDA_HOME"],
        default_roots = ["/usr/local/cuda"],
        linkopts = ["-lnccl"],
    )
    system_files(
        name = "katex",
        folder = "/usr/share/javascript/katex",
        proof = "katex.min.js",
        patterns = ["katex.min.js", "katex.min.css", "fonts/*.woff2"],
    )
    system_files(
        name = "highlight_js",
        folder = "/usr/share/javascript/highlight.js",
        proof = "highlight.min.js",
        patterns = ["highlight.min.js"],
    )
    gpu_probe(name = "gpu_probe")

def _gpu_probe_impl(ctx):
    nvcc = ctx.os.environ.get("CUDA_HOME", "/usr/local/cuda") + "/bin/nvcc"
    has_nvcc = ctx.path(nvcc).exists
    # The device files are there as soon as a driver is loaded and a GPU is visible, in containers too.
    has_gpu = ctx.path("/dev/nvidiactl").exists or ctx.path("/dev/nvidia0").exists
    ctx.file("BUILD", "")
    ctx.file("probe.bzl", "HAS_GPU = %s\nNVCC = %r\nHAS_NVCC = %s\n" % (has_gpu and has_nvcc, nvcc, has_nvcc))

gpu_probe = repository_rule(
    implementation = _gpu_probe_impl,
    local = True,
    configure = True,
    environ = ["CUDA_HOME"],
)
