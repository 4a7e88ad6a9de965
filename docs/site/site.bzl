"""The documentation site: a folder of static pages, made by //docs/site:build_site."""

def _line(kind, file, path = None):
    return "%s\t%s\t%s" % (kind, path or file.short_path, file.path)

def _after(path, folder):
    """What follows "/folder/" in the path, or the file's name."""
    mark = "/" + folder + "/"
    return path[path.index(mark) + len(mark):] if mark in path else path.split("/")[-1]

def _site_impl(ctx):
    lines = []
    inputs = []
    for kind, files in [
        ("home", ctx.files.home),
        ("question", ctx.files.questions),
        ("chapter", ctx.files.chapters),
        ("more", ctx.files.more),
        ("text", ctx.files.texts),
    ]:
        lines += [_line(kind, file) for file in files]
        inputs += files
    lines += [_line("asset", file, file.basename) for file in ctx.files._assets]
    lines += [_line("asset", file, "katex/" + _after(file.path, "files")) for file in ctx.files.katex]
    lines += [_line("asset", file, "highlight/" + file.basename) for file in ctx.files.highlight]
    inputs += ctx.files._assets + ctx.files.katex + ctx.files.highlight

    manifest = ctx.actions.declare_file(ctx.label.name + "_manifest.txt")
    ctx.actions.write(manifest, "".join([line + "\n" for line in lines]))
    folder = ctx.actions.declare_directory(ctx.label.name + "_html")
    ctx.actions.run(
        outputs = [folder],
        inputs = inputs + [manifest],
        executable = ctx.executable._build_site,
        arguments = ["--manifest", manifest.path, "--output", folder.path],
        mnemonic = "DocsSite",
        progress_message = "Making the documentation site",
    )
    return [DefaultInfo(files = depset([folder]), runfiles = ctx.runfiles([folder]))]

site = rule(
    implementation = _site_impl,
    doc = "NAME_html/, a folder with index.html. Pages are .md files, each with its Chinese twin .zh.md beside it; figures " +
          "(.svg, .png), their scripts (.js) and texts such as headers may stand among them. The order of the list is the " +
          "order of the pages; questions are sorted by name.",
    attrs = {
        "home": attr.label_list(allow_files = [".md"], mandatory = True, doc = "README.md and its twin"),
        "questions": attr.label_list(allow_files = True, doc = "pages of questions/* and solutions/*"),
        "chapters": attr.label_list(allow_files = True),
        "more": attr.label_list(allow_files = True, doc = "pages after the chapters"),
        "texts": attr.label_list(allow_files = True, doc = "files that pages link to, shown as they are"),
        "katex": attr.label_list(allow_files = True, doc = "KaTeX's style, script and fonts; without them formulas are MathML"),
        "highlight": attr.label_list(allow_files = True, doc = "highlight.min.js; without it code has no colours"),
        "_assets": attr.label(default = "//docs/site:assets"),
        "_build_site": attr.label(default = "//docs/site:build_site", executable = True, cfg = "host"),
    },
)
