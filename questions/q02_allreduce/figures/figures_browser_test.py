#!/usr/bin/python3
"""The interactive figures in headless Chromium: stepped through, by keyboard too, in both languages, light and dark, on a
phone, without an error on the console. Needs Debian's python3-selenium, chromium and chromium-driver; without: SKIPPED.

figures_browser_test.py FILE...: the figures' files, of one folder. SCREENSHOTS=FOLDER keeps what was seen.
"""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

try:
    from selenium import webdriver
    from selenium.common.exceptions import SessionNotCreatedException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("SKIPPED: selenium is not installed (Debian: python3-selenium)")
    sys.exit(0)

FIGURES = ["allreduce_steps", "cost_curves"]
ALGORITHMS = ["ring", "doubling", "halving", "tree"]

# What the site offers to a figure: its colours, and workbench.figure().
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>
html { --bg: #ffffff; --fg: #1d232a; --muted: #586270; --line: #dde2e8; --accent: #0a58b5; --accent-fg: #ffffff;
  --code-bg: #f4f6f8; --ok: #17733a; --series-1: #0a58b5; --series-2: #b4480a; --series-3: #17733a; --series-4: #7a3aa8;
  --series-5: #ad1457; --series-6: #0b6e75; }
html[data-theme=dark] { --bg: #10151b; --fg: #e3e8ee; --muted: #9ba7b4; --line: #2d3640; --accent: #74b4ff;
  --accent-fg: #0b1118; --code-bg: #181f27; --ok: #5fd08a; --series-1: #74b4ff; --series-2: #ff9e57;
  --series-3: #5fd08a; --series-4: #c99cf5; --series-5: #ff85b0; --series-6: #56cdd6; }
* { box-sizing: border-box; }
body { margin: 0; padding: 16px; background: var(--bg); color: var(--fg); font: 16px/1.6 system-ui; }
figure { margin: 0 0 40px; max-width: 800px; } img { max-width: 100%; }
</style></head><body><script>
var listeners = [];
var workbench = {figure: function (name, draw) {
  for (const root of document.querySelectorAll("figure[data-figure=" + name + "]")) {
    draw(root, {language: "en", onLanguage: (listener) => listeners.push(listener)});
  }
}};
</script>FIGURES</body></html>"""


def browser(folder):
    """Chromium may not come up in time on a machine that is busy; it gets three tries."""
    for attempt in range(3):
        try:
            return start_browser(f"{folder}/profile{attempt}")
        except SessionNotCreatedException:
            if attempt == 2:
                raise


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--user-data-dir={profile}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


class FiguresTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        base = pathlib.Path(sys.argv[1]).absolute().parent
        figures = "".join(f'<figure data-figure="{name}"><img src="{(base / name).as_uri()}.svg" alt="{name}"></figure>'
                          for name in [*FIGURES, *FIGURES])
        scripts = "".join(f'<script src="{(base / name).as_uri()}.js"></script>' for name in FIGURES)
        page = pathlib.Path(cls.folder.name, "page.html")
        page.write_text(PAGE.replace("FIGURES", figures + scripts), encoding="utf-8")
        cls.page = page.as_uri()
        cls.driver = browser(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.driver.quit()
        cls.folder.cleanup()

    def setUp(self):
        self.media()
        self.open(900)

    def tearDown(self):
        self.assertEqual([], self.driver.get_log("browser"))
        if folder := os.environ.get("SCREENSHOTS"):
            self.driver.save_screenshot(f"{folder}/{self._testMethodName}.png")

    def media(self, **features):
        values = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": values})

    def open(self, width):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
        self.driver.get(self.page)
        for _ in range(100):
            if len(self.all(".q02-figure")) == 2 * len(FIGURES):
                break
            self.driver.execute_async_script("setTimeout(arguments[0], 50)")
        self.assertEqual(2 * len(FIGURES), len(self.all(".q02-figure")), "not every figure came to life")
        self.assertEqual([], self.all("figure img"), "a static image is still there")
        self.steps, self.curves = self.all(".q02-steps")[0], self.all(".q02-cost-curves")[0]

    def all(self, css, root=None):
        return (root or self.driver).find_elements(By.CSS_SELECTOR, css)

    def run_js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, css, root):
        return self.all(css, root)[0].text

    def set_slider(self, slider, value):
        self.run_js("arguments[0].value = arguments[1];"
                    "arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", slider, value)

    def button(self, name):
        return next(button for button in self.all("button", self.steps) if button.accessible_name == name)

    def choose(self, algorithm, ranks):
        self.run_js("arguments[0].click()", self.all(f"input[value={algorithm}]", self.steps)[0])
        self.set_slider(self.all(".slider input", self.steps)[0], ranks)

    def switch_language(self, language):
        self.run_js("for (const listener of listeners) listener(arguments[0])", language)

    # Every piece of every rank is drawn as complete, with a bar for each rank.
    def assert_complete(self, ranks):
        pieces = self.all("svg.stage g.piece", self.steps)
        self.assertGreaterEqual(len(pieces), ranks)
        self.assertEqual(len(pieces), len(self.all("svg.stage g.piece.complete", self.steps)))
        self.assertEqual(ranks * len(pieces), len(self.all("svg.stage g.piece rect[class^=c]", self.steps)))

    def test_every_algorithm_is_stepped_to_its_end(self):
        for algorithm in ALGORITHMS:
            for ranks in [2, 5, 6, 8]:
                with self.subTest(algorithm=algorithm, ranks=ranks):
                    self.choose(algorithm, ranks)
                    self.assertIn("own contribution", self.text(".words", self.steps))
                    self.assertFalse(self.button("previous step").is_enabled())
                    seen = set()
                    while self.button("next step").is_enabled():
                        self.button("next step").click()
                        seen.add(self.text(".title-line", self.steps))
                        self.assertTrue(self.all("svg.stage g.message", self.steps))
                    position = self.all("input.wide", self.steps)[0]
                    self.assertEqual(int(position.get_attribute("max")), len(seen))
                    self.assertIn("checked", self.text(".words", self.steps))
                    self.assert_complete(ranks)

    def test_buttons(self):
        self.button("last step").click()
        self.assertIn("Step 6 of 6", self.text(".title-line", self.steps))
        self.button("previous step").click()
        self.assertIn("Step 5 of 6", self.text(".title-line", self.steps))
        self.button("first step").click()
        self.assertIn("Step 0 of 6", self.text(".title-line", self.steps))
        self.button("play").click()
        self.assertEqual("off", self.all(".words", self.steps)[0].get_attribute("aria-live"))
        self.driver.execute_async_script("setTimeout(arguments[0], 1900)")
        self.button("pause").click()
        self.assertIn("Step 2 of 6", self.text(".title-line", self.steps))
        self.assertEqual("polite", self.all(".words", self.steps)[0].get_attribute("aria-live"))

    def test_keyboard_alone(self):
        keys = lambda *names: ActionChains(self.driver).send_keys(*names).perform()
        focused = lambda: self.driver.switch_to.active_element
        keys(Keys.TAB, Keys.ARROW_RIGHT)  # the algorithms
        self.assertEqual("doubling", focused().get_attribute("value"))
        keys(Keys.TAB, Keys.END)  # the ranks
        keys(Keys.TAB)  # play: at the start there is nothing to go back to
        self.assertEqual("play", focused().accessible_name)
        keys(Keys.TAB, Keys.ENTER)
        self.assertIn("Step 1 of 3", self.text(".title-line", self.steps))
        keys(Keys.ENTER, Keys.ENTER)
        self.assert_complete(8)
        self.all("input.wide", self.steps)[0].send_keys(Keys.HOME, Keys.ARROW_RIGHT)
        self.assertIn("Step 1 of 3", self.text(".title-line", self.steps))

    def test_cost_curves(self):
        ranks, latency, rate, reduction, size = self.all("input", self.curves)
        labels = lambda: [label.text for label in self.all("text.at-change", self.curves)]
        winners = lambda: [rect.get_attribute("class") for rect in self.all("rect.winner", self.curves)]
        self.assertEqual(["106 KiB", "16.3 MiB", "221 MiB"], labels())
        self.assertEqual(["winner w1", "winner w2", "winner w3", "winner w0"], winners())
        self.assertIn("halving-doubling 303 µs best", self.text("table", self.curves))
        self.assertIn("halving-doubling, 303 µs", size.get_attribute("aria-valuetext"))
        latency.send_keys(Keys.HOME)
        self.assertEqual("0.2 µs", latency.get_attribute("aria-valuetext"))
        self.assertNotIn("106 KiB", labels())
        reduction.send_keys(Keys.END)
        self.assertEqual("free", reduction.get_attribute("aria-valuetext"))
        rate.send_keys(Keys.ARROW_RIGHT)
        self.assertEqual("30 GB/s", rate.get_attribute("aria-valuetext"))
        self.set_slider(ranks, 6)
        self.assertEqual("8", ranks.get_attribute("aria-valuetext"))
        before = size.get_attribute("value")
        stage = self.all("svg.stage", self.curves)[0]
        ActionChains(self.driver).move_to_element_with_offset(stage, 120, 0).perform()
        self.assertNotEqual(before, size.get_attribute("value"))

    def test_language(self):
        self.switch_language("zh")
        self.assertIn("第 0 步", self.text(".title-line", self.steps))
        self.assertIn("递归加倍", self.steps.text)
        self.assertIn("算法", self.curves.text)
        for box in [self.steps, self.curves]:
            self.assertEqual("zh-Hans", box.get_attribute("lang"))
            for english in ["ring", "step", "time", "best", "segments"]:
                self.assertNotIn(english, box.text)
        self.switch_language("en")
        self.assertIn("Step 0 of 6", self.text(".title-line", self.steps))
        self.assertEqual("en", self.curves.get_attribute("lang"))

    def test_dark(self):
        fill = "return getComputedStyle(arguments[0]).fill"
        shown = [self.all("svg.stage .box", self.steps)[0], self.all("svg.stage rect.winner", self.curves)[0]]
        light = [self.run_js(fill, element) for element in shown]
        self.run_js("document.documentElement.dataset.theme = 'dark'")
        self.assertEqual(["rgb(255, 255, 255)", "rgb(180, 72, 10)"], light)
        self.assertEqual(["rgb(16, 21, 27)", "rgb(255, 158, 87)"], [self.run_js(fill, element) for element in shown])

    def test_phone(self):
        self.open(360)
        for language in ["en", "zh"]:
            self.switch_language(language)
            for algorithm in ALGORITHMS:
                self.choose(algorithm, 8)
                self.all("input.wide", self.steps)[0].send_keys(Keys.ARROW_RIGHT)
                self.assertLessEqual(self.run_js("return document.documentElement.scrollWidth"), 360)
                cut = self.run_js("""
                  return Array.from(document.querySelectorAll("svg.stage text")).filter((text) => {
                    const box = text.getBoundingClientRect(), stage = text.closest("svg").getBoundingClientRect();
                    return box.left < stage.left - 1 || box.right > stage.right + 1 || box.bottom > stage.bottom + 1;
                  }).map((text) => text.textContent)""")
                self.assertEqual([], cut, f"{algorithm}, {language}: text is cut")

    def test_names(self):
        self.assertEqual(2 * len(self.all("input, button", self.steps) + self.all("input", self.curves)),
                         len(self.all("input, button")))
        for tree in self.all("input[value=tree]"):  # with it, all controls are there
            self.run_js("arguments[0].click()", tree)
        for control in self.all("input, button, svg[role=img]"):
            self.assertTrue(control.accessible_name, control.get_attribute("outerHTML")[:200])
        groups = {radio.get_attribute("name") for radio in self.all("input[type=radio]")}
        self.assertEqual(2, len(groups), "two figures share a group of radio buttons")

    def test_reduced_motion(self):
        name = "return getComputedStyle(arguments[0]).animationName"
        self.button("next step").click()
        message = self.all("svg.stage g.message", self.steps)[0]
        self.assertEqual("q02-steps-in", self.run_js(name, message))
        self.media(prefers_reduced_motion="reduce")
        self.assertEqual("none", self.run_js(name, message))


if __name__ == "__main__":
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        print("SKIPPED: no browser (Debian: chromium, chromium-driver)")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
