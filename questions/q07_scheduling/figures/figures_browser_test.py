#!/usr/bin/python3
"""The replay in headless Chromium: every policy stepped through, by keyboard too, in both languages, light and dark, on
a phone, without an error on the console. Needs Debian's python3-selenium, chromium and chromium-driver; without: SKIPPED.

figures_browser_test.py FILE: a file of the figure's folder, of a tree that has docs/figures too.
SCREENSHOTS=FOLDER keeps what was seen.
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

POLICIES = ["fifo", "sjf", "srtf", "las", "easy", "conservative", "fair", "reclaim"]

# What the site offers to a figure: its colours, and workbench.figure().
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>figures</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>
html { --bg: #ffffff; --fg: #1d232a; --muted: #586270; --line: #dde2e8; --accent: #0a58b5; --accent-fg: #ffffff;
  --code-bg: #f4f6f8; --ok: #17733a; --series-1: #0a58b5; --series-2: #b4480a; }
html[data-theme=dark] { --bg: #10151b; --fg: #e3e8ee; --muted: #9ba7b4; --line: #2d3640; --accent: #74b4ff;
  --accent-fg: #0b1118; --code-bg: #181f27; --ok: #5fd08a; --series-1: #74b4ff; --series-2: #ff9e57; }
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
</script><figure data-figure="schedule_replay"><img src="FOLDER/schedule_replay.svg" alt="replay"></figure>
<script src="FOLDER/schedule_replay.js"></script></body></html>"""


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


class ReplayTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        base = pathlib.Path(os.path.abspath(sys.argv[1])).parent  # not resolved: under Bazel its files are links
        page = pathlib.Path(cls.folder.name, "page.html")
        page.write_text(PAGE.replace("FOLDER", base.as_uri()), encoding="utf-8")
        cls.page = page.as_uri()
        cls.driver = browser(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.driver.quit()
        cls.folder.cleanup()

    def setUp(self):
        self.open(900)

    def tearDown(self):
        self.assertEqual([], self.driver.get_log("browser"))
        if folder := os.environ.get("SCREENSHOTS"):
            self.driver.save_screenshot(f"{folder}/{self._testMethodName}.png")

    def open(self, width):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
        self.driver.get(self.page)
        for _ in range(100):
            if self.all(".q07-replay"):
                break
            self.driver.execute_async_script("setTimeout(arguments[0], 50)")
        self.assertEqual(1, len(self.all(".q07-replay")), "the figure did not come to life")
        self.assertEqual([], self.all("figure img"), "the static image is still there")

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def run_js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, css):
        return self.all(css)[0].text

    def choose(self, value):
        self.run_js("arguments[0].click()", self.all(f"input[value={value}]")[0])

    def button(self, name):
        return next(button for button in self.all("button") if button.accessible_name == name)

    def switch_language(self, language):
        self.run_js("for (const listener of listeners) listener(arguments[0])", language)

    def test_every_policy_is_stepped_to_its_end(self):
        for estimates in ["exact", "padded"]:
            self.choose(estimates)
            for policy in POLICIES:
                with self.subTest(policy=policy, estimates=estimates):
                    self.choose(policy)
                    self.assertIn("Minute 0", self.text(".title-line"))
                    self.assertFalse(self.button("previous step").is_enabled())
                    seen = {self.text(".title-line")}
                    while self.button("next step").is_enabled():
                        self.button("next step").click()
                        seen.add(self.text(".title-line"))
                        self.assertTrue(self.all(".lines li"))
                    position = self.all("input.wide")[0]
                    self.assertEqual(int(position.get_attribute("max")) + 1, len(seen))
                    drawn = {label.text for label in self.all("svg.stage g.past text")}
                    self.assertEqual(set("ABCDEFGH"), drawn)
                    self.assertEqual(1, len(self.all("tr.chosen")))

    def test_reservations_and_reasons(self):
        self.choose("easy")
        self.assertEqual(["B"], [label.text for label in self.all("svg.stage g.planned text")])
        self.assertIn("B is the head", self.text(".lines"))
        self.assertIn("B: 6 GPUs, 3 min", self.text(".queue"))
        self.choose("padded")
        self.assertIn("B: 6 GPUs, 5 min", self.text(".queue"))
        self.choose("fifo")
        self.assertIn("All others wait", self.text(".lines"))

    def test_buttons(self):
        self.button("last step").click()
        self.assertIn("step 11 of 11", self.text(".title-line"))
        self.button("first step").click()
        self.assertIn("step 1 of 11", self.text(".title-line"))
        self.button("play").click()
        self.assertEqual("off", self.all(".lines")[0].get_attribute("aria-live"))
        self.driver.execute_async_script("setTimeout(arguments[0], 2100)")
        self.button("pause").click()
        self.assertIn("step 3 of 11", self.text(".title-line"))
        self.assertEqual("polite", self.all(".lines")[0].get_attribute("aria-live"))

    def test_keyboard_alone(self):
        keys = lambda *names: ActionChains(self.driver).send_keys(*names).perform()
        focused = lambda: self.driver.switch_to.active_element
        keys(Keys.TAB, Keys.ARROW_RIGHT)  # the policies
        self.assertEqual("conservative", focused().get_attribute("value"))
        keys(Keys.TAB, Keys.ARROW_RIGHT)  # the estimates
        self.assertEqual("padded", focused().get_attribute("value"))
        keys(Keys.TAB)  # play: at the start there is nothing to go back to
        self.assertEqual("play", focused().accessible_name)
        keys(Keys.TAB, Keys.ENTER)
        self.assertIn("step 2", self.text(".title-line"))
        self.all("input.wide")[0].send_keys(Keys.END)
        self.assertFalse(self.button("next step").is_enabled())

    def test_language(self):
        self.switch_language("zh")
        self.assertEqual("zh-Hans", self.all(".q07-replay")[0].get_attribute("lang"))
        for policy in POLICIES:
            self.choose(policy)
            while self.all("button")[3].is_enabled():
                self.all("button")[3].click()
                text = self.text(".q07-replay")
                for english in ["step", "starts", "waits", "Ended", "mean", "policy", "undefined"]:
                    self.assertNotIn(english, text)
        self.switch_language("en")
        self.assertIn("Minute", self.text(".title-line"))

    def test_dark(self):
        fill = "return getComputedStyle(arguments[0]).fill"
        box = self.all("svg.stage .t0 .box")[0]
        light = self.run_js(fill, box)
        self.run_js("document.documentElement.dataset.theme = 'dark'")
        self.assertEqual(["rgb(10, 88, 181)", "rgb(116, 180, 255)"], [light, self.run_js(fill, box)])

    def test_phone(self):
        self.open(360)
        for language in ["en", "zh"]:
            self.switch_language(language)
            for policy in POLICIES:
                self.choose(policy)
                self.all("input.wide")[0].send_keys(Keys.END)
                self.assertLessEqual(self.run_js("return document.documentElement.scrollWidth"), 360)
                cut = self.run_js("""
                  return Array.from(document.querySelectorAll("svg.stage text")).filter((text) => {
                    const box = text.getBoundingClientRect(), stage = text.closest("svg").getBoundingClientRect();
                    return box.left < stage.left - 1 || box.right > stage.right + 1 || box.bottom > stage.bottom + 1;
                  }).map((text) => text.textContent)""")
                self.assertEqual([], cut, f"{policy}, {language}: text is cut")

    def test_names(self):
        for control in self.all("input, button, svg[role=img]"):
            self.assertTrue(control.accessible_name, control.get_attribute("outerHTML")[:200])


if __name__ == "__main__":
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        print("SKIPPED: no browser (Debian: chromium, chromium-driver)")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
