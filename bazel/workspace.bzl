"""Everything outside the tree: stand-ins for what Bazel would download, and the system's libraries."""

load("//bazel:system_library.bzl", "system_libraries")

_RULES_CC_DEFS = """
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
"""

_RULES_JAVA_DEFS = """
java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_lite_proto_library = native.java_lite_proto_library
java_plugin = native.java_plugin
java_proto_library = native.java_proto_library
java_test = native.java_test
java_package_configuration = native.java_package_configuration
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
"""

def _stand_in_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    for path, content in ctx.attr.files.items():
        ctx.file(path, content)

# A repository written from literals, where Bazel would otherwise fetch one.
_stand_in = repository_rule(
    implementation = _stand_in_impl,
    attrs = {"files": attr.string_dict()},
    local = True,
)

def workbench_repositories():
    """Debian's Bazel (no version string) has no network rules: give it stand-ins. An upstream Bazel keeps its own."""
    if not native.bazel_version:
        _stand_in(name = "rules_cc", files = {
            "BUILD": "",
            "cc/BUILD": "exports_files(glob([\"*.bzl\"]))\n",
            "cc/defs.bzl": _RULES_CC_DEFS,
        })
        _stand_in(name = "rules_java", files = {
            "BUILD": "",
            "java/BUILD": "exports_files(glob([\"*.bzl\"]))\n",
            "java/defs.bzl": _RULES_JAVA_DEFS,
        })
        _stand_in(name = "remote_coverage_tools", files = {
            "BUILD": "filegroup(name = \"coverage_report_generator\", visibility = [\"//visibility:public\"])\n",
        })
    system_libraries()
