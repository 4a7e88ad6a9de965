"""Pages for a browser, made from Markdown and headers."""

def rendered_pages(name, srcs, images = [], others = [], visibility = None):
    """NAME: X.html for each X.md, and X.h.html for each header X.h. Images are embedded; links lead to the rendered pages.

    Args:
      name: the filegroup of all pages.
      srcs: Markdown files and headers of this package.
      images: what they show.
      others: pages of other packages that they link to, to be made as well.
      visibility: of NAME.
    """
    pages = []
    for src in srcs:
        page = src[:-len(".md")] + ".html" if src.endswith(".md") else src + ".html"
        native.genrule(
            name = name + "_" + page.replace(".", "_"),
            srcs = [src] + images + others,
            outs = [page],
            cmd = "$(location //docs/render:markdown_to_html) $(location %s) $@" % src,
            tools = ["//docs/render:markdown_to_html"],
        )
        pages.append(page)
    native.filegroup(name = name, srcs = pages, visibility = visibility)
