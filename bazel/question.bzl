"""The one macro that makes a question, and its counterpart for the reference. No question has branches of its own here."""

load("//bazel:cuda.bzl", "device_code", "device_copts", "device_srcs")
load("//bazel:device.bzl", "CUDA", "GPU_ONLY", "device_select")
load("//docs/render:pages.bzl", "rendered_pages")

# Implementations are judged as they would be used: optimised, with lines for stack traces.
_COPTS = ["-O3", "-g1", "-fno-gnu-unique"]

def _is_device(file):
    return file.endswith(".cu")

def _deps(question):
    return [
        "//questions/%s:api" % question,
        "//harness/answer",
        "//kernels/primitives",
    ]

def implementation(name, src, question, modules = [], libraries = [], visibility = None, tags = []):
    """One part of one implementation: the shared object NAME.so, which exports the question's entry points alone.

    For references: `modules` of kernels/ that are headers, and `libraries` of kernels/ that are linked, each with its
    LIBRARY_checked."""
    deps = _deps(question) + modules + libraries
    common = dict(
        linkshared = True,
        additional_linker_inputs = ["//bazel:exports.lds"],
        linkopts = ["-Wl,--version-script=$(location //bazel:exports.lds)"],
        visibility = visibility,
        testonly = True,
    )
    if _is_device(src):
        device_code(name, src, deps + ["//questions/%s:device_api" % question], testonly = True)

        # NAME_checked.so: with host mode's checks built in.
        for suffix, checked in {"": False, "_checked": True}.items():
            native.cc_binary(
                name = name + suffix + ".so",
                srcs = device_srcs(name),
                copts = device_copts(checked),
                deps = CUDA + [library + suffix for library in libraries],
                tags = tags + ["manual"],
                **common
            )
    else:
        native.cc_binary(
            name = name + ".so",
            srcs = [src],
            copts = _COPTS,
            deps = deps,
            tags = tags,
            **common
        )

def solution(question, parts, modules = {}, libraries = {}):
    """The reference solution of a question: //solutions/QUESTION:reference_PART.so, and its sources for patches.

    `modules`, `libraries`: part -> what it uses of kernels/, as `implementation` has it."""
    native.exports_files(parts.values(), visibility = ["//questions/%s:__pkg__" % question])

    # For the question's layout test.
    native.filegroup(
        name = "all_files",
        srcs = native.glob(["**"]),
        visibility = [
            "//docs:__pkg__",
            "//questions/%s:__pkg__" % question,
        ],
    )

    # For the documentation site.
    native.filegroup(
        name = "pages",
        srcs = native.glob(["*.md", "figures/*.svg", "figures/*.png"]),
        visibility = ["//docs:__pkg__"],
    )
    for part, file in parts.items():
        implementation(
            name = "reference_" + part,
            src = file,
            question = question,
            modules = modules.get(part, []),
            libraries = libraries.get(part, []),
            visibility = ["//questions/%s:__pkg__" % question],
        )

def _patched(name, patch, original):
    """`original` with `patch` applied, exactly: a patch that no longer fits fails to build, and its test with it."""
    extension = ".cu" if _is_device(original) else ".cc"
    native.genrule(
        name = name + "_source",
        srcs = [patch, original],
        outs = [name + extension],
        cmd = "cp -L $(location %s) $@ && chmod u+w $@ && patch --silent --fuzz=0 --force --no-backup-if-mismatch $@ $(location %s) >&2" %
              (original, patch),
        tags = ["manual"],
        testonly = True,
    )
    return name + extension

def _library_args(kind, parts, labels):
    return ["--%s=%s=$(rootpath %s)" % (kind, p, labels[p]) for p in parts]

def _library_data(parts, labels, references):
    data = []
    for p in parts:
        for label in [labels[p], references[p]]:
            if label not in data:
                data.append(label)
    return data

_HOST_ONLY = device_select(gpu = ["//bazel:no_platform"], host = [])
_MODE = device_select(gpu = ["--mode=gpu"], host = ["--mode=host"])
_CHECKED = select({
    "//bazel:cuda_check": ["--checked"],
    "//conditions:default": [],
})

def _grade_test(name, parts, labels, references, args, data = [], size = "medium", tags = [], runner = ":runner", target_compatible_with = []):
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//bazel:run.sh"],
        args = ["$(rootpath :grader)", "--runner=$(rootpath %s)" % runner] + _library_args("library", parts, labels) +
               _library_args("reference", parts, references) + _MODE + _CHECKED + args,
        data = [":grader", runner] + _library_data(parts, labels, references) + data,
        # One at a time: on a GPU they take all of it, and on the CPU a process a rank.
        tags = tags + (["exclusive"] if [p for p in parts if _is_device(parts[p])] else []),
        target_compatible_with = target_compatible_with,
    )

def _stem(path):
    return path.split("/")[-1].split(".")[0]

def _part_of(path, parts):
    part = _stem(path).split("_")[0]
    if part not in parts:
        fail("%s: its name has to begin with a part, one of %s, and an underscore" % (path, parts.keys()))
    return part

def _source(name, path, question, file):
    """The source of a wrong or right answer: the file itself, or what it patches with the patch applied: the reference,
    or for PART_X.on_Y.patch the right answer right/PART_Y."""
    if not path.endswith(".patch"):
        return path
    words = path.split("/")[-1].split(".")
    if len(words) == 3 and words[1].startswith("on_"):
        base = "right/%s_%s.%s" % (words[0].split("_")[0], words[1][len("on_"):], file.split(".")[-1])
        return _patched(name, path, base)
    return _patched(name, path, "//solutions/%s:%s" % (question, file))

def question(name, parts, races = {}, modules = {}, long_seed = "20240229"):
    """Makes every target of a question.

    Args:
      name: the package, such as "q02_allreduce".
      parts: part -> file, such as {"a": "allreduce_host.cc"}; the file is looked for in answer/, skeleton/ and the solution.
      races: known-wrong answers of device parts whose fault a CPU hides, and the check of each: in host mode it is judged
        with the race checker built in.
      modules: part -> header libraries that the reference is made of, for known-wrong and right answers that patch it.
      long_seed: the seed of the tests with fixed inputs.
    The package also defines :api, :grader and :runner; if a part is a .cu, :device_api, and :runner_checked, which has
    the judge's own kernels with host mode's checks.
    """
    seed = "--seed=" + long_seed
    references = {p: "//solutions/%s:reference_%s.so" % (name, p) for p in parts}

    started = False
    answers = {}
    skeletons = {}
    for part, file in parts.items():
        implementation(name = "skeleton_" + part, src = "skeleton/" + file, question = name)
        skeletons[part] = ":skeleton_%s.so" % part
        answers[part] = skeletons[part]
        if native.glob(["answer/" + file]):
            started = True
            implementation(name = "answer_" + part, src = "answer/" + file, question = name, tags = ["manual"])
            answers[part] = ":answer_%s.so" % part
    who = "--implementation=" + ("answer" if started else "skeleton")

    # Typed by hand: fresh inputs each time, never part of //... .
    by_hand = ["manual", "external"]
    _grade_test("grade", parts, answers, references, [who], tags = by_hand, size = "large")
    for part in parts:
        one = {part: parts[part]}
        _grade_test("grade_" + part, one, answers, references, [who, "--part=" + part], tags = by_hand, size = "large")
        _grade_test(
            "reference_grade_" + part,
            one,
            references,
            references,
            ["--implementation=reference", "--part=" + part],
            tags = by_hand,
            size = "large",
        )

    # Host mode's checks over the reference's device parts, and by hand over the answer's: races, bounds, uninitialised reads.
    device_parts = {p: parts[p] for p in parts if _is_device(parts[p])}
    if device_parts:
        for target, labels in {"reference_check_test": references, "check": answers}.items():
            checked = {p: labels[p].replace(".so", "_checked.so") for p in device_parts}
            _grade_test(
                target,
                device_parts,
                checked,
                checked,
                ["--implementation=" + ("reference" if target != "check" else "answer"), "--checked", "--correctness_only"] +
                ([seed] if target != "check" else []),
                tags = [] if target != "check" else by_hand,
                size = "medium" if target != "check" else "large",
                runner = ":runner_checked",
                target_compatible_with = _HOST_ONLY,
            )

    # Not "large": its timeout is called "long", and Bazel's --test_tag_filters=-long would leave it out.
    _grade_test("reference_grade", parts, references, references, ["--implementation=reference"], tags = ["external", "cpu:2"])
    _grade_test("reference_long_test", parts, references, references, ["--implementation=reference", "--long", seed], tags = ["long", "manual"], size = "enormous")
    _grade_test("skeleton_fails_test", parts, skeletons, references, ["--implementation=skeleton", "--expect=wrong", seed])

    # Timing: binaries that start ranks of both.
    for tool in ["benchmark", "compare"]:
        diffs = []
        if tool == "compare":
            diffs = ["--diff=questions/%s/%s/%s:solutions/%s/%s" % (name, "answer" if started else "skeleton", f, name, f) for f in parts.values()]
        native.cc_binary(
            name = tool,
            testonly = True,
            args = ["--runner=$(rootpath :runner)"] + _library_args("answer", parts, answers) +
                   _library_args("reference", parts, references) + _MODE + diffs,
            data = [":runner"] + _library_data(parts, answers, references) +
                   (native.glob(["answer/*"] if started else ["skeleton/*"]) + ["//solutions/%s:%s" % (name, f) for f in parts.values()] if tool == "compare" else []),
            tags = ["manual"],
            deps = [
                ":benchmarks",
                "//grader:%s_main" % tool,
            ],
        )

    # Known-wrong answers: PART_NAME.patch on the reference, or PART_NAME.{cc,cu} of their own.
    for path in native.glob(["wrong/*.patch", "wrong/*.cc", "wrong/*.cu"]):
        stem = _stem(path)
        part = _part_of(path, parts)
        source = _source("wrong_" + stem, path, name, parts[part])
        implementation(name = "wrong_" + stem, src = source, question = name, modules = modules.get(part, []))
        args = ["--implementation=" + stem, "--part=" + part, "--expect=rejected", "--stop_at_first_failure", "--wrong=$(rootpath %s)" % path, seed]
        if stem in races:
            _grade_test(
                "wrong_%s_check_test" % stem,
                {part: parts[part]},
                {part: ":wrong_%s_checked.so" % stem},
                references,
                args + ["--checked", "--correctness_only", "--check=" + races[stem]],
                data = [path],
                runner = ":runner_checked",
                target_compatible_with = _HOST_ONLY,
            )
        _grade_test(
            "wrong_%s_test" % stem,
            {part: parts[part]},
            {part: ":wrong_%s.so" % stem},
            references,
            args,
            data = [path],
            target_compatible_with = GPU_ONLY if stem in races else [],
        )

    # Unusual and right ones.
    for path in native.glob(["right/*.patch", "right/*.cc", "right/*.cu"]):
        stem = _stem(path)
        part = _part_of(path, parts)
        source = _source("right_" + stem, path, name, parts[part])
        implementation(name = "right_" + stem, src = source, question = name, modules = modules.get(part, []))
        _grade_test(
            "right_%s_test" % stem,
            {part: parts[part]},
            {part: ":right_%s.so" % stem},
            references,
            ["--implementation=" + stem, "--part=" + part, "--correctness_only", seed],
        )

    # For the documentation site: its pages, and what they may quote beyond them.
    pages = ["*.md", "*api.h", "figures/*.svg", "figures/*.png", "figures/*.js"]
    native.filegroup(
        name = "pages",
        srcs = native.glob(pages, exclude = ["figures/*_test.js", "figures/render_*.js"]),
        visibility = ["//docs:__pkg__"],
    )
    native.filegroup(
        name = "quotable",
        srcs = native.glob(["*.cc", "*.cu", "*.h", "skeleton/*"], exclude = pages),
        visibility = ["//docs:__pkg__"],
    )

    # What there is to read, as pages for a browser; and a test that nothing is missing or left over.
    rendered_pages(
        name = "spec_html",
        srcs = native.glob(["*.md", "*api.h"]),
        images = native.glob(["figures/*"]),
        others = ["//docs:html"],
    )
    native.sh_test(
        name = "layout_test",
        size = "small",
        srcs = ["//bazel:layout_check.sh"],
        args = [
            "--question=questions/" + name,
            "--solution=solutions/" + name,
            "--grader=$(rootpath :grader)",
        ] + ["%s=%s" % (part, file) for part, file in parts.items()],
        data = native.glob(["**"], exclude = ["answer/**", "answer.*/**"]) + [
            ":grader",
            "//solutions/%s:all_files" % name,
        ],
    )
