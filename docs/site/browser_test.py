#!/usr/bin/python3
"""Opens the built site in headless Chromium, from file://, and uses it as a reader does.

browser_test.py --site=FOLDER. Needs Debian's chromium, chromium-driver and python3-selenium, and skips itself without
them. WORKBENCH_AXE=FILE (axe.min.js, of axe-core) adds the check for accessibility.
"""

import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

try:
    from selenium import webdriver
    from selenium.common.exceptions import SessionNotCreatedException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

BROWSERS = ("/usr/bin/chromium", "/usr/bin/google-chrome")
PHONE = (390, 844)
DESKTOP = (1360, 900)
LARGEST_PAGE = 300 * 1000
SPEC = "questions/q02_allreduce/spec.html"
AXE = os.environ.get("WORKBENCH_AXE")

site = None
driver = None


def start_driver(folder):
    """Chromium may not come up in time on a machine that is busy; it gets three tries."""
    for attempt in range(3):
        try:
            return start_browser("%s/%d" % (folder, attempt))
        except SessionNotCreatedException:
            if attempt == 2:
                raise


def start_browser(profile):
    options = Options()
    options.binary_location = next(path for path in BROWSERS if os.path.exists(path))
    for argument in ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US", "--user-data-dir=" + profile]:
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


def pages():
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


def run(script, *arguments):
    return driver.execute_script(script, *arguments)


def find(selector):
    return driver.find_element(By.CSS_SELECTOR, selector)


def press(*keys):
    webdriver.ActionChains(driver).send_keys(*keys).perform()


def until(what, condition):
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not within 10 s: " + what)
        time.sleep(0.05)


class Site(unittest.TestCase):
    def setUp(self):
        self.size(DESKTOP)
        self.media()
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        self.open("index.html")

        # What the test before stored may still be under way to the next page.
        def nothing_is_stored():
            run("localStorage.clear()")
            self.open("index.html")
            return run("return localStorage.length") == 0

        until("nothing is stored", nothing_is_stored)

    def size(self, size):
        width, height = size
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def media(self, scheme="light", media=""):
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def open(self, page):
        driver.get("file://%s/%s" % (site, page))
        until("the page is loaded", lambda: run("return document.readyState") == "complete")

    def console(self):
        return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def background(self):
        return run("return getComputedStyle(document.body).backgroundColor")

    def shown(self, selector):
        return find(selector).is_displayed()

    def focused(self):
        return run("return document.activeElement.id || document.activeElement.className || document.activeElement.tagName")

    # Every page ---------------------------------------------------------------------------------------------------------

    def test_every_page(self):
        self.console()
        self.assertGreater(len(pages()), 10)
        for page in pages():
            with self.subTest(page=page):
                self.assertLess(os.path.getsize(site / page), LARGEST_PAGE)
                self.open(page)
                foreign = run("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !/^(file|data):/.test(n))")
                self.assertEqual(foreign, [], "loaded from a network")
                for language in ("en", "zh"):
                    if run("return document.documentElement.dataset.language") != language:
                        find("#language-button").click()
                    self.check_drawn()
                    for size in (PHONE, DESKTOP):
                        self.size(size)
                        wide = run("return document.documentElement.scrollWidth - innerWidth")
                        self.assertLessEqual(wide, 0, "scrolls sideways, %s, %d wide" % (language, size[0]))
                find("#language-button").click()
                self.assertEqual(self.console(), [])

    def check_drawn(self):
        undrawn = run("""return Array.from(document.querySelectorAll('article')).filter(a => a.getClientRects().length)
          .flatMap(a => Array.from(a.querySelectorAll('[data-tex]'))).filter(e => !e.querySelector('.katex')).map(e => e.dataset.tex)""")
        if run("return Boolean(window.katex)"):
            self.assertEqual(undrawn, [], "formulas that KaTeX does not draw")
        self.assertEqual(run("return Array.from(document.querySelectorAll('img')).filter(i => i.complete && !i.naturalWidth).map(i => i.src)"), [])
        dead = run("""return Array.from(document.querySelectorAll('figure.interactive')).filter(f => f.getClientRects().length &&
          !('drawn' in f.dataset)).map(f => f.dataset.figure)""")
        self.assertEqual(dead, [], "figures whose script has not drawn them")
        shared = run("""const names = Array.from(document.querySelectorAll('fieldset'), f => f.querySelector('input[type=radio]')?.name);
          return names.filter((name, i) => name && names.indexOf(name) !== i)""")
        self.assertEqual(shared, [], "groups of radio buttons that uncheck each other's")

    # Search -------------------------------------------------------------------------------------------------------------

    def search(self, text):
        press("/")
        until("the search is open", lambda: self.shown("#search"))
        until("the index is loaded", lambda: run("return Boolean(window.workbenchSearchIndex)"))
        press(text)
        return [link.text for link in driver.find_elements(By.CSS_SELECTOR, "#search-results a")]

    def test_search(self):
        self.open(SPEC)
        results = self.search("pipelined segments")
        self.assertTrue(any("Tree" in result for result in results), results)
        press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
        self.assertEqual(run("return document.activeElement.parentElement === document.querySelector('#search-results li')"), True)
        press(Keys.ESCAPE)
        self.assertFalse(self.shown("#search"))
        self.assertEqual(self.search("xyzzyxyzzy"), [])
        self.assertEqual(find("#search .state").text, "Nothing found.")

    def test_search_leads_to_the_section(self):
        self.open("docs/metrics.html")
        self.assertTrue(self.search("tolerances roundoff"))
        press(Keys.ENTER)
        until("the section is there", lambda: driver.current_url.endswith("spec.html#tolerances"))
        until("it is in sight", lambda: 0 <= run("return document.getElementById('tolerances').getBoundingClientRect().top") < 450)

    def test_search_in_chinese(self):
        self.open(SPEC + "?lang=zh")
        results = self.search("递归加倍")
        self.assertTrue(results and "递归加倍" in results[0], results)
        press(Keys.ESCAPE)
        self.open(SPEC + "?lang=en")
        self.assertTrue(self.search("递归的加倍"))  # not all pairs of characters are there
        press(Keys.ENTER)
        until("the page is in Chinese", lambda: run("return document.documentElement.dataset.language") == "zh")

    def test_search_makes_no_html(self):
        self.search("<img src=x onerror=alert(1)>")
        self.assertEqual(driver.find_elements(By.CSS_SELECTOR, "#search img"), [])

    # Language -----------------------------------------------------------------------------------------------------------

    def test_language(self):
        self.open(SPEC)
        self.assertTrue(self.shown("article.en") and not self.shown("article.zh"))
        run("window.unchanged = 1; document.getElementById('byte-counts').scrollIntoView()")
        before = run("return document.getElementById('byte-counts').getBoundingClientRect().top")
        find("#language-button").click()
        self.assertTrue(self.shown("article.zh") and not self.shown("article.en"))
        self.assertEqual(run("return window.unchanged"), 1, "the page was loaded anew")
        self.assertEqual(run("return document.documentElement.lang"), "zh-Hans")
        after = run("return document.getElementById('zh-字节数').getBoundingClientRect().top")
        self.assertLess(abs(after - before), 3, "the place in the text is lost")
        self.open("index.html")
        self.assertTrue(self.shown("article.zh"), "the choice is forgotten on the next page")
        self.open("index.html?lang=en")
        self.assertTrue(self.shown("article.en"))
        find("#language-button").click()
        self.assertNotIn("lang=", driver.current_url)

    def test_language_of_the_browser(self):
        agent = run("return navigator.userAgent")
        driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "zh-CN"})
        try:
            self.open("index.html")
            self.assertTrue(self.shown("article.zh"))
        finally:
            driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "en-US"})

    def test_a_place_in_the_other_language(self):
        self.open(SPEC + "?lang=zh#byte-counts")
        until("the twin is in sight", lambda: 0 <= run("return document.getElementById('zh-字节数').getBoundingClientRect().top") < 200)

    # Theme --------------------------------------------------------------------------------------------------------------

    def test_theme(self):
        light = self.background()
        self.media("dark")
        dark = self.background()
        self.assertNotEqual(light, dark)
        for expected, name in ((light, "Theme: light"), (dark, "Theme: dark"), (dark, "Theme: automatic")):
            find("#theme-button").click()
            self.assertEqual((self.background(), find("#theme-button").get_attribute("aria-label")), (expected, name))

        # Chromium writes what a page stores a moment later, the next page may have another process, and a busy machine
        # has lost it for good: then it is chosen once more.
        def known_on_the_next_page():
            find("#theme-button").click()
            self.assertEqual(self.background(), light)
            self.open(SPEC)
            return self.background() == light or self.assertEqual(self.background(), dark)

        until("the choice is known on the next page", known_on_the_next_page)

    # Keyboard and phone -------------------------------------------------------------------------------------------------

    def test_keyboard(self):
        self.open(SPEC)
        order = []
        for _ in range(5):
            press(Keys.TAB)
            order.append(self.focused())
        self.assertEqual(order, ["skip", "brand", "search-button", "language-button", "theme-button"])
        run("document.activeElement.blur(); document.querySelector('.skip').focus()")
        press(Keys.ENTER)
        self.assertEqual(self.focused(), "content")
        press(Keys.TAB)
        self.assertTrue(run("return document.querySelector('main').contains(document.activeElement)"))
        find("#search-button").send_keys(Keys.ENTER)
        until("the search is open", lambda: self.shown("#search"))
        press(Keys.ESCAPE)
        self.assertFalse(self.shown("#search"))
        self.assertEqual(self.focused(), "search-button")

    def test_keyboard_scrolls_boxes_and_opens_answers(self):
        self.size(PHONE)
        self.open(SPEC)
        unreachable = run("""return Array.from(document.querySelectorAll('article pre, article .table')).filter(
          b => b.getClientRects().length && b.scrollWidth > b.clientWidth + 1 && b.tabIndex !== 0).length""")
        self.assertEqual(unreachable, 0)
        run("document.querySelector('article.en details summary').focus()")
        press(Keys.ENTER)
        self.assertTrue(run("return document.querySelector('article.en details').open"))

    def test_phone(self):
        self.size(PHONE)
        self.open(SPEC)
        self.assertFalse(self.shown("#site-nav a"))
        self.assertFalse(run("return document.querySelector('.contents details').open"))
        find("#menu-button").send_keys(Keys.ENTER)
        until("the drawer is open", lambda: self.shown("#site-nav a"))
        self.assertEqual(find("#menu-button").get_attribute("aria-expanded"), "true")
        self.assertTrue(run("return document.getElementById('site-nav').contains(document.activeElement)"))
        press(Keys.ESCAPE)
        until("the drawer is closed", lambda: not self.shown("#site-nav a"))
        self.assertEqual(self.focused(), "menu-button")
        find("#menu-button").click()
        until("the drawer is open", lambda: self.shown("#site-nav a"))
        find("#site-nav a[href$='metrics.html']").click()
        until("the page has changed", lambda: driver.current_url.endswith("docs/metrics.html"))

    # Without JavaScript, on paper -----------------------------------------------------------------------------------------

    def test_without_javascript(self):
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.open_without_script(SPEC)
        self.assertTrue(self.shown("article.en") and self.shown("article.zh") and self.shown("article.en math"))
        self.assertTrue(self.shown("#site-nav a") and self.shown("article.en figure img"))
        self.assertFalse(self.shown("#search-button"))

    def open_without_script(self, page):
        driver.get("file://%s/%s" % (site, page))

    def test_paper(self):
        self.open(SPEC)
        self.media("dark", "print")
        self.assertEqual(self.background(), "rgb(255, 255, 255)")
        self.assertTrue(self.shown("article.en") and not self.shown("#site-nav") and not self.shown(".top"))

    # Figures ------------------------------------------------------------------------------------------------------------

    def test_figures(self):
        run("""
          const article = document.querySelector("article.en");
          for (const name of ["good", "bad"]) {
            const figure = document.createElement("figure");
            figure.className = "interactive";
            figure.dataset.figure = name;
            figure.innerHTML = "<img alt=''>";
            article.append(figure);
          }
          workbench.figure("good", (root, context) => { root.textContent = "drawn in " + context.language; });
          workbench.figure("bad", (root) => { root.textContent = "half"; throw new Error("no"); });
        """)
        self.assertEqual(find("[data-figure=good]").text, "drawn in en")
        self.assertEqual(find("[data-figure=bad]").get_attribute("innerHTML"), '<img alt="">')
        self.assertIn("figure bad", self.console()[0])

    # Accessibility --------------------------------------------------------------------------------------------------------

    @unittest.skipUnless(AXE, "WORKBENCH_AXE is not set")
    def test_axe(self):
        source = pathlib.Path(AXE).read_text(encoding="utf-8")
        driver.set_script_timeout(60)
        for page in pages():
            for scheme, language, size in (("light", "en", DESKTOP), ("dark", "zh", PHONE)):
                with self.subTest(page=page, scheme=scheme, language=language):
                    self.size(size)
                    self.media(scheme)
                    self.open(page + "?lang=" + language)
                    self.axe(source)
        self.open(SPEC + "?lang=en")
        self.search("ring")
        self.axe(source)

    def axe(self, source):
        run("for (const details of document.querySelectorAll('article details')) details.open = true;")
        run(source)
        result = driver.execute_async_script("axe.run().then(arguments[0], (e) => arguments[0]({error: String(e)}))")
        self.assertNotIn("error", result)
        self.assertGreater(len(result["passes"]), 5)
        bad = ["%s: %s: %s" % (v["impact"], v["id"], [n["target"] for n in v["nodes"]][:4])
               for v in result["violations"] if v["impact"] in ("serious", "critical")]
        self.assertEqual(bad, [])


def main():
    global site, driver
    folder = next((argument[len("--site="):] for argument in sys.argv[1:] if argument.startswith("--site=")), None)
    if folder is None:
        print("usage: browser_test.py --site=FOLDER [TEST...]", file=sys.stderr)
        return 2
    site = pathlib.Path(folder).resolve()
    if webdriver is None or not any(map(os.path.exists, BROWSERS)) or not shutil.which("chromedriver"):
        print("SKIPPED: no headless browser: apt-get install chromium chromium-driver python3-selenium")
        return 0
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as profile:
        os.environ.setdefault("HOME", profile)
        driver = start_driver(profile)
        try:
            result = unittest.main(argv=[sys.argv[0]] + ["Site." + name for name in names], exit=False).result
        finally:
            driver.quit()
    if result.wasSuccessful() and not AXE:
        print("The accessibility check was left out: WORKBENCH_AXE names no axe.min.js.")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
