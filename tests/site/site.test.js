// The built site in Chromium, on a phone and on a desktop, in the light and in the dark: `node tests/site/site.test.js SITE`.
// `npm ci --prefix tests/site` and Debian's package chromium bring everything that the tests need.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const SITE = process.argv[2];
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SCREENS = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 } },
};
// Docstrings and samples, which other tools show too, are as wide as the code of the package.
const WIDE = ["reference/api.html", "reference/events.html"];
const SEARCHES = {
  "user.created": "reference/events.html#user-created",
  "No matching signature found": "how-to/symptoms.html",
  RawPostDataException: "how-to/symptoms.html",
  "body already consumed": "how-to/symptoms.html",
  "None svix verify": "how-to/symptoms.html",
  "403 CSRF": "how-to/symptoms.html",
  "422 Unprocessable": "how-to/symptoms.html",
  "user not found after sign-up": "how-to/symptoms.html",
};
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };
const PAGES = readdirSync(SITE, { recursive: true }).filter((name) => name.endsWith(".html"));

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://site");
  try {
    const content = readFileSync(join(SITE, pathname));
    response.writeHead(200, { "content-type": TYPES[extname(pathname)] ?? "application/octet-stream" }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
let browser;

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Playwright gives each browser a new profile.
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
      .concat("--disable-component-update --disable-sync")
      .split(" "),
  });
});

after(async () => {
  await browser.close();
  server.close();
});

// Opens a page, and collects what the browser complains about.
async function open(screen, name) {
  const context = await browser.newContext({ ...SCREENS[screen], baseURL: `http://127.0.0.1:${server.address().port}` });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(request.url()));
  await page.goto(name);
  return { page, complaints };
}

for (const screen of Object.keys(SCREENS)) {
  for (const name of PAGES) {
    test(`${name} on a ${screen}`, async () => {
      const { page, complaints } = await open(screen, name);
      // On a phone, Furo lets its `.content` scroll instead of the page.
      for (const part of await page.locator("html, .content").all()) {
        const [needed, there] = await part.evaluate((element) => [element.scrollWidth, element.clientWidth]);
        assert.ok(needed <= there, `the page scrolls sideways: ${needed} of ${there} pixels`);
      }
      if (screen === "desktop" && !WIDE.includes(name)) {
        const wide = await page.locator("div:not(.highlight-text) > .highlight > pre").evaluateAll((boxes) =>
          boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent),
        );
        assert.deepEqual(wide, [], "code is cut off");
      }
      await page.addScriptTag({ path: AXE });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
        const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(grave.map(({ id, nodes }) => [id, nodes[0].html]), [], colorScheme);
      }
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }

  for (const [words, target] of Object.entries(SEARCHES)) {
    test(`the search finds ${words} on a ${screen}`, async () => {
      const { page, complaints } = await open(screen, "index.html");
      if (screen === "phone") await page.locator(".nav-overlay-icon").click();
      await page.getByPlaceholder("Search").fill(words);
      await page.keyboard.press("Enter");
      await page.locator(`#search-results a[href*='${target}']`).first().waitFor();
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }
}

test("tools that read find every page as Markdown, and the whole in one file", () => {
  const pages = [...readFileSync(join(SITE, "llms.txt"), "utf-8").matchAll(/\]\(([^)]+\.md)\)/g)].map(([, name]) => name);
  const whole = readFileSync(join(SITE, "llms-full.txt"), "utf-8");
  assert.ok(pages.includes("tutorial/offline.md") && pages.includes("reference/api.md"));
  for (const name of pages) {
    const [title] = readFileSync(join(SITE, name), "utf-8").match(/^# .+$/m);
    assert.ok(whole.includes(title), title);
  }
});
